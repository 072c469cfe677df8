/*
 * pool.c: verdicts under a lock, views by reference count; see pool.h.
 *
 *   evidence --lock--> verdict --changed--> new view --generation--> workers fetch it
 *
 * A worker compares one number a request and takes the lock only when it moved.
 * The number is stored after the view, so whoever sees it finds that view or a
 * later one.
 */
#include "members/pool.h"

#include "config/config.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct pool {
	pthread_mutex_t lock; /* guards what stands below, up to `generation` */
	struct view *view;    /* current; one reference held */
	struct verdict *verdict;
	size_t weighty;   /* operational members that have a weight */
	bool unpublished; /* a verdict changed and there was no memory for its view */
	size_t down;      /* members in that state */
	_Atomic uint64_t generation;
	atomic_bool *wants_success; /* by member */
	struct verdict_rules rules;
	struct membership *membership; /* one reference held; never replaced */
	struct member_load *load;      /* by worker, then by member */
	unsigned workers;
	pool_change_fn *changed;
	pool_probe_fn *probe;
	void *context;
};

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
	};
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
		state[i] = pool->verdict[i].state;
	struct view *fresh = view_create(m, generation, state, !pool->rules.active);
	free(state);
	if (fresh == NULL)
		return false;
	view_unref(&pool->view);
	pool->view = fresh;
	atomic_store_explicit(&pool->generation, generation, memory_order_release);
	return true;
}

static enum result
verdicts_create(struct pool *pool)
{
	struct membership *m = pool->membership;
	pool->verdict = calloc(m->count + 1, sizeof(*pool->verdict));
	pool->wants_success = calloc(m->count + 1, sizeof(*pool->wants_success));
	/* The type is padded to a cache line; calloc aligns to less. */
	size_t loads = (size_t)pool->workers * m->count + 1;
	pool->load = aligned_alloc(_Alignof(struct member_load), loads * sizeof(*pool->load));
	if (pool->verdict == NULL || pool->wants_success == NULL || pool->load == NULL)
		return RESULT_NO_MEMORY;
	memset(pool->load, 0, loads * sizeof(*pool->load));
	for (size_t i = 0; i < m->count; i++) {
		pool->verdict[i].state = MEMBER_UP;
		pool->weighty += m->member[i].weight > 0;
	}
	return publish(pool) ? RESULT_OK : RESULT_NO_MEMORY;
}

enum result
pool_create(const struct config_service *service, unsigned workers, struct pool **out,
	    struct problem *p)
{
	*out = NULL;
	struct pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	(void)pthread_mutex_init(&pool->lock, NULL);
	pool->rules = rules_of(service);
	pool->workers = workers;
	enum result r = membership_create(service, &pool->membership, p);
	if (r == RESULT_OK) {
		r = verdicts_create(pool);
		if (r != RESULT_OK)
			(void)problem_set(p, r, "no memory");
	}
	if (r != RESULT_OK)
		pool_free(&pool);
	*out = pool;
	return r;
}

void
pool_free(struct pool **held)
{
	struct pool *pool = *held;
	*held = NULL;
	if (pool == NULL)
		return;
	view_unref(&pool->view);
	membership_unref(&pool->membership);
	free(pool->verdict);
	free(pool->wants_success);
	free(pool->load);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void
pool_observe(struct pool *pool, pool_change_fn *changed, pool_probe_fn *probe, void *context)
{
	pool->changed = changed;
	pool->probe = probe;
	pool->context = context;
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
is_last_operational(const struct pool *pool, uint32_t member)
{
	return pool->weighty == 1 && pool->membership->member[member].weight > 0 &&
	       member_state_operational((enum member_state)pool->verdict[member].state);
}

/* Keeps the counts; tells of the change; publishes it. */
static void
take_over(struct pool *pool, const struct pool_change *change)
{
	bool was = member_state_operational((enum member_state)change->verdict.before);
	bool is = member_state_operational((enum member_state)change->verdict.after);
	if (pool->membership->member[change->member].weight > 0)
		pool->weighty += (size_t)is - (size_t)was;
	pool->down += (size_t)(change->verdict.after == MEMBER_DOWN);
	pool->down -= (size_t)(change->verdict.before == MEMBER_DOWN);
	pool->unpublished = !publish(pool);
	if (pool->changed != NULL)
		pool->changed(pool->context, change);
}

/* True: an active check should run at once. The lock is held. */
static bool
apply(struct pool *pool, uint32_t member, const struct evidence *e, const char *seen)
{
	struct verdict *v = &pool->verdict[member];
	struct evidence known = *e;
	known.last_operational = is_last_operational(pool, member);
	struct verdict_change change = verdict_apply(v, &pool->rules, &known);
	bool wants = v->state == MEMBER_SUSPECT || v->live_fails > 0;
	atomic_store_explicit(&pool->wants_success[member], wants && v->state != MEMBER_DOWN,
			      memory_order_relaxed);
	if (change.changed)
		take_over(pool, &(struct pool_change){.member = member,
						      .verdict = change,
						      .reason = (enum reason)v->reason,
						      .evidence = e->kind,
						      .seen = seen,
						      .membership = pool->membership});
	return change.probe_now;
}

void
pool_evidence_seen(struct pool *pool, uint32_t member, const struct evidence *e, const char *seen)
{
	assert(member < pool->membership->count);
	(void)pthread_mutex_lock(&pool->lock);
	bool probe_now = apply(pool, member, e, seen);
	(void)pthread_mutex_unlock(&pool->lock);
	if (probe_now && pool->probe != NULL)
		pool->probe(pool->context, member);
}

void
pool_evidence(struct pool *pool, uint32_t member, enum evidence_kind kind, enum reason reason,
	      uint64_t now_ms)
{
	struct evidence e = {.kind = kind, .reason = reason, .now_ms = now_ms};
	pool_evidence_seen(pool, member, &e, "");
}

bool
pool_wants_success(const struct pool *pool, uint32_t member)
{
	assert(member < pool->membership->count);
	return atomic_load_explicit(&pool->wants_success[member], memory_order_relaxed);
}

void
pool_tick(struct pool *pool, uint64_t now_ms)
{
	struct evidence e = {.kind = EVIDENCE_TICK, .now_ms = now_ms};
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->unpublished)
		pool->unpublished = !publish(pool);
	bool waits = !pool->rules.active && pool->down > 0;
	for (uint32_t i = 0; waits && i < pool->membership->count; i++) {
		if (pool->verdict[i].state == MEMBER_DOWN)
			(void)apply(pool, i, &e, "");
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

/* ---- load -------------------------------------------------------------------------------------
 */

struct member_load *
pool_load(struct pool *pool, unsigned worker, uint32_t member)
{
	assert(worker < pool->workers && member < pool->membership->count);
	return &pool->load[(size_t)worker * pool->membership->count + member];
}

unsigned
pool_active(const struct pool *pool, uint32_t member)
{
	unsigned sum = 0;
	for (unsigned worker = 0; worker < pool->workers; worker++) {
		size_t at = (size_t)worker * pool->membership->count + member;
		sum += atomic_load_explicit(&pool->load[at].active, memory_order_relaxed);
	}
	return sum;
}
