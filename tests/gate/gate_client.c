/* gate_client.c: clients of the gate: what they ask, what they get; see gate.h. */
#include "gate/gate.h"

#include "edge/client.h"
#include "gate/net.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define PIECE_BYTES 65536
#define TAG_FIELD   "Set-Cookie: HOLDFAST="
#define SID_FIELD   "Set-Cookie: SID="

/* ---- asking -------------------------------------------------------------------------------- */

void
gate_open(unsigned client)
{
	struct gate_client *c = &gate.client[client];
	if (c->end != NULL)
		gate_leave(client, false);
	gate_client_free(c);
	int fd = mem_pair(&c->end);
	if (fd == -1) {
		c->used = false;
		return;
	}
	c->used = true;
	c->reads = true;
	struct addr peer = {.family = AF_INET,
			    .port = (uint16_t)(40000 + client),
			    .ip = {192, 0, 2, (uint8_t)client}};
	gate.worker->time_stale = true;
	worker_time(gate.worker);
	if (!client_open(gate.worker, fd, NULL, &peer, false, true))
		gate.short_of = true;
	worker_sweep(gate.worker);
	gate_run();
}

/* The cookie of this name that came last. */
static void
put_cookie(struct gate_client *c, const char *field)
{
	const char *last = NULL;
	size_t bytes = strlen(field);
	for (size_t at = 0; at + bytes < c->got.bytes; at++) {
		if (memcmp(c->got.at + at, field, bytes) == 0)
			last = c->got.at + at + sizeof("Set-Cookie: ") - 1;
	}
	if (last == NULL)
		return;
	size_t left = (size_t)(c->got.at + c->got.bytes - last);
	const char *end = memchr(last, ';', left);
	if (end == NULL)
		return;
	gate_put(&c->out, "Cookie: ", 8);
	gate_put(&c->out, last, (size_t)(end - last));
	gate_put(&c->out, "\r\n", 2);
}

static void
put_text(struct gate_bytes *b, const char *text)
{
	gate_put(b, text, strlen(text));
}

static void
put_pattern(struct gate_bytes *b, unsigned number, size_t from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = gate_pattern(number, from + i);
		gate_put(b, &c, 1);
	}
}

static void
put_chunks(struct gate_bytes *b, unsigned number, size_t bytes, size_t chunk)
{
	char size[24];
	for (size_t at = 0; at < bytes; at += chunk) {
		size_t here = bytes - at < chunk ? bytes - at : chunk;
		(void)snprintf(size, sizeof(size), "%zx\r\n", here);
		put_text(b, size);
		put_pattern(b, number, at, here);
		put_text(b, "\r\n");
	}
	put_text(b, "0\r\nX-Trailer: t\r\n\r\n");
}

static bool
is_idempotent(const char *method)
{
	return strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0;
}

void
gate_ask(unsigned client, const struct gate_ask *ask)
{
	struct gate_client *c = &gate.client[client];
	char line[256];
	if (c->end == NULL || gate.request_count == GATE_REQUESTS_MAX ||
	    c->asked_count == GATE_ASKED_MAX)
		return;
	unsigned number = gate.request_count++;
	c->asked[c->asked_count++] = number;
	char target[GATE_TARGET_BYTES];
	size_t begins_at = c->out.bytes;
	gate_target(number, target);
	(void)snprintf(line, sizeof(line), "%s %s HTTP/1.%d\r\nHost: %s\r\n", ask->method, target,
		       ask->minor, ask->other_service ? "elsewhere" : "shop");
	put_text(&c->out, line);
	if (ask->key >= 0) {
		(void)snprintf(line, sizeof(line), "X-Key: k%d\r\n", ask->key);
		put_text(&c->out, line);
	}
	if (ask->tag)
		put_cookie(c, ask->other_service ? SID_FIELD : TAG_FIELD);
	if (ask->expect)
		put_text(&c->out, "Expect: 100-continue\r\n");
	if (ask->upgrade && ask->framing == WIRE_NO_BODY)
		put_text(&c->out, "Connection: upgrade\r\nUpgrade: echo\r\n");
	else if (ask->close)
		put_text(&c->out, "Connection: close\r\n");
	if (ask->framing == WIRE_LENGTH) {
		(void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", ask->body_bytes);
		put_text(&c->out, line);
		put_pattern(&c->out, number, 0, ask->body_bytes);
	} else if (ask->framing == WIRE_CHUNKED) {
		size_t chunk = ask->chunk_bytes != 0 ? ask->chunk_bytes : ask->body_bytes;
		put_text(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
		put_chunks(&c->out, number, ask->body_bytes, chunk);
	} else {
		put_text(&c->out, "\r\n");
	}
	gate.request[number] = (struct gate_request){
	    .method = ask->method,
	    .minor = ask->minor,
	    .repeatable = is_idempotent(ask->method),
	    .upgrade = ask->upgrade && ask->minor == 1 && ask->framing == WIRE_NO_BODY,
	    .body_bytes = ask->framing == WIRE_NO_BODY ? 0 : ask->body_bytes,
	    .begins_at = begins_at,
	    .ends_at = c->out.bytes,
	    .tainted = c->tainted,
	};
}

void
gate_push(unsigned client, size_t bytes)
{
	struct gate_client *c = &gate.client[client];
	while (c->end != NULL && bytes > 0 && c->out.done < c->out.bytes) {
		size_t left = c->out.bytes - c->out.done;
		size_t sent =
		    mem_write(c->end, c->out.at + c->out.done, bytes < left ? bytes : left);
		c->out.done += sent;
		bytes -= bytes == SIZE_MAX ? 0 : sent;
		gate_run();
		if (sent == 0)
			break;
	}
}

void
gate_raw(unsigned client, const char *at, size_t bytes)
{
	struct gate_client *c = &gate.client[client];
	if (c->end == NULL)
		return;
	c->tainted = true;
	for (size_t i = 0; i < c->asked_count; i++)
		gate.request[c->asked[i]].tainted = true;
	gate_push(client, SIZE_MAX);
	gate_put(&c->out, at, bytes);
	gate_push(client, SIZE_MAX);
}

void
gate_client_turn(struct gate_client *c)
{
	static char piece[PIECE_BYTES];
	size_t bytes;
	while (c->reads && (bytes = mem_read(c->end, piece, sizeof(piece))) > 0)
		gate_put(&c->got, piece, bytes);
	if (c->reads && mem_is_ended(c->end)) {
		c->reset = mem_is_reset(c->end);
		c->ended = true;
		mem_close(&c->end);
	}
}

void
gate_leave(unsigned client, bool hard)
{
	struct gate_client *c = &gate.client[client];
	if (c->end == NULL)
		return;
	c->left = true;
	if (hard)
		mem_reset(&c->end);
	else
		mem_close(&c->end);
	gate_run();
	gate_client_check(c);
}

/* ---- checking ------------------------------------------------------------------------------ */

/* Of a request that is well-formed: 200 is the echo of TRACE and OPTIONS. */
static bool
is_ours(int status)
{
	static const int statuses[] = {200, 404, 408, 413, 431, 502, 503, 504};
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (status == statuses[i])
			return true;
	}
	return false;
}

static void
check_pattern(const struct wire_message *m, unsigned number)
{
	for (size_t i = 0; i < m->body_bytes; i++)
		CHECK(m->body[i] == gate_pattern(number, i));
}

/* A member's answer: to this request, and whole when it looks so. */
static void
check_members(const struct wire_message *m, unsigned request, bool to_head, bool whole)
{
	int64_t number = wire_number(m, "X-Answer");
	CHECK(number >= 0 && number < gate.answer_count);
	const struct gate_answer *answer = &gate.answer[number];
	CHECK(wire_count(m, "X-Answer") == 1);
	CHECK(answer->request == request);
	CHECK(wire_count(m, "Date") == 1);
	check_pattern(m, (unsigned)number);
	if (m->framing == WIRE_NO_BODY || to_head)
		return;
	CHECK(m->body_bytes <= answer->body_bytes);
	if (whole)
		CHECK(m->body_bytes == answer->body_bytes && !answer->cut);
}

/* An interim answer: of a member, to this request, whose client knows what that is. */
static void
check_interim(const struct wire_message *m, unsigned request)
{
	CHECK(request < GATE_REQUESTS_MAX && gate.request[request].minor == 1);
	int64_t number = wire_number(m, "X-Answer");
	if (gate.strange || wire_find(m, "X-Answer") == NULL)
		return;
	CHECK(number >= 0 && number < gate.answer_count);
	CHECK(gate.answer[number].request == request);
}

/* What Holdfast says itself. */
static void
check_own(const struct wire_message *m, bool known)
{
	CHECK(!known || is_ours(m->status));
	CHECK(m->framing == WIRE_LENGTH || m->framing == WIRE_NO_BODY);
	CHECK(wire_count(m, "Content-Length") == 1 && wire_count(m, "Set-Cookie") == 0);
}

/* HEAD, as far as it was sent. */
static bool
is_head(const struct gate_client *c, unsigned request)
{
	return request < GATE_REQUESTS_MAX && strcmp(gate.request[request].method, "HEAD") == 0 &&
	       c->out.done >= gate.request[request].begins_at + strlen("HEAD ");
}

/* What members echo: the bytes behind the request that asked for it. */
static void
check_tunnel(const struct gate_client *c, unsigned request, size_t at)
{
	size_t sent_from = gate.request[request].ends_at;
	size_t bytes = c->got.bytes - at;
	if (gate.strange)
		return;
	CHECK(sent_from + bytes <= c->out.done);
	CHECK(memcmp(c->got.at + at, c->out.at + sent_from, bytes) == 0);
}

/* Refused before it was read far enough to be known for a HEAD. */
static bool
may_have_content(const struct gate_client *c, const struct wire_message *m, size_t at)
{
	return gate.drips && wire_find(m, "X-Answer") == NULL &&
	       wire_lists(m, "Connection", "close") &&
	       (int64_t)(c->got.bytes - at) == wire_number(m, "Content-Length");
}

/* One final answer; true: nothing may follow. */
static bool
check_final(struct gate_client *c, const struct wire_message *m, bool whole)
{
	size_t place = c->answered;
	bool known = place < c->asked_count;
	unsigned request = known ? c->asked[place] : GATE_REQUESTS_MAX;
	const struct gate_request *r = known ? &gate.request[request] : NULL;
	bool to_head = is_head(c, request);
	CHECK(c->answered < GATE_ASKED_MAX);
	c->status[place] = m->status;
	c->body_bytes[place] = m->body_bytes;
	c->whole[place] = whole;
	c->answered++;
	CHECK(m->minor == 1);
	if (known && r->minor == 0)
		CHECK(m->framing != WIRE_CHUNKED && wire_count(m, "Transfer-Encoding") == 0);
	if (gate.judge != NULL)
		gate.judge(m, request, to_head, whole);
	if (wire_find(m, "X-Answer") != NULL) {
		CHECK(known);
		if (!gate.strange)
			check_members(m, request, to_head, whole);
	} else if (!gate.strange) {
		check_own(m, known);
	}
	if (!known) /* bytes that were no request get one answer, and the end */
		CHECK(m->status >= 400 && wire_lists(m, "Connection", "close"));
	return wire_lists(m, "Connection", "close") || m->framing == WIRE_TO_THE_END ||
	       (known && r->minor == 0);
}

/* Every request that was sent whole has an answer, if nobody did anything against it. */
static void
check_all_are_answered(const struct gate_client *c, bool closed)
{
	bool quiet = !c->left && !gate.short_of && !gate.strange;
	if (!quiet || closed || c->tainted)
		return;
	for (size_t i = 0; i < c->asked_count; i++) {
		if (gate.request[c->asked[i]].ends_at <= c->out.done)
			CHECK(i < c->answered);
	}
}

void
gate_client_check(struct gate_client *c)
{
	static struct wire_message m;
	size_t at = 0;
	bool closed = false;
	bool clean = c->ended && !c->reset;
	c->answered = 0;
	if (c->tainted)
		return; /* what they asked for is not known */
	while (at < c->got.bytes && !closed) {
		unsigned request =
		    c->answered < c->asked_count ? c->asked[c->answered] : GATE_REQUESTS_MAX;
		bool known = request < GATE_REQUESTS_MAX;
		enum wire_outcome outcome =
		    wire_answer(c->got.at + at, c->got.bytes - at, clean, is_head(c, request), &m);
		CHECK(outcome != WIRE_BAD);
		if (!m.has_head)
			break;
		at += outcome == WIRE_WHOLE ? m.bytes : c->got.bytes - at;
		if (m.status == 101) {
			CHECK(known && gate.request[request].upgrade);
			check_tunnel(c, request, at);
			closed = true;
			at = c->got.bytes;
			c->status[c->answered] = 101;
			c->whole[c->answered++] = true;
		} else if (m.status < 200) {
			check_interim(&m, request);
		} else {
			closed = check_final(c, &m, outcome == WIRE_WHOLE);
			if (is_head(c, request) && may_have_content(c, &m, at))
				at = c->got.bytes;
		}
		closed |= outcome == WIRE_PART;
		wire_free(&m);
	}
	CHECK(!closed || at == c->got.bytes);
	check_all_are_answered(c, closed);
}

void
gate_client_free(struct gate_client *c)
{
	mem_close(&c->end);
	free(c->out.at);
	free(c->got.at);
	*c = (struct gate_client){0};
}
