/*
 * pool.h: the live half of one service's members: their verdicts, and the view
 * that is current. Evidence may come from any thread; it is applied at once,
 * under a lock that is taken only when something went wrong or came back, and
 * the new view is seen by all workers at their next exchange.
 *
 * A pool lives as long as its service's name: a reload revises it (other members,
 * other rules), and who stays, the same id at the same origin, keeps verdict and
 * counters, and connections, unless it is spoken to in another way from then on. Evidence names its
 * member by struct member_live, as a place in a membership means nothing in the next one.
 */
#ifndef HOLDFAST_MEMBERS_POOL_H
#define HOLDFAST_MEMBERS_POOL_H

#include "members/verdict.h"
#include "members/view.h"

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
typedef void pool_probe_fn(void *context, struct member_live *member);

struct pool;

/* How members are spoken to: TLS, or, where it is NULL, plain. Borrowed; members take references.
 */
struct pool_tls {
	struct tls_client *members; /* those that are asked directly */
	struct tls_client *nodes;   /* the nodes before the others */
};

/* One reference belongs to the caller. */
enum result pool_create(const struct config_service *service, struct pool_tls tls, unsigned workers,
			struct pool **out, struct problem *p);
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool **pool);
/* Who is told; each may be NULL. */
struct pool_observer {
	pool_change_fn *changed;
	pool_probe_fn *probe;
	void (*drop)(
	    void *context); /* the pool is no more; called by the thread that let go last */
	void *context;
};
/* Once, before any other thread knows the pool. */
void pool_observe(struct pool *pool, struct pool_observer observer);
/* The observer's context; NULL: none yet. */
void *pool_context(const struct pool *pool);

/* What a reload makes of a pool, prepared: whatever can fail fails before anything is changed. */
struct pool_revision {
	struct membership *membership; /* one reference */
	struct verdict_rules rules;
};
/* As pool_create; nothing is changed yet. Prepared by one thread at a time. */
enum result pool_revise(struct pool *pool, const struct config_service *service,
			struct pool_tls tls, struct pool_revision **out, struct problem *p);
/* Seen by all workers at their next exchange; exchanges under way keep their view. */
void pool_commit(struct pool *pool, struct pool_revision **revision);
void pool_revision_free(struct pool_revision **revision);

/* The number of the current view: one relaxed load; when it differs from a held view's, take the
 * new one. */
uint64_t pool_generation(const struct pool *pool);
/* The current view, with a reference for the caller. Never NULL. */
struct view *pool_view(struct pool *pool);

/* Evidence from a probe or from traffic; thread-safe. Of a member that left it counts for nothing.
 */
void pool_evidence(struct pool *pool, struct member_live *member, enum evidence_kind kind,
		   enum reason reason, uint64_t now_ms);
/* What an active check found. */
struct pool_check {
	bool well;
	enum reason why; /* it is not */
	uint64_t now_ms;
	const char *seen;        /* for the log and the status; borrowed */
	struct weight_said said; /* by who is well */
	bool unsaid;             /* it said what is no weight: what it said before holds */
};
/* What the checker is told of it. */
struct pool_outcome {
	bool open; /* the verdict is: the next check should come soon */
	struct weight_said before;
	struct weight_said after;
	uint64_t weights_refused; /* of this member so far */
};
/* The evidence of an active check; thread-safe. */
struct pool_outcome pool_checked(struct pool *pool, struct member_live *member,
				 const struct pool_check *check);
/* True when the member has a row of failures that a success would end: then report LIVE_OK. One
 * load. */
static inline bool
pool_wants_success(const struct member_live *member)
{
	return atomic_load_explicit(&member->wants_success, memory_order_relaxed);
}
/*
 * The operator's order: MEMBER_DRAIN, MEMBER_MAINT, or MEMBER_UP, which takes it back: then what
 * the checks say counts again. Members of the same id keep it when their address changes.
 */
void pool_order(struct pool *pool, struct member_live *member, enum member_state order,
		uint64_t now_ms);
/*
 * Without active checks: gives down members their half-open turn. Tells of draining members that
 * serve no request any more. Ends slow starts. Call every 100 ms or so.
 */
void pool_tick(struct pool *pool, uint64_t now_ms);

/* Did the member's last active check end well, and not before `since_ms`? */
bool pool_is_checked(struct pool *pool, const struct member_live *member, uint64_t since_ms);

/* The verdict as it stands, for a process that takes this one's place; and there: taken over,
 * before any evidence, told to nobody. `state` follows from health and order. */
struct verdict pool_verdict(struct pool *pool, const struct member_live *member);
void pool_restore(struct pool *pool, struct member_live *member, const struct verdict *verdict);

/* One member as it stands. */
struct pool_member {
	enum member_state state;
	enum member_state order; /* the operator's; MEMBER_UP: none */
	enum reason reason;
	uint64_t since_ms; /* of the state, monotonic; 0: since the start */
	unsigned active;
	unsigned waiting;  /* for a place there */
	uint64_t attempts; /* since start */
	uint64_t failures;
	struct member_check check;
	struct history history;
	struct weight_said said;
	uint32_t share; /* of new sessions that may go anywhere, in hundredths of a weight */
	uint64_t slow_start_left_ms; /* 0: it is over, or none */
	uint64_t weights_refused;
};
struct pool_reading {
	struct membership *membership; /* one reference */
	struct pool_member *member;    /* owned; by place */
};
/* All members at one moment. RESULT_NO_MEMORY: *out needs no deinit. */
enum result pool_read(struct pool *pool, uint64_t now_ms, struct pool_reading *out);
void pool_reading_deinit(struct pool_reading *reading);

#endif
