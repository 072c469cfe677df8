/* h2_peer.c: see h2_peer.h. */
#include "gate/h2_peer.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES   65536
#define PREFACE_BYTES 24
#define SEEN_MAX      4 /* of one request: attempts_max, and one more after a stale connection */
#define FRAME_HEAD    9
#define DATA_MAX      16384
#define BLOCK_BYTES   4096

struct h2_peers h2_peers;

/* ---- what comes ---------------------------------------------------------------------------- */

static struct h2_asked *
asked_of(const struct h2_peer *p, int32_t id)
{
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		if (h2_peers.asked[i].peer == p && h2_peers.asked[i].id == id)
			return &h2_peers.asked[i];
	}
	return NULL;
}

static unsigned
number_of(const char *path, size_t bytes)
{
	char target[GATE_TARGET_BYTES];
	for (unsigned i = 0; i < gate.request_count; i++) {
		gate_target(i, target);
		if (strlen(target) == bytes && memcmp(target, path, bytes) == 0)
			return i;
	}
	return GATE_REQUESTS_MAX;
}

static int
on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_peer *p = user;
	(void)session;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	CHECK(h2_peers.asked_count < H2_ASKED_MAX);
	struct h2_asked *a = &h2_peers.asked[h2_peers.asked_count++];
	*a = (struct h2_asked){
	    .peer = p, .id = frame->hd.stream_id, .number = GATE_REQUESTS_MAX, .announced = -1};
	(void)snprintf(a->token, sizeof(a->token), "t%zu.%08x", h2_peers.asked_count,
		       (unsigned)(h2_peers.asked_count + 31) * 2654435761U);
	p->asked_count++;
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	  size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags, void *user)
{
	struct h2_asked *a = asked_of(user, frame->hd.stream_id);
	(void)session;
	(void)flags;
	CHECK(a != NULL);
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
		CHECK(name_bytes > 0 && name[0] != ':');
		a->trailers++;
		return 0;
	}
	int n =
	    snprintf(a->head + a->head_bytes, sizeof(a->head) - a->head_bytes, "%.*s: %.*s\n",
		     (int)name_bytes, (const char *)name, (int)value_bytes, (const char *)value);
	CHECK(n > 0 && (size_t)n < sizeof(a->head) - a->head_bytes);
	a->head_bytes += (size_t)n;
	if (name_bytes == 5 && memcmp(name, ":path", 5) == 0)
		a->number = number_of((const char *)value, value_bytes);
	return 0;
}

/* A member that said it processed nothing of it may get it again. */
static void
check_seen(const struct h2_asked *a)
{
	CHECK(a->number < GATE_REQUESTS_MAX);
	const struct gate_request *r = &gate.request[a->number];
	unsigned seen = 0;
	unsigned refused = 0;
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		const struct h2_asked *other = &h2_peers.asked[i];
		if (other->number != a->number)
			continue;
		seen++;
		refused += other->refused || other->peer->raw || other->id > other->peer->last;
	}
	CHECK(seen <= (r->repeatable ? SEEN_MAX + refused : 1 + refused));
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_peer *p = user;
	struct h2_asked *a = asked_of(p, frame->hd.stream_id);
	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		p->goaway = true;
	if (a == NULL)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		check_seen(a);
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		a->was_reset = true;
		a->over = true;
		a->code = frame->rst_stream.error_code;
	}
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
		a->ended = true;
		CHECK(a->body_bytes == gate.request[a->number].body_bytes);
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t bytes,
	void *user)
{
	struct h2_asked *a = asked_of(user, id);
	(void)session;
	(void)flags;
	CHECK(a != NULL);
	CHECK(a->body_bytes + bytes <= gate.request[a->number].body_bytes);
	for (size_t i = 0; i < bytes; i++)
		CHECK((char)at[i] == gate_pattern(a->number, a->body_bytes + i));
	a->body_bytes += bytes;
	return 0;
}

/* What nghttp2 finds fault with in a request of ours is our fault. */
static int
on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	const struct h2_peer *p = user;
	(void)session;
	(void)frame;
	(void)error;
	CHECK(p->raw);
	return 0;
}

/* ---- connections --------------------------------------------------------------------------- */

static nghttp2_session *
session_create(struct h2_peer *p)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *session = NULL;
	CHECK(nghttp2_session_callbacks_new(&cb) == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid);
	CHECK(nghttp2_session_server_new(&session, cb, p) == 0);
	nghttp2_session_callbacks_del(cb);
	return session;
}

static void
accepted(uint16_t port, struct mem_end *end)
{
	CHECK(h2_peers.peer_count < H2_PEERS_MAX);
	struct h2_peer *p = &h2_peers.peer[h2_peers.peer_count++];
	*p = (struct h2_peer){.end = end, .member = port - GATE_PORT, .last = INT32_MAX};
	p->session = session_create(p);
	if (!h2_peers.silent)
		h2_greet(p);
}

void
h2_peer_close(struct h2_peer *p, bool hard)
{
	if (p->end == NULL)
		return;
	if (hard)
		mem_reset(&p->end);
	else
		mem_close(&p->end);
	nghttp2_session_del(p->session);
	p->session = NULL;
	free(p->out.at);
	free(p->in.at);
	p->out = (struct gate_bytes){0};
	p->in = (struct gate_bytes){0};
}

static void
say(struct h2_peer *p)
{
	const uint8_t *at;
	ssize_t n;
	while (p->settled && (n = nghttp2_session_mem_send(p->session, &at)) > 0)
		gate_put(&p->out, (const char *)at, (size_t)n);
	size_t left = p->out.bytes - p->out.done;
	if (left > 0)
		p->out.done += mem_write(p->end, p->out.at + p->out.done, left);
}

/* SETTINGS are said here, so their acknowledgements are not for nghttp2. */
static bool
is_ack(const char *head)
{
	return head[3] == NGHTTP2_SETTINGS && (head[4] & NGHTTP2_FLAG_ACK) != 0;
}

static size_t
frame_bytes(const char *at)
{
	const unsigned char *head = (const unsigned char *)at;
	return FRAME_HEAD + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
}

static void
read_frames(struct h2_peer *p)
{
	for (;;) {
		const char *at = p->in.at + p->in.done;
		size_t left = p->in.bytes - p->in.done;
		size_t bytes = PREFACE_BYTES;
		if (p->greeted)
			bytes = left < FRAME_HEAD ? SIZE_MAX : frame_bytes(at);
		if (left < bytes)
			return;
		p->acks += p->greeted && is_ack(at);
		if (!p->greeted || !is_ack(at)) {
			ssize_t n =
			    nghttp2_session_mem_recv(p->session, (const uint8_t *)at, bytes);
			CHECK(n == (ssize_t)bytes);
		}
		p->greeted = true;
		p->in.done += bytes;
	}
}

static void
hear(struct h2_peer *p)
{
	static char piece[PIECE_BYTES];
	size_t bytes;
	while ((bytes = mem_read(p->end, piece, sizeof(piece))) > 0)
		gate_put(&p->in, piece, bytes);
	read_frames(p);
	p->in.bytes -= p->in.done;
	if (p->in.bytes > 0)
		memmove(p->in.at, p->in.at + p->in.done, p->in.bytes);
	p->in.done = 0;
}

static void
answer_all(const struct h2_peer *p)
{
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		struct h2_asked *a = &h2_peers.asked[i];
		if (a->peer == p && a->ended && !a->answered && !a->over)
			h2_answer(a, a->number % 3 == 0 ? 0 : 10 + a->number);
	}
}

static void
turn(void)
{
	for (size_t i = 0; i < h2_peers.peer_count; i++) {
		struct h2_peer *p = &h2_peers.peer[i];
		if (p->end == NULL)
			continue;
		if (!h2_peers.deaf[p->member])
			hear(p);
		if (h2_peers.answers && !p->settled)
			h2_greet(p);
		if (h2_peers.answers)
			answer_all(p);
		say(p);
		if (!h2_peers.deaf[p->member] && mem_is_ended(p->end))
			h2_peer_close(p, false);
	}
}

/* ---- what clients get ---------------------------------------------------------------------- */

static const struct h2_asked *
by_token(struct wire_text token)
{
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		if (wire_is(token, h2_peers.asked[i].token))
			return &h2_peers.asked[i];
	}
	return NULL;
}

static bool
peer_had(const struct h2_peer *p, unsigned request)
{
	for (size_t i = 0; i < h2_peers.asked_count; i++) {
		if (h2_peers.asked[i].peer == p && h2_peers.asked[i].number == request)
			return true;
	}
	return false;
}

static void
judge(const struct wire_message *m, unsigned request, bool to_head, bool whole)
{
	const struct wire_field *token = wire_find(m, "X-Token");
	const struct h2_asked *a = token != NULL ? by_token(token->value) : NULL;
	if (a == NULL)
		return;
	if (a->peer->raw) {
		CHECK(peer_had(a->peer, request));
		return;
	}
	CHECK(a->number == request && wire_count(m, "X-Token") == 1);
	for (size_t i = 0; i < m->body_bytes; i++)
		CHECK(m->body[i] == gate_pattern(a->number, i));
	CHECK(m->body_bytes <= a->said);
	if (!whole || to_head || m->framing == WIRE_NO_BODY)
		return;
	/* What is behind a length that was announced comes too late to be noticed. */
	if (a->announced >= 0)
		CHECK((int64_t)m->body_bytes == a->announced);
	else
		CHECK(a->said_all && m->body_bytes == a->said);
}

/* ---- life ---------------------------------------------------------------------------------- */

bool
h2_begin(void)
{
	if (!gate_begin_with(H2_CONF))
		return false;
	memset(&h2_peers, 0, offsetof(struct h2_peers, peer));
	mem_net.accepted = accepted;
	gate.strange = true; /* members' answers are judged here */
	gate.turned = turn;
	gate.judge = judge;
	return true;
}

void
h2_end(void)
{
	h2_peers.silent = false;
	memset(h2_peers.deaf, 0, sizeof(h2_peers.deaf));
	h2_peers.answers = true;
	gate_end();
	for (size_t i = 0; i < h2_peers.peer_count; i++)
		h2_peer_close(&h2_peers.peer[i], false);
}

struct h2_peer *
h2_peer(unsigned member)
{
	for (size_t i = h2_peers.peer_count; i-- > 0;) {
		struct h2_peer *p = &h2_peers.peer[i];
		if (p->member == member && p->end != NULL)
			return p;
	}
	return NULL;
}

struct h2_asked *
h2_asked(size_t n)
{
	CHECK(n < h2_peers.asked_count);
	return &h2_peers.asked[n];
}

unsigned
h2_ask(unsigned client, const char *method, size_t body_bytes)
{
	struct gate_ask ask = {.method = method,
			       .minor = 1,
			       .key = 0,
			       .framing = body_bytes > 0 ? WIRE_LENGTH : WIRE_NO_BODY,
			       .body_bytes = body_bytes};
	if (gate.client[client].end == NULL)
		gate_open(client);
	gate_ask(client, &ask);
	gate_push(client, SIZE_MAX);
	gate_run();
	return gate.request_count - 1;
}

/* ---- frames -------------------------------------------------------------------------------- */

void
h2_frame(struct h2_peer *p, uint8_t type, uint8_t flags, int32_t id, const void *payload,
	 size_t bytes)
{
	uint32_t of = (uint32_t)id;
	const unsigned char head[FRAME_HEAD] = {(unsigned char)(bytes >> 16),
						(unsigned char)(bytes >> 8),
						(unsigned char)bytes,
						type,
						flags,
						(unsigned char)(of >> 24),
						(unsigned char)(of >> 16),
						(unsigned char)(of >> 8),
						(unsigned char)of};
	if (p->end == NULL)
		return;
	/* Whole frames of nghttp2's go first: SETTINGS before all. */
	say(p);
	gate_put(&p->out, (const char *)head, sizeof(head));
	gate_put(&p->out, payload, bytes);
}

void
h2_peer_raw(struct h2_peer *p, const void *at, size_t bytes)
{
	if (p->end == NULL)
		return;
	say(p);
	p->raw = true;
	gate_put(&p->out, at, bytes);
}

/* A literal without indexing, RFC 7541 section 6.2.2. */
static void
put_text(struct writer *w, const char *at, size_t bytes)
{
	CHECK(bytes < 127 + 128);
	if (bytes < 127) {
		write_char(w, (char)bytes);
	} else {
		write_char(w, 127);
		write_char(w, (char)(bytes - 127));
	}
	write_bytes(w, at, bytes);
}

static void
put_field(struct writer *w, const char *name, size_t name_bytes, const char *value,
	  size_t value_bytes)
{
	write_char(w, 0);
	put_text(w, name, name_bytes);
	put_text(w, value, value_bytes);
}

static void
put_fields(struct writer *w, const char *fields)
{
	for (const char *line = fields; line != NULL && *line != '\0';) {
		const char *end = strchr(line, '\n');
		const char *colon = strstr(line, ": ");
		CHECK(end != NULL && colon != NULL && colon < end);
		put_field(w, line, (size_t)(colon - line), colon + 2, (size_t)(end - colon - 2));
		line = end + 1;
	}
}

void
h2_head(struct h2_asked *a, int status, uint8_t flags, const char *fields)
{
	char block[BLOCK_BYTES];
	char text[8];
	struct writer w = writer_on(block, sizeof(block));
	(void)snprintf(text, sizeof(text), "%d", status);
	put_field(&w, ":status", 7, text, strlen(text));
	if (status >= 200) {
		const char *length = fields != NULL ? strstr(fields, "content-length: ") : NULL;
		put_field(&w, "x-token", 7, a->token, strlen(a->token));
		if (!a->answered && length != NULL)
			a->announced = strtoll(length + sizeof("content-length: ") - 1, NULL, 10);
		a->answered = true;
		/* Another member holds the session: it was not processed here. */
		a->refused |=
		    status == 421 && fields != NULL && strstr(fields, "holdfast-pass: 1\n") != NULL;
	}
	put_fields(&w, fields);
	CHECK(!w.overflow);
	a->said_all |= (flags & NGHTTP2_FLAG_END_STREAM) != 0;
	h2_frame(a->peer, NGHTTP2_HEADERS, (uint8_t)(flags | NGHTTP2_FLAG_END_HEADERS), a->id,
		 block, w.bytes);
}

void
h2_trailers(struct h2_asked *a, const char *fields)
{
	char block[BLOCK_BYTES];
	struct writer w = writer_on(block, sizeof(block));
	put_fields(&w, fields);
	CHECK(!w.overflow);
	a->said_all = true;
	h2_frame(a->peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
		 a->id, block, w.bytes);
}

void
h2_data(struct h2_asked *a, size_t bytes, uint8_t flags)
{
	char piece[DATA_MAX];
	do {
		size_t here = bytes < sizeof(piece) ? bytes : sizeof(piece);
		for (size_t i = 0; i < here; i++)
			piece[i] = gate_pattern(a->number, a->said + i);
		a->said += here;
		bytes -= here;
		h2_frame(a->peer, NGHTTP2_DATA, bytes == 0 ? flags : 0, a->id, piece, here);
	} while (bytes > 0);
	a->said_all |= (flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

void
h2_answer(struct h2_asked *a, size_t bytes)
{
	char length[40];
	(void)snprintf(length, sizeof(length), "content-length: %zu\n", bytes);
	h2_head(a, 200, bytes == 0 ? NGHTTP2_FLAG_END_STREAM : 0, length);
	if (bytes > 0)
		h2_data(a, bytes, NGHTTP2_FLAG_END_STREAM);
}

static void
put_number(unsigned char *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(number >> (24 - 8 * i));
}

void
h2_reset(struct h2_asked *a, uint32_t code)
{
	unsigned char payload[4];
	put_number(payload, code);
	a->refused |= code == NGHTTP2_REFUSED_STREAM;
	a->over = true;
	h2_frame(a->peer, NGHTTP2_RST_STREAM, 0, a->id, payload, sizeof(payload));
}

void
h2_goaway(struct h2_peer *p, int32_t last, uint32_t code)
{
	unsigned char payload[8];
	put_number(payload, (uint32_t)last);
	put_number(payload + 4, code);
	p->last = last < p->last ? last : p->last;
	h2_frame(p, NGHTTP2_GOAWAY, 0, 0, payload, sizeof(payload));
}

static void
put_setting(unsigned char *at, uint16_t id, uint32_t value)
{
	at[0] = (unsigned char)(id >> 8);
	at[1] = (unsigned char)id;
	put_number(at + 2, value);
}

void
h2_greet(struct h2_peer *p)
{
	unsigned char payload[6 * H2_SETTINGS_MAX];
	for (size_t i = 0; i < h2_peers.setting_count; i++)
		put_setting(payload + 6 * i, (uint16_t)h2_peers.settings[i].settings_id,
			    h2_peers.settings[i].value);
	h2_frame(p, NGHTTP2_SETTINGS, 0, 0, payload, 6 * h2_peers.setting_count);
	p->settled = true;
}

void
h2_settings(struct h2_peer *p, uint16_t id, uint32_t value)
{
	unsigned char payload[6];
	put_setting(payload, id, value);
	h2_frame(p, NGHTTP2_SETTINGS, 0, 0, payload, sizeof(payload));
}

void
h2_window(struct h2_peer *p, int32_t id, uint32_t bytes)
{
	unsigned char payload[4];
	put_number(payload, bytes);
	h2_frame(p, NGHTTP2_WINDOW_UPDATE, 0, id, payload, sizeof(payload));
}
