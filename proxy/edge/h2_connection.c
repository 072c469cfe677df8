/* h2_connection.c: the life of a connection; see h2_connection.h. */
#include "edge/h2_connection.h"

#include "base/log.h"
#include "edge/addresses.h"
#include "edge/h2_stream.h"
#include "relay/turn.h"
#include "tls/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint32_t end_codes[HTTP2_ENDS] = {
#define HTTP2_END(name, text, code, burst, per_s, help) [HTTP2_END_##name] = NGHTTP2_##code,
#include "tbl/http2_ends.h"
#undef HTTP2_END
};

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
connection_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

static void
unlink_connection(struct h2_connection *c)
{
	struct worker *w = c->io.worker;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->h2->connections = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	w->client_count--;
	atomic_fetch_sub_explicit(&w->shared->clients, 1, memory_order_relaxed);
	if (!c->in_turn)
		return;
	struct h2_connection **at = &w->h2->turn;
	while (*at != c)
		at = &(*at)->next_turn;
	*at = c->next_turn;
	c->in_turn = false;
}

/* Nobody waits for their answers any more. */
static void
end_streams(struct h2_connection *c, enum cause cause)
{
	while (c->streams != NULL)
		h2_stream_close(c->streams, cause);
}

static enum cause
cause_of(enum http2_end why)
{
	switch (why) {
	case HTTP2_END_STOP:
		return CAUSE_SHUTDOWN;
	case HTTP2_END_SLOW:
		return CAUSE_CLIENT_SLOW;
	case HTTP2_END_NO_MEMORY:
		return CAUSE_OUT_OF_RESOURCES;
	case HTTP2_END_PROTOCOL:
		return CAUSE_CLIENT_PROTOCOL;
	case HTTP2_END_HEAD_TIMEOUT:
		return CAUSE_CLIENT_HEAD_TIMEOUT;
	default:
		return end_codes[why] == NGHTTP2_ENHANCE_YOUR_CALM ? CAUSE_CLIENT_FLOOD
								   : CAUSE_CLIENT_ABORT;
	}
}

/* The client went away: from how much? What is unfed may be many requests. */
static bool
has_left(const struct h2_connection *c)
{
	uint32_t unanswered = c->requests - c->answered;
	return c->unfed != NULL || (unanswered > H2_HEADS_AT_ONCE && unanswered > c->answered);
}

/* Closes now, whatever waits. */
static void
close_now(struct h2_connection *c, bool hard)
{
	struct worker *w = c->io.worker;
	assert(!c->wire.running);
	if (c->closed)
		return;
	c->closed = true;
	if (c->why == HTTP2_END_DONE && has_left(c))
		c->why = HTTP2_END_LEFT;
	end_streams(c, cause_of((enum http2_end)c->why));
	http2_add(&h2_counts(c)->ended[c->why]);
	if (hard) {
		struct linger linger = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	} else if (!c->wire.gone) {
		io_farewell(&c->io);
	}
	unlink_connection(c);
	if (c->counted)
		addresses_leave(w->shared->addresses, &c->peer);
	deadline_remove(w, &c->deadline);
	deadline_remove(w, &c->head);
	deadline_remove(w, &c->drain);
	h2_in_drop(c);
	h2_wire_drop(&c->wire);
	nghttp2_session_del(c->wire.session);
	c->wire.session = NULL;
	io_close(&c->io);
	worker_trash(w, &c->trash, connection_drop);
}

/* All is out. What the client still sends must not reset the last frames away. */
static void
finish(struct h2_connection *c)
{
	if (c->eof || c->wire.gone) {
		close_now(c, false);
		return;
	}
	end_streams(c, cause_of((enum http2_end)c->why));
	h2_in_drop(c);
	io_shutdown(&c->io);
	c->lingering = true;
	deadline_clear(&c->head);
	deadline_clear(&c->drain);
	deadline_set(c->io.worker, &c->deadline, H2_LINGER_MS);
	if (!io_want(&c->io, IO_READ))
		close_now(c, false);
}

/* ---- ends in order, and at once ---------------------------------------------------------------
 */

void
h2_connection_wake(struct h2_connection *c)
{
	struct worker *w = c->io.worker;
	if (c->in_turn || c->closed)
		return;
	c->in_turn = true;
	c->next_turn = w->h2->turn;
	w->h2->turn = c;
	if (c->next_turn == NULL)
		turn_ask(w);
}

void
h2_connection_break(struct h2_connection *c, enum http2_end why)
{
	if (c->broken)
		return;
	enum cause cause = cause_of(why);
	c->broken = true;
	c->ending = true;
	c->why = (uint8_t)why;
	if (cause != CAUSE_SHUTDOWN)
		journal_closed(c->io.worker, &c->peer, cause);
	log_debug("HTTP/2 connection broken off: %s", http2_end_text(why));
	for (struct h2_stream *s = c->streams; s != NULL; s = s->next)
		h2_stream_forsake(s, cause);
	(void)nghttp2_session_terminate_session(c->wire.session, end_codes[why]);
	h2_connection_wake(c);
}

static void
say_goaway(struct h2_connection *c)
{
	if (c->goaway || c->broken)
		return;
	c->goaway = true;
	deadline_clear(&c->drain);
	c->goaway_last = nghttp2_session_get_last_proc_stream_id(c->wire.session);
	(void)nghttp2_submit_goaway(c->wire.session, NGHTTP2_FLAG_NONE, c->goaway_last,
				    end_codes[c->why], NULL, 0);
	h2_connection_wake(c);
}

void
h2_connection_leave(struct h2_connection *c, enum http2_end why)
{
	if (c->ending || c->lingering)
		return;
	c->ending = true;
	c->why = (uint8_t)why;
	if (why == HTTP2_END_IDLE) {
		say_goaway(c);
		return;
	}
	(void)nghttp2_submit_shutdown_notice(c->wire.session);
	deadline_set(c->io.worker, &c->drain, H2_DRAIN_MS);
	h2_connection_wake(c);
}

void
h2_connection_acked(struct h2_connection *c)
{
	if (c->ending)
		say_goaway(c);
}

/* The notice, or nghttp2 found the client at fault. */
void
h2_connection_said_goaway(struct h2_connection *c, uint32_t code)
{
	if (c->broken)
		return;
	if (code != NGHTTP2_NO_ERROR)
		h2_connection_break(c, HTTP2_END_PROTOCOL);
	else if (!c->goaway) /* behind it: a PING that is submitted with it would go before it */
		(void)nghttp2_submit_ping(c->wire.session, NGHTTP2_FLAG_NONE, NULL);
}

bool
h2_connection_spend(struct h2_connection *c, enum http2_end kind)
{
	if (h2_budget_take(&c->budget, kind, c->io.worker->now_ms))
		return true;
	h2_connection_break(c, kind);
	return false;
}

/* ---- what is waited for -----------------------------------------------------------------------
 */

static struct pace_bounds
pace_bounds(const struct h2_connection *c)
{
	const struct config_service *first = h2_bounds(c);
	return (struct pace_bounds){
	    .idle_ms = first->timeouts.idle_ms,
	    .rate_min = first->rates.answer_min,
	    .period_ms = first->rates.period_ms,
	};
}

void
h2_connection_stream_closed(struct h2_connection *c)
{
	if (c->closed)
		return;
	if (c->unfed != NULL)
		h2_in_wait(c);
	if (c->stream_count > 0)
		return;
	if (c->wire.out == NULL)
		deadline_set(c->io.worker, &c->deadline, h2_bounds(c)->timeouts.idle_ms);
	h2_connection_wake(c);
}

/* The socket took all, or does not. */
static void
bound_socket(struct h2_connection *c, bool waited)
{
	struct worker *w = c->io.worker;
	bool waits = c->wire.out != NULL;
	if (waits == waited)
		return;
	if (waits) {
		struct pace_bounds bounds = pace_bounds(c);
		pace_begin(&c->pace, w->now_ms);
		deadline_set(w, &c->deadline, pace_wait_ms(&c->pace, &bounds, w->now_ms));
	} else if (c->stream_count == 0) {
		deadline_set(w, &c->deadline, h2_bounds(c)->timeouts.idle_ms);
	} else {
		deadline_clear(&c->deadline);
	}
}

/* What is watched; what is over ends. */
static void
settle(struct h2_connection *c)
{
	if (c->closed || c->lingering)
		return;
	bool writes = nghttp2_session_want_write(c->wire.session) != 0;
	bool reads = nghttp2_session_want_read(c->wire.session) != 0;
	bool over = c->broken || (c->goaway && c->stream_count == 0) || !reads;
	if (c->wire.gone || (c->eof && c->stream_count == 0)) {
		close_now(c, false);
		return;
	}
	if (over && c->wire.out == NULL && (!writes || c->broken)) {
		finish(c);
		return;
	}
	unsigned wants = h2_in_reads(c) ? IO_READ : 0;
	if (c->wire.out != NULL)
		wants |= IO_WRITE;
	if (!io_want(&c->io, wants)) {
		c->why = HTTP2_END_NO_MEMORY;
		close_now(c, false);
	}
}

/* ---- the end of a round -----------------------------------------------------------------------
 */

static void
look_after_streams(struct h2_connection *c)
{
	c->feeds = false;
	c->drained = false;
	struct h2_stream *next;
	for (struct h2_stream *s = c->streams; s != NULL; s = next) {
		next = s->next;
		h2_stream_look_after(s);
	}
}

/* What windows hold back of a client whose side has ended: they never open any more. */
static void
give_up_queued(struct h2_connection *c)
{
	struct h2_stream *next;
	for (struct h2_stream *s = c->streams; s != NULL; s = next) {
		next = s->next;
		if (s->queued == 0 && !s->unended)
			continue;
		h2_stream_reset(s, NGHTTP2_CANCEL);
		h2_stream_forsake(s, CAUSE_CLIENT_ABORT);
	}
}

static void
turn(struct h2_connection *c)
{
	bool waited = c->wire.out != NULL;
	if (c->lingering)
		return;
	if (c->feeds)
		look_after_streams(c);
	if (!c->wire.gone)
		h2_wire_pump(&c->wire);
	if (c->wire.no_memory)
		c->why = HTTP2_END_NO_MEMORY;
	if (c->eof && c->wire.out == NULL && c->queued + c->unended > 0)
		give_up_queued(c);
	if (c->drained || c->queued + c->unended > 0)
		look_after_streams(c);
	bound_socket(c, waited);
	settle(c);
}

void
h2_connections_turn(struct worker *w)
{
	struct h2_connection *c;
	if (w->h2 != NULL)
		h2_in_turn(w);
	/* Who is woken by this is looked after in the same round; each has something to send. */
	while (w->h2 != NULL && (c = w->h2->turn) != NULL) {
		w->h2->turn = c->next_turn;
		c->in_turn = false;
		turn(c);
	}
	if (w->h2 != NULL && w->h2->waiting != NULL)
		turn_ask_next(w);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* What comes behind the last word. */
static void
throw_away(struct h2_connection *c)
{
	struct worker *w = c->io.worker;
	ssize_t n = io_recv(&c->io, w->bulk, sizeof(w->bulk));
	if (n == -1 && errno == EAGAIN)
		return;
	c->lingered += n > 0 ? (uint64_t)n : 0;
	if (n <= 0 || c->lingered > H2_LINGER_BYTES)
		close_now(c, false);
}

static void
on_ready(void *owner, unsigned events)
{
	struct h2_connection *c = owner;
	if ((events & IO_WRITE) != 0 && !c->closed) {
		h2_wire_drain(&c->wire);
		if (c->wire.out == NULL || c->wire.gone) {
			bound_socket(c, true);
			h2_connection_wake(c);
		}
	}
	if ((events & IO_READ) == 0 || c->closed)
		return;
	if (c->lingering)
		throw_away(c);
	else
		h2_in_read(c);
}

/* ---- deadlines --------------------------------------------------------------------------------
 */

static void
on_deadline(struct deadline *d)
{
	struct h2_connection *c =
	    (struct h2_connection *)(void *)((char *)d - offsetof(struct h2_connection, deadline));
	struct worker *w = c->io.worker;
	if (c->lingering) {
		close_now(c, false);
	} else if (c->wire.out != NULL) {
		struct pace_bounds bounds = pace_bounds(c);
		h2_out_heed(c);
		if (pace_judge(&c->pace, &bounds, w->now_ms) == PACE_GOOD) {
			deadline_set(w, &c->deadline, pace_wait_ms(&c->pace, &bounds, w->now_ms));
			return;
		}
		c->why = HTTP2_END_SLOW;
		close_now(c, true);
	} else if (c->unfed != NULL) { /* it is waited for by us */
		deadline_set(w, &c->deadline, h2_bounds(c)->timeouts.idle_ms);
	} else if (c->requests == 0) {
		h2_connection_break(c, HTTP2_END_HEAD_TIMEOUT);
	} else if (c->stream_count == 0) {
		h2_connection_leave(c, HTTP2_END_IDLE);
	}
}

static void
on_head_deadline(struct deadline *d)
{
	struct h2_connection *c =
	    (struct h2_connection *)(void *)((char *)d - offsetof(struct h2_connection, head));
	h2_connection_break(c, HTTP2_END_HEAD_TIMEOUT);
}

/* The PING was not answered. */
static void
on_drain_deadline(struct deadline *d)
{
	say_goaway(
	    (struct h2_connection *)(void *)((char *)d - offsetof(struct h2_connection, drain)));
}

/* ---- open, stop -------------------------------------------------------------------------------
 */

void
h2_release(struct worker *w)
{
	struct h2_worker *h = w->h2;
	w->h2 = NULL;
	if (h == NULL)
		return;
	assert(h->connections == NULL);
	nghttp2_session_callbacks_del(h->callbacks);
	nghttp2_option_del(h->option);
	free(h);
}

static bool
prepare(struct worker *w)
{
	if (w->h2 != NULL)
		return true;
	w->h2 = calloc(1, sizeof(*w->h2));
	if (w->h2 == NULL)
		return false;
	w->h2->out = writer_on(w->h2->out_bytes, sizeof(w->h2->out_bytes));
	w->turn_edge = h2_connections_turn;
	if (h2_session_callbacks(w->h2) && turn_prepare(w))
		return true;
	h2_release(w);
	return false;
}

static struct h2_connection *
create(struct worker *w, const struct addr *peer)
{
	struct h2_connection *c = prepare(w) ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL)
		return NULL;
	io_init(&c->io, w, -1, on_ready, c);
	c->wire.session = h2_session_create(c);
	if (c->wire.session == NULL) {
		free(c);
		return NULL;
	}
	c->wire.io = &c->io;
	c->wire.scratch = &w->h2->out;
	c->peer = *peer;
	c->deadline.fire = on_deadline;
	c->head.fire = on_head_deadline;
	c->drain.fire = on_drain_deadline;
	h2_budget_init(&c->budget, w->now_ms);
	h2_frames_init(&c->frames);
	c->last_id = -1;
	c->next = w->h2->connections;
	if (c->next != NULL)
		c->next->prev = c;
	w->h2->connections = c;
	w->client_count++;
	atomic_fetch_add_explicit(&w->shared->clients, 1, memory_order_relaxed);
	return c;
}

bool
h2_connection_open(struct worker *w, int fd, struct tls_channel *channel, const struct addr *peer,
		   bool counted, struct slice early)
{
	struct h2_connection *c = create(w, peer);
	if (c == NULL) {
		if (counted)
			addresses_leave(w->shared->addresses, peer);
		tls_channel_free(&channel);
		(void)close(fd);
		return false;
	}
	c->io.fd = fd;
	io_through(&c->io, channel);
	c->counted = counted;
	http2_add(&h2_counts(c)->connections);
	deadline_set(w, &c->deadline, h2_bounds(c)->timeouts.header_ms);
	if (early.bytes > 0)
		h2_in_take(c, early.at, early.bytes);
	if (__builtin_expect(w->stopping, 0))
		h2_connection_leave(c, HTTP2_END_STOP);
	h2_connection_wake(c);
	return true;
}

void
h2_connections_stop(struct worker *w)
{
	for (struct h2_connection *c = w->h2 != NULL ? w->h2->connections : NULL; c != NULL;
	     c = c->next)
		h2_connection_leave(c, HTTP2_END_STOP);
}

void
h2_connections_reload(struct worker *w)
{
	for (struct h2_connection *c = w->h2 != NULL ? w->h2->connections : NULL; c != NULL;
	     c = c->next)
		h2_connection_leave(c, HTTP2_END_RELOAD);
}

void
h2_connections_abort(struct worker *w)
{
	while (w->h2 != NULL && w->h2->connections != NULL) {
		struct h2_connection *c = w->h2->connections;
		c->why = HTTP2_END_STOP;
		close_now(c, true);
	}
}
