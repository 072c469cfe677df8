/* h2_link.c: the life of a connection to a member that speaks HTTP/2; see h2_link.h. */
#include "relay/h2_link.h"

#include "base/log.h"
#include "relay/exchange.h"
#include "tls/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static struct member_load *
load_of(const struct h2_link *link)
{
	return &link->line->live->load[link->worker->number];
}

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
link_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

/* Nobody finds it any more. */
static void
unlist(struct h2_link *link)
{
	if (!link->listed)
		return;
	if (link->prev != NULL)
		link->prev->next = link->next;
	else
		load_of(link)->links = link->next;
	if (link->next != NULL)
		link->next->prev = link->prev;
	link->listed = false;
}

static void
leave_turn(struct h2_link *link)
{
	struct h2_link **at = &link->worker->links->turn;
	if (!link->in_turn)
		return;
	while (*at != link)
		at = &(*at)->next_turn;
	*at = link->next_turn;
	link->in_turn = false;
}

void
h2_link_let_go(struct h2_leg *leg)
{
	struct h2_link *link = leg->link;
	leg->link = NULL;
	link->stray_left += leg->id != 0 ? H2_LINK_STRAY_BYTES : 0;
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
	unlist(link);
	break_legs(link);
	leave_turn(link);
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

/* It rests, or is to: says goodbye and closes. */
static void
finish(struct h2_link *link)
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
h2_link_wake(struct h2_link *link)
{
	struct worker *w = link->worker;
	if (link->in_turn || link->state == H2_LINK_CLOSED)
		return;
	link->in_turn = true;
	link->next_turn = w->links->turn;
	w->links->turn = link;
	turn_ask(w);
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

bool
h2_link_spend(struct h2_link *link, enum http2_end kind)
{
	if (h2_budget_take(&link->budget, kind, link->worker->now_ms))
		return true;
	if (!link->broken)
		log_debug("HTTP/2 connection to a member broken off: %s", http2_end_text(kind));
	h2_link_break(link, NGHTTP2_ENHANCE_YOUR_CALM);
	return false;
}

/* ---- choosing one -----------------------------------------------------------------------------
 */

/* No request is answered twice by one that broke unnoticed. */
static bool
is_fresh(const struct h2_link *link)
{
	return link->state != H2_LINK_OPEN ||
	       link->worker->now_ms < link->heard_ms + H2_LINK_NEWS_MS;
}

/* Of one that rests: is there no news of it, perhaps its end? Asked for a request that cannot be
 * sent twice. */
static bool
is_quiet(const struct h2_link *link)
{
	bool end;
	return link->state != H2_LINK_OPEN || link->leg_count > 0 ||
	       !io_peek(&link->line->io, &end);
}

static bool
has_room(const struct h2_link *link)
{
	return !link->leaving && !link->broken && !link->eof && !link->wire.gone &&
	       link->state != H2_LINK_CLOSED && link->leg_count < link->streams_max;
}

static struct h2_link *
find(const struct worker *w, struct member_live *live, enum upstream_choice choice)
{
	for (struct h2_link *link = live->load[w->number].links; link != NULL; link = link->next) {
		if (!has_room(link) || (choice == UPSTREAM_FRESH && !is_fresh(link)))
			continue;
		if (choice != UPSTREAM_CERTAIN || is_quiet(link))
			return link;
	}
	return NULL;
}

static bool
prepare(struct worker *w)
{
	if (w->links != NULL)
		return true;
	w->links = calloc(1, sizeof(*w->links));
	if (w->links == NULL)
		return false;
	w->links->out = writer_on(w->links->out_bytes, sizeof(w->links->out_bytes));
	if (h2_link_callbacks(w->links) && turn_prepare(w))
		return true;
	h2_links_release(w);
	return false;
}

static void on_deadline(struct deadline *d);

static struct h2_link *
create(struct worker *w, struct upstream *line, const struct config_service *config)
{
	struct h2_link *link = prepare(w) ? calloc(1, sizeof(*link)) : NULL;
	if (link == NULL)
		return NULL;
	struct member_load *load = &line->live->load[w->number];
	link->worker = w;
	link->line = line;
	link->wire.io = &line->io;
	link->wire.scratch = &w->links->out;
	link->deadline.fire = on_deadline;
	link->streams_max = load->streams_max > 0 ? load->streams_max : H2_LINK_STREAMS_MAX;
	link->idle_ms = config->timeouts.pool_idle_ms;
	link->idle_max = config->pool_max;
	link->opened_ms = w->now_ms;
	link->next = load->links;
	if (link->next != NULL)
		link->next->prev = link;
	load->links = link;
	link->listed = true;
	line->link = link;
	deadline_set(w, &link->deadline, config->timeouts.connect_ms);
	if (line->state == UPSTREAM_BUSY) /* at once: a UNIX socket */
		h2_link_on_connected(link);
	return link;
}

static struct h2_link *
open_link(struct worker *w, struct member_live *live, const struct config_service *config,
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

struct upstream *
h2_link_get(struct worker *w, struct member_live *live, struct exchange *x,
	    enum upstream_choice choice, enum reason *reason)
{
	struct h2_link *link = find(w, live, choice);
	*reason = REASON_NONE;
	if (link == NULL)
		link = open_link(w, live, x->slot->service->config, reason);
	return link != NULL ? h2_leg_open(link, x) : NULL;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

/* It will never be open: those who wait for it go elsewhere, or end. */
static void
fail(struct h2_link *link)
{
	enum reason why = (enum reason)link->why;
	unlist(link); /* nobody comes back to it */
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
		other = find(link->worker, live, UPSTREAM_ANY);
	if (other == NULL && link->streams_max > 0)
		other = open_link(link->worker, live, x->slot->service->config, &why);
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

/* ---- resting ----------------------------------------------------------------------------------
 */

static uint32_t
resting(const struct h2_link *link)
{
	uint32_t count = 0;
	for (const struct h2_link *l = load_of(link)->links; l != NULL; l = l->next)
		count += l->state == H2_LINK_OPEN && l->leg_count == 0;
	return count;
}

/* It carries nothing. */
static void
rest(struct h2_link *link)
{
	struct worker *w = link->worker;
	bool retired = atomic_load_explicit(&link->line->live->retired, memory_order_relaxed);
	if (link->leaving || retired || w->stopping || resting(link) > link->idle_max)
		finish(link);
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
		finish(link);
}

/* ---- the end of a round -----------------------------------------------------------------------
 */

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

static void
settle(struct h2_link *link)
{
	if (is_over(link)) {
		finish(link);
		return;
	}
	unsigned wants = IO_READ | (link->wire.out != NULL ? IO_WRITE : 0);
	if (!io_want(&link->line->io, wants)) {
		close_now(link);
		return;
	}
	if (link->state == H2_LINK_OPEN && link->leg_count == 0)
		rest(link);
	else if (link->state == H2_LINK_OPEN)
		deadline_clear(&link->deadline);
}

static void
turn(struct h2_link *link)
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
	if (link->state != H2_LINK_CLOSED)
		settle(link);
}

void
h2_links_turn(struct worker *w)
{
	struct h2_links *h = w->links;
	while (h != NULL && (h->news != NULL || h->turn != NULL)) {
		struct h2_leg *leg = h->news;
		struct h2_link *link = h->turn;
		if (leg != NULL) {
			h->news = leg->next_news;
			if (h->news == NULL)
				h->news_last = NULL;
			leg->in_news = false;
			h2_leg_tell(leg);
			continue;
		}
		h->turn = link->next_turn;
		link->in_turn = false;
		turn(link);
	}
}

void
turn_run(struct worker *w)
{
	while (w->turn_asked) {
		w->turn_asked = false;
		h2_links_turn(w);
		if (w->turn_edge != NULL)
			w->turn_edge(w);
	}
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Frames that nghttp2 passes over in silence. */
static void
count_unknown(struct h2_link *link)
{
	struct h2_frames *f = &link->frames;
	for (; f->unknown > 0; f->unknown--) {
		if (!h2_link_spend(link, HTTP2_END_UNKNOWN_FRAMES))
			return;
	}
	for (; f->priority_updates > 0; f->priority_updates--) {
		if (!h2_link_spend(link, HTTP2_END_PRIORITIES))
			return;
	}
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

/* ---- all of a member, of a worker -------------------------------------------------------------
 */

void
h2_links_close_idle(struct worker *w, struct member_live *live)
{
	struct h2_link *next;
	for (struct h2_link *link = live->load[w->number].links; link != NULL; link = next) {
		next = link->next;
		link->leaving = true;
		if (link->leg_count == 0)
			finish(link);
	}
}

void
h2_links_release(struct worker *w)
{
	struct h2_links *h = w->links;
	w->links = NULL;
	if (h == NULL)
		return;
	nghttp2_session_callbacks_del(h->callbacks);
	nghttp2_option_del(h->option);
	free(h);
}
