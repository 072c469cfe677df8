/* h2_link.c: the life of a connection to a member that speaks HTTP/2; see h2_link.h. */
#include "relay/h2_links.h"

#include "base/log.h"
#include "relay/exchange.h"
#include "tls/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
link_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

void
h2_link_let_go(struct h2_leg *leg)
{
	struct h2_link *link = leg->link;
	leg->link = NULL;
	link->stray_left += leg->id != 0 ? H2_LINK_STRAY_BYTES : 0;
	if (link->stray_left > H2_LINK_STRAY_MAX)
		link->stray_left = H2_LINK_STRAY_MAX;
	if (leg->prev != NULL)
		leg->prev->next = leg->next;
	else
		link->legs = leg->next;
	if (leg->next != NULL)
		leg->next->prev = leg->prev;
	leg->next = NULL;
	leg->prev = NULL;
	link->leg_count--;
	h2_link_wake(link);
}

/* Legs whose exchanges are not asking yet are told elsewhere: see fail. */
static void
break_legs(struct h2_link *link)
{
	while (link->legs != NULL) {
		struct h2_leg *leg = link->legs;
		h2_link_let_go(leg);
		h2_leg_broken(leg, link->broken ? REASON_HTTP2_BROKEN : REASON_RESET);
		h2_leg_settle(leg);
	}
}

static void
close_now(struct h2_link *link)
{
	struct worker *w = link->worker;
	if (link->state == H2_LINK_CLOSED)
		return;
	assert(!link->wire.running);
	link->state = H2_LINK_CLOSED;
	break_legs(link);
	h2_links_remove(link);
	deadline_remove(w, &link->deadline);
	h2_wire_drop(&link->wire);
	nghttp2_session_del(link->wire.session);
	link->wire.session = NULL;
	buf_put(&w->bufs, &link->block);
	if (!link->wire.gone && !link->eof)
		io_farewell(&link->line->io);
	link->line->link = NULL;
	upstream_close(link->line);
	worker_trash(w, &link->trash, link_drop);
}

void
h2_link_finish(struct h2_link *link)
{
	bool silent = link->broken || link->eof || link->wire.gone || link->wire.out != NULL;
	if (link->wire.session != NULL && !silent) {
		(void)nghttp2_submit_goaway(link->wire.session, NGHTTP2_FLAG_NONE, 0,
					    NGHTTP2_NO_ERROR, NULL, 0);
		h2_wire_pump(&link->wire);
	}
	close_now(link);
}

void
h2_link_break(struct h2_link *link, uint32_t code)
{
	if (link->broken)
		return;
	link->broken = true;
	link->leaving = true;
	(void)nghttp2_session_terminate_session(link->wire.session, code);
	h2_link_wake(link);
}

void
h2_link_exceed(struct h2_link *link, enum http2_end why)
{
	if (!link->broken)
		log_debug("HTTP/2 connection to a member broken off: %s", http2_end_text(why));
	h2_link_break(link, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static void on_deadline(struct deadline *d);

/* Around its line. NULL: no memory. */
static struct h2_link *
create(struct worker *w, struct upstream *line, const struct config_service *config)
{
	struct h2_link *link = calloc(1, sizeof(*link));
	if (link == NULL)
		return NULL;
	const struct member_load *load = &line->live->load[w->number];
	link->worker = w;
	link->line = line;
	link->wire.io = &line->io;
	link->wire.scratch = &w->links->out;
	link->deadline.fire = on_deadline;
	link->streams_max = load->streams_max > 0 ? load->streams_max : H2_LINK_STREAMS_MAX;
	link->idle_ms = config->timeouts.pool_idle_ms;
	link->idle_max = config->pool_max;
	line->link = link;
	h2_links_add(link);
	deadline_set(w, &link->deadline, config->timeouts.connect_ms);
	if (line->state == UPSTREAM_BUSY) /* at once: a UNIX socket */
		h2_link_on_connected(link);
	return link;
}

struct h2_link *
h2_link_open(struct worker *w, struct member_live *live, const struct config_service *config,
	     enum reason *reason)
{
	struct upstream *line = upstream_connect(w, live, NULL, reason);
	if (line == NULL)
		return NULL;
	struct h2_link *link = create(w, line, config);
	if (link == NULL)
		upstream_close(line);
	return link;
}

/* It will never be open: those who wait for it go elsewhere, or end. */
static void
fail(struct h2_link *link)
{
	enum reason why = (enum reason)link->why;
	h2_links_hide(link); /* nobody comes back to it */
	while (link->legs != NULL) {
		struct h2_leg *leg = link->legs;
		h2_link_let_go(leg);
		if (leg->u != NULL)
			exchange_on_unconnected(leg->u->exchange, why);
		h2_leg_settle(leg);
	}
	close_now(link);
}

static bool
speaks_http2(const struct h2_link *link)
{
	const struct tls_channel *channel = link->line->io.channel;
	return channel == NULL || slice_equal(channel->facts.protocol, SLICE("h2"));
}

static void on_line(void *owner, unsigned events);

/* At the end of the round it fails. */
static void
doom(struct h2_link *link, enum reason why)
{
	link->why = (uint8_t)why;
	link->broken = true;
	link->leaving = true;
	h2_link_wake(link);
}

void
h2_link_on_connected(struct h2_link *link)
{
	struct io *io = &link->line->io;
	io->ready = on_line;
	io->owner = link;
	if (!speaks_http2(link)) {
		doom(link, REASON_NOT_HTTP2);
		return;
	}
	link->wire.session = h2_link_session(link);
	if (link->wire.session == NULL || !io_want(io, IO_READ)) {
		doom(link, REASON_NONE);
		return;
	}
	link->state = H2_LINK_GREETING;
	h2_budget_init(&link->budget, link->worker->now_ms);
	h2_frames_init_server(&link->frames);
	h2_link_wake(link);
}

void
h2_link_on_unconnected(struct h2_link *link, enum reason why)
{
	doom(link, why);
}

/* One that waits for the link, and was not told; NULL: none. */
static struct h2_leg *
waiting(const struct h2_link *link)
{
	struct h2_leg *leg = link->legs;
	while (leg != NULL && (leg->u == NULL || leg->u->state == UPSTREAM_BUSY))
		leg = leg->next;
	return leg;
}

/* The member takes fewer streams than was hoped for: another connection, then. */
static void
send_away(struct h2_leg *leg)
{
	struct exchange *x = leg->u->exchange;
	struct h2_link *link = leg->link;
	struct member_live *live = link->line->live;
	enum reason why = REASON_STREAM_REFUSED;
	struct h2_link *other = NULL;
	if (link->streams_max > 0)
		other = h2_links_with_room(link->worker, live, x->slot->service->config,
					   UPSTREAM_CERTAIN, &why);
	h2_link_let_go(leg);
	if (other == NULL) {
		exchange_on_unconnected(x, why);
		h2_leg_settle(leg);
		return;
	}
	h2_leg_join(leg, other);
	if (other->state == H2_LINK_OPEN) {
		leg->u->state = UPSTREAM_BUSY;
		exchange_on_connected(x);
	}
}

/* The member's SETTINGS came. */
static void
begin_legs(struct h2_link *link)
{
	struct h2_leg *leg;
	uint32_t taken = 0;
	link->state = H2_LINK_OPEN;
	deadline_clear(&link->deadline);
	while ((leg = waiting(link)) != NULL) {
		if (taken++ >= link->streams_max || link->leaving) {
			send_away(leg);
			continue;
		}
		leg->u->state = UPSTREAM_BUSY;
		exchange_on_connected(leg->u->exchange);
	}
}

/* ---- the end of a round -----------------------------------------------------------------------
 */

/* It carries nothing. */
static void
rest(struct h2_link *link)
{
	struct worker *w = link->worker;
	bool retired = atomic_load_explicit(&link->line->live->retired, memory_order_relaxed);
	if (link->leaving || retired || w->stopping ||
	    h2_links_resting(w, link->line->live) > link->idle_max)
		h2_link_finish(link);
	else if (link->deadline.timer.deadline_ms == 0)
		deadline_set(w, &link->deadline, link->idle_ms);
}

enum reason
h2_link_why_unopened(const struct h2_link *link)
{
	switch ((enum upstream_state)link->line->state) {
	case UPSTREAM_CONNECTING:
		return REASON_CONNECT_TIMEOUT;
	case UPSTREAM_SHAKING:
		return REASON_TLS_TIMEOUT;
	default:
		return REASON_NOT_HTTP2;
	}
}

static void
on_deadline(struct deadline *d)
{
	struct h2_link *link =
	    (struct h2_link *)(void *)((char *)d - offsetof(struct h2_link, deadline));
	if (link->state != H2_LINK_OPEN)
		doom(link, h2_link_why_unopened(link));
	else if (link->leg_count == 0)
		h2_link_finish(link);
}

static bool
is_over(const struct h2_link *link)
{
	/* The GOAWAY of one that broke left, or the socket takes nothing. */
	if (link->eof || link->wire.gone || link->broken)
		return true;
	if (link->wire.out != NULL)
		return false;
	return nghttp2_session_want_read(link->wire.session) == 0 &&
	       nghttp2_session_want_write(link->wire.session) == 0;
}

/* Before it was open: did it fail? */
static bool
has_failed(const struct h2_link *link)
{
	if (link->state == H2_LINK_OPEN)
		return false;
	return link->broken || (link->wire.session != NULL && is_over(link));
}

/* It did not greet: what it said is something else, or it closed. */
static enum reason
why_deaf(const struct h2_link *link)
{
	return link->heard_ms > 0 ? REASON_NOT_HTTP2 : upstream_why_broken(link->line);
}

/* Whatever its state is. */
static void
end_at_once(struct h2_link *link)
{
	if (link->state == H2_LINK_OPEN)
		close_now(link);
	else
		fail(link);
}

/* What nghttp2 holds back, as the member takes fewer streams now, goes elsewhere: nothing of it
 * left. */
static void
take_back(struct h2_link *link)
{
	struct h2_leg *next;
	link->fewer = false;
	for (struct h2_leg *leg = link->legs; leg != NULL; leg = next) {
		next = leg->next;
		if (leg->id == 0 || leg->on_wire)
			continue;
		h2_leg_reset(leg, NGHTTP2_CANCEL);
		h2_leg_broken(leg, REASON_STREAM_REFUSED);
		h2_leg_settle(leg);
	}
}

static void
settle(struct h2_link *link)
{
	if (is_over(link)) {
		h2_link_finish(link);
		return;
	}
	unsigned wants = IO_READ | (link->wire.out != NULL ? IO_WRITE : 0);
	if (!io_want(&link->line->io, wants)) {
		end_at_once(link);
		return;
	}
	if (link->state == H2_LINK_OPEN && link->leg_count == 0)
		rest(link);
	else if (link->state == H2_LINK_OPEN)
		deadline_clear(&link->deadline);
}

void
h2_link_turn(struct h2_link *link)
{
	if (link->wire.session != NULL && !link->wire.gone)
		h2_wire_pump(&link->wire);
	if (has_failed(link)) {
		if (link->why == REASON_NONE && link->state == H2_LINK_GREETING)
			link->why = (uint8_t)why_deaf(link);
		fail(link);
		return;
	}
	if (link->wire.session == NULL)
		return;
	if (link->greeted && link->state == H2_LINK_GREETING)
		begin_legs(link);
	if (link->fewer && link->state == H2_LINK_OPEN && link->wire.out == NULL)
		take_back(link);
	if (link->state != H2_LINK_CLOSED)
		settle(link);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Frames that nghttp2 passes over in silence. */
static void
count_unknown(struct h2_link *link)
{
	enum http2_end why;
	if (!h2_budget_passed_over(&link->budget, &link->frames, link->worker->now_ms, &why))
		h2_link_exceed(link, why);
}

/* Frames of streams that are no more: some were on their way when these ended, not more. */
static void
count_stray(struct h2_link *link)
{
	uint64_t stray = link->frames.begun > link->known ? link->frames.begun - link->known : 0;
	if (stray > link->stray_left && !link->broken)
		h2_link_break(link, NGHTTP2_ENHANCE_YOUR_CALM);
	link->stray_left -= stray < link->stray_left ? stray : link->stray_left;
	link->frames.begun = 0;
	link->known = 0;
}

static void
feed(struct h2_link *link, const uint8_t *at, size_t bytes)
{
	h2_frames_feed(&link->frames, at, bytes);
	link->heard_ms = link->worker->now_ms;
	link->wire.running = true;
	ssize_t n = nghttp2_session_mem_recv(link->wire.session, at, bytes);
	link->wire.running = false;
	/* nghttp2 terminates the session itself when a frame may not be. */
	bool ended =
	    !link->leaving && nghttp2_session_check_request_allowed(link->wire.session) == 0;
	if (n < 0 || ended)
		h2_link_break(link, n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
							     : NGHTTP2_PROTOCOL_ERROR);
	count_unknown(link);
	count_stray(link);
}

static void
read_line(struct h2_link *link)
{
	struct worker *w = link->worker;
	ssize_t n = io_recv(&link->line->io, w->bulk, sizeof(w->bulk));
	if (n == -1 && errno == EAGAIN)
		return;
	if (n > 0 && !link->broken)
		feed(link, (const uint8_t *)w->bulk, (size_t)n);
	link->eof |= n == 0;
	link->wire.gone |= n == -1;
	h2_link_wake(link);
}

static void
on_line(void *owner, unsigned events)
{
	struct h2_link *link = owner;
	if (link->state == H2_LINK_CLOSED)
		return;
	if ((events & IO_WRITE) != 0) {
		h2_wire_drain(&link->wire);
		h2_link_wake(link);
	}
	if ((events & IO_READ) != 0)
		read_line(link);
}
