/*
 * plan.h: THE decision (DESIGN sections 3 and 6): where does this request go,
 * and where next if that fails. Pure: the same function answers `holdfast
 * explain`, the tests and the simulator.
 */
#ifndef HOLDFAST_ROUTE_PLAN_H
#define HOLDFAST_ROUTE_PLAN_H

#include "members/view.h"
#include "vocab.h"

/* What the plan needs of a service's configuration. */
struct plan_rules {
	enum assign_method assign; /* used by assign.h; here for explain */
	enum failback failback;
	enum spread spread;
	uint16_t
	    strict; /* 0, or the status to answer when the session's place is not operational */
	uint32_t attempts_max;
	bool spills; /* members may be full: all the steps there is room for are wanted */
};

/* The session as the plan sees it; member indices of the view's membership. */
struct plan_session {
	struct session_digest digest;
	uint32_t primary; /* never MEMBER_NONE when the membership is not empty: assign it first */
	uint32_t last;    /* where it was served last; MEMBER_NONE: unknown, or new */
	bool fresh;       /* a new session: nothing lives anywhere yet */
	bool idle;        /* failback = "stay_until_idle": it was (affinity/idle.h) */
};

enum step_why {
	STEP_PRIMARY, /* the session's primary */
	STEP_LAST,    /* where it was served last, and that is not the primary */
	STEP_BACKUP,  /* next operational one in the order */
};

#define PLAN_FEW_MEMBERS  8 /* up to here the whole order costs no more than the places needed */
#define PLAN_RANK_UNASKED UINT32_MAX

struct plan_step {
	uint32_t member;
	enum step_why why;
	uint32_t rank; /* in the whole order, when it was at hand; else PLAN_RANK_UNASKED */
};

struct plan_skipped {
	uint32_t member;
	enum reason why; /* DOWN, MAINT, DRAIN */
};

struct plan {
	struct plan_step
	    step[PLAN_STEPS_MAX]; /* attempts in sequence; all distinct, all operational */
	uint32_t step_count;      /* 0: nothing operational, or strict */
	struct plan_skipped
	    skipped[PLAN_SKIPPED_MAX]; /* would have come before step[0], in sequence */
	uint32_t skipped_count;        /* at most PLAN_SKIPPED_MAX: the first of them */
	uint32_t home;          /* where the session lives before this request: last or primary */
	uint16_t refuse_status; /* strict refused: this status; else 0 */
	enum affinity affinity; /* of step[0]: NEW, HIT, FAILOVER, FAILBACK */
};

/*
 * Steps: `stay`: last, then primary; `return`: primary, then last; `stay_until_idle`: as stay, of
 * a session that was idle for longer as return; each if operational. Then
 * the other up and suspect members in the order of the digest (spread = "zone": apart from the
 * primary's zone), then draining ones in that order, as nothing else is left. A draining member
 * counts as operational where the session lives already (it is `home` and the session is not
 * fresh). So what stands behind step[0] is the plan that would be made without it. At most
 * attempts_max steps, but always enough to name BACKUPS_TOLD backups behind step[0]: use
 * plan_attempts for how many may be tried. strict: step[0] alone, and never a backup.
 *
 * skipped is only filled when step[0] is not `home`, or when there is no step. FAILBACK: step[0]
 * is the primary and the session lives elsewhere; every other move is a FAILOVER.
 */
void plan_make(const struct plan_rules *rules, const struct plan_session *session,
	       const struct view *view, struct plan *plan);

/* Where a request of the mesh has been (DESIGN section 8). */
struct plan_way {
	uint64_t visited; /* bit of a place in cluster.nodes: that node had it */
	bool ends_here;   /* the last node that may have it */
};
/* May the request be handed on to `member`? */
bool plan_way_reaches(const struct plan_way *way, const struct membership_member *member);
/*
 * Takes out of the plan what lies behind a node that had the request, and everything that lies
 * behind a node when the way ends here. Nothing left: the member beside this node, if it is
 * operational and strict does not forbid it. What was before the new step[0] is skipped as VISITED.
 */
void plan_restrict(const struct plan_rules *rules, const struct plan_session *session,
		   const struct view *view, const struct plan_way *way, struct plan *plan);

/* How many steps may be attempted: min(step_count, attempts_max); 1 when strict. */
uint32_t plan_attempts(const struct plan_rules *rules, const struct plan *plan);

/* Text of a step's reason: "primary", "last", "backup". */
const char *step_why_text(enum step_why why);

#endif
