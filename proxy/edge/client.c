/*
 * client.c: a client connection's life: bytes in, requests begun in order, idle
 * and slow ones told so. What a request's body is made of is in client_body.c, what
 * goes out in client_out.c.
 */
#include "edge/client.h"

#include "edge/addresses.h"
#include "edge/client_body.h"
#include "edge/client_out.h"
#include "edge/h2_connection.h"
#include "edge/own_answer.h"
#include "tls/channel.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void client_run(struct client *c);

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
client_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

static void
unlink_client(struct client *c)
{
	struct worker *w = c->io.worker;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	w->client_count--;
	atomic_fetch_sub_explicit(&w->shared->clients, 1, memory_order_relaxed);
}

/* Closes now, whatever waits. The exchange must be over. */
static void
client_close(struct client *c)
{
	struct worker *w = c->io.worker;
	assert(c->exchange == NULL);
	if (c->closed)
		return;
	c->closed = true;
	if (c->reset_after) {
		struct linger hard = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	} else if (!c->door.gone) {
		io_farewell(&c->io);
	}
	unlink_client(c);
	if (c->counted)
		addresses_leave(w->shared->addresses, &c->peer);
	deadline_remove(w, &c->deadline);
	buf_chain_put(&w->bufs, &c->in);
	buf_chain_put(&w->bufs, &c->out);
	buf_put(&w->bufs, &c->trailers);
	io_close(&c->io);
	worker_trash(w, &c->trash, client_drop);
}

/* What is watched now. */
static void
watch(struct client *c)
{
	if (c->closed)
		return;
	bool reads = !c->eof;
	if (reads && c->exchange != NULL && !c->body_ended)
		reads = !c->body_paused;
	else if (reads && c->exchange != NULL && c->in != NULL)
		reads = buf_room(c->in) > 0 && c->in->next == NULL;
	if (c->out != NULL && c->exchange == NULL && !c->lingering)
		reads = false; /* the next request waits until this answer is taken */
	unsigned wants = (reads ? IO_READ : 0) | (c->door.blocked ? IO_WRITE : 0);
	if (io_want(&c->io, wants))
		return;
	c->door.gone = true;
	if (c->exchange != NULL)
		exchange_on_client_gone(c->exchange, CAUSE_OUT_OF_RESOURCES);
	else
		client_close(c);
}

/* Did the client send what nobody will read? */
static bool
is_unread(const struct client *c)
{
	bool end;
	return !c->body_ended || c->in != NULL || (io_peek(&c->io, &end) && !end);
}

/* The last answer is out. What the client still sends must not reset it away (RFC 9112
 * section 9.6). */
static void
finish(struct client *c)
{
	if (c->eof || c->reset_after || !is_unread(c)) {
		client_close(c);
		return;
	}
	buf_chain_put(&c->io.worker->bufs, &c->in);
	io_shutdown(&c->io);
	c->lingering = true;
	c->body_left = 0;
	deadline_set(c->io.worker, &c->deadline, CLIENT_LINGER_MS);
	watch(c);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

/* As far as can be known of what is no request: a refusal has no content either then. */
static bool
looks_like_head(const struct buf *in)
{
	static const char word[] = "HEAD ";
	if (in == NULL)
		return false;
	size_t at = in->from;
	while (at < in->to && (in->data[at] == '\r' || in->data[at] == '\n'))
		at++;
	return in->to - at >= sizeof(word) - 1 &&
	       memcmp(in->data + at, word, sizeof(word) - 1) == 0;
}

/* Holdfast's answer to a head that is no request, and the end of the connection. */
static void
refuse_head(struct client *c, enum cause cause)
{
	c->close_after = true;
	c->head_only = looks_like_head(c->in);
	c->body_ended = false;
	client_out_refuse(c, cause, cause_table[cause].status, 0);
	journal_refused(c->io.worker, &c->peer, cause);
}

static void
begin(struct client *c, struct exchange *x)
{
	struct worker *w = c->io.worker;
	const struct http_head *head = &x->request;
	c->exchange = x;
	c->requests++;
	c->minor = head->minor;
	c->head_only = head->method == METHOD_HEAD;
	c->framing_in = head->framing;
	c->body_left = head->framing == BODY_LENGTH ? head->content_length : 0;
	c->body_ended = !http_request_has_body(head);
	c->body_paused = false;
	c->framing_out = BODY_NONE;
	c->door.status = 0;
	c->door.sent = 0;
	uint32_t requests_max = w->services->config->limits.requests_max;
	c->close_after =
	    !head->keep_alive || w->stopping || (requests_max != 0 && c->requests >= requests_max);
	if (head->framing == BODY_CHUNKED)
		chunk_init(&c->chunks);
	deadline_clear(&c->deadline);
	exchange_begin(x);
}

/* What looked like a head is how HTTP/2 begins, as far as it is there. */
static bool
is_preface(const struct client *c)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	size_t held = buf_held(c->in);
	size_t most = sizeof(preface) - 1;
	return c->h2c && c->requests == 0 &&
	       memcmp(c->in->data + c->in->from, preface, held < most ? held : most) == 0;
}

/* The descriptor and what was read go through the other door. */
static void
go_on_as_http2(struct client *c)
{
	struct worker *w = c->io.worker;
	struct buf *in = c->in;
	int fd = c->io.fd;
	(void)io_want(&c->io, 0);
	c->io.fd = -1;
	c->in = NULL;
	c->closed = true;
	c->close_after = true;
	unlink_client(c);
	deadline_remove(w, &c->deadline);
	(void)h2_connection_open(w, fd, NULL, &c->peer, c->counted,
				 (struct slice){in->data + in->from, buf_held(in)});
	buf_put(&w->bufs, &in);
	worker_trash(w, &c->trash, client_drop);
}

/* Tries to begin the request at the front of `in`. False: it is not complete yet, or refused. */
static bool
begin_next(struct client *c)
{
	struct worker *w = c->io.worker;
	struct exchange *x = exchange_get(w, &c->door);
	if (x == NULL) {
		refuse_head(c, CAUSE_OUT_OF_RESOURCES);
		return false;
	}
	size_t skipped = 0;
	enum cause cause = CAUSE_CLIENT_BAD_REQUEST;
	const char *why = "";
	enum parse_outcome outcome =
	    parse_request(w->parser, c->in->data + c->in->from, buf_held(c->in), &w->limits,
			  &x->request, &skipped, &cause, &why);
	if (outcome == PARSE_OK && __builtin_expect(c->door.tls != NULL, 0) &&
	    is_misdirected(c->door.tls, &x->request)) {
		outcome = PARSE_BAD;
		cause = CAUSE_CLIENT_MISDIRECTED;
		why = "a host other than the TLS server name";
	}
	if (outcome == PARSE_OK) {
		c->head_bytes = (uint32_t)skipped + x->request.bytes;
		begin(c, x);
		return true;
	}
	exchange_put_unused(x);
	if (outcome == PARSE_BAD && is_preface(c)) {
		go_on_as_http2(c);
		return false;
	}
	if (outcome == PARSE_BAD) {
		log_debug("request refused: %s", why);
		refuse_head(c, cause);
	}
	return false;
}

/* The present head and what belongs to it is not needed any more. */
static void
let_go_head(struct client *c)
{
	struct worker *w = c->io.worker;
	if (c->in == NULL)
		return;
	c->in->from += c->head_bytes;
	c->head_bytes = 0;
	if (buf_held(c->in) == 0) {
		struct buf *b = c->in;
		c->in = b->next;
		buf_put(&w->bufs, &b);
	} else if (c->in->from > 0) {
		memmove(c->in->data, c->in->data + c->in->from, buf_held(c->in));
		c->in->to -= c->in->from;
		c->in->from = 0;
	}
}

static void
idle(struct client *c)
{
	struct worker *w = c->io.worker;
	const struct config_timeouts *t = &w->services->config->services[0].timeouts;
	if (w->stopping && !w->draining && (c->in == NULL || c->requests > 0)) {
		client_close(c);
		return;
	}
	if (c->in == NULL && c->requests > 0)
		deadline_set(w, &c->deadline, t->idle_ms);
	else if (c->deadline.timer.deadline_ms == 0)
		deadline_set(w, &c->deadline,
			     t->header_ms); /* absolute: from the head's first byte */
	watch(c);
}

/*
 * A client is waited for while it is to take bytes of an answer, or else while its body is to come
 * and wanted; a tunnel is the exchange's matter.
 */
static bool
is_awaited(const struct client *c)
{
	return c->door.blocked ||
	       (c->exchange != NULL && !c->body_ended && !c->body_paused && !c->tunnel);
}

static struct pace_bounds
pace_bounds(const struct client *c)
{
	const struct config_service *first = &c->io.worker->services->config->services[0];
	const struct exchange *x = c->exchange;
	const struct config_timeouts *t = x != NULL ? exchange_timeouts(x) : &first->timeouts;
	const struct config_rates *r = x != NULL ? exchange_rates(x) : &first->rates;
	/* Of a UNIX socket the kernel tells of whole buffers alone (some 200 KiB): a proxy behind
	 * it that waits for a slow client of its own is not to be taken for dead. */
	if (c->door.blocked && c->local)
		return (struct pace_bounds){.idle_ms = t->tunnel_ms, .period_ms = r->period_ms};
	return (struct pace_bounds){
	    .idle_ms = t->idle_ms,
	    .rate_min = c->door.blocked ? r->answer_min : r->body_min,
	    .period_ms = r->period_ms,
	};
}

void
client_bound(struct client *c)
{
	struct worker *w = c->io.worker;
	if (!is_awaited(c)) {
		deadline_clear(&c->deadline);
		return;
	}
	struct pace_bounds bounds = pace_bounds(c);
	pace_begin(&c->pace, w->now_ms);
	deadline_set(w, &c->deadline, pace_wait_ms(&c->pace, &bounds, w->now_ms));
}

/* Asked by the deadline. True: it is waited for as long again. */
static bool
keeps_pace(struct client *c)
{
	struct worker *w = c->io.worker;
	struct pace_bounds bounds = pace_bounds(c);
	if (c->door.blocked)
		client_out_heed(c);
	if (pace_judge(&c->pace, &bounds, w->now_ms) != PACE_GOOD)
		return false;
	deadline_set(w, &c->deadline, pace_wait_ms(&c->pace, &bounds, w->now_ms));
	return true;
}

/* Begins what can be begun; never called inside itself. */
static void
client_run(struct client *c)
{
	c->running = true;
	while (!c->closed && c->exchange == NULL) {
		if (c->door.gone) {
			client_close(c);
			break;
		}
		if (c->out != NULL) {
			watch(c);
			break;
		}
		if (c->close_after) {
			finish(c);
			break;
		}
		if (c->in == NULL || !begin_next(c)) {
			if (c->close_after)
				continue;
			if (c->eof)
				client_close(c);
			else
				idle(c);
			break;
		}
		if (!c->body_ended)
			client_body_feed_held(c);
		if (c->exchange != NULL)
			client_bound(c);
	}
	if (!c->closed && c->exchange != NULL)
		watch(c);
	c->running = false;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Bytes read, of what recv(2) says; 0: the client's side ended (c->eof), broke (door.gone), or
 * nothing is there now. */
static size_t
taken(struct client *c, ssize_t n)
{
	if (n > 0)
		return (size_t)n;
	if (n == 0)
		c->eof = true;
	else if (errno != EAGAIN)
		c->door.gone = true;
	return 0;
}

static size_t
receive(struct client *c, char *at, size_t bytes)
{
	return taken(c, io_recv(&c->io, at, bytes));
}

static void
client_lost(struct client *c)
{
	if (c->exchange != NULL)
		exchange_on_client_gone(c->exchange,
					c->tunnel ? CAUSE_TUNNEL_DONE : CAUSE_CLIENT_ABORT);
	else
		client_close(c);
}

static void
throw_away(struct client *c)
{
	size_t n = receive(c, c->io.worker->bulk, sizeof(c->io.worker->bulk));
	c->body_left += n;
	if (c->eof || c->door.gone || c->body_left > CLIENT_LINGER_BYTES)
		client_close(c);
}

/* As much as may be read of a body at once. What is behind the end of a chunked one must fit `in`:
 * there is no end within a chunk. */
static size_t
body_read_max(const struct client *c)
{
	size_t most = sizeof(c->io.worker->bulk);
	uint64_t bound = most;
	if (!c->tunnel && c->framing_in == BODY_LENGTH)
		bound = c->body_left;
	else if (!c->tunnel && c->framing_in == BODY_CHUNKED)
		bound =
		    CLIENT_PIPELINED_READ + (c->chunks.state == CHUNK_DATA ? c->chunks.left : 0);
	return bound < most ? (size_t)bound : most;
}

static void
read_body(struct client *c)
{
	struct worker *w = c->io.worker;
	bool spliced = !c->tunnel && c->framing_in == BODY_LENGTH && c->io.way == NULL &&
		       exchange_splices_body(c->exchange, c->body_left);
	size_t n = spliced ? taken(c, exchange_splice_body(c->exchange, c->io.fd, c->body_left))
			   : receive(c, w->bulk, body_read_max(c));
	if (n > 0) {
		if (!c->door.blocked)
			pace_moved(&c->pace, n, w->now_ms);
		client_body_feed(c, spliced ? NULL : w->bulk, n);
	} else if (c->eof && c->tunnel) {
		client_body_end(c, SLICE_NONE);
	} else if (c->eof) {
		c->door.gone = true; /* the request can never be complete */
	}
}

/* Into `in`: the first bytes of a request, more of one, or of those behind the present one. */
static void
read_ahead(struct client *c)
{
	struct worker *w = c->io.worker;
	if (c->in == NULL)
		c->in = buf_get(&w->bufs);
	if (c->in == NULL) {
		c->door.gone = true;
		return;
	}
	bool first = c->exchange == NULL && buf_held(c->in) == 0 && c->requests > 0;
	size_t n = receive(c, c->in->data + c->in->to, buf_room(c->in));
	c->in->to += (uint32_t)n;
	if (buf_held(c->in) == 0)
		buf_put(&w->bufs, &c->in);
	else if (first)
		deadline_clear(&c->deadline); /* the idle time is over, the head's time begins */
}

static void
on_readable(struct client *c)
{
	if (c->lingering)
		throw_away(c);
	else if (c->exchange != NULL && !c->body_ended)
		read_body(c);
	else
		read_ahead(c);
}

static void
on_ready(void *owner, unsigned events)
{
	struct client *c = owner;
	c->running = true;
	if ((events & IO_WRITE) != 0 && !c->closed)
		client_out_drain(c);
	if ((events & IO_READ) != 0 && !c->closed)
		on_readable(c);
	if (!c->closed && c->door.gone)
		client_lost(c);
	c->running = false;
	if (!c->closed && !c->lingering)
		client_run(c);
}

static void
on_deadline(struct deadline *d)
{
	struct client *c = (struct client *)(void *)((char *)d - offsetof(struct client, deadline));
	if (is_awaited(c) && keeps_pace(c))
		return;
	if (c->exchange != NULL && c->door.blocked) {
		c->reset_after = true;
		c->door.gone = true; /* nothing follows an answer that is broken off */
		exchange_on_client_gone(c->exchange, CAUSE_CLIENT_SLOW);
	} else if (c->exchange != NULL && !c->body_ended) {
		c->close_after = true;
		exchange_on_client_error(c->exchange, CAUSE_CLIENT_BODY_TIMEOUT);
	} else if (c->exchange == NULL && c->in != NULL && c->out == NULL && !c->lingering) {
		refuse_head(c, CAUSE_CLIENT_HEAD_TIMEOUT);
		client_run(c);
	} else if (c->exchange == NULL) {
		c->reset_after = c->out != NULL; /* its end may be known by the close alone */
		client_close(c);
	}
}

/* ---- what the exchange asks -------------------------------------------------------------------
 */

void
client_want_body(struct door *d, bool on)
{
	struct client *c = client_of(d);
	if (c->body_paused == !on)
		return;
	c->body_paused = !on;
	if (!c->door.blocked)
		client_bound(c);
	if (!c->running)
		watch(c);
	if (on && c->tunnel)
		client_body_feed_early(c);
}

void
client_done(struct door *d)
{
	struct client *c = client_of(d);
	c->exchange = NULL;
	if (c->tunnel)
		c->close_after = true;
	if (!c->body_ended || d->gone)
		c->close_after = true;
	c->tunnel = false;
	d->ops->flush(d); /* the scratch is every client's: nothing of this one stays in it */
	let_go_head(c);
	if (c->out == NULL)
		deadline_clear(&c->deadline);
	if (!c->running)
		client_run(c);
}

/* ---- open, stop -------------------------------------------------------------------------------
 */

static struct client *
client_create(struct worker *w, int fd, struct tls_channel *channel, const struct addr *peer,
	      bool counted)
{
	struct client *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		if (counted)
			addresses_leave(w->shared->addresses, peer);
		tls_channel_free(&channel);
		(void)close(fd);
		return NULL;
	}
	c->peer = *peer;
	c->counted = counted;
	c->body_ended = true;
	c->deadline.fire = on_deadline;
	c->door =
	    (struct door){.ops = &client_door_ops, .fd = fd, .peer = &c->peer, .spliceable = true};
	io_init(&c->io, w, fd, on_ready, c);
	if (channel != NULL) {
		io_through(&c->io, channel);
		c->door.tls = &channel->facts;
		c->door.spliceable = channel->kernel_sends;
	}
	c->next = w->clients;
	if (w->clients != NULL)
		w->clients->prev = c;
	w->clients = c;
	w->client_count++;
	atomic_fetch_add_explicit(&w->shared->clients, 1, memory_order_relaxed);
	return c;
}

bool
client_open(struct worker *w, int fd, struct tls_channel *channel, const struct addr *peer,
	    bool counted, bool h2c)
{
	struct client *c = client_create(w, fd, channel, peer, counted);
	if (c == NULL)
		return false;
	c->h2c = h2c;
	client_run(c);
	return true;
}

void
client_open_refused(struct worker *w, int fd, const struct addr *peer, bool counted,
		    enum cause cause)
{
	struct client *c = client_create(w, fd, NULL, peer, counted);
	if (c == NULL)
		return;
	refuse_head(c, cause);
	client_run(c);
}

void
clients_stop(struct worker *w)
{
	struct client *next;
	for (struct client *c = w->clients; c != NULL; c = next) {
		next = c->next;
		c->close_after |= c->exchange != NULL;
		if (c->exchange != NULL || c->out != NULL || c->lingering)
			continue;
		/* A request may have come that was not read yet: it is answered. */
		c->running = true;
		read_ahead(c);
		client_run(c);
	}
}

void
clients_drain(struct worker *w)
{
	/* Who has the head of an answer without that word may send another request. */
	for (struct client *c = w->clients; c != NULL; c = c->next)
		c->close_after |= c->exchange != NULL && c->door.status == 0;
}

void
clients_abort(struct worker *w)
{
	while (w->clients != NULL) {
		struct client *c = w->clients;
		c->running = true;
		if (c->exchange != NULL)
			exchange_on_client_gone(c->exchange, CAUSE_SHUTDOWN);
		c->reset_after = true;
		client_close(c);
	}
}
