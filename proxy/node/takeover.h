/*
 * takeover.h: the process that takes a node's place (see upgrade.h): what it does beyond a start.
 * Blocking, on the control thread, before clients are served. Without a process before this one
 * every function does nothing.
 */
#ifndef HOLDFAST_NODE_TAKEOVER_H
#define HOLDFAST_NODE_TAKEOVER_H

#include "node/node.h"

/* Everything that can fail has not: takes the members' states over. */
enum result node_takeover_state(struct node *n, struct problem *p);
/* Clients are served: the process before lets go. */
void node_takeover_ready(struct node *n);

#endif
