/*
 * expected.h: which fraction of all possible sessions is served by whom, and how many of them a
 * change moves, by the weights alone: what a count over keys is to be compared with.
 *
 * The ordering gives each session the member of least cost, and costs are exponential draws
 * divided by the weights (hashring/SPEC.md). So a member's share is its part of the weights, and a
 * session stays with member i when i is first under the weights w before and v after, which is so
 * for 1 / sum over j of max(w_j / w_i, v_j / v_i) of them.
 */
#ifndef HOLDFAST_CLI_EXPECTED_H
#define HOLDFAST_CLI_EXPECTED_H

#include "result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One member before and after. */
struct expected_member {
	uint32_t before; /* weight; 0: not there, or none */
	uint32_t after;
	bool gone; /* after: no member any more */
	bool down; /* after */
};

/*
 * The part of sessions that moves, 0 .. 1, when each goes by its key alone. `strict`: those of a
 * member that is down go to nobody, else to the next in the order. RESULT_NO_MEMORY.
 */
enum result expected_moved(const struct expected_member *members, size_t count, bool strict,
			   double *moved, struct problem *p);
/* The same when each holds its tag: those alone move whose member is down or gone. */
double expected_moved_tagged(const struct expected_member *members, size_t count);

#endif
