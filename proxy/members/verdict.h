/*
 * verdict.h: one member's state machine: (state, evidence, now) -> state. Pure.
 *
 *                 a failed attempt          fall of them in a row, or a failed probe
 *          up ---------------------> suspect ------------------------------------> down
 *           ^ <--------------------    ^                                            |
 *           |  an answer or a probe    `---- retry_ms later, without active checks -+
 *           +------------------------- rise probes in a row ------------------------+
 *
 * Probes alone take a member from up to down after `fall` of them in a row; the first
 * that fails does when none has ended before. A refused connection does at once.
 *
 * With active checks a down member comes back by `rise` probes in a row; without
 * them it becomes suspect again retry_ms after it went down (half-open: the next
 * request tries it), one success makes it up, one failure down again.
 *
 * Probes that are answered make a suspect member up, but end no row of failed
 * attempts: a member that passes its checks and fails its requests goes down.
 * `drain` and `maint` are the operator's order, and evidence does not unsay it: beneath it
 * evidence goes on to say how the member is, which counts again when the order is taken back. A
 * draining member that is proved dead is down meanwhile: its sessions cannot be served there.
 *
 * A member that comes up after it was down or in maintenance rises: for slow_start_ms it is given
 * fewer of the new sessions that may go anywhere (weight.h).
 *
 *   order   what counts                      health, by evidence
 *   none    its health                       up, suspect, down
 *   drain   drain; down while it is down
 *   maint   maint
 */
#ifndef HOLDFAST_MEMBERS_VERDICT_H
#define HOLDFAST_MEMBERS_VERDICT_H

#include "vocab.h"

enum evidence_kind {
	EVIDENCE_PROBE_OK,
	EVIDENCE_PROBE_FAILED,
	EVIDENCE_LIVE_OK,     /* a request was answered */
	EVIDENCE_LIVE_FAILED, /* an attempt failed; reason says how */
	EVIDENCE_TICK,        /* time passed; without active checks only */
	EVIDENCE_ORDER,       /* the operator's: `order` */
};

struct evidence {
	enum evidence_kind kind;
	enum reason reason; /* of a failure */
	uint64_t now_ms;
	bool last_operational;   /* passive evidence never takes the last operational member out */
	enum member_state order; /* DRAIN, MAINT; UP: none */
};

struct verdict_rules {
	bool active;
	uint32_t fall;
	uint32_t rise;
	bool passive;
	uint32_t passive_fall;
	uint64_t retry_ms;
	uint64_t slow_start_ms; /* 0: none */
};

/* Zeroed with state MEMBER_UP is the initial state. */
struct verdict {
	uint8_t state;            /* enum member_state: what counts, of order and health */
	uint8_t health;           /* UP, SUSPECT, DOWN */
	uint8_t order;            /* DRAIN, MAINT; UP: none */
	uint8_t reason;           /* enum reason: why its health is not up */
	bool probed;              /* at least one probe has ended */
	bool drained;             /* in this drain it was seen without a request */
	bool was_out;             /* down or in maintenance since it was up last */
	uint32_t probe_fails;     /* in a row */
	uint32_t probe_wins;      /* in a row */
	uint32_t live_fails;      /* in a row, since the last answer or the last outage */
	uint64_t since_ms;        /* of the state */
	uint64_t health_since_ms; /* of the health */
	uint64_t first_fail_ms;   /* of the present row of failures; 0: none */
	uint64_t outage_since_ms; /* when it went down first and was not up since; 0: no outage */
	uint64_t risen_ms;        /* when its slow start began; 0: none */
};

struct verdict_change {
	bool changed;   /* the state did */
	bool drained;   /* no change: a draining member serves no request any more */
	bool probe_now; /* suspect: an active check should run at once */
	uint8_t before; /* enum member_state */
	uint8_t after;
	uint64_t outage_ms;    /* went up: since it went down, trials that failed included */
	uint64_t detection_ms; /* went down: since the first failure of the row */
};

struct verdict_change verdict_apply(struct verdict *v, const struct verdict_rules *rules,
				    const struct evidence *e);
/* Is its health about to be decided, so that the next check should come soon? At most fall or rise
 * checks in a row answer that. */
bool verdict_is_open(const struct verdict *v, const struct verdict_rules *rules);
/* Why the state is what it is: the order's reason, or the health's. */
enum reason verdict_reason(const struct verdict *v);
/* It serves `active` requests: is this the first time in its drain that there are none? */
bool verdict_drain_done(struct verdict *v, unsigned active);

#endif
