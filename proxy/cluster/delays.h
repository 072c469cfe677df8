/*
 * delays.h: how far the nodes are from each other, as measured, and how long each waits before it
 * stands for master (US 6,889,338: C_jk, delta_j, D_i).
 *
 *   C_jk      the round trip between j and k, as smoothed maximum of what was measured; nobody can
 *             measure one way. Each node measures its own row and publishes it in its heartbeats.
 *   delta_j = max { C_jk, k = j+1..N } * 1.5, delta_0 = 0
 *   D_i     = T1 + delta_0 + .. + delta_(i-1), D_0 = 0
 *
 * T1 is what is configured, or 1.5 times the longest way of a refutation, whichever is more: a
 * Suspect to another node, its inquiry to the master, its Refute back. So nobody stands before
 * those who still reach the master could say so.
 *
 * S_0 is the master that was lost, the others follow in the order of cluster_before; when no master
 * was known, nobody is S_0. D grows strictly with the index, by DELAYS_STEP_MIN_MS at least, so
 * that the Declare of one reaches the next before its own time is over. The factor 1.5 and the
 * maximum are for jitter: with exact delays and 12 % of it half of all elections had two declarers.
 */
#ifndef HOLDFAST_CLUSTER_DELAYS_H
#define HOLDFAST_CLUSTER_DELAYS_H

#include "cluster/body.h"
#include "cluster/machine.h"

#define DELAYS_STEP_MIN_MS    25  /* between two neighbours: what a busy host may be late */
#define DELAYS_MARGIN_PERCENT 150 /* of the smoothed maximum */

/* Zeroed: nothing is known. */
struct delays {
	uint32_t peak[CLUSTER_NODES_MAX]; /* own row, smoothed, in sixteenths of a millisecond */
	uint16_t round_trip_ms[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX]; /* [j][k] as j says; 0:
									 unknown */
};

/*
 * This node's inquiry to `node` was answered after `ms` of its own clock. A higher value counts at
 * once, lower ones let the maximum sink by a sixteenth of the difference.
 */
void delays_measured(struct delays *d, const struct cluster_nodes *nodes, cluster_node node,
		     uint64_t ms);
/* C_jk: the larger of what the two say; 0: unknown to both. */
uint32_t delays_between(const struct delays *d, cluster_node j, cluster_node k);

/* The own row, for a heartbeat: count, then alias and milliseconds of each that is known. */
void delays_put(const struct delays *d, const struct cluster_nodes *nodes, struct outgoing *o);
/* Another's row out of its heartbeat. False: the body is bad, and nothing was learned. */
bool delays_get(struct delays *d, const struct cluster_nodes *nodes, cluster_node from,
		struct body *b);

/* Who waits how long. Index 0 is the lost master, or NODE_NONE: it does not stand. */
struct delays_schedule {
	size_t count; /* S_0 .. S_(count - 1) */
	cluster_node order[CLUSTER_NODES_MAX + 1];
	uint32_t delta_ms[CLUSTER_NODES_MAX + 1];
	uint32_t wait_ms[CLUSTER_NODES_MAX + 1]; /* D_i */
};

/* The formula alone, as published: wait[0] = 0, wait[i] = t1 + delta[0] + .. + delta[i - 1]. */
void delays_formula(const uint32_t *delta_ms, size_t count, uint32_t t1_ms, uint32_t *wait_ms);
/* delta_j = margin percent of the largest C_jk behind j in `order`; delta_0 = 0. */
void delays_deltas(const struct delays *d, const cluster_node *order, size_t count,
		   uint32_t margin_percent, uint32_t *delta_ms);
/*
 * All together, for the loss of `lost` (NODE_NONE: no master was known). What this node measured
 * counts at once, before the others know of it: its own D_i is D_j + C_ji at least for each better
 * j (SEEDS D6).
 */
void delays_plan(const struct delays *d, const struct cluster_nodes *nodes, cluster_node lost,
		 uint32_t t1_ms, struct delays_schedule *schedule);
/* D_i of this node; when it is S_0 itself (it was master, and forgot): after all others. */
uint32_t delays_own_wait(const struct delays_schedule *schedule, cluster_node self);
/* D_N: the worst case, published. */
uint32_t delays_longest_wait(const struct delays_schedule *schedule);

#endif
