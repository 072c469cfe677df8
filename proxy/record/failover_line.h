/*
 * failover_line.h: one line of the failover log as text. Pure. The fields of DESIGN section 9
 * stand in every line and in this order; null or [] where they do not apply. Then, where they
 * apply: "from", "member", "suppressed", "term", and of an outage_summary "sessions_moved",
 * "moved_to", "moved_elsewhere", "requests_failed", "detection_ms", "outage_ms",
 * "requests_retried", "failbacks", "estimated" (more sessions moved than are told apart:
 * record/moved.h), "ongoing" (the node ended while it lasted). New fields go behind these.
 */
#ifndef HOLDFAST_RECORD_FAILOVER_LINE_H
#define HOLDFAST_RECORD_FAILOVER_LINE_H

#include "base/text.h"
#include "members/view.h"
#include "record/outage.h"
#include "route/plan.h"
#include "vocab.h"

#define FAILOVER_LINE_BYTES_MAX 4096
#define FAILOVER_ORDER_MAX      16  /* ids listed in "order" and "skipped" */
#define FAILOVER_EVIDENCE_MAX   256 /* bytes of it, before escaping */
#define FAILOVER_NUMBER_NONE    UINT64_MAX

/* Empty texts and FAILOVER_NUMBER_NONE are written as null. Everything is borrowed. */
struct failover_entry {
	uint64_t wall_ms;
	enum event_kind event;
	struct slice node; /* empty: "-" */
	struct slice service;
	const struct session_digest *digest; /* NULL: null */
	struct slice primary;
	const char *reason;
	struct slice evidence;
	const struct plan *plan; /* NULL: empty lists */
	const struct membership
	    *membership; /* names of the plan's members; NULL only without plan */
	struct slice chosen;
	uint64_t rank;
	uint64_t attempt_ms;
	uint64_t hops;
	uint64_t epoch;
	uint64_t pool;       /* 0: null */
	uint64_t request_id; /* 0: null */
	bool moves;          /* a session's line: "from" is written */
	struct slice from;
	struct slice member;         /* empty: left out */
	uint64_t suppressed;         /* 0: left out */
	const struct outage *outage; /* NULL: left out */
	uint64_t term;               /* of a master; 0: left out */
	uint64_t outage_ms;
};

/* One line with '\n'. Lists are cut until the line fits into FAILOVER_LINE_BYTES_MAX. */
void write_failover_line(struct writer *w, const struct failover_entry *entry);

#endif
