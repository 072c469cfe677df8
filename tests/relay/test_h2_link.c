/*
 * test_h2_link.c: requests at members of HTTP/2 (relay/h2_link.h, h2_leg.h) in the network of
 * gate/net.h: what of RFC 9113 stands at its bounds, streams and connections that end at any time,
 * windows and limits that change under way. What must hold of requests and answers is checked by
 * gate/h2_peer.h.
 */
#include "gate/h2_peer.h"

#include "gate/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define END          NGHTTP2_FLAG_END_STREAM
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- what a client got ----------------------------------------------------------------------- */

static const struct gate_client *
client(unsigned n)
{
	gate_client_check(&gate.client[n]);
	return &gate.client[n];
}

/* The status of its only answer; 0: it has none yet. */
static int
status(unsigned n)
{
	return client(n)->answered > 0 ? client(n)->status[0] : 0;
}

static bool
is_whole(unsigned n)
{
	return client(n)->answered > 0 && client(n)->whole[0];
}

static bool
got(unsigned n, const char *text)
{
	const struct gate_bytes *b = &gate.client[n].got;
	return memmem(b->at, b->bytes, text, strlen(text)) != NULL;
}

static bool
asks(const struct h2_asked *a, const char *line)
{
	return strstr(a->head, line) != NULL;
}

/* A request that waits at its member. */
static struct h2_asked *
one(const char *method, size_t body_bytes)
{
	assert_true(h2_begin());
	(void)h2_ask(0, method, body_bytes);
	return h2_asked(0);
}

/* ---- plain ----------------------------------------------------------------------------------- */

static void
test_a_request_is_a_stream(void **state)
{
	struct h2_asked *a = one("POST", 300);
	(void)state;
	assert_true(a->ended && a->id == 1);
	assert_true(strncmp(a->head, ":method: POST\n:scheme: http\n:path: /r0.", 39) == 0);
	assert_true(asks(a, "\n:authority: shop\n") && asks(a, "\ncontent-length: 300\n"));
	assert_false(asks(a, "\nconnection: ") || asks(a, "\nhost: "));
	h2_answer(a, 1000);
	gate_run();
	assert_true(status(0) == 200 && is_whole(0) && client(0)->body_bytes[0] == 1000);
	/* The next one over the same connection. */
	(void)h2_ask(0, "GET", 0);
	assert_int_equal(h2_asked(1)->id, 3);
	assert_int_equal(h2_peers.peer_count, 1);
	h2_answer(h2_asked(1), 0);
	gate_run();
	assert_int_equal(client(0)->answered, 2);
	h2_end();
}

static void
test_answers_in_any_order_find_their_requests(void **state)
{
	(void)state;
	assert_true(h2_begin());
	for (unsigned i = 0; i < GATE_CLIENTS; i++)
		(void)h2_ask(i, i % 2 == 0 ? "GET" : "POST", i % 2 == 0 ? 0 : 100);
	assert_int_equal(h2_peers.peer_count, 1);
	for (size_t i = GATE_CLIENTS; i-- > 0;)
		h2_head(h2_asked(i), 200, 0, NULL);
	for (size_t i = 0; i < GATE_CLIENTS; i++)
		h2_data(h2_asked(i), 10 + i, 0);
	for (size_t i = GATE_CLIENTS; i-- > 0;)
		h2_data(h2_asked(i), 100, END);
	gate_run();
	for (unsigned i = 0; i < GATE_CLIENTS; i++)
		assert_true(is_whole(i) && client(i)->body_bytes[0] == 110 + i);
	h2_end();
}

static void
test_the_end_with_the_head(void **state)
{
	static const struct {
		const char *method;
		int status;
		const char *fields;
		bool has_length; /* of 0, towards the client */
	} table[] = {
	    {"GET", 200, NULL, true},
	    {"GET", 204, NULL, false},
	    {"GET", 304, NULL, false},
	    {"HEAD", 200, "content-length: 77\n", false},
	    {"GET", 200, "content-length: 0\n", true},
	    {"GET", 500, NULL, true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one(table[i].method, 0);
		h2_head(a, table[i].status, END, table[i].fields);
		gate_run();
		assert_int_equal(status(0), table[i].status);
		assert_true(is_whole(0));
		assert_int_equal(got(0, "Content-Length: 0\r\n") || got(0, "content-length: 0\r\n"),
				 table[i].has_length);
		h2_end();
	}
}

/* What can have no body is whole with its head; the stream's end is waited for, apart. */
static void
test_the_end_behind_a_head_without_body(void **state)
{
	static const char *const methods[] = {"HEAD", "GET", "GET"};
	static const int statuses[] = {200, 204, 304};
	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		struct h2_asked *a = one(methods[i], 0);
		h2_head(a, statuses[i], 0, NULL);
		gate_run();
		assert_true(is_whole(0) && !a->was_reset);
		gate_wait(1000);
		assert_false(a->was_reset);
		if (i == 0) {
			gate_wait(2000);
			assert_true(a->was_reset && a->code == NGHTTP2_CANCEL);
		} else {
			h2_data(a, 0, END);
			gate_run();
			gate_wait(3000);
			assert_false(a->was_reset);
		}
		h2_end();
	}
}

/* ---- Content-Length against DATA (RFC 9113 section 8.1.1) --------------------------------------
 */

static void
test_lengths(void **state)
{
	static const struct {
		size_t length;
		size_t first;
		size_t last;
		bool whole;
	} table[] = {
	    {10, 10, 0, true},  {10, 4, 6, true},  {10, 9, 0, false},
	    {10, 11, 0, false}, {10, 10, 1, true}, {0, 0, 1, true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one("GET", 0);
		char fields[40];
		(void)snprintf(fields, sizeof(fields), "content-length: %zu\n", table[i].length);
		h2_head(a, 200, 0, fields);
		h2_data(a, table[i].first, 0);
		gate_run();
		h2_data(a, table[i].last, END);
		gate_run();
		assert_int_equal(is_whole(0), table[i].whole);
		assert_true(table[i].whole || a->was_reset || table[i].length == 0 ||
			    status(0) == 502 || !gate.client[0].end);
		/* The connection goes on. */
		(void)h2_ask(1, "GET", 0);
		assert_ptr_equal(h2_asked(h2_peers.asked_count - 1)->peer, a->peer);
		h2_end();
	}
}

static void
test_lengths_that_are_none(void **state)
{
	static const char *const table[] = {
	    "content-length: 5\ncontent-length: 5\n",
	    "content-length: 5, 5\n",
	    "content-length: -1\n",
	    "content-length: +5\n",
	    "content-length: 5a\n",
	    "content-length: 99999999999999999999\n",
	    "content-length: \n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one("GET", 0);
		h2_head(a, 200, 0, table[i]);
		h2_data(a, 5, END);
		gate_run();
		if (status(0) != 502)
			fail_msg("%s: %d", table[i], status(0));
		h2_end();
	}
}

/* ---- heads ----------------------------------------------------------------------------------- */

static void
test_heads_that_are_none(void **state)
{
	static const char *const table[] = {
	    "X-A: b\n",               /* capitals */
	    "x a: b\n",               /* no token */
	    ":path: /\n",             /* of a request */
	    ":status: 200\n",         /* two */
	    ":unknown: x\n",          /* of nobody */
	    "x-a: b\n:status: 200\n", /* behind a field */
	    "connection: close\n",
	    "keep-alive: x\n",
	    "proxy-connection: x\n",
	    "transfer-encoding: chunked\n",
	    "upgrade: websocket\n",
	    "x-a: b\rc\n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one("GET", 0);
		h2_head(a, 200, END, table[i]);
		gate_run();
		if (status(0) != 502 || !is_whole(0))
			fail_msg("%s: %d", table[i], status(0));
		assert_false(a->peer->end == NULL || a->peer->goaway);
		h2_end();
	}
}

static void
test_statuses_that_are_none(void **state)
{
	static const int table[] = {0, 10, 99, 101, 1000, 2000};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one("POST", 10);
		h2_head(a, table[i], END, NULL);
		gate_run();
		if (status(0) != 502)
			fail_msg("%d: %d", table[i], status(0));
		h2_end();
	}
}

static void
test_interim_answers(void **state)
{
	struct h2_asked *a = one("GET", 0);
	(void)state;
	h2_head(a, 103, 0, "link: </x>\n");
	gate_run();
	assert_true(got(0, "HTTP/1.1 103") && status(0) == 0);
	h2_head(a, 100, 0, NULL);
	h2_answer(a, 5);
	gate_run();
	assert_true(status(0) == 200 && is_whole(0));
	h2_end();
	/* None ends a stream, and none follows the final one. */
	a = one("GET", 0);
	h2_head(a, 103, END, NULL);
	gate_run();
	assert_int_equal(status(0), 502);
	h2_end();
	a = one("GET", 0);
	h2_head(a, 200, 0, NULL);
	h2_data(a, 5, 0);
	gate_run();
	h2_head(a, 103, 0, NULL);
	gate_run();
	assert_true(status(0) == 200 && !is_whole(0));
	h2_end();
}

/* ---- trailers -------------------------------------------------------------------------------- */

static void
test_trailers(void **state)
{
	struct h2_asked *a = one("GET", 0);
	(void)state;
	h2_head(a, 200, 0, NULL);
	h2_data(a, 5, 0);
	h2_trailers(a, "x-sum: 1\nx-more: 2\n");
	gate_run();
	assert_true(is_whole(0) && got(0, "x-sum: 1\r\n"));
	h2_end();
}

static void
test_trailers_that_are_none(void **state)
{
	static const char *const table[] = {":status: 200\n", "X-A: b\n", "connection: close\n",
					    "x-a: b\rc\n", "transfer-encoding: chunked\n"};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one("GET", 0);
		h2_head(a, 200, 0, NULL);
		h2_data(a, 5, 0);
		gate_run();
		h2_trailers(a, table[i]);
		a->said_all = false; /* they end nothing */
		gate_run();
		if (is_whole(0))
			fail_msg("%s", table[i]);
		h2_end();
	}
}

/* Chunks of a client are no chunks any more, and its trailers are trailers. */
static void
test_trailers_of_a_request(void **state)
{
	const struct gate_ask ask = {.method = "POST",
				     .minor = 1,
				     .framing = WIRE_CHUNKED,
				     .body_bytes = 1000,
				     .chunk_bytes = 7};
	(void)state;
	assert_true(h2_begin());
	gate_open(0);
	gate_ask(0, &ask);
	gate_push(0, SIZE_MAX);
	struct h2_asked *a = h2_asked(0);
	assert_true(a->ended && a->body_bytes == 1000 && a->trailers == 1);
	assert_false(asks(a, "\ntransfer-encoding") || asks(a, "\ncontent-length"));
	h2_answer(a, 1);
	gate_run();
	assert_true(is_whole(0));
	h2_end();
}

/* ---- RST_STREAM ------------------------------------------------------------------------------ */

/* RFC 9113 section 8.1: an answer that came early is whole, whatever becomes of the request. */
static void
test_a_reset_behind_the_whole_answer(void **state)
{
	static const uint32_t codes[] = {NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL,
					 NGHTTP2_REFUSED_STREAM};
	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		assert_true(h2_begin());
		h2_peers.settings[0] =
		    (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10};
		h2_peers.setting_count = 1;
		(void)h2_ask(0, "POST", 1000);
		struct h2_asked *a = h2_asked(0);
		assert_true(!a->ended && a->body_bytes == 10);
		h2_answer(a, 20);
		h2_reset(a, codes[i]);
		gate_run();
		assert_true(status(0) == 200 && is_whole(0));
		assert_int_equal(h2_peers.asked_count, 1);
		h2_end();
	}
}

static void
test_a_reset_before_an_answer(void **state)
{
	static const struct {
		const char *method;
		uint32_t code;
		size_t times; /* that members get it */
	} table[] = {
	    {"POST", NGHTTP2_INTERNAL_ERROR, 1}, {"POST", NGHTTP2_NO_ERROR, 1},
	    {"POST", NGHTTP2_CANCEL, 1},         {"POST", NGHTTP2_REFUSED_STREAM, 2},
	    {"GET", NGHTTP2_INTERNAL_ERROR, 2},  {"GET", NGHTTP2_REFUSED_STREAM, 2},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct h2_asked *a = one(table[i].method, 0);
		h2_reset(a, table[i].code);
		gate_run();
		assert_int_equal(h2_peers.asked_count, table[i].times);
		if (table[i].times == 1)
			assert_int_equal(status(0), 502);
		else
			h2_answer(h2_asked(1), 3);
		gate_run();
		assert_int_equal(status(0), table[i].times == 1 ? 502 : 200);
		h2_end();
	}
}

/* Who has spoken has processed it. */
static void
test_a_refusal_behind_an_interim_answer_is_none(void **state)
{
	struct h2_asked *a = one("POST", 0);
	(void)state;
	h2_head(a, 103, 0, NULL);
	gate_run();
	h2_reset(a, NGHTTP2_REFUSED_STREAM);
	a->refused = false;
	gate_run();
	assert_int_equal(h2_peers.asked_count, 1);
	assert_int_equal(status(0), 502);
	h2_end();
}

/* ---- GOAWAY ---------------------------------------------------------------------------------- */

static void
test_goaway_parts_the_streams(void **state)
{
	(void)state;
	assert_true(h2_begin());
	for (unsigned i = 0; i < 3; i++)
		(void)h2_ask(i, "POST", 10);
	struct h2_peer *first = h2_asked(0)->peer;
	h2_goaway(first, h2_asked(1)->id, NGHTTP2_NO_ERROR);
	gate_run();
	/* The third was not processed: over another connection it comes again. */
	assert_int_equal(h2_peers.asked_count, 4);
	assert_ptr_not_equal(h2_asked(3)->peer, first);
	assert_int_equal(h2_asked(3)->number, h2_asked(2)->number);
	/* New ones do not go to the first, and those that it has finish. */
	(void)h2_ask(3, "POST", 10);
	assert_ptr_equal(h2_asked(4)->peer, h2_asked(3)->peer);
	for (size_t i = 0; i < 5; i++) {
		if (i != 2)
			h2_answer(h2_asked(i), 10);
	}
	gate_run();
	for (unsigned i = 0; i < 4; i++)
		assert_true(status(i) == 200 && is_whole(i));
	assert_null(first->end);
	h2_end();
}

static void
test_goaway_that_takes_streams_back(void **state)
{
	(void)state;
	assert_true(h2_begin());
	(void)h2_ask(0, "POST", 10);
	(void)h2_ask(1, "POST", 10);
	h2_goaway(h2_asked(0)->peer, INT32_MAX, NGHTTP2_NO_ERROR);
	gate_run();
	assert_int_equal(h2_peers.asked_count, 2);
	h2_goaway(h2_asked(0)->peer, h2_asked(0)->id, NGHTTP2_INTERNAL_ERROR);
	gate_run();
	assert_int_equal(h2_peers.asked_count, 3);
	h2_answer(h2_asked(0), 10);
	h2_answer(h2_asked(2), 10);
	gate_run();
	assert_true(is_whole(0) && is_whole(1));
	h2_end();
}

/* A request and GOAWAY in one round of the loop: nothing of it left, and it goes elsewhere. */
static void
ask_beside(unsigned n, struct h2_peer *p)
{
	const struct gate_ask ask = {.method = "POST", .minor = 1, .key = 0};
	gate_ask(n, &ask);
	p->out.done += mem_write(p->end, p->out.at + p->out.done, p->out.bytes - p->out.done);
	gate_push(n, SIZE_MAX);
	gate_run();
}

static void
test_goaway_before_a_request_left(void **state)
{
	(void)state;
	assert_true(h2_begin());
	gate_open(1);
	(void)h2_ask(0, "GET", 0);
	struct h2_peer *p = h2_asked(0)->peer;
	h2_goaway(p, 1, NGHTTP2_NO_ERROR);
	ask_beside(1, p);
	assert_int_equal(h2_peers.asked_count, 2);
	assert_ptr_not_equal(h2_asked(1)->peer, p);
	h2_answer(h2_asked(0), 10);
	h2_answer(h2_asked(1), 10);
	gate_run();
	assert_true(is_whole(0) && is_whole(1));
	h2_end();
}

/* ---- SETTINGS, windows ----------------------------------------------------------------------- */

static void
test_windows_that_change_under_way(void **state)
{
	(void)state;
	assert_true(h2_begin());
	h2_peers.settings[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100};
	h2_peers.setting_count = 1;
	(void)h2_ask(0, "POST", 1000);
	struct h2_asked *a = h2_asked(0);
	assert_int_equal(a->body_bytes, 100);
	/* More for all streams; then below zero; then by the stream's own. */
	h2_settings(a->peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 300);
	gate_run();
	assert_int_equal(a->body_bytes, 300);
	h2_settings(a->peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	h2_window(a->peer, a->id, 250);
	gate_run();
	assert_int_equal(a->body_bytes, 300);
	h2_window(a->peer, a->id, 150);
	gate_run();
	assert_int_equal(a->body_bytes, 400);
	h2_window(a->peer, a->id, 10000);
	gate_run();
	assert_true(a->ended);
	h2_answer(a, 10);
	gate_run();
	assert_true(is_whole(0));
	h2_end();
}

/* Of a stream: it ends alone. Of the connection, or by SETTINGS: all of it (section 6.9); and
 * nghttp2 takes a WINDOW_UPDATE of nothing for an error of the connection, as it may. */
static void
test_windows_that_overflow(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++) {
		assert_true(h2_begin());
		(void)h2_ask(0, "GET", 0);
		(void)h2_ask(1, "POST", 0);
		struct h2_asked *a = h2_asked(0);
		struct h2_peer *p = a->peer;
		if (what == 0)
			h2_window(p, a->id, INT32_MAX);
		else if (what == 1)
			h2_window(p, 0, INT32_MAX);
		else if (what == 2)
			h2_settings(p, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UINT32_C(1) << 31);
		else
			h2_window(p, a->id, 0);
		gate_run();
		bool alone = what == 0;
		assert_int_equal(p->end != NULL, alone);
		assert_int_equal(status(1), alone ? 0 : 502);
		h2_end();
	}
}

/* The client takes nothing: the member may send its window and no more, and memory is bounded. */
static void
test_a_client_that_reads_nothing(void **state)
{
	struct h2_asked *a = one("GET", 0);
	(void)state;
	gate.client[0].reads = false;
	mem_net.window = 1000;
	h2_head(a, 200, 0, NULL);
	h2_data(a, 65535, 0);
	gate_run();
	(void)h2_ask(1, "GET", 0);
	h2_answer(h2_asked(1), 40000);
	gate_run();
	assert_true(is_whole(1));
	gate.client[0].reads = true;
	gate_run();
	h2_data(a, 100, END);
	gate_run();
	assert_true(is_whole(0) && client(0)->body_bytes[0] == 65635);
	h2_end();
}

static void
test_as_many_streams_as_the_member_takes(void **state)
{
	(void)state;
	assert_true(h2_begin());
	h2_peers.settings[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2};
	h2_peers.setting_count = 1;
	for (unsigned i = 0; i < 3; i++)
		(void)h2_ask(i, "POST", 10);
	assert_ptr_equal(h2_asked(0)->peer, h2_asked(1)->peer);
	assert_ptr_not_equal(h2_asked(0)->peer, h2_asked(2)->peer);
	/* More from now on. */
	h2_settings(h2_asked(2)->peer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100);
	gate_run();
	(void)h2_ask(3, "GET", 0);
	assert_ptr_equal(h2_asked(3)->peer, h2_asked(2)->peer);
	for (size_t i = 0; i < 4; i++)
		h2_answer(h2_asked(i), 10);
	gate_run();
	for (unsigned i = 0; i < 4; i++)
		assert_true(is_whole(i));
	h2_end();
}

/* Nothing of it left yet, and the member takes no more: it goes over another connection. */
static void
test_fewer_streams_before_a_request_left(void **state)
{
	(void)state;
	for (uint32_t most = 0; most <= 1; most++) {
		assert_true(h2_begin());
		gate_open(1);
		(void)h2_ask(0, "GET", 0);
		struct h2_peer *p = h2_asked(0)->peer;
		h2_settings(p, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most);
		/* Both at once: the request is begun in the round in which SETTINGS come. */
		ask_beside(1, p);
		assert_int_equal(h2_peers.asked_count, 2);
		assert_ptr_not_equal(h2_asked(1)->peer, p);
		h2_answer(h2_asked(0), 10);
		h2_answer(h2_asked(1), 10);
		gate_run();
		assert_true(is_whole(0) && is_whole(1));
		h2_end();
	}
}

/* A member whose socket takes nothing: what never left is repeated when its time is over. */
static void
test_a_post_that_never_left_goes_elsewhere(void **state)
{
	(void)state;
	assert_true(h2_begin());
	h2_peers.settings[0] =
	    (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535};
	h2_peers.setting_count = 1;
	mem_net.window = 2000;
	(void)h2_ask(0, "GET", 0);
	struct h2_peer *p = h2_asked(0)->peer;
	mem_net.window = MEM_WINDOW;
	unsigned member = p->member;
	h2_peers.deaf[member] = true;
	(void)h2_ask(1, "PUT", 15000); /* fills what waits */
	(void)h2_ask(2, "POST", 100);
	assert_int_equal(h2_peers.asked_count, 1);
	gate_wait(4000);
	struct h2_asked *last = h2_asked(h2_peers.asked_count - 1);
	assert_int_not_equal(last->peer->member, member);
	h2_peers.answers = true;
	gate_run();
	assert_true(status(2) == 200 && is_whole(2));
	h2_end();
}

/* ---- greetings ------------------------------------------------------------------------------- */

static void
test_nothing_leaves_before_the_greeting(void **state)
{
	(void)state;
	assert_true(h2_begin());
	h2_peers.silent = true;
	(void)h2_ask(0, "POST", 10);
	(void)h2_ask(1, "POST", 10);
	assert_true(h2_peers.peer_count == 1 && h2_peers.asked_count == 0);
	h2_peers.settings[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1};
	h2_peers.setting_count = 1;
	h2_peers.silent = false;
	h2_greet(&h2_peers.peer[0]);
	gate_run();
	assert_int_equal(h2_peers.asked_count, 2);
	assert_ptr_not_equal(h2_asked(0)->peer, h2_asked(1)->peer);
	h2_answer(h2_asked(0), 1);
	h2_answer(h2_asked(1), 1);
	gate_run();
	assert_true(is_whole(0) && is_whole(1));
	h2_end();
}

/* The kernel refuses to watch it while requests wait for its greeting: they end, once. */
static void
test_a_greeting_that_cannot_be_waited_for(void **state)
{
	(void)state;
	assert_true(h2_begin());
	h2_peers.silent = true;
	gate_open(0);
	mem_net.window = 10; /* the preface does not fit: writing is watched for */
	mem_net.no_writing = true;
	gate.short_of = true;
	h2_peers.deaf[0] = h2_peers.deaf[1] = true;
	(void)h2_ask(0, "GET", 0);
	gate_wait(1500);
	assert_int_not_equal(status(0), 0);
	h2_end();
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void
test_a_connection_that_ends_with_streams(void **state)
{
	(void)state;
	for (int hard = 0; hard < 2; hard++) {
		assert_true(h2_begin());
		(void)h2_ask(0, "GET", 0);
		(void)h2_ask(1, "POST", 10);
		(void)h2_ask(2, "GET", 0);
		h2_answer(h2_asked(2), 100);
		struct h2_asked *a = h2_asked(2);
		gate_run();
		h2_peer_close(a->peer, hard != 0);
		gate_run();
		assert_int_equal(status(1), 502);
		assert_true(is_whole(2));
		struct h2_asked *again = h2_asked(3);
		assert_int_equal(again->number, h2_asked(0)->number);
		h2_answer(again, 10);
		gate_run();
		assert_true(is_whole(0));
		h2_end();
	}
}

/* The worker ends while a stream is to end by itself: it and its connection end with it. */
static void
test_the_worker_ends_before_a_stream_that_lingers(void **state)
{
	struct h2_asked *a = one("HEAD", 0);
	(void)state;
	h2_head(a, 200, 0, NULL);
	gate_run();
	assert_true(is_whole(0));
	h2_peers.answers = true;
	gate_leave(0, false);
	gate.settled = true; /* at once: gate_end finds what is left */
	h2_end();
}

/* Each allocation fails in turn, and all from one on: no answer is taken for another. */
static void
exercise(void)
{
	for (unsigned i = 0; i < 3; i++)
		(void)h2_ask(i, i == 1 ? "POST" : "GET", i == 1 ? 20000 : 0);
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		struct h2_asked *a = h2_asked(i);
		h2_head(a, 103, 0, "x-hint: 1\n");
		h2_head(a, 200, 0, NULL);
		h2_data(a, 20000, 0);
		gate_run();
		if (i % 2 == 0)
			h2_trailers(a, "x-sum: 1\n");
		else
			h2_data(a, 3, END);
		gate_run();
	}
	gate_wait(4000);
}

static void
test_without_memory(void **state)
{
	(void)state;
	assert_true(h2_begin());
	uint64_t before = alloc_count();
	exercise();
	uint64_t most = alloc_count() - before;
	h2_end();
	assert_in_range(most, 20, 2000);
	for (int on = 0; on < 2; on++) {
		for (uint64_t n = 0; n < most; n++) {
			assert_true(h2_begin());
			gate.short_of = true;
			alloc_fail_at(n, on != 0);
			exercise();
			h2_end();
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_request_is_a_stream),
	    cmocka_unit_test(test_answers_in_any_order_find_their_requests),
	    cmocka_unit_test(test_the_end_with_the_head),
	    cmocka_unit_test(test_the_end_behind_a_head_without_body),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_lengths_that_are_none),
	    cmocka_unit_test(test_heads_that_are_none),
	    cmocka_unit_test(test_statuses_that_are_none),
	    cmocka_unit_test(test_interim_answers),
	    cmocka_unit_test(test_trailers),
	    cmocka_unit_test(test_trailers_that_are_none),
	    cmocka_unit_test(test_trailers_of_a_request),
	    cmocka_unit_test(test_a_reset_behind_the_whole_answer),
	    cmocka_unit_test(test_a_reset_before_an_answer),
	    cmocka_unit_test(test_a_refusal_behind_an_interim_answer_is_none),
	    cmocka_unit_test(test_goaway_parts_the_streams),
	    cmocka_unit_test(test_goaway_that_takes_streams_back),
	    cmocka_unit_test(test_goaway_before_a_request_left),
	    cmocka_unit_test(test_windows_that_change_under_way),
	    cmocka_unit_test(test_windows_that_overflow),
	    cmocka_unit_test(test_a_client_that_reads_nothing),
	    cmocka_unit_test(test_as_many_streams_as_the_member_takes),
	    cmocka_unit_test(test_fewer_streams_before_a_request_left),
	    cmocka_unit_test(test_a_post_that_never_left_goes_elsewhere),
	    cmocka_unit_test(test_nothing_leaves_before_the_greeting),
	    cmocka_unit_test(test_a_greeting_that_cannot_be_waited_for),
	    cmocka_unit_test(test_a_connection_that_ends_with_streams),
	    cmocka_unit_test(test_the_worker_ends_before_a_stream_that_lingers),
	    cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
