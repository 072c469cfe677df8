/* gate_server.c: members of the gate: what they get, what they answer; see gate.h. */
#include "gate/gate.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES  65536
#define AUTO_SIZES   7
#define ATTEMPTS_MAX 4 /* of one request: attempts_max, and one more after a stale connection */

static void
put_text(struct gate_bytes *b, const char *text)
{
	gate_put(b, text, strlen(text));
}

/* ---- connections --------------------------------------------------------------------------- */

enum mem_connect
gate_connects(uint16_t port)
{
	CHECK(port >= GATE_PORT && port < GATE_PORT + GATE_MEMBERS);
	return gate.member[port - GATE_PORT].connect;
}

void
gate_accepted(uint16_t port, struct mem_end *end)
{
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		struct gate_server *s = &gate.server[i];
		if (s->end != NULL)
			continue;
		*s = (struct gate_server){
		    .end = end, .member = port - GATE_PORT, .request = GATE_REQUESTS_MAX};
		s->began = gate.beginnings++;
		return;
	}
	CHECK(!"more connections to members than there is room for");
}

static void
server_free(struct gate_server *s)
{
	free(s->got.at);
	free(s->out.at);
	*s = (struct gate_server){0};
}

void
gate_server_close(struct gate_server *s, bool hard)
{
	bool unsent = s->out.done < s->out.bytes;
	if (s->answering && (unsent || hard)) {
		struct gate_answer *answer = &gate.answer[s->answer];
		/* Only a close that comes without a reset looks like the end of such a body. */
		if (s->to_the_end && !hard && s->out.done >= s->body_at)
			answer->body_bytes = s->out.done - s->body_at;
		else
			answer->cut = true;
	}
	if (hard)
		mem_reset(&s->end);
	else
		mem_close(&s->end);
	server_free(s);
}

struct gate_server *
gate_asked(unsigned member)
{
	struct gate_server *found = NULL;
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		struct gate_server *s = &gate.server[i];
		if (s->end != NULL && s->member == member && s->head && !s->answering &&
		    !s->tunnel && (found == NULL || s->began < found->began))
			found = s;
	}
	return found;
}

struct gate_server *
gate_connection(unsigned member)
{
	struct gate_server *found = NULL;
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		struct gate_server *s = &gate.server[i];
		if (s->end != NULL && s->member == member &&
		    (found == NULL || s->began > found->began))
			found = s;
	}
	return found;
}

/* ---- what comes ---------------------------------------------------------------------------- */

/* GATE_REQUESTS_MAX: none of ours. */
static unsigned
number_of(struct wire_text text)
{
	char target[GATE_TARGET_BYTES];
	for (unsigned i = 0; i < gate.request_count; i++) {
		gate_target(i, target);
		if (wire_is(text, target))
			return gate.request[i].tainted ? GATE_REQUESTS_MAX : i;
	}
	return GATE_REQUESTS_MAX;
}

static void
note_begin(struct gate_server *s, const struct wire_message *m)
{
	if (s->request < GATE_REQUESTS_MAX || m->target.bytes == 0)
		return;
	s->request = number_of(m->target);
	if (s->request == GATE_REQUESTS_MAX)
		return;
	struct gate_request *r = &gate.request[s->request];
	r->seen++;
	CHECK(wire_is(m->method, r->method));
	CHECK(r->seen <= (r->repeatable ? ATTEMPTS_MAX : 1 + r->passes));
}

/* The version by which the client asked, where that is known. */
static bool
says_version(const struct wire_message *m, const struct gate_request *r)
{
	bool first = wire_lists(m, "Via", "1.0 holdfast-gate");
	bool second = wire_lists(m, "Via", "1.1 holdfast-gate");
	bool third = wire_lists(m, "Via", "2.0 holdfast-gate");
	bool known = r != NULL && !r->tainted;
	return first + second + third == 1 && (!known || (r->minor == 1 ? second : first));
}

static void
check_request(const struct gate_server *s, const struct wire_message *m, bool whole)
{
	CHECK(m->minor == 1 && wire_count(m, "Host") == 1);
	CHECK(says_version(m, s->request == GATE_REQUESTS_MAX ? NULL : &gate.request[s->request]));
	CHECK(wire_count(m, "Holdfast-Session") == 1);
	CHECK(wire_count(m, "Holdfast-Primary") == 1 && wire_count(m, "X-Forwarded-For") == 1);
	CHECK(wire_count(m, "Keep-Alive") == 0 && wire_count(m, "Proxy-Connection") == 0);
	if (s->request == GATE_REQUESTS_MAX)
		return;
	const struct gate_request *r = &gate.request[s->request];
	CHECK(!wire_is(wire_find(m, "Host")->value, "shop") ||
	      wire_count(m, "Cookie") == 0); /* only the tag stood there */
	/* The suffix is ours alone. (The other configuration knows of none.) */
	const struct wire_field *cookie = wire_find(m, "Cookie");
	CHECK(gate.turns > 0 || cookie == NULL ||
	      memchr(cookie->value.at, '~', cookie->value.bytes) == NULL);
	CHECK(m->body_bytes <= r->body_bytes);
	if (whole)
		CHECK(m->body_bytes == r->body_bytes);
	for (size_t i = 0; i < m->body_bytes; i++)
		CHECK(m->body[i] == gate_pattern(s->request, i));
}

/* Reading from the start for each byte would take too long: only where something may be new. */
static bool
is_worth_a_look(const struct gate_server *s)
{
	static const char end[] = "\r\n\r\n";
	size_t bytes = s->got.bytes;
	size_t mark = s->head ? 4 : 2;
	return bytes >= s->look_at ||
	       (bytes >= mark && memcmp(s->got.at + bytes - mark, end, mark) == 0);
}

/* The next request waits for this one's answer, which may have been out before all of this one. */
static void
check_nothing_behind(const struct gate_server *s)
{
	bool answered = s->answering && s->out.done == s->out.bytes;
	CHECK(s->bytes == s->got.bytes || s->upgrade || answered);
}

static void
look(struct gate_server *s)
{
	static struct wire_message m;
	if (s->whole)
		check_nothing_behind(s);
	if (s->got.bytes == 0 || s->whole || s->tunnel || !is_worth_a_look(s))
		return;
	enum wire_outcome outcome = wire_request(s->got.at, s->got.bytes, &m);
	CHECK(outcome != WIRE_BAD);
	if (!s->begun) {
		s->begun = true;
		s->began = gate.beginnings++;
	}
	note_begin(s, &m);
	if (m.has_head) {
		s->head = true;
		s->to_head = wire_is(m.method, "HEAD");
		s->upgrade =
		    wire_lists(&m, "Connection", "upgrade") && wire_lists(&m, "Upgrade", "echo");
		check_request(s, &m, outcome == WIRE_WHOLE);
	}
	s->look_at = s->got.bytes + s->got.bytes / 4 + 16;
	if (m.has_head && m.framing == WIRE_LENGTH)
		s->look_at = s->got.bytes + (size_t)(m.length - m.body_bytes);
	if (outcome == WIRE_WHOLE) {
		s->whole = true;
		if (gate.seen != NULL)
			gate.seen(&m);
		s->bytes = m.bytes;
		check_nothing_behind(s);
	}
	wire_free(&m);
}

/* The answer is out, and the request was read: the next one may come. */
static void
start_anew(struct gate_server *s)
{
	s->got.bytes -= s->bytes;
	memmove(s->got.at, s->got.at + s->bytes, s->got.bytes);
	s->out.bytes = s->out.done = 0;
	s->begun = s->head = s->whole = s->answering = s->to_the_end = s->upgrade = false;
	s->bytes = s->push = s->look_at = 0;
	s->request = GATE_REQUESTS_MAX;
}

/* ---- what goes ----------------------------------------------------------------------------- */

static void
put_body(struct gate_bytes *b, unsigned number, size_t bytes, bool chunked)
{
	size_t chunk = chunked ? 1 + bytes / 3 : bytes;
	char size[24];
	for (size_t at = 0; at < bytes; at += chunk) {
		size_t here = bytes - at < chunk ? bytes - at : chunk;
		(void)snprintf(size, sizeof(size), "%zx\r\n", here);
		if (chunked)
			put_text(b, size);
		for (size_t i = 0; i < here; i++) {
			char c = gate_pattern(number, at + i);
			gate_put(b, &c, 1);
		}
		if (chunked)
			put_text(b, "\r\n");
	}
}

static void
put_head(struct gate_server *s, const struct gate_reply *reply, bool bodiless)
{
	char line[128];
	struct gate_bytes *out = &s->out;
	if (reply->interim) {
		(void)snprintf(line, sizeof(line),
			       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
			       "X-Answer: %u\r\n\r\n",
			       s->answer);
		put_text(out, line);
	}
	(void)snprintf(line, sizeof(line), "HTTP/1.%d %d \r\nX-Answer: %u\r\n", reply->minor,
		       reply->status, s->answer);
	put_text(out, line);
	if (reply->close)
		put_text(out, "Connection: close\r\n");
	if (reply->pass)
		put_text(out, "Holdfast-Pass: 1\r\n");
	if (s->answer % 3 == 0) {
		(void)snprintf(line, sizeof(line), "Set-Cookie: SID=s%u; Path=/\r\n", s->answer);
		put_text(out, line);
	}
	(void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n", reply->body_bytes);
	if (reply->framing == WIRE_CHUNKED && reply->minor == 1)
		put_text(out, "Transfer-Encoding: chunked\r\n");
	else if (reply->framing != WIRE_TO_THE_END || bodiless)
		put_text(out, line);
	put_text(out, "\r\n");
}

void
gate_reply(struct gate_server *s, const struct gate_reply *reply)
{
	if (s->answering || gate.answer_count == GATE_ANSWERS_MAX)
		return;
	bool bodiless = s->to_head || reply->status == 204 || reply->status == 304;
	bool chunked = reply->framing == WIRE_CHUNKED && reply->minor == 1;
	s->answering = true;
	s->answer = gate.answer_count++;
	gate.answer[s->answer] = (struct gate_answer){
	    .request = s->request, .body_bytes = bodiless ? 0 : reply->body_bytes};
	if (reply->pass && s->request < GATE_REQUESTS_MAX)
		gate.request[s->request].passes++;
	put_head(s, reply, bodiless);
	s->body_at = s->out.bytes;
	s->to_the_end = !bodiless && !chunked && reply->framing != WIRE_LENGTH;
	if (reply->framing == WIRE_CHUNKED && !chunked) /* HTTP/1.0 has a length here */
		s->to_the_end = false;
	s->closing = reply->close || reply->minor == 0 || s->to_the_end;
	if (!bodiless)
		put_body(&s->out, s->answer, reply->body_bytes, chunked);
	if (!bodiless && chunked)
		put_text(&s->out, reply->trailers ? "0\r\nX-T: 1\r\n\r\n" : "0\r\n\r\n");
	if (!reply->held)
		gate_server_push(s, SIZE_MAX);
}

static void
send_some(struct gate_server *s, size_t bytes)
{
	size_t left = s->out.bytes - s->out.done;
	if (left == 0 || bytes == 0)
		return;
	s->out.done += mem_write(s->end, s->out.at + s->out.done, bytes < left ? bytes : left);
}

void
gate_server_volunteer(struct gate_server *s, struct gate_client *at_once)
{
	bool rests = !s->begun && s->out.bytes == 0 && mem_waits(s->end) == 0;
	bool behind = s->answering && !s->to_the_end && !s->closing;
	if (s->tunnel || gate.answer_count == GATE_ANSWERS_MAX || !(rests || behind))
		return;
	struct gate_server other = {.answer = gate.answer_count++};
	gate.answer[other.answer] = (struct gate_answer){.request = GATE_REQUESTS_MAX};
	put_head(&other, &(struct gate_reply){.status = 200, .minor = 1}, false);
	gate_put(&s->out, other.out.at, other.out.bytes);
	free(other.out.at);
	if (rests)
		gate_server_push(s, SIZE_MAX);
	if (rests && at_once != NULL && at_once->end != NULL &&
	    at_once->out.done < at_once->out.bytes) {
		send_some(s, SIZE_MAX);
		at_once->out.done += mem_write(at_once->end, at_once->out.at + at_once->out.done,
					       at_once->out.bytes - at_once->out.done);
	}
}

static void
switch_protocols(struct gate_server *s)
{
	put_text(&s->out, "HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
	s->tunnel = true;
	s->got.bytes -= s->bytes;
	memmove(s->got.at, s->got.at + s->bytes, s->got.bytes);
}

void
gate_server_push(struct gate_server *s, size_t bytes)
{
	s->push = bytes == SIZE_MAX || s->push > SIZE_MAX - bytes ? SIZE_MAX : s->push + bytes;
}

void
gate_server_raw(struct gate_server *s, const char *at, size_t bytes)
{
	gate.strange = true;
	gate_put(&s->out, at, bytes);
	gate_server_push(s, SIZE_MAX);
}

/* What members do of themselves. False: the connection is gone. */
static bool
act(struct gate_server *s)
{
	enum gate_way way = gate.member[s->member].way;
	static const size_t sizes[AUTO_SIZES] = {120000, 0, 1, 300, 5000, 40000, 70000};
	static const enum wire_framing framings[] = {WIRE_LENGTH, WIRE_CHUNKED, WIRE_TO_THE_END};
	bool now = s->whole || (s->head && (way == WAY_EARLY || way == WAY_INTERIM));
	if (way == WAY_BY_HAND || !now || s->answering || s->tunnel)
		return true;
	if (way == WAY_MUTE || way == WAY_RESETTING) {
		gate_server_close(s, way == WAY_RESETTING);
		return false;
	}
	if (s->upgrade && s->whole && way != WAY_CUTTING) {
		switch_protocols(s);
		gate_server_push(s, SIZE_MAX);
		return true;
	}
	unsigned number = s->request < GATE_REQUESTS_MAX ? s->request : gate.answer_count;
	struct gate_reply reply = {
	    .status = 200,
	    .framing = framings[number % (way == WAY_DYING ? 2 : 3)],
	    .body_bytes = sizes[number % AUTO_SIZES],
	    .minor = 1,
	    .interim = way == WAY_INTERIM,
	    .close = way == WAY_CLOSING,
	    .trailers = number % 4 == 0,
	    .held = way == WAY_CUTTING,
	    .pass = way == WAY_PASSING,
	};
	if (reply.pass)
		reply.status = 421;
	gate_reply(s, &reply);
	if (way == WAY_DYING)
		s->closing = true;
	if (way == WAY_CUTTING) {
		gate_server_push(s, s->out.bytes / 2);
		s->cutting = s->closing = true;
		s->hard = number % 2 == 0;
	}
	return true;
}

/* Echoes what comes through a tunnel. */
static void
echo(struct gate_server *s)
{
	gate_put(&s->out, s->got.at, s->got.bytes);
	s->got.bytes = 0;
	gate_server_push(s, SIZE_MAX);
}

static void
take(struct gate_server *s)
{
	static char piece[PIECE_BYTES];
	size_t bytes;
	while (gate.member[s->member].reads && (bytes = mem_read(s->end, piece, sizeof(piece))) > 0)
		gate_put(&s->got, piece, bytes);
}

/* Reads, answers and sends. True: that request is over and the next one's beginning is here. */
static bool
serve(struct gate_server *s)
{
	look(s);
	if (!act(s))
		return false;
	if (s->tunnel && s->got.bytes > 0)
		echo(s);
	size_t before = s->out.done;
	send_some(s, s->push);
	if (s->push != SIZE_MAX)
		s->push -= s->out.done - before;
	bool sent = s->out.done == s->out.bytes;
	bool over = s->closing && s->answering && (sent || (s->cutting && s->push == 0));
	if (over || (gate.member[s->member].reads && mem_is_ended(s->end))) {
		gate_server_close(s, s->hard);
		return false;
	}
	if (!s->answering || !sent || !s->whole || s->tunnel)
		return false;
	start_anew(s);
	return s->got.bytes > 0;
}

void
gate_server_turn(struct gate_server *s)
{
	take(s);
	while (serve(s))
		;
}
