/*
 * h2_in.c: what a client sent, on its way to nghttp2.
 *
 * Bytes with at most H2_HEADS_AT_ONCE requests in them go there at once. Others wait, and their
 * connection takes its place behind those that wait already; H2_ROUND_VISITS of them are visited in
 * a round of the loop, each begins H2_HEADS_AT_ONCE requests more and goes to the end. Before a
 * visit the socket is read: of a client that broke the connection nothing more is begun.
 *
 * An end of the client's side says only that nothing more is asked; does it still read? What it was
 * sent before does not tell. So what waits then waits for a round, in which SETTINGS leave, and has
 * H2_HEADS_AT_ONCE requests under way at a time: each answer that nobody takes breaks the
 * connection.
 */
#include "edge/h2_stream.h"

#include <errno.h>

/* ---- to nghttp2 -------------------------------------------------------------------------------
 */

static void
on_refused(struct h2_connection *c, ssize_t error)
{
	if (c->broken)
		return; /* a callback said so */
	if (error == NGHTTP2_ERR_NOMEM)
		h2_connection_break(c, HTTP2_END_NO_MEMORY);
	else if (error == NGHTTP2_ERR_FLOODED)
		h2_connection_break(c, HTTP2_END_PINGS);
	else
		h2_connection_break(c, HTTP2_END_PROTOCOL);
}

/* Frames that nghttp2 passes over in silence. */
static void
count_unknown(struct h2_connection *c)
{
	enum http2_end why;
	if (!h2_budget_passed_over(&c->budget, &c->frames, c->io.worker->now_ms, &why))
		h2_connection_break(c, why);
}

/* A head whose rest may be among what is unfed is waited for by nobody. */
static void
bound_head(struct h2_connection *c)
{
	bool in_head = c->unfed == NULL && h2_frames_in_head(&c->frames);
	bool bounded = c->head.timer.deadline_ms != 0;
	if (in_head && !bounded)
		deadline_set(c->io.worker, &c->head, h2_bounds(c)->timeouts.header_ms);
	else if (!in_head && bounded)
		deadline_clear(&c->head);
}

static void
feed(struct h2_connection *c, const char *at, size_t bytes)
{
	c->wire.running = true;
	ssize_t n = nghttp2_session_mem_recv(c->wire.session, (const uint8_t *)at, bytes);
	c->wire.running = false;
	if (n < 0)
		on_refused(c, n);
	count_unknown(c);
}

/* No frame comes any more: requests that are not whole never will be. */
static void
on_eof(struct h2_connection *c)
{
	c->eof = true;
	struct h2_stream *next;
	for (struct h2_stream *s = c->streams; s != NULL; s = next) {
		next = s->next;
		if (s->tunnel)
			h2_stream_body_end(s);
		else if (!s->body_ended) {
			h2_stream_reset(s, NGHTTP2_CANCEL);
			h2_stream_forsake(s, CAUSE_CLIENT_ABORT);
		}
	}
}

/* ---- what waits -------------------------------------------------------------------------------
 */

static void
unlink_waiting(struct h2_connection *c)
{
	struct h2_worker *h = c->io.worker->h2;
	if (!c->waiting)
		return;
	c->waiting = false;
	if (c->prev_waiting != NULL)
		c->prev_waiting->next_waiting = c->next_waiting;
	else
		h->waiting = c->next_waiting;
	if (c->next_waiting != NULL)
		c->next_waiting->prev_waiting = c->prev_waiting;
	else
		h->waiting_last = c->prev_waiting;
}

void
h2_in_wait(struct h2_connection *c)
{
	struct h2_worker *h = c->io.worker->h2;
	if (c->waiting)
		return;
	c->waiting = true;
	c->next_waiting = NULL;
	c->prev_waiting = h->waiting_last;
	if (c->prev_waiting != NULL)
		c->prev_waiting->next_waiting = c;
	else
		h->waiting = c;
	h->waiting_last = c;
	h2_connection_wake(c);
}

void
h2_in_drop(struct h2_connection *c)
{
	unlink_waiting(c);
	buf_chain_put(&c->io.worker->bufs, &c->unfed);
	c->unfed_last = NULL;
	c->unfed_bytes = 0;
}

static void
put_off(struct h2_connection *c, const char *at, size_t bytes)
{
	if (!h2_chain_put(c->io.worker, &c->unfed, &c->unfed_last, at, bytes)) {
		h2_connection_break(c, HTTP2_END_NO_MEMORY);
		return;
	}
	c->unfed_bytes += bytes;
	h2_in_wait(c);
}

/* So many more requests of what is unfed. */
static void
feed_some(struct h2_connection *c, uint32_t heads)
{
	struct worker *w = c->io.worker;
	while (c->unfed != NULL && heads > 0 && !c->broken) {
		struct buf *b = c->unfed;
		const char *at = b->data + b->from;
		size_t bytes = h2_frames_take(&c->frames, (const uint8_t *)at, buf_held(b), &heads);
		feed(c, at, bytes);
		b->from += (uint32_t)bytes;
		c->unfed_bytes -= bytes;
		if (buf_held(b) > 0)
			continue;
		c->unfed = b->next;
		buf_put(&w->bufs, &b);
	}
	if (c->unfed == NULL)
		c->unfed_last = NULL;
	if (c->unfed == NULL && c->ended)
		on_eof(c);
	bound_head(c);
	h2_connection_wake(c);
}

void
h2_in_take(struct h2_connection *c, const char *at, size_t bytes)
{
	struct h2_frames frames = c->frames;
	uint32_t heads = H2_HEADS_AT_ONCE;
	if (c->unfed != NULL ||
	    h2_frames_take(&frames, (const uint8_t *)at, bytes, &heads) < bytes) {
		put_off(c, at, bytes);
		return;
	}
	c->frames = frames;
	feed(c, at, bytes);
	bound_head(c);
	h2_connection_wake(c);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

bool
h2_in_reads(const struct h2_connection *c)
{
	return !c->ended && !c->broken && c->unfed_bytes < H2_UNFED_BYTES;
}

/* The connection broke. */
static void
lost(struct h2_connection *c)
{
	c->wire.gone = true;
	h2_connection_wake(c);
}

void
h2_in_read(struct h2_connection *c)
{
	struct worker *w = c->io.worker;
	ssize_t n = io_recv(&c->io, w->bulk, sizeof(w->bulk));
	if (n == -1 && errno == EAGAIN)
		return;
	if (n > 0) {
		h2_in_take(c, w->bulk, (size_t)n);
		return;
	}
	if (n < 0) {
		lost(c);
		return;
	}
	c->ended = true;
	c->ended_round = w->round;
	if (c->unfed == NULL)
		on_eof(c);
	h2_connection_wake(c);
}

/* ---- turns ------------------------------------------------------------------------------------
 */

/* What is there to be known, once a round: more, or that the client left. */
static void
look(struct h2_connection *c)
{
	uint64_t round = c->io.worker->round;
	if (c->look_round == round)
		return;
	c->look_round = round;
	if (h2_in_reads(c))
		h2_in_read(c);
	else if (c->ended && io_broke(&c->io))
		lost(c);
}

/* How many more requests it may begin now. */
static uint32_t
allowed(const struct h2_connection *c)
{
	if (!c->ended)
		return H2_HEADS_AT_ONCE;
	return c->stream_count < H2_HEADS_AT_ONCE ? H2_HEADS_AT_ONCE - c->stream_count : 0;
}

/* It waits for its turn no more, unless again. */
static void
visit(struct h2_connection *c)
{
	look(c);
	unlink_waiting(c);
	if (c->wire.gone || c->broken || c->lingering || c->unfed == NULL)
		return; /* it is to be closed, or there is nothing left */
	if (c->ended && c->ended_round == c->io.worker->round) {
		h2_in_wait(c);
		return;
	}
	uint32_t heads = allowed(c);
	if (heads == 0)
		return; /* until a stream is closed */
	feed_some(c, heads);
	if (c->unfed != NULL)
		h2_in_wait(c);
}

void
h2_in_turn(struct worker *w)
{
	struct h2_worker *h = w->h2;
	unsigned visits = h->visited_round != w->round ? H2_ROUND_VISITS : 0;
	h->visited_round = w->round;
	for (; visits > 0 && h->waiting != NULL; visits--)
		visit(h->waiting);
}
