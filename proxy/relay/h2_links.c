/* h2_links.c: see h2_links.h. */
#include "relay/h2_links.h"

#include "relay/exchange.h"

#include <stdlib.h>

/* ---- lists ------------------------------------------------------------------------------------
 */

static struct h2_link **
list_of(const struct h2_link *link)
{
	return &link->line->live->load[link->worker->number].links;
}

void
h2_links_add(struct h2_link *link)
{
	struct h2_links *h = link->worker->links;
	struct h2_link **list = list_of(link);
	link->next = *list;
	if (link->next != NULL)
		link->next->prev = link;
	*list = link;
	link->listed = true;
	link->next_all = h->all;
	if (link->next_all != NULL)
		link->next_all->prev_all = link;
	h->all = link;
}

void
h2_links_hide(struct h2_link *link)
{
	if (!link->listed)
		return;
	if (link->prev != NULL)
		link->prev->next = link->next;
	else
		*list_of(link) = link->next;
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
h2_links_remove(struct h2_link *link)
{
	h2_links_hide(link);
	leave_turn(link);
	if (link->prev_all != NULL)
		link->prev_all->next_all = link->next_all;
	else
		link->worker->links->all = link->next_all;
	if (link->next_all != NULL)
		link->next_all->prev_all = link->prev_all;
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

struct h2_link *
h2_links_with_room(struct worker *w, struct member_live *live, const struct config_service *config,
		   enum upstream_choice choice, enum reason *reason)
{
	*reason = REASON_NONE;
	struct h2_link *link = find(w, live, choice);
	if (link == NULL && prepare(w))
		link = h2_link_open(w, live, config, reason);
	return link;
}

/* Apart, as mostly members speak HTTP/1.1. */
__attribute__((noinline)) struct upstream *
h2_links_get(struct worker *w, struct member_live *live, struct exchange *x,
	     enum upstream_choice choice, enum reason *reason)
{
	struct h2_link *link =
	    h2_links_with_room(w, live, x->slot->service->config, choice, reason);
	return link != NULL ? h2_leg_open(link, x) : NULL;
}

/* ---- the end of a round -----------------------------------------------------------------------
 */

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

static void
tell_next(struct h2_links *h)
{
	struct h2_leg *leg = h->news;
	h->news = leg->next_news;
	if (h->news == NULL)
		h->news_last = NULL;
	leg->in_news = false;
	h2_leg_tell(leg);
}

static void
turn_next(struct h2_links *h)
{
	struct h2_link *link = h->turn;
	h->turn = link->next_turn;
	link->in_turn = false;
	h2_link_turn(link);
}

void
h2_links_turn(struct worker *w)
{
	struct h2_links *h = w->links;
	while (h != NULL && (h->news != NULL || h->turn != NULL)) {
		if (h->news != NULL)
			tell_next(h);
		else
			turn_next(h);
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

/* ---- ends -------------------------------------------------------------------------------------
 */

uint32_t
h2_links_resting(const struct worker *w, const struct member_live *live)
{
	uint32_t count = 0;
	for (const struct h2_link *l = live->load[w->number].links; l != NULL; l = l->next)
		count += l->state == H2_LINK_OPEN && l->leg_count == 0;
	return count;
}

void
h2_links_close_idle(struct worker *w, struct member_live *live)
{
	struct h2_link *next;
	for (struct h2_link *link = live->load[w->number].links; link != NULL; link = next) {
		next = link->next;
		link->leaving = true;
		if (link->leg_count == 0)
			h2_link_finish(link);
	}
}

void
h2_links_release(struct worker *w)
{
	struct h2_links *h = w->links;
	if (h == NULL)
		return;
	while (h->all != NULL) /* streams that were to end by themselves, at most */
		h2_link_finish(h->all);
	h2_links_turn(w);
	w->links = NULL;
	nghttp2_session_callbacks_del(h->callbacks);
	nghttp2_option_del(h->option);
	free(h);
}
