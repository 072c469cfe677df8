/*
 * status_latency.h: histograms of a status: how long requests of a service took, by member,
 * affinity and cause. Only kinds that happened are there.
 */
#ifndef HOLDFAST_ADMIN_STATUS_LATENCY_H
#define HOLDFAST_ADMIN_STATUS_LATENCY_H

#include "members/latency.h"

/* Of one service, besides what members answered to the end; further kinds are kept by cause. */
#define STATUS_ENDINGS_MAX 1024

struct status;
struct tally;

struct status_latency {
	struct status_latency *next;
	const char *member; /* "": none */
	enum affinity affinity;
	enum cause cause;
	struct latency_sum sum;
};

struct status_latencies {
	struct status_latency *first;
	struct status_latency *last;
};

/* What did not end well, copied; before the members. False: no memory. */
bool status_latency_add_endings(struct status *s, struct status_latencies *to,
				const struct tally *tally);
/* What a member answered to the end, by affinity. `member` lives as long as the status. False: no
 * memory. */
bool status_latency_add_done(struct status *s, struct status_latencies *to, const char *member,
			     const struct latency_sum done[AFFINITIES]);
/* All kinds together. */
struct latency_sum status_latency_all(const struct status_latencies *l);

#endif
