/* h2_stream.c: a stream's life, and its request; see h2_stream.h. */
#include "edge/h2_stream.h"

#include "base/digest.h"
#include "base/log.h"
#include "edge/own_answer.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
stream_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

static void on_deadline(struct deadline *d);

struct h2_stream *
h2_stream_open(struct h2_connection *c, int32_t id)
{
	struct worker *w = c->io.worker;
	struct h2_stream *s = calloc(1, sizeof(*s));
	struct buf *head = s != NULL ? buf_get(&w->bufs) : NULL;
	if (head == NULL) {
		free(s);
		return NULL;
	}
	s->connection = c;
	s->id = id;
	s->head = head;
	s->door = (struct door){.ops = &h2_door_ops, .fd = c->io.fd, .peer = &c->peer};
	if (c->io.channel != NULL)
		s->door.tls = &c->io.channel->facts;
	s->deadline.fire = on_deadline;
	h2_head_init(&s->fields, head->data, &w->limits);
	s->next = c->streams;
	if (s->next != NULL)
		s->next->prev = s;
	c->streams = s;
	if (c->stream_count++ == 0 && c->wire.out == NULL)
		deadline_clear(&c->deadline);
	c->requests++;
	http2_add(&h2_counts(c)->streams);
	uint32_t requests_max = w->services->config->limits.requests_max;
	if (requests_max != 0 && c->requests >= requests_max)
		h2_connection_leave(c, HTTP2_END_REQUESTS);
	return s;
}

static void
release_pseudo(struct h2_stream *s)
{
	while (s->pseudo_count > 0)
		nghttp2_rcbuf_decref(s->pseudo[--s->pseudo_count]);
}

/* Bytes that nobody takes: the client may send as many again, on other streams at least. */
static void
drop_held(struct h2_stream *s)
{
	size_t bytes = 0;
	for (const struct buf *b = s->held; b != NULL; b = b->next)
		bytes += buf_held(b);
	buf_chain_put(&s->connection->io.worker->bufs, &s->held);
	s->held_last = NULL;
	if (bytes > 0)
		(void)nghttp2_session_consume_connection(s->connection->wire.session, bytes);
}

static void
unlink_stream(struct h2_stream *s)
{
	struct h2_connection *c = s->connection;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		c->streams = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	c->stream_count--;
}

void
h2_stream_forsake(struct h2_stream *s, enum cause cause)
{
	s->reset = true;
	s->door.gone = true;
	if (s->exchange != NULL)
		exchange_on_client_gone(s->exchange, s->tunnel ? CAUSE_TUNNEL_DONE : cause);
}

void
h2_stream_close(struct h2_stream *s, enum cause cause)
{
	struct h2_connection *c = s->connection;
	struct worker *w = c->io.worker;
	assert(!s->closed);
	h2_stream_forsake(s, cause);
	s->closed = true;
	unlink_stream(s);
	c->unended -= s->unended;
	deadline_remove(w, &s->deadline);
	release_pseudo(s);
	drop_held(s);
	h2_answer_drop(s);
	buf_put(&w->bufs, &s->head);
	buf_put(&w->bufs, &s->trailers);
	worker_trash(w, &s->trash, stream_drop);
	h2_connection_stream_closed(c);
}

void
h2_stream_reset(struct h2_stream *s, uint32_t code)
{
	struct h2_connection *c = s->connection;
	if (s->closed || c->closed || (s->reset && code == NGHTTP2_NO_ERROR))
		return;
	s->reset = true;
	s->door.gone = true;
	(void)nghttp2_submit_rst_stream(c->wire.session, NGHTTP2_FLAG_NONE, s->id, code);
	h2_connection_wake(c);
}

/* ---- what is waited for -----------------------------------------------------------------------
 */

/* A client is waited for while an answer of its waits, or while its body is to come and wanted. */
static bool
is_awaited(const struct h2_stream *s)
{
	return s->queued > 0 || s->unended ||
	       (s->exchange != NULL && !s->body_ended && !s->paused && !s->tunnel_asked);
}

static struct pace_bounds
pace_bounds(const struct h2_stream *s)
{
	const struct config_service *first =
	    &s->connection->io.worker->services->config->services[0];
	const struct exchange *x = s->exchange;
	const struct config_timeouts *t = x != NULL ? exchange_timeouts(x) : &first->timeouts;
	const struct config_rates *r = x != NULL ? exchange_rates(x) : &first->rates;
	return (struct pace_bounds){
	    .idle_ms = s->tunnel ? t->tunnel_ms : t->idle_ms,
	    .rate_min = s->tunnel       ? 0
			: s->queued > 0 ? r->answer_min
					: r->body_min,
	    .period_ms = r->period_ms,
	};
}

void
h2_stream_bound(struct h2_stream *s)
{
	struct worker *w = s->connection->io.worker;
	if (!is_awaited(s)) {
		deadline_clear(&s->deadline);
		return;
	}
	struct pace_bounds bounds = pace_bounds(s);
	pace_begin(&s->pace, w->now_ms);
	deadline_set(w, &s->deadline, pace_wait_ms(&s->pace, &bounds, w->now_ms));
}

static void
on_deadline(struct deadline *d)
{
	struct h2_stream *s =
	    (struct h2_stream *)(void *)((char *)d - offsetof(struct h2_stream, deadline));
	struct worker *w = s->connection->io.worker;
	if (!is_awaited(s))
		return;
	struct pace_bounds bounds = pace_bounds(s);
	if (pace_judge(&s->pace, &bounds, w->now_ms) == PACE_GOOD) {
		deadline_set(w, &s->deadline, pace_wait_ms(&s->pace, &bounds, w->now_ms));
		return;
	}
	if (s->queued > 0 || s->unended) {
		http2_add(&h2_counts(s->connection)->slow);
		if (s->exchange == NULL)
			journal_closed(w, &s->connection->peer, CAUSE_CLIENT_SLOW);
		h2_stream_reset(s, NGHTTP2_CANCEL);
		h2_stream_forsake(s, CAUSE_CLIENT_SLOW);
	} else {
		exchange_on_client_error(s->exchange, CAUSE_CLIENT_BODY_TIMEOUT);
	}
}

/* ---- the head ---------------------------------------------------------------------------------
 */

bool
h2_stream_field(struct h2_stream *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
	nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
	nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
	struct slice name_text = {(const char *)n.base, n.len};
	if (n.len > 0 && n.base[0] == ':' && s->pseudo_count < H2_PSEUDOS) {
		nghttp2_rcbuf_incref(value);
		s->pseudo[s->pseudo_count++] = value;
	}
	enum h2_verdict verdict =
	    h2_head_add(&s->fields, name_text, (struct slice){(const char *)v.base, v.len});
	if (verdict != H2_HEAD_BOMB)
		return true;
	h2_connection_break(s->connection, HTTP2_END_HEAD_BOMB);
	return false;
}

static void
refuse(struct h2_stream *s, enum cause cause, const char *why)
{
	log_debug("request refused: %s", why);
	journal_refused(s->connection->io.worker, &s->connection->peer, cause);
	h2_answer_refuse(s, cause, cause_table[cause].status, 0);
}

static void
break_off(struct h2_stream *s, const char *why)
{
	log_debug("stream broken off: %s", why);
	journal_closed(s->connection->io.worker, &s->connection->peer, CAUSE_CLIENT_BAD_REQUEST);
	h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
}

/* The head as HTTP/1.1 has it, read as such. NULL: it was refused. */
static struct exchange *
read_head(struct h2_stream *s)
{
	struct worker *w = s->connection->io.worker;
	struct slice text = {s->fields.text.at, s->fields.text.bytes};
	struct exchange *x = exchange_get(w, &s->door);
	if (x == NULL) {
		refuse(s, CAUSE_OUT_OF_RESOURCES, "no memory");
		return NULL;
	}
	size_t skipped = 0;
	enum cause cause = CAUSE_CLIENT_BAD_REQUEST;
	const char *why = "head not whole";
	enum parse_outcome outcome = parse_request(w->parser, text.at, text.bytes, &w->limits,
						   &x->request, &skipped, &cause, &why);
	bool whole = outcome == PARSE_OK && skipped == 0 && x->request.bytes == text.bytes;
	if (whole && s->door.tls != NULL && is_misdirected(s->door.tls, &x->request)) {
		whole = false;
		cause = CAUSE_CLIENT_MISDIRECTED;
		why = "a host other than the TLS server name";
	}
	if (whole)
		return x;
	exchange_put_unused(x);
	refuse(s, cause, why);
	return NULL;
}

/* The request breaks its own rules: it never becomes whole. */
static void
bad_body(struct h2_stream *s)
{
	h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
	h2_stream_forsake(s, CAUSE_CLIENT_BAD_BODY);
}

static void
begin(struct h2_stream *s)
{
	struct exchange *x = read_head(s);
	if (x == NULL)
		return;
	x->request.minor = HTTP_MINOR_OF_2;
	s->exchange = x;
	s->head_only = x->request.method == METHOD_HEAD;
	s->tunnel_asked = s->fields.tunnel;
	if (s->tunnel_asked)
		http2_add(&h2_counts(s->connection)->tunnels);
	s->paused = s->tunnel_asked;
	s->door.bridges = s->tunnel_asked;
	s->body_told = !s->tunnel_asked && !http_request_has_body(&x->request);
	s->body_left = x->request.framing == BODY_LENGTH ? x->request.content_length : UINT64_MAX;
	if (s->body_ended && !s->body_told) {
		bad_body(s); /* a length, and nothing follows */
		return;
	}
	exchange_begin(x);
	if (s->exchange == x && !s->body_ended)
		h2_stream_bound(s);
}

/* 16 random bytes in base64 (RFC 6455 section 4.1). */
static void
make_key(char key[H2_WEBSOCKET_KEY_BYTES])
{
	uint8_t random[16];
	unsigned char text[H2_WEBSOCKET_KEY_BYTES + 1];
	digest_random(random);
	(void)EVP_EncodeBlock(text, random, sizeof(random));
	memcpy(key, text, H2_WEBSOCKET_KEY_BYTES);
}

void
h2_stream_begin(struct h2_stream *s, bool ended)
{
	char key[H2_WEBSOCKET_KEY_BYTES] = "";
	if (s->fields.pseudo[H2_PROTOCOL].at != NULL)
		make_key(key);
	enum h2_verdict verdict = h2_head_end(&s->fields, ended, key);
	release_pseudo(s);
	s->body_ended = ended;
	switch (verdict) {
	case H2_HEAD_GOOD:
		begin(s);
		break;
	case H2_HEAD_REFUSED:
		refuse(s, s->fields.cause, s->fields.why);
		break;
	case H2_HEAD_MALFORMED:
	case H2_HEAD_BOMB:
		break_off(s, s->fields.why);
		break;
	}
}

/* ---- the body ---------------------------------------------------------------------------------
 */

void
h2_stream_trailer(struct h2_stream *s, struct slice name, struct slice value)
{
	struct worker *w = s->connection->io.worker;
	if (s->trailers == NULL)
		s->trailers = buf_get(&w->bufs);
	if (s->trailers == NULL) {
		s->bad_trailers = true;
		return;
	}
	struct writer lines = writer_on(s->trailers->data, HTTP_TRAILER_BYTES_MAX);
	lines.bytes = s->trailers->to;
	s->bad_trailers |= !h2_line_add(&lines, name, value);
	s->trailers->to = (uint32_t)lines.bytes;
}

static void
tell_end(struct h2_stream *s)
{
	struct worker *w = s->connection->io.worker;
	if (s->body_told || s->exchange == NULL)
		return;
	s->body_told = true;
	if (s->tunnel) {
		exchange_on_body_end(s->exchange, SLICE_NONE);
		return;
	}
	struct writer good = writer_on(w->added, sizeof(w->added));
	struct slice lines = SLICE_NONE;
	if (s->trailers != NULL)
		lines = (struct slice){s->trailers->data, s->trailers->to};
	bool known_length = s->exchange->request.framing == BODY_LENGTH;
	if (s->bad_trailers || !trailers_filter(lines, &good) || good.overflow ||
	    (known_length && s->body_left != 0)) {
		bad_body(s);
		return;
	}
	buf_put(&w->bufs, &s->trailers);
	exchange_on_body_end(s->exchange, (struct slice){good.at, good.bytes});
}

/* False: no memory. */
static bool
hold(struct h2_stream *s, const char *at, size_t bytes)
{
	return h2_chain_put(s->connection->io.worker, &s->held, &s->held_last, at, bytes);
}

/* The client may send as many again. */
static void
consume(struct h2_stream *s, size_t bytes)
{
	struct h2_connection *c = s->connection;
	if (c->closed)
		return;
	if (s->closed)
		(void)nghttp2_session_consume_connection(c->wire.session, bytes);
	else
		(void)nghttp2_session_consume(c->wire.session, s->id, bytes);
	h2_connection_wake(c);
}

void
h2_stream_data(struct h2_stream *s, const char *at, size_t bytes)
{
	if (s->exchange == NULL) { /* over, or refused: nobody wants it */
		consume(s, bytes);
		return;
	}
	if (bytes > s->body_left && !s->tunnel_asked) {
		consume(s, bytes);
		bad_body(s);
		return;
	}
	s->body_left -= bytes;
	if (s->queued == 0)
		pace_moved(&s->pace, bytes, s->connection->io.worker->now_ms);
	if (!s->paused && s->held == NULL) {
		exchange_on_body(s->exchange, at, bytes);
		consume(s, bytes);
		return;
	}
	if (!hold(s, at, bytes)) {
		consume(s, bytes);
		exchange_on_client_error(s->exchange, CAUSE_OUT_OF_RESOURCES);
	}
}

void
h2_stream_body_end(struct h2_stream *s)
{
	s->body_ended = true;
	if (s->queued == 0)
		deadline_clear(&s->deadline);
	if (s->held == NULL && !(s->tunnel_asked && !s->tunnel))
		tell_end(s);
}

/* What is held, while it is wanted. */
static void
feed_held(struct h2_stream *s)
{
	struct worker *w = s->connection->io.worker;
	while (s->held != NULL && s->exchange != NULL && !s->paused) {
		struct buf *b = s->held;
		s->held = b->next;
		if (s->held == NULL)
			s->held_last = NULL;
		size_t bytes = buf_held(b);
		exchange_on_body(s->exchange, b->data + b->from, bytes);
		buf_put(&w->bufs, &b);
		consume(s, bytes);
	}
	if (s->held == NULL && s->body_ended && !s->paused)
		tell_end(s);
}

void
h2_stream_look_after(struct h2_stream *s)
{
	struct worker *w = s->connection->io.worker;
	if (s->exchange != NULL && !s->paused && (s->held != NULL || s->body_ended))
		feed_held(s);
	if (s->door.blocked && s->queued < H2_QUEUE_RESUME) {
		s->door.blocked = false;
		if (s->exchange != NULL)
			exchange_on_client_drained(s->exchange);
	}
	if ((s->queued > 0 || s->unended) && s->deadline.timer.deadline_ms == 0) {
		struct pace_bounds bounds = pace_bounds(s);
		pace_begin(&s->pace, w->now_ms);
		deadline_set(w, &s->deadline, pace_wait_ms(&s->pace, &bounds, w->now_ms));
	}
}

/* ---- what the exchange asks -------------------------------------------------------------------
 */

void
h2_stream_want_body(struct door *d, bool on)
{
	struct h2_stream *s = h2_stream_of(d);
	if (s->paused == !on)
		return;
	s->paused = !on;
	if (s->queued == 0)
		h2_stream_bound(s);
	if (on && (s->held != NULL || s->body_ended)) {
		s->connection->feeds =
		    true; /* not from here: the exchange is in the middle of it */
		h2_connection_wake(s->connection);
	}
}

void
h2_stream_done(struct door *d)
{
	struct h2_stream *s = h2_stream_of(d);
	struct h2_connection *c = s->connection;
	s->exchange = NULL;
	if (s->tunnel && !s->reset)
		h2_door_ops.end(d, SLICE_NONE);
	else if (!s->answer_ended && !s->reset)
		h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
	if (c->closed || s->closed)
		return;
	drop_held(s);
	buf_put(&c->io.worker->bufs, &s->head);
	if (s->queued == 0)
		deadline_clear(&s->deadline);
	h2_connection_wake(c);
}
