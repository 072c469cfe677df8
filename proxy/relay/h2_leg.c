/* h2_leg.c: a leg's life, its news, and the answer that comes; see h2_leg.h. */
#include "relay/h2_leg.h"

#include "relay/exchange.h"
#include "relay/h2_links.h"

#include <errno.h>
#include <stdlib.h>

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
leg_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

void
h2_leg_settle(struct h2_leg *leg)
{
	struct worker *w = leg->worker;
	if (leg->u != NULL || leg->link != NULL || leg->in_news || leg->settled)
		return;
	leg->settled = true;
	deadline_remove(w, &leg->linger);
	buf_chain_put(&w->bufs, &leg->queue);
	buf_chain_put(&w->bufs, &leg->in);
	buf_put(&w->bufs, &leg->trailers_in);
	buf_put(&w->bufs, &leg->trailers_out);
	worker_trash(w, &leg->trash, leg_drop);
}

/* The member may send as many on this connection again. */
static void
consume(struct h2_leg *leg, uint64_t bytes)
{
	leg->held -= bytes;
	if (bytes == 0 || leg->link == NULL)
		return;
	(void)nghttp2_session_consume(leg->link->wire.session, leg->id, (size_t)bytes);
	h2_link_wake(leg->link);
}

void
h2_leg_reset(struct h2_leg *leg, uint32_t code)
{
	struct h2_link *link = leg->link;
	if (leg->id != 0) {
		consume(leg, leg->held);
		(void)nghttp2_session_set_stream_user_data(link->wire.session, leg->id, NULL);
		(void)nghttp2_submit_rst_stream(link->wire.session, NGHTTP2_FLAG_NONE, leg->id,
						code);
	}
	h2_link_let_go(leg);
}

static void
on_linger(struct deadline *d)
{
	struct h2_leg *leg = (struct h2_leg *)(void *)((char *)d - offsetof(struct h2_leg, linger));
	if (leg->link != NULL)
		h2_leg_reset(leg, NGHTTP2_CANCEL);
	h2_leg_settle(leg);
}

/* A member that let a request wait in vain, and said nothing else either, may be gone unnoticed. */
static void
doubt_link(const struct h2_leg *leg)
{
	const struct exchange *x = leg->u->exchange;
	struct h2_link *link = leg->link;
	if (x == NULL || x->failed_why != REASON_FIRST_BYTE_TIMEOUT || leg->spoken)
		return;
	if (link->heard_ms <= x->attempt_us / 1000)
		link->leaving = true;
}

void
h2_leg_leave(struct h2_leg *leg)
{
	struct h2_link *link = leg->link;
	if (link != NULL)
		doubt_link(leg);
	leg->u = NULL;
	if (link != NULL && leg->bodiless && leg->sent_all)
		deadline_set(leg->worker, &leg->linger, H2_LEG_LINGER_MS);
	else if (link != NULL)
		h2_leg_reset(leg, NGHTTP2_CANCEL);
	h2_leg_settle(leg);
}

void
h2_leg_broken(struct h2_leg *leg, enum reason why)
{
	if (leg->over || leg->broken)
		return;
	leg->broken = true;
	bool no_answer = leg->malformed && !leg->final && why == REASON_RESET;
	leg->why = (uint8_t)(no_answer ? REASON_BAD_ANSWER : why);
	h2_leg_news(leg);
}

enum reason
h2_leg_why(const struct h2_leg *leg)
{
	/* An end without an answer is none. */
	return leg->broken ? (enum reason)leg->why : REASON_BAD_ANSWER;
}

bool
h2_leg_was_sent(const struct h2_leg *leg)
{
	bool proved = leg->why == REASON_STREAM_REFUSED || leg->why == REASON_NO_TUNNEL;
	return leg->on_wire && !(leg->broken && proved);
}

/* ---- news -------------------------------------------------------------------------------------
 */

static unsigned
available(const struct h2_leg *leg)
{
	unsigned events = 0;
	if (leg->in != NULL || leg->over || leg->broken)
		events |= IO_READ;
	if (leg->broken || leg->queued < H2_LEG_QUEUE_RESUME)
		events |= IO_WRITE;
	return events;
}

void
h2_leg_news(struct h2_leg *leg)
{
	struct h2_links *h = leg->worker->links;
	if (leg->in_news)
		return;
	leg->in_news = true;
	leg->next_news = NULL;
	if (h->news_last == NULL)
		h->news = leg;
	else
		h->news_last->next_news = leg;
	h->news_last = leg;
	turn_ask(leg->worker);
}

static void
want(struct io *io)
{
	struct h2_leg *leg = h2_leg_of(io);
	if ((available(leg) & io->wants) != 0)
		h2_leg_news(leg);
}

void
h2_leg_tell(struct h2_leg *leg)
{
	struct upstream *u = leg->u;
	if (u == NULL || u->state != UPSTREAM_BUSY) {
		h2_leg_settle(leg);
		return;
	}
	unsigned events = available(leg) & u->io.wants;
	if (events == 0)
		return;
	u->io.ready(u, events);
	if (leg->u != NULL)
		want(&leg->u->io);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* What there is of an answer that will never be whole, for want of memory. */
static void
forget_answer(struct h2_leg *leg)
{
	buf_chain_put(&leg->worker->bufs, &leg->in);
	leg->in_last = NULL;
	leg->text = 0;
	consume(leg, leg->held);
}

static bool
keep(struct h2_leg *leg, const char *at, size_t bytes)
{
	h2_leg_news(leg);
	if (h2_chain_put(leg->worker, &leg->in, &leg->in_last, at, bytes))
		return true;
	forget_answer(leg);
	return false;
}

bool
h2_leg_text(struct h2_leg *leg, struct slice head)
{
	if (leg->u == NULL)
		return true;
	leg->text += head.bytes;
	return keep(leg, head.at, head.bytes);
}

bool
h2_leg_data(struct h2_leg *leg, const uint8_t *at, size_t bytes)
{
	leg->held += bytes;
	if (leg->u == NULL || leg->broken) {
		consume(leg, bytes);
		return true;
	}
	return keep(leg, (const char *)at, bytes);
}

void
h2_leg_trailer(struct h2_leg *leg, struct slice name, struct slice value)
{
	if (leg->trailers_in == NULL)
		leg->trailers_in = buf_get(&leg->worker->bufs);
	if (leg->trailers_in == NULL) {
		leg->malformed = true;
		return;
	}
	struct writer lines = writer_on(leg->trailers_in->data, HTTP_TRAILER_BYTES_MAX);
	lines.bytes = leg->trailers_in->to;
	leg->malformed |= !h2_line_add(&lines, name, value);
	leg->trailers_in->to = (uint32_t)lines.bytes;
}

void
h2_leg_over(struct h2_leg *leg)
{
	leg->over = true;
	h2_leg_news(leg);
}

static ssize_t
leg_recv(struct io *io, void *at, size_t bytes)
{
	struct h2_leg *leg = h2_leg_of(io);
	uint64_t waits = leg->text + leg->held;
	if (waits == 0 && leg->over) {
		leg->u->trailers = leg->trailers_in;
		leg->trailers_in = NULL;
		return 0;
	}
	if (waits == 0) {
		errno = leg->broken ? ECONNRESET : EAGAIN;
		return -1;
	}
	size_t take = waits < bytes ? (size_t)waits : bytes;
	uint64_t of_text = take < leg->text ? take : leg->text;
	h2_chain_take(leg->worker, &leg->in, &leg->in_last, at, take);
	leg->text -= of_text;
	consume(leg, take - of_text);
	return (ssize_t)take;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static const struct io_way way = {
    .recv = leg_recv, .send = h2_leg_send, .want = want, .shutdown = h2_leg_shutdown};

void
h2_leg_join(struct h2_leg *leg, struct h2_link *link)
{
	leg->link = link;
	leg->prev = NULL;
	leg->next = link->legs;
	if (leg->next != NULL)
		leg->next->prev = leg;
	link->legs = leg;
	link->leg_count++;
}

struct upstream *
h2_leg_open(struct h2_link *link, struct exchange *x)
{
	struct worker *w = link->worker;
	struct h2_leg *leg = calloc(1, sizeof(*leg));
	struct upstream *u = leg != NULL ? upstream_create(w, link->line->live, -1) : NULL;
	if (u == NULL) {
		free(leg);
		return NULL;
	}
	leg->worker = w;
	leg->linger.fire = on_linger;
	leg->u = u;
	h2_leg_join(leg, link);
	u->leg = leg;
	u->io.way = &way;
	u->exchange = x;
	u->reused = link->state == H2_LINK_OPEN;
	u->state = u->reused ? UPSTREAM_BUSY : UPSTREAM_CONNECTING;
	u->io.wants = u->reused ? IO_READ : 0;
	return u;
}
