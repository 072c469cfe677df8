/*
 * place.c: a place at a member that has a bound (members[].connections_max): taken, waited for, or
 * looked for elsewhere. Members without one never come here.
 *
 *   there is room ------------------------------------------------------> asked
 *   full, a new session that we issue: it lives nowhere yet -> the next that has room
 *   full, overflow = "next"  -> the next in order; the session stays where it lives
 *   full, overflow = "queue" -> waits: first come first served over all workers, at most
 *                               queue_max a worker, at most queue_timeout
 *
 * A place is held for an attempt, a tunnel's whole life included, and for the second try at the
 * same member after a stale connection.
 */
#include "relay/exchange.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* One that waits; owned by its exchange. */
struct queued {
	struct trash trash; /* first */
	struct places_waiter waiter;
	struct deadline deadline;
	struct exchange *exchange;
	struct places *places; /* of the member, which the exchange's view holds */
};

static struct queued *
queued_of_waiter(struct places_waiter *w)
{
	return (struct queued *)(void *)((char *)w - offsetof(struct queued, waiter));
}

/* ---- room elsewhere ---------------------------------------------------------------------------
 */

/* Nothing of the session is anywhere, and its key is ours: any member may become its home. */
static bool
is_homeless(const struct exchange *x)
{
	return x->whom.fresh && x->session.source == SESSION_ISSUED && x->failed_why == REASON_NONE;
}

static bool
may_be_home(const struct view *view, uint32_t member)
{
	return (view->takes_new[member / 64] >> (member % 64) & 1) != 0;
}

/* A new session begins where there is room: planned anew, from there. */
static bool
settle_elsewhere(struct exchange *x)
{
	const struct view *view = x->lease->view;
	struct plan was = x->plan;
	for (uint32_t step = 1; step < was.step_count; step++) {
		uint32_t member = was.step[step].member;
		struct places *g = &view->membership->member[member].live->places;
		if (!may_be_home(view, member) || (places_bounds(g) && !places_enter(g)))
			continue;
		x->places = places_bounds(g) ? g : NULL;
		x->whom.primary = member;
		plan_make(&x->slot->service->plan, &x->whom, view, &x->plan);
		for (uint32_t i = 0; i < step; i++)
			retry_note_skipped(x, was.step[i].member, REASON_BUSY);
		return true;
	}
	return false;
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

static void
queued_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

/* Not in the queue any more. */
static void
forget(struct queued *q)
{
	struct exchange *x = q->exchange;
	struct worker *w = x->worker;
	exchange_live(x)->load[w->number].queued--;
	x->queue_us += w->now_us - x->attempt_us;
	x->queued = NULL;
	exchange_unlink(x);
	exchange_to(x, EXCHANGE_PLANNED);
	deadline_remove(w, &q->deadline);
	worker_trash(w, &q->trash, queued_drop);
}

static void
refuse(struct exchange *x, enum cause cause)
{
	retry_note_busy(x);
	journal_stuck(x, REASON_BUSY);
	exchange_fail(x, cause);
}

static void
on_deadline(struct deadline *d)
{
	struct queued *q = (struct queued *)(void *)((char *)d - offsetof(struct queued, deadline));
	struct exchange *x = q->exchange;
	bool granted = places_cancel(q->places, &q->waiter);
	x->places = granted ? q->places : NULL;
	forget(q);
	if (granted)
		attempt_start(x);
	else
		refuse(x, CAUSE_QUEUE_TIMEOUT);
}

static enum place
queue_up(struct exchange *x, struct member_live *live)
{
	struct worker *w = x->worker;
	const struct config_service *config = x->slot->service->config;
	struct member_load *load = &live->load[w->number];
	if (load->queued >= config->queue_max) {
		refuse(x, CAUSE_QUEUE_FULL);
		return PLACE_REFUSED;
	}
	struct queued *q = calloc(1, sizeof(*q));
	if (q == NULL) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return PLACE_REFUSED;
	}
	q->exchange = x;
	q->places = &live->places;
	q->deadline.fire = on_deadline;
	if (places_wait(q->places, &q->waiter, &w->mailbox)) {
		x->places = q->places;
		free(q);
		return PLACE_HELD;
	}
	load->queued++;
	x->queued = q;
	x->attempt_us = w->now_us;
	exchange_to(x, EXCHANGE_QUEUED);
	exchange_link(x);
	deadline_set(w, &q->deadline, config->queue_timeout_ms);
	return PLACE_QUEUED;
}

void
place_unqueue(struct exchange *x)
{
	struct queued *q = x->queued;
	struct places *g = q->places;
	bool granted = places_cancel(g, &q->waiter);
	forget(q);
	if (granted)
		places_leave(g);
}

void
place_admit_all(struct worker *w)
{
	struct places_waiter *waiter;
	while ((waiter = places_mailbox_take(&w->mailbox)) != NULL) {
		struct queued *q = queued_of_waiter(waiter);
		struct exchange *x = q->exchange;
		x->places = q->places;
		forget(q);
		attempt_start(x);
	}
}

/* ---- the face ---------------------------------------------------------------------------------
 */

enum place
place_take(struct exchange *x)
{
	struct member_live *live = exchange_live(x);
	assert(x->places == NULL);
	if (places_enter(&live->places)) {
		x->places = &live->places;
		return PLACE_HELD;
	}
	if (x->copy) {
		exchange_fail(x, CAUSE_BUSY);
		return PLACE_REFUSED;
	}
	if (is_homeless(x) && settle_elsewhere(x))
		return PLACE_HELD;
	if (x->slot->service->config->overflow == OVERFLOW_QUEUE)
		return queue_up(x, live);
	retry_note_busy(x);
	x->spilled++;
	return PLACE_NONE;
}

void
place_leave(struct exchange *x)
{
	struct places *g = x->places;
	x->places = NULL;
	places_leave(g);
}
