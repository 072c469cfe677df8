/*
 * etcd_ev.h: the etcd engine, live: carries its calls over HTTP to one address, on the control
 * thread's event base; nothing waits for it but the roles. A call that takes longer than a
 * negotiation (T / 5) has failed.
 */
#ifndef HOLDFAST_CLUSTER_ETCD_EV_H
#define HOLDFAST_CLUSTER_ETCD_EV_H

#include "base/addr.h"
#include "cluster/etcd.h"

#include <event2/event.h>

struct etcd_live;

struct etcd_live_setup {
	const struct cluster_nodes *nodes; /* borrowed, outlives the engine */
	struct lease_timing timing;
	uint64_t boot;
	const char *cluster; /* borrowed for the call */
	struct addr endpoint;
	/* An answer came: what is new is to be taken, then etcd_live_turn. */
	void (*answered)(void *context);
	void *context;
};

enum result etcd_live_create(struct event_base *base, const struct etcd_live_setup *setup,
			     struct etcd_live **out, struct problem *p);
/* *e may be NULL. */
void etcd_live_free(struct etcd_live **e);
struct engine etcd_live_engine(struct etcd_live *e);
/* After every event. */
void etcd_live_turn(struct etcd_live *e);

#endif
