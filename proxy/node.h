/*
 * node.h: one running node: owns the rooms, starts them in order, stops them in
 * reverse. The control thread (the one that calls) has the signals, the active
 * checks and the clockwork of the logs; traffic is the workers' alone.
 *
 *   listeners bound -> rights dropped -> logs -> checks -> workers
 */
#ifndef HOLDFAST_NODE_H
#define HOLDFAST_NODE_H

#include "config/config.h"
#include "edge/worker_ev.h"
#include "members/probe_ev.h"

struct node;

/* A service's checks, and what its pool tells the log. */
struct node_service {
	struct node *node;
	struct service *service; /* borrowed from node->services */
	struct prober *prober;   /* owned; NULL: no active checks */
};

struct node {
	struct services *services; /* one reference */
	struct worker_shared shared;
	struct sink *access;          /* owned; NULL: none */
	struct node_service *watched; /* owned; one a service */
	int *fds; /* listening sockets, a worker after another, until they are handed over */
	size_t fd_count;
	struct worker_thread **threads; /* owned */
	unsigned workers;
	unsigned started;
	struct event_base *base; /* of the control thread; owned */
};

/*
 * Everything but the threads of the workers: takes *config over, binds, drops rights, opens logs.
 * On an error the problem says why in one line and *out is NULL.
 */
enum result node_create(struct config **config, struct node **out, struct problem *p);
/* Serves until a signal ends it. TERM, INT: finishes exchanges; QUIT: at once; USR1: re-opens logs.
 */
enum result node_run(struct node *n, struct problem *p);
void node_free(struct node **n);

/* In node_ev.c. Signals wait from here on until node_control takes them. */
void node_hold_signals(void);
/* Checks and signals, until the workers have ended. */
enum result node_control(struct node *n, struct problem *p);
enum result node_probers_start(struct node *n, struct problem *p);
void node_probers_stop(struct node *n);

#endif
