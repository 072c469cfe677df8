/*
 * programs.h: the node and its starter (base/starter.h): which programs it may start, and who is
 * told what became of them. On the control thread.
 */
#ifndef HOLDFAST_NODE_PROGRAMS_H
#define HOLDFAST_NODE_PROGRAMS_H

#include "node/node.h"

/* When rights are dropped, before any thread and any descriptor that is not to be passed on. */
enum result node_programs_create(struct node *n, struct problem *p);
/* News are heard from here on. */
enum result node_programs_start(struct node *n, struct problem *p);
void node_programs_stop(struct node *n);
void node_programs_free(struct node *n);

#endif
