/* test_probe_h2.c: checks over HTTP/2, with nghttp2 as the member, whole and byte by byte; see
 * members/probe_h2.h. */
#include "members/probe_h2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#define ANSWER_BYTES 512
#define END          NGHTTP2_FLAG_END_STREAM
#define STATUS(code) "\x08\x03" code /* a literal of the name :status, not indexed */

static struct probe_h2 *probe;
static char answer_bytes[ANSWER_BYTES];
static struct writer answer;
static const char *why;

static void
begin(void)
{
	char request[] = "GET /healthz HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n"
			 "Accept: */*\r\n\r\n";
	probe = probe_h2_create(request, sizeof(request) - 1, false);
	assert_non_null(probe);
	answer = writer_on(answer_bytes, sizeof(answer_bytes));
}

static void
end(void)
{
	probe_h2_free(&probe);
	assert_null(probe);
}

/* ---- a member ----------------------------------------------------------------------------------
 */

struct member {
	char head[512];
	bool ended;
};

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	  size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags, void *user)
{
	struct member *m = user;
	size_t at = strlen(m->head);
	(void)session;
	(void)flags;
	m->ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	(void)snprintf(m->head + at, sizeof(m->head) - at, "%.*s=%.*s;", (int)name_bytes,
		       (const char *)name, (int)value_bytes, (const char *)value);
	return 0;
}

static nghttp2_session *
member_create(struct member *m)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *session;
	assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	assert_int_equal(nghttp2_session_server_new(&session, cb, m), 0);
	nghttp2_session_callbacks_del(cb);
	return session;
}

static enum probe_h2_state
feed(const void *at, size_t bytes)
{
	return probe_h2_feed(probe, at, bytes, &answer, &why);
}

/* What the probe says goes to the member, what that says to the probe, in pieces. */
static enum probe_h2_state
exchange(nghttp2_session *session, size_t piece)
{
	enum probe_h2_state state = PROBE_H2_OPEN;
	const uint8_t *at;
	ssize_t n;
	struct slice out = probe_h2_out(probe);
	assert_int_equal(nghttp2_session_mem_recv(session, (const uint8_t *)out.at, out.bytes),
			 out.bytes);
	probe_h2_sent(probe, out.bytes);
	while ((n = nghttp2_session_mem_send(session, &at)) > 0) {
		for (size_t done = 0; done < (size_t)n && state == PROBE_H2_OPEN; done += piece) {
			size_t left = (size_t)n - done;
			state = feed(at + done, left < piece ? left : piece);
		}
	}
	return state;
}

static void
test_a_member_that_is_well(void **state)
{
	static const nghttp2_nv nv[] = {
	    {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "204", 7, 3, 0},
	    {(uint8_t *)(uintptr_t) "x-a", (uint8_t *)(uintptr_t) "b", 3, 1, 0}};
	(void)state;
	for (size_t piece = 1; piece < 100; piece += 49) {
		struct member m = {.ended = false};
		nghttp2_session *session = member_create(&m);
		begin();
		(void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
		assert_int_equal(exchange(session, piece), PROBE_H2_OPEN);
		assert_true(m.ended);
		assert_string_equal(m.head, ":method=GET;:scheme=http;:path=/healthz;"
					    ":authority=a:80;accept=*/*;");
		(void)nghttp2_submit_response(session, 1, nv, 2, NULL);
		assert_int_equal(exchange(session, piece), PROBE_H2_OVER);
		assert_null(why);
		assert_string_equal(writer_text(&answer), "HTTP/1.1 204 \r\nx-a: b\r\n\r\n");
		nghttp2_session_del(session);
		end();
	}
}

/* ---- frame by frame ----------------------------------------------------------------------------
 */

static char wire[4096];
static size_t wire_bytes;

static void
put(uint8_t type, uint8_t flags, unsigned char id, const char *payload, size_t bytes)
{
	const char head[] = {(char)(bytes >> 16),
			     (char)(bytes >> 8),
			     (char)bytes,
			     (char)type,
			     (char)flags,
			     0,
			     0,
			     0,
			     (char)id};
	assert_true(wire_bytes + sizeof(head) + bytes <= sizeof(wire));
	memcpy(wire + wire_bytes, head, sizeof(head));
	if (bytes > 0)
		memcpy(wire + wire_bytes + sizeof(head), payload, bytes);
	wire_bytes += sizeof(head) + bytes;
}

static void
greet(void)
{
	begin();
	(void)probe_h2_out(probe); /* the request is out */
	wire_bytes = 0;
	put(NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static void
put_head(const char *block, size_t bytes, uint8_t flags)
{
	put(NGHTTP2_HEADERS, (uint8_t)(flags | NGHTTP2_FLAG_END_HEADERS), 1, block, bytes);
}

static void
test_interim_answers_come_first(void **state)
{
	(void)state;
	greet();
	put_head(STATUS("103"), 5, 0);
	put_head(STATUS("200"), 5, 0);
	put(NGHTTP2_DATA, 0, 1, "body", 4);
	put_head("\0\1t\1x", 5, END); /* trailers are no part of it */
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OVER);
	assert_string_equal(writer_text(&answer), "HTTP/1.1 103 \r\n\r\nHTTP/1.1 200 \r\n\r\n");
	end();
}

/* The answer's end in the same bytes as what ends the connection. */
static void
test_a_goodbye_behind_the_answer(void **state)
{
	(void)state;
	greet();
	put_head(STATUS("200"), 5, END);
	put(NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\0", 4);
	put(NGHTTP2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OVER);
	end();
}

static void
test_what_is_no_answer(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t flags;
		unsigned char id;
		const char *payload;
		size_t bytes;
		const char *why;
	} table[] = {
	    {NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\0", 4, "the stream was reset"},
	    {NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\7", 4, "the stream was reset"},
	    {NGHTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8, "the stream was reset"},
	    {NGHTTP2_DATA, 0, 1, "x", 1, "not an HTTP/2 answer"},
	    {NGHTTP2_HEADERS, 5, 1, "\xff\xff\xff\xff\xff\xff", 6, "not an HTTP/2 answer"},
	    {NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4, "not an HTTP/2 answer"},
	    {NGHTTP2_SETTINGS, 0, 0, "\0\4\x80\0\0\0", 6, "not an HTTP/2 answer"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		greet();
		put(table[i].type, table[i].flags, table[i].id, table[i].payload, table[i].bytes);
		enum probe_h2_state came = feed(wire, wire_bytes);
		if (came != PROBE_H2_BROKEN || strcmp(why, table[i].why) != 0)
			fail_msg("%zu: %d, %s", i, (int)came, why != NULL ? why : "-");
		end();
	}
	begin();
	static const char other[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	assert_int_equal(feed(other, sizeof(other) - 1), PROBE_H2_BROKEN);
	assert_string_equal(why, "not an HTTP/2 answer");
	end();
}

static void
test_a_head_that_is_too_large(void **state)
{
	char block[5 + 5 + 200] = STATUS("103") "\0\1a\x7f\x49";
	(void)state;
	memset(block + 10, 'v', sizeof(block) - 10);
	greet();
	for (int i = 0; i < 3; i++) /* interim ones, each of more than 200 bytes */
		put_head(block, sizeof(block), 0);
	enum probe_h2_state came = feed(wire, wire_bytes);
	assert_int_equal(came, PROBE_H2_BROKEN);
	assert_string_equal(why, "a head that is too large");
	end();
}

/* Answers to questions wait to be sent, to a bound. */
static void
test_questions_without_end(void **state)
{
	enum probe_h2_state came = PROBE_H2_OPEN;
	(void)state;
	greet();
	for (int i = 0; i < 100; i++)
		put(NGHTTP2_PING, 0, 0, "12345678", 8);
	for (int i = 0; i < 1000 && came == PROBE_H2_OPEN; i++) {
		came = feed(wire + (i > 0 ? 9 : 0), wire_bytes - (i > 0 ? 9 : 0));
		assert_in_range(probe_h2_out(probe).bytes, 1, PROBE_H2_OUT_BYTES);
	}
	assert_int_equal(came, PROBE_H2_BROKEN);
	assert_string_equal(why, "more questions than answers");
	end();
}

/* Some may push before they read that nobody wants it: that is no answer. */
static void
test_what_is_pushed_is_no_answer(void **state)
{
	(void)state;
	greet();
	put(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, "\0\0\0\2\x82\x86\x84\1\1h", 10);
	put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | END, 2, STATUS("200"), 5);
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OPEN);
	assert_int_equal(answer.bytes, 0);
	wire_bytes = 0;
	put_head(STATUS("503"), 5, END);
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OVER);
	assert_string_equal(writer_text(&answer), "HTTP/1.1 503 \r\n\r\n");
	end();
}

/* One that is leaving answers what it was asked. */
static void
test_a_goodbye_before_the_answer(void **state)
{
	(void)state;
	greet();
	put(NGHTTP2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OPEN);
	wire_bytes = 0;
	put_head(STATUS("200"), 5, END);
	assert_int_equal(feed(wire, wire_bytes), PROBE_H2_OVER);
	end();
}

static void
test_a_request_that_is_none(void **state)
{
	char text[] = "GET\r\n\r\n";
	(void)state;
	assert_null(probe_h2_create(text, sizeof(text) - 1, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_member_that_is_well),
	    cmocka_unit_test(test_interim_answers_come_first),
	    cmocka_unit_test(test_a_goodbye_behind_the_answer),
	    cmocka_unit_test(test_what_is_no_answer),
	    cmocka_unit_test(test_a_head_that_is_too_large),
	    cmocka_unit_test(test_questions_without_end),
	    cmocka_unit_test(test_what_is_pushed_is_no_answer),
	    cmocka_unit_test(test_a_goodbye_before_the_answer),
	    cmocka_unit_test(test_a_request_that_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
