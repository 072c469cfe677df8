/* inside.h: the simulator's own parts, for sim.c, net.c, chaos.c and trace.c; scenarios use sim.h.
 */
#ifndef HOLDFAST_TESTS_SIM_INSIDE_H
#define HOLDFAST_TESTS_SIM_INSIDE_H

#include "base/digest.h"
#include "cluster/datagram.h"
#include "sim.h"

#include <stdarg.h>

#define SIM_EVENTS_RUN_MAX 20000000 /* of one run: more is a loop, and fails it */
#define SIM_TRACE_BYTES    200      /* of a line */

enum sim_kind { SIM_DATAGRAM, SIM_CALL, SIM_NODE_CALL };

struct sim_event {
	uint64_t at_us;
	uint64_t order; /* of asking: events of one instant come in it */
	enum sim_kind kind;
	cluster_node node;    /* DATAGRAM, NODE_CALL */
	uint64_t incarnation; /* NODE_CALL: of the node when it asked */
	union {
		sim_call *call;
		sim_node_call *node_call;
		uint8_t *datagram; /* owned by the event */
	} what;
	uint64_t argument; /* DATAGRAM: bytes */
};

struct sim_node {
	struct cluster_nodes nodes;
	struct datagram_codec codec;
	void *state;
	void *disk;
	bool on;
	bool frozen;
	uint64_t incarnation;
	int64_t clock_offset_us;
	int64_t clock_off_ppm;
	uint64_t wanted_ms; /* the tick that it last asked for, its own clock */
	uint64_t tick_us;   /* when it gets it */
	size_t backlog_count;
	struct sim_event backlog[SIM_BACKLOG_MAX]; /* of a frozen one, in order of arrival */
};

struct sim {
	const struct sim_scenario *scenario;
	struct sim_outcome *outcome;
	struct prng chance;
	uint64_t now_us;
	uint64_t length_us;
	uint64_t late_us;
	cluster_node count;
	struct sim_node node[CLUSTER_NODES_MAX];
	struct sim_link link[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX];
	uint64_t sent[256];
	void *world;
	struct outbox out;

	struct sim_event *heap;
	size_t heap_count;
	size_t heap_room;
	uint64_t orders;

	struct sim_chaos chaos;

	size_t trace_room; /* lines; 0: no trace */
	size_t trace_count;
	char (*trace)[SIM_TRACE_BYTES];
};

/* sim.c */
void sim_push(struct sim *s, struct sim_event event);
/* net.c: empties s->out for `n`. */
void sim_flush(struct sim *s, cluster_node n);
void sim_arrive(struct sim *s, cluster_node n, const uint8_t *datagram, size_t bytes);
/* trace.c */
void sim_trace_start(struct sim *s, size_t lines);
void sim_trace_end(struct sim *s);
const char *sim_name(const struct sim *s, cluster_node n);

#endif
