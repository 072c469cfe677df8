/*
 * planes.h: a few control planes on one wire: what one sends the others get at once, in turn; time
 * goes in steps. For tests of what is put together in them; what chance does is the simulator's.
 */
#ifndef HOLDFAST_TESTS_CLUSTER_PLANES_H
#define HOLDFAST_TESTS_CLUSTER_PLANES_H

#include "cluster/plane.h"
#include "nodes.h"

#define PLANES_MAX        3
#define PLANES_FLIGHT_MAX 4096

struct planes {
	uint64_t now;
	struct cluster_nodes nodes[PLANES_MAX];
	struct plane plane[PLANES_MAX];
	bool off[PLANES_MAX];
	size_t first;
	size_t count;
	struct planes_datagram {
		cluster_node from;
		cluster_node to;
		size_t bytes;
		uint8_t at[DATAGRAM_BYTES_MAX];
	} flight[PLANES_FLIGHT_MAX];
	cluster_node sender;
};

static const uint8_t planes_master[16] = {1, 2, 3};

static inline struct plane_setup
planes_setup(struct cluster_nodes *nodes, uint64_t boot)
{
	return (struct plane_setup){.nodes = nodes,
				    .name = SLICE("shop"),
				    .secrets = {{SLICE("k1"), planes_master}},
				    .secret_count = 1,
				    .election = {.safety = ELECTION_ADVISORY,
						 .period_ms = 1000,
						 .timeout_ms = 300,
						 .t1_ms = 150,
						 .ask_ms = 2000,
						 .preempt_ms = CLUSTER_NEVER},
				    .ask = {.ping_ms = 300, .win_ms = 2000, .rest_ms = 1000},
				    .boot = boot};
}

static inline void
planes_send(void *context, cluster_node to, const uint8_t *bytes, size_t count)
{
	struct planes *w = context;
	assert(w->count < PLANES_FLIGHT_MAX);
	struct planes_datagram *d = &w->flight[(w->first + w->count++) % PLANES_FLIGHT_MAX];
	d->from = w->sender;
	d->to = to;
	d->bytes = count;
	memcpy(d->at, bytes, count);
}

static inline void
planes_flush(struct planes *w, cluster_node n)
{
	w->sender = n;
	plane_flush(&w->plane[n], planes_send, w);
}

/* What is under way arrives, and what that brings about. */
static inline void
planes_deliver(struct planes *w)
{
	while (w->count > 0) {
		struct planes_datagram d = w->flight[w->first];
		w->first = (w->first + 1) % PLANES_FLIGHT_MAX;
		w->count--;
		if (w->off[d.to] || w->off[d.from])
			continue;
		(void)plane_receive(&w->plane[d.to], w->now, d.at, d.bytes);
		planes_flush(w, d.to);
	}
}

static inline void
planes_start(struct planes *w, cluster_node count)
{
	memset(w, 0, sizeof(*w));
	w->now = 1000;
	for (cluster_node n = 0; n < PLANES_MAX; n++) {
		w->off[n] = n >= count;
		if (w->off[n])
			continue;
		w->nodes[n] = nodes_made(count, n);
		struct plane_setup setup = planes_setup(&w->nodes[n], 1);
		plane_init(&w->plane[n], &setup, NULL, w->now);
	}
}

static inline void
planes_pass(struct planes *w, uint64_t ms)
{
	for (uint64_t end = w->now + ms; w->now < end; w->now += 5) {
		for (cluster_node n = 0; n < PLANES_MAX; n++) {
			if (w->off[n] || w->now < plane_next(&w->plane[n]))
				continue;
			plane_tick(&w->plane[n], w->now);
			planes_flush(w, n);
		}
		planes_deliver(w);
	}
}

#endif
