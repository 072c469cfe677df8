/*
 * failover.h: the failover log (DESIGN section 9): one JSON line a session move,
 * one a member transition, one summary an outage; fields in a fixed order, new
 * ones appended. Session keys and tags never appear, only the digest's first 8
 * hex digits. Rate-limited per member and event ("assigned": per service), and
 * per event over all members, without losing counts: when lines were held back,
 * the next one says how many in "suppressed".
 */
#ifndef HOLDFAST_RECORD_FAILOVER_H
#define HOLDFAST_RECORD_FAILOVER_H

#include "members/pool.h"
#include "record/failover_line.h"
#include "record/sink.h"
#include "route/plan.h"
#include "vocab.h"

#define FAILOVER_LINES_PER_S_MAX  200  /* of one event and member; then counted */
#define FAILOVER_EVENTS_PER_S_MAX 1000 /* lines about sessions of one event */

struct failover_log;

/* `node`: the node's id, or NULL: written as "-". */
enum result failover_log_create(const char *path, const char *node, struct failover_log **out,
				struct problem *p);
void failover_log_free(struct failover_log **log);
void failover_log_reopen(struct failover_log *log);
/* Once a second, monotonic: writes what was held back and followed by no line of its kind. */
void failover_log_tick(struct failover_log *log, uint64_t now_ms);
/* Gets each line as it is written, also when the file takes none; set before any thread writes. It
 * is called by whoever writes the line and must not wait. */
typedef void failover_tap(void *context, struct slice line);
void failover_log_tap(struct failover_log *log, failover_tap *tap, void *context);
/* Lines that could not be written so far. */
uint64_t failover_log_lost(const struct failover_log *log);

/* Where the log takes the time from: base/clock.h unless a test sets its own before any line. */
struct failover_clock {
	uint64_t (*now_ms)(void);  /* monotonic */
	uint64_t (*wall_ms)(void); /* since 1970-01-01 UTC */
};
void failover_log_set_clock(struct failover_log *log, struct failover_clock clock);

/* One session's event: FAILOVER, FAILBACK, ASSIGNED, REHOMED, TAG_REJECTED, NO_LIVE_MEMBER.
 * Thread-safe. */
struct failover_line {
	enum event_kind event;
	struct slice service;
	const struct session_digest *digest; /* NULL: none */
	const struct view *view;             /* names; borrowed */
	uint32_t primary;                    /* member; MEMBER_NONE: null */
	uint32_t from;                       /* where the session lived; MEMBER_NONE: null */
	uint32_t chosen;                     /* where it goes; MEMBER_NONE: null */
	const char *reason;                  /* reason_text, tag_rejection_text; static */
	const char *evidence; /* what was seen: "connect to 127.0.0.1:9001: refused"; empty: null */
	const struct plan *plan; /* order and skipped; NULL: empty lists */
	uint32_t rank;           /* of chosen in the whole order; UINT32_MAX: null */
	uint64_t attempt_ms;     /* time spent on attempts that failed before */
	uint32_t hops;
	uint64_t pool;       /* ring fingerprint, 16 hex digits */
	uint64_t request_id; /* 16 hex digits; 0: null */
	bool of_outage;      /* a FAILOVER that counts in the outage of `from` */
	bool returns;        /* the session goes home by itself when its primary is up */
};
void failover_log_session(struct failover_log *log, const struct failover_line *line);

/*
 * A member's transition, and after an outage its summary with counts (sessions moved away and to
 * whom, requests failed and retried, sessions that went back, detection time, duration): when it is
 * settled (record/outage.h), or as it stands when the log ends. Lines: MEMBER_DOWN, MEMBER_UP (a
 * drain that is called off as well), OUTAGE_SUMMARY, DRAIN_STARTED, DRAIN_DONE; none for what
 * happens inside an outage (a trial that fails) or ends in no verdict (suspect and well again).
 * Thread-safe; may be called as a pool_change_fn's body.
 */
void failover_log_member(struct failover_log *log, struct slice service, uint64_t pool,
			 const struct pool_change *change);
/* A member that left the configuration: ends its outage, if one is going on. Thread-safe. */
void failover_log_member_left(struct failover_log *log, struct slice service,
			      struct slice member_id);
/* An outage that began before this process did, and goes on. Before any thread writes. */
void failover_log_outage_goes_on(struct failover_log *log, struct slice service,
				 struct slice member_id, enum reason why, uint64_t since_ms);
/* RELOAD, RELOAD_REFUSED, UPGRADED, UPGRADE_REFUSED: who asked for it, and what changed or what is
 * wrong. Thread-safe. */
void failover_log_reload(struct failover_log *log, enum event_kind event, const char *asked_by,
			 struct slice evidence);
/* MASTER_ELECTED, MASTER_LOST, MASTER_BACK, as this node knows it. Empty: nobody. Thread-safe. */
struct failover_mastership {
	enum event_kind event;
	struct slice master; /* in "chosen" */
	struct slice before; /* in "from" */
	uint64_t term;       /* of whom the event tells */
	uint64_t epoch;      /* of the membership */
	struct slice evidence;
};
void failover_log_master(struct failover_log *log, const struct failover_mastership *mastership);
/* From here on written to `path`; NULL: stderr. False: no memory. */
bool failover_log_redirect(struct failover_log *log, const char *path);
/* A request that ended with an error, or failed at this member and is `retried` at another; counted
 * into the member's outage that is going on or about to begin. Thread-safe. */
void failover_log_request_failed(struct failover_log *log, struct slice service,
				 struct slice member_id, bool retried);

#endif
