/*
 * placement.h: new sessions that this node places for others, as it is master (assign = "master";
 * the asking side is relay/placing.c): each member in turn, as often as its share of the weight
 * says, counted over all nodes that ask. On the control thread.
 */
#ifndef HOLDFAST_NODE_PLACEMENT_H
#define HOLDFAST_NODE_PLACEMENT_H

#include "node/node.h"

/* As cluster_ear.stray. False: it is no question of that kind. Who is not master says so. */
bool node_placement_hear(struct node *n, const struct addr *from, const uint8_t *bytes,
			 size_t count);

#endif
