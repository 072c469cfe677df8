/*
 * names.h: host names that members stand under, on the control thread: asked for before anything is
 * built of the configuration, asked again when their TTL is over, and swapped in like a reload when
 * a name stands for something else. Who stays at its address keeps its connections and verdict; at
 * another one it keeps identity, place in the ordering, sessions and orders, and its connections to
 * the old one end with their requests.
 */
#ifndef HOLDFAST_NODE_NAMES_H
#define HOLDFAST_NODE_NAMES_H

#include "node/node.h"

#include "members/names.h"

/* Before the services are created: all names of `config` are asked for and laid over it. */
enum result node_names_create(struct node *n, struct config *config, struct problem *p);
/* The same of a configuration that is to be swapped in: new names are waited for limit_ms. */
enum result node_names_lay(struct node *n, struct config *config, uint64_t limit_ms,
			   struct problem *p);
enum result node_names_start(struct node *n, struct problem *p);
/* The configuration was swapped. */
void node_names_swapped(struct node *n);
void node_names_stop(struct node *n);
void node_names_free(struct node *n);
/* RESULT_NO_MEMORY. */
enum result node_names_status(const struct node *n, struct status *out);

#endif
