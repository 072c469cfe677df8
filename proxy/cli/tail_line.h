/*
 * tail_line.h: one line of the failover log: does it pass the filter, and how do people read it?
 * Pure. A line that Holdfast did not write (no JSON object, no event, bytes outside printable
 * ASCII) is broken: it is shown as it is, behind a mark. What comes out is printable ASCII, and
 * our own colours, whatever the line holds.
 */
#ifndef HOLDFAST_CLI_TAIL_LINE_H
#define HOLDFAST_CLI_TAIL_LINE_H

#include "cli/log_line.h"

#define TAIL_LINE_BYTES_MAX LOG_LINE_BYTES_MAX        /* of a longer one the beginning is shown */
#define TAIL_TEXT_BYTES_MAX (8 * TAIL_LINE_BYTES_MAX) /* of what is made of it */

#define TAIL_SESSION_DIGITS 8 /* as the log has them */
#define TAIL_SINCE_BYTES    32

/* Zeroed lets everything pass. */
struct tail_filter {
	bool event[EVENTS];
	bool some_events;     /* only those of `event` */
	struct slice service; /* empty: all */
	struct slice member;  /* primary, from, chosen or member; empty: all */
	char session[TAIL_SESSION_DIGITS];
	size_t session_digits;        /* that the session must begin with */
	char since[TAIL_SINCE_BYTES]; /* "2026-01-31T12:00"; compared as text */
	size_t since_bytes;           /* 0: all */
};

/* "failover,member_down". RESULT_INVALID: unknown or none; the problem lists the known ones. */
enum result tail_filter_add_events(struct tail_filter *filter, struct slice list,
				   struct problem *p);
/* Hex digits, from one on; those behind the eighth are not in the log and not compared. */
enum result tail_filter_set_session(struct tail_filter *filter, struct slice hex,
				    struct problem *p);

/* "10m" before `now_ms` (wall clock), or the beginning of a timestamp, from its date on. */
enum result tail_filter_set_since(struct tail_filter *filter, const char *when, uint64_t now_ms,
				  struct problem *p);

enum tail_verdict { TAIL_PASSES, TAIL_FILTERED, TAIL_BROKEN };
/* `line` has no '\n'. */
enum tail_verdict tail_judge(const struct tail_filter *filter, struct slice line);
/* For people, with '\n'; the same verdict. Nothing is written for TAIL_FILTERED. */
enum tail_verdict tail_write(struct writer *w, const struct tail_filter *filter, struct slice line,
			     bool colour);
/* The mark and the line, with '\n'. */
void tail_write_broken(struct writer *w, struct slice line, bool colour);

#endif
