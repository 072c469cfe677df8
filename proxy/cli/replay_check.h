/*
 * replay_check.h: does what a failover log says follow from what it says? Line by line, with the
 * facts of the lines before. Pure. What is held against a line:
 *
 *   - who stands in the order before the chosen one was skipped, with a reason; the chosen was not
 *   - a failover leaves the server that the session lived on, a failback goes to the primary, a new
 *     session is assigned to the first that takes it
 *   - of one session and one membership (pool) a server always has the same rank, on every node
 *   - who is skipped as down was seen going down, and not up since, by the node that says so
 *   - the sessions of an outage went where its summary says: parts and sum
 *   - a node's lines are in the order of time
 *
 * A log that begins in the middle is no fault: what was before is unknown.
 */
#ifndef HOLDFAST_CLI_REPLAY_CHECK_H
#define HOLDFAST_CLI_REPLAY_CHECK_H

#include "base/text.h"

#define REPLAY_FACTS_MAX    (UINT32_C(1) << 20) /* ranks and states that are remembered */
#define REPLAY_SUSPECTS_MAX 64   /* lines that wait for one that was written a little later */
#define REPLAY_TOLERANCE_MS 2000 /* lines of several threads come in any order within it */
#define REPLAY_FAULT_BYTES  512

struct replay;

struct replay_counts {
	uint64_t lines;
	uint64_t broken;     /* that Holdfast did not write */
	uint64_t decisions;  /* lines about where a session goes */
	uint64_t faults;     /* what does not follow */
	uint64_t suppressed; /* lines that were counted by the writer, and not written */
	uint64_t forgotten;  /* facts above REPLAY_FACTS_MAX */
};

/* What does not follow, and in which line. */
typedef void replay_fault_fn(void *context, uint64_t line, const char *text);

/* NULL: no memory. */
struct replay *replay_create(replay_fault_fn *fault, void *context);
void replay_free(struct replay **r);
/* The next line, without its '\n'. */
void replay_line(struct replay *r, struct slice line);
/* After the last line: what still waited. */
void replay_end(struct replay *r);
const struct replay_counts *replay_counts(const struct replay *r);

#endif
