/*
 * decide.c: what is decided of an exchange before a member is asked: its service, whose session it
 * is, and the plan. The decision itself is route/plan.c, which is pure; here it gets its inputs.
 */
#include "relay/exchange.h"

#include "affinity/idle.h"
#include "base/clock.h"
#include "route/assign.h"

bool
exchange_route(struct exchange *x)
{
	struct worker *w = x->worker;
	if (x->lease != NULL)
		worker_view_put(w, &x->lease);
	if (x->slot != NULL)
		worker_generation_put(x->slot->generation);
	x->slot = NULL;
	size_t number = matcher_find(w->services->matcher, x->request.host, x->request.path);
	if (number == MATCH_NONE) {
		exchange_fail(x, CAUSE_NO_SERVICE);
		return false;
	}
	struct service_slot *slot = &w->generation->slot[number];
	uint64_t body_max = slot->service->config->body_bytes_max;
	x->lease = worker_view_get(w, slot);
	if (x->lease == NULL) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return false;
	}
	x->slot = slot;
	slot->generation->users++;
	if (body_max != 0 && x->request.has_length && x->request.content_length > body_max) {
		exchange_fail(x, CAUSE_CLIENT_BODY_TOO_LARGE);
		return false;
	}
	return true;
}

static unsigned
load_of(const void *context, uint32_t member)
{
	const struct view *view = context;
	return member_live_active(view->membership->member[member].live);
}

/* A session that lives away from home: where, and for how long without a request. */
static void
find_last(struct exchange *x, const struct view *view)
{
	const struct config_service *config = x->slot->service->config;
	const struct tag_claims *claims = &x->session.claims;
	x->whom.last = membership_by_alias(view->membership, claims->last);
	if (config->failback == FAILBACK_STAY_UNTIL_IDLE)
		x->whom.idle = idle_is_over(config->stay_until_idle_s, claims->issued_s,
					    (uint32_t)(clock_wall_ms() / 1000));
}

/* Section 6, step 2: the primary from the tag, or assigned. */
static void
find_primary(struct exchange *x)
{
	const struct view *view = x->lease->view;
	struct service *service = x->slot->service;
	struct session *s = &x->session;
	if (x->hopped && s->source == SESSION_ISSUED)
		s->digest = x->hop.digest;
	x->whom.digest = s->digest;
	x->whom.primary = MEMBER_NONE;
	x->whom.last = MEMBER_NONE;
	x->whom.fresh = !s->tagged;
	x->whom.idle = false;
	if (s->tagged) {
		x->whom.primary = membership_by_alias(view->membership, s->claims.primary);
		if (s->claims.last == s->claims.primary)
			x->whom.last = x->whom.primary;
		else
			find_last(x, view);
	}
	if (x->hopped && !s->tagged)
		x->whom.primary = membership_by_id(view->membership, x->hop.primary);
	if (x->whom.primary != MEMBER_NONE)
		return;
	enum assign_method method =
	    assign_method_for(service->plan.assign, s->source == SESSION_FROM_KEY);
	x->primary_gone = s->tagged;
	if (x->primary_gone) /* every node finds the same new one */
		method = ASSIGN_ORDERING;
	struct assign_inputs in = {
	    .method = method,
	    .digest = s->digest,
	    .view = view,
	    .load = load_of,
	    .load_context = view,
	    .now_ms = x->worker->now_ms,
	};
	if (method == ASSIGN_LEAST_REQUESTS)
		in.draw = prng_next(&x->worker->prng);
	if (method == ASSIGN_ROUND_ROBIN)
		in.turn = atomic_fetch_add_explicit(&service->turn, 1, memory_order_relaxed);
	x->whom.primary = assign_primary(&in);
}

void
exchange_by_ordering(struct exchange *x)
{
	const struct assign_inputs in = {
	    .method = ASSIGN_ORDERING, .digest = x->session.digest, .view = x->lease->view};
	x->whom.primary = assign_primary(&in);
}

/* Inlined into the way of most requests. */
static inline void
plan(struct exchange *x)
{
	struct worker *w = x->worker;
	const struct service *service = x->slot->service;
	if (x->whom.primary != MEMBER_NONE)
		plan_make(&service->plan, &x->whom, x->lease->view, &x->plan);
	if (w->services->hops != NULL && x->whom.primary != MEMBER_NONE && mesh_restrict(x))
		return;
	if (x->plan.step_count == 0) {
		journal_nobody(x);
		exchange_fail(x, x->plan.refuse_status != 0 ? CAUSE_STRICT : CAUSE_NO_LIVE_MEMBER);
		return;
	}
	if (!x->waits) {
		x->waits = true;
		x->slot->waiting++;
	}
	attempt_start(x);
}

void
exchange_plan(struct exchange *x)
{
	plan(x);
}

/* What most services have not: mirrors, races, placements. True: it waits, or is over. */
static __attribute__((noinline)) bool
decide_apart(struct exchange *x)
{
	const struct service *service = x->slot->service;
	if (x->copy)
		return false;
	x->mirrored = service->config->mirror != MIRROR_OFF;
	return service->newcomers && x->whom.fresh && newcomer_enter(x);
}

void
exchange_decide(struct exchange *x)
{
	struct service *service = x->slot->service;
	struct keyrule_client client = {
	    x->client, service->rules->asks_identity ? exchange_identity(x) : NULL};
	session_identify(service->rules, &x->request, client, digest_random, &x->session);
	find_primary(x);
	if (x->session.rejected != TAG_NONE && !x->hopped) /* else the first node said it */
		journal_rejected_tag(x);
	if (service->apart && decide_apart(x))
		return;
	plan(x);
}
