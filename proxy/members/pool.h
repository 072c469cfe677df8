/*
 * pool.h: the live half of one service's members: their verdicts, and the view
 * that is current. Evidence may come from any thread; it is applied at once,
 * under a lock that is taken only when something went wrong or came back, and
 * the new view is seen by all workers at their next exchange.
 */
#ifndef HOLDFAST_MEMBERS_POOL_H
#define HOLDFAST_MEMBERS_POOL_H

#include "members/verdict.h"
#include "members/view.h"

#include <stdatomic.h>

/* Requests in flight at one member, as one worker sees them; padded, each written by one worker
 * only. */
struct member_load {
	_Alignas(64) atomic_uint active;
	atomic_ullong attempts; /* since start */
	atomic_ullong failures;
};

/* Told of every change of state, in order, under the pool's lock: be quick, call nothing of the
 * pool. */
struct pool_change {
	uint32_t member;
	struct verdict_change verdict;
	enum reason reason;
	enum evidence_kind evidence;
	const char *seen; /* "probe 127.0.0.1:9001: connection refused"; "": see reason. Borrowed */
	const struct membership *membership; /* borrowed for the call */
};
typedef void pool_change_fn(void *context, const struct pool_change *change);
/* Asked to check a member at once (from any thread, under no lock). */
typedef void pool_probe_fn(void *context, uint32_t member);

struct pool;

enum result pool_create(const struct config_service *service, unsigned workers, struct pool **out,
			struct problem *p);
void pool_free(struct pool **pool);
/* Set before any thread runs; either may be NULL. */
void pool_observe(struct pool *pool, pool_change_fn *changed, pool_probe_fn *probe, void *context);

/* The number of the current view: one relaxed load; when it differs from a held view's, take the
 * new one. */
uint64_t pool_generation(const struct pool *pool);
/* The current view, with a reference for the caller. Never NULL. */
struct view *pool_view(struct pool *pool);

/* Evidence from a probe or from traffic; thread-safe. */
void pool_evidence(struct pool *pool, uint32_t member, enum evidence_kind kind, enum reason reason,
		   uint64_t now_ms);
/* The same with a text of what was seen, for the log. */
void pool_evidence_seen(struct pool *pool, uint32_t member, const struct evidence *e,
			const char *seen);
/* True when the member has a row of failures that a success would end: then report LIVE_OK. One
 * load. */
bool pool_wants_success(const struct pool *pool, uint32_t member);
/* Without active checks: gives down members their half-open turn. Call every 100 ms or so. */
void pool_tick(struct pool *pool, uint64_t now_ms);

/* Load accounting of worker `worker` for `member`. */
struct member_load *pool_load(struct pool *pool, unsigned worker, uint32_t member);
/* Sum over all workers. */
unsigned pool_active(const struct pool *pool, uint32_t member);

#endif
