/*
 * pool.c: verdicts under a lock, views by reference count; see pool.h.
 *
 *   evidence --lock--> verdict --changed--> new view --generation--> workers fetch it
 *
 * A worker compares one number a request and takes the lock only when it moved.
 * The number is stored after the view, so whoever sees it finds that view or a
 * later one.
 */
#include "members/pool_inside.h"

#include "config/config.h"

#include <assert.h>
#include <stdlib.h>

static struct verdict_rules
rules_of(const struct config_service *service)
{
	return (struct verdict_rules){
	    .active = service->health.enabled,
	    .fall = service->health.fall,
	    .rise = service->health.rise,
	    .passive = service->passive.enabled,
	    .passive_fall = service->passive.fall,
	    .retry_ms = service->passive.retry_ms,
	    .slow_start_ms = service->health.slow_start_ms,
	};
}

static struct weight_said
said_by(const struct member_live *live)
{
	return atomic_load_explicit(&live->said, memory_order_relaxed);
}

/* Has somebody another share of the new sessions than by its weight? */
static bool
is_graded(const struct membership *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct member_live *live = m->member[i].live;
		if (said_by(live).form != WEIGHT_CONFIGURED || live->verdict.risen_ms != 0)
			return true;
	}
	return false;
}

/* A new view of the verdicts, seen from here on. False: no memory, the old one stays. */
static bool
publish(struct pool *pool)
{
	struct membership *m = pool->membership;
	uint64_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
	uint8_t *state = malloc(m->count + 1);
	if (state == NULL)
		return false;
	for (size_t i = 0; i < m->count; i++)
		state[i] = m->member[i].live->verdict.state;
	struct view_opinion opinion = {.state = state,
				       .trial = !pool->rules.active,
				       .graded = is_graded(m),
				       .slow_start_ms = pool->rules.slow_start_ms};
	struct view *fresh = view_create(m, generation, &opinion);
	free(state);
	if (fresh == NULL)
		return false;
	view_unref(&pool->view);
	pool->view = fresh;
	atomic_store_explicit(&pool->generation, generation, memory_order_release);
	return true;
}

/* ---- members that come, stay and go ---------------------------------------------------------- */

/* At another address, but what the operator said of this id still holds. */
static void
inherit_order(struct member_live *member, const struct member_live *before)
{
	struct evidence e = {.kind = EVIDENCE_ORDER,
			     .order = (enum member_state)before->verdict.order};
	struct verdict_rules rules = {.active = false};
	(void)verdict_apply(&member->verdict, &rules, &e);
}

/* The same id in `before`; NULL: none. */
static const struct membership_member *
namesake(const struct membership *before, const struct membership_member *member)
{
	uint32_t at = MEMBER_NONE;
	if (before != NULL)
		at = membership_by_id(before, (struct slice){member->id, member->id_bytes});
	return at == MEMBER_NONE ? NULL : &before->member[at];
}

static bool
same_place(const struct membership_member *a, const struct membership_member *b)
{
	return addr_equal(&a->origin, &b->origin) && addr_equal(&a->named, &b->named);
}

/* Who is in `before` at the same origin stays who he is. False: no memory. */
static bool
attach_live(struct membership *m, const struct membership *before, struct pool_tls tls,
	    unsigned workers)
{
	for (size_t i = 0; i < m->count; i++) {
		struct membership_member *member = &m->member[i];
		const struct membership_member *was = namesake(before, member);
		struct tls_client *spoken = member->hop != 0 ? tls.nodes : tls.members;
		bool same = was != NULL && same_place(was, member);
		if (same && was->live->tls == spoken && was->live->proxy == member->proxy &&
		    was->live->http2 == member->http2)
			member->live = member_live_ref(was->live);
		else
			member->live =
			    member_live_create(&member->origin, &member->source, spoken, workers);
		if (member->live == NULL)
			return false;
		if (!same || member->live != was->live) {
			member->live->named = member->named;
			member->live->proxy = member->proxy;
			member->live->http2 = member->http2;
		}
		if (was != NULL && !same)
			inherit_order(member->live, was->live);
	}
	return true;
}

/* Who is spoken to in another way is who it was. The lock is held. */
static void
succeed_all(struct membership *m, const struct membership *before)
{
	for (size_t i = 0; i < m->count; i++) {
		struct membership_member *member = &m->member[i];
		const struct membership_member *was = namesake(before, member);
		if (was != NULL && member->live != was->live && same_place(was, member))
			member_live_succeed(member->live, was->live);
	}
}

enum result
pool_revise(struct pool *pool, const struct config_service *service, struct pool_tls tls,
	    struct pool_revision **out, struct problem *p)
{
	*out = NULL;
	struct pool_revision *revision = calloc(1, sizeof(*revision));
	if (revision == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	revision->rules = rules_of(service);
	enum result r = membership_create(service, &revision->membership, p);
	/* Only the caller's thread ever replaces the pool's membership. */
	if (r == RESULT_OK &&
	    !attach_live(revision->membership, pool->membership, tls, pool->workers))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (r != RESULT_OK)
		pool_revision_free(&revision);
	*out = revision;
	return r;
}

void
pool_revision_free(struct pool_revision **held)
{
	struct pool_revision *revision = *held;
	*held = NULL;
	if (revision == NULL)
		return;
	membership_unref(&revision->membership);
	free(revision);
}

/* A slow start that began, is over, or goes on under other rules. */
static void
note_rise(struct pool *pool, struct member_live *live)
{
	struct verdict *v = &live->verdict;
	uint64_t until_ms = v->risen_ms + pool->rules.slow_start_ms;
	if (pool->rules.slow_start_ms == 0)
		v->risen_ms = 0;
	else if (v->risen_ms != 0 && until_ms > pool->risen_until_ms)
		pool->risen_until_ms = until_ms;
	atomic_store_explicit(&live->risen_ms, v->risen_ms, memory_order_relaxed);
}

/* Who is in no membership, and who is: the rules of the present one hold. */
static void
settle_weight(struct pool *pool, struct member_live *live)
{
	if (!pool->rules.active) /* nobody is asked any more */
		atomic_store_explicit(&live->said, (struct weight_said){0}, memory_order_relaxed);
	note_rise(pool, live);
}

/* Every member's place in the membership, and the counts. */
static void
settle(struct pool *pool, const struct membership *before)
{
	struct membership *m = pool->membership;
	for (size_t i = 0; before != NULL && i < before->count; i++)
		before->member[i].live->place = MEMBER_NONE;
	pool->weighty = 0;
	pool->down = 0;
	pool->draining = 0;
	pool->risen_until_ms = 0;
	for (size_t i = 0; i < m->count; i++) {
		struct member_live *live = m->member[i].live;
		enum member_state state = (enum member_state)live->verdict.state;
		live->place = (uint32_t)i;
		settle_weight(pool, live);
		places_set_max(&live->places, m->member[i].connections_max);
		pool->weighty += m->member[i].weight > 0 && member_state_operational(state);
		pool->down += live->verdict.health == MEMBER_DOWN;
		pool->draining += state == MEMBER_DRAIN;
	}
	for (size_t i = 0; before != NULL && i < before->count; i++) {
		struct member_live *live = before->member[i].live;
		atomic_store_explicit(&live->retired, live->place == MEMBER_NONE,
				      memory_order_relaxed);
		if (live->place == MEMBER_NONE)
			places_set_max(&live->places, 0); /* who waits may finish there */
	}
}

void
pool_commit(struct pool *pool, struct pool_revision **held)
{
	struct pool_revision *revision = *held;
	assert(revision != NULL);
	(void)pthread_mutex_lock(&pool->lock);
	struct membership *before = pool->membership;
	pool->membership = revision->membership;
	pool->rules = revision->rules;
	succeed_all(pool->membership, before);
	settle(pool, before);
	pool->unpublished = !publish(pool);
	(void)pthread_mutex_unlock(&pool->lock);
	revision->membership = before;
	pool_revision_free(held);
}

struct verdict
pool_verdict(struct pool *pool, const struct member_live *member)
{
	(void)pthread_mutex_lock(&pool->lock);
	struct verdict v = member->verdict;
	(void)pthread_mutex_unlock(&pool->lock);
	return v;
}

void
pool_restore(struct pool *pool, struct member_live *member, const struct verdict *verdict)
{
	(void)pthread_mutex_lock(&pool->lock);
	struct verdict *v = &member->verdict;
	*v = *verdict;
	if (v->order == MEMBER_MAINT || (v->order == MEMBER_DRAIN && v->health != MEMBER_DOWN))
		v->state = v->order;
	else
		v->state = v->health;
	bool wants = v->health == MEMBER_SUSPECT || v->live_fails > 0;
	atomic_store_explicit(&member->wants_success, wants && v->health != MEMBER_DOWN,
			      memory_order_relaxed);
	settle(pool, pool->membership);
	pool->unpublished = !publish(pool);
	(void)pthread_mutex_unlock(&pool->lock);
}

enum result
pool_create(const struct config_service *service, struct pool_tls tls, unsigned workers,
	    struct pool **out, struct problem *p)
{
	*out = NULL;
	struct pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	(void)pthread_mutex_init(&pool->lock, NULL);
	atomic_init(&pool->refs, 1);
	pool->workers = workers;
	struct pool_revision *first = NULL;
	enum result r = pool_revise(pool, service, tls, &first, p);
	if (r == RESULT_OK)
		pool_commit(pool, &first);
	if (r == RESULT_OK && pool->unpublished)
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (r != RESULT_OK)
		pool_unref(&pool);
	*out = pool;
	return r;
}

struct pool *
pool_ref(struct pool *pool)
{
	atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
	return pool;
}

void
pool_unref(struct pool **held)
{
	struct pool *pool = *held;
	*held = NULL;
	if (pool == NULL || atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (pool->observer.drop != NULL)
		pool->observer.drop(pool->observer.context);
	view_unref(&pool->view);
	membership_unref(&pool->membership);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void
pool_observe(struct pool *pool, struct pool_observer observer)
{
	pool->observer = observer;
}

void *
pool_context(const struct pool *pool)
{
	return pool->observer.context;
}

uint64_t
pool_generation(const struct pool *pool)
{
	return atomic_load_explicit(&pool->generation, memory_order_relaxed);
}

struct view *
pool_view(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	struct view *view = view_ref(pool->view);
	(void)pthread_mutex_unlock(&pool->lock);
	return view;
}

/* ---- evidence ---------------------------------------------------------------------------------
 */

static bool
is_last_operational(const struct pool *pool, const struct member_live *member)
{
	return pool->weighty == 1 && pool->membership->member[member->place].weight > 0 &&
	       member_state_operational((enum member_state)member->verdict.state);
}

/* Keeps the counts; tells of the change; publishes it. */
static void
take_over(struct pool *pool, const struct pool_change *change)
{
	bool was = member_state_operational((enum member_state)change->verdict.before);
	bool is = member_state_operational((enum member_state)change->verdict.after);
	if (pool->membership->member[change->member].weight > 0)
		pool->weighty += (size_t)is - (size_t)was;
	pool->draining += (size_t)(change->verdict.after == MEMBER_DRAIN);
	pool->draining -= (size_t)(change->verdict.before == MEMBER_DRAIN);
	pool->unpublished = !publish(pool);
	if (pool->observer.changed != NULL)
		pool->observer.changed(pool->observer.context, change);
}

static void
note_check(struct member_live *member, const struct pool_check *check)
{
	member->check.at_ms = check->now_ms;
	member->check.well = check->well;
	(void)snprintf(member->check.seen, sizeof(member->check.seen), "%s", check->seen);
	history_add_check(&member->history, check->well);
}

static void
note_change(struct pool *pool, struct member_live *member, const struct verdict_change *change,
	    uint64_t now_ms)
{
	history_add_transition(
	    &member->history,
	    (struct history_transition){.at_ms = now_ms,
					.from = change->before,
					.to = change->after,
					.reason = (uint8_t)verdict_reason(&member->verdict)});
	note_rise(pool, member);
}

/*
 * What it says of its weight. Workers read it where it stands; only who comes to take new sessions,
 * or comes to take none, needs another view, and the first one who says anything.
 */
static void
take_weight(struct pool *pool, struct member_live *member, const struct pool_check *check)
{
	struct weight_said before = said_by(member);
	member->weights_refused += check->well && check->unsaid;
	if (!check->well || check->unsaid || weight_equal(before, check->said))
		return;
	atomic_store_explicit(&member->said, check->said, memory_order_relaxed);
	if (!pool->view->graded || weight_is_none(before) != weight_is_none(check->said))
		pool->unpublished = !publish(pool);
}

/* True: an active check should run at once. The lock is held. */
static bool
apply(struct pool *pool, struct member_live *member, const struct evidence *e, const char *seen)
{
	if (member->place == MEMBER_NONE)
		return false;
	struct verdict *v = &member->verdict;
	struct evidence known = *e;
	known.last_operational = is_last_operational(pool, member);
	pool->down -= (size_t)(v->health == MEMBER_DOWN);
	struct verdict_change change = verdict_apply(v, &pool->rules, &known);
	pool->down += (size_t)(v->health == MEMBER_DOWN);
	bool wants = v->health == MEMBER_SUSPECT || v->live_fails > 0;
	atomic_store_explicit(&member->wants_success, wants && v->health != MEMBER_DOWN,
			      memory_order_relaxed);
	if (change.changed) {
		note_change(pool, member, &change, e->now_ms);
		take_over(pool, &(struct pool_change){.member = member->place,
						      .verdict = change,
						      .reason = verdict_reason(v),
						      .evidence = e->kind,
						      .seen = seen,
						      .membership = pool->membership});
	}
	return change.probe_now;
}

static void
take_evidence(struct pool *pool, struct member_live *member, const struct evidence *e)
{
	(void)pthread_mutex_lock(&pool->lock);
	bool probe_now = apply(pool, member, e, "");
	(void)pthread_mutex_unlock(&pool->lock);
	if (probe_now && pool->observer.probe != NULL)
		pool->observer.probe(pool->observer.context, member);
}

struct pool_outcome
pool_checked(struct pool *pool, struct member_live *member, const struct pool_check *check)
{
	struct evidence e = {.kind = check->well ? EVIDENCE_PROBE_OK : EVIDENCE_PROBE_FAILED,
			     .reason = check->why,
			     .now_ms = check->now_ms};
	(void)pthread_mutex_lock(&pool->lock);
	struct pool_outcome outcome = {.before = said_by(member)};
	if (member->place != MEMBER_NONE) {
		note_check(member, check);
		take_weight(pool, member, check);
		(void)apply(pool, member, &e, check->seen);
	}
	outcome.after = said_by(member);
	outcome.open = verdict_is_open(&member->verdict, &pool->rules);
	outcome.weights_refused = member->weights_refused;
	(void)pthread_mutex_unlock(&pool->lock);
	return outcome;
}

void
pool_evidence(struct pool *pool, struct member_live *member, enum evidence_kind kind,
	      enum reason reason, uint64_t now_ms)
{
	struct evidence e = {.kind = kind, .reason = reason, .now_ms = now_ms};
	take_evidence(pool, member, &e);
}

void
pool_order(struct pool *pool, struct member_live *member, enum member_state order, uint64_t now_ms)
{
	struct evidence e = {.kind = EVIDENCE_ORDER, .order = order, .now_ms = now_ms};
	take_evidence(pool, member, &e);
}

/* Draining members that have no request any more; each is told of once. The lock is held. */
static void
find_drained(struct pool *pool)
{
	const struct membership *m = pool->membership;
	for (uint32_t i = 0; pool->observer.changed != NULL && i < m->count; i++) {
		struct member_live *member = m->member[i].live;
		if (!verdict_drain_done(&member->verdict, member_live_active(member)))
			continue;
		struct pool_change change = {
		    .member = i,
		    .verdict = {.before = MEMBER_DRAIN, .after = MEMBER_DRAIN, .drained = true},
		    .reason = REASON_DRAIN,
		    .evidence = EVIDENCE_TICK,
		    .seen = "",
		    .membership = m,
		};
		pool->observer.changed(pool->observer.context, &change);
	}
}

/* Down members get their trial. The lock is held. */
static void
tick_down(struct pool *pool, uint64_t now_ms)
{
	struct evidence e = {.kind = EVIDENCE_TICK, .now_ms = now_ms};
	for (uint32_t i = 0; i < pool->membership->count; i++) {
		struct member_live *member = pool->membership->member[i].live;
		if (member->verdict.health == MEMBER_DOWN)
			(void)apply(pool, member, &e, "");
	}
}

/* All slow starts are over: nothing is to be looked up for them any more. The lock is held. */
static void
tick_risen(struct pool *pool)
{
	pool->risen_until_ms = 0;
	for (size_t i = 0; i < pool->membership->count; i++) {
		struct member_live *live = pool->membership->member[i].live;
		live->verdict.risen_ms = 0;
		note_rise(pool, live);
	}
	pool->unpublished = !publish(pool);
}

void
pool_tick(struct pool *pool, uint64_t now_ms)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->unpublished)
		pool->unpublished = !publish(pool);
	if (!pool->rules.active && pool->down > 0)
		tick_down(pool, now_ms);
	if (pool->draining > 0)
		find_drained(pool);
	if (pool->risen_until_ms != 0 && now_ms >= pool->risen_until_ms)
		tick_risen(pool);
	(void)pthread_mutex_unlock(&pool->lock);
}
