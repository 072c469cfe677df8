/*
 * fences.h: keeps the terms that fences go by (relay/fence.h): asks the register of the
 * voters for each role that a service names, again and again. On the control thread.
 */
#ifndef HOLDFAST_NODE_FENCES_H
#define HOLDFAST_NODE_FENCES_H

#include "cluster/roles.h"
#include "relay/fence.h"

struct plane;
struct config;

struct node_fences {
	struct fences *shared; /* borrowed; the workers read it */
	struct engine engine;  /* ops NULL: none, and nothing with a term passes */
	uint64_t period_ms;
	struct {
		uint64_t asked_at; /* of the question under way; 0: none is */
		uint64_t next;
	} round[FENCES_MAX];
};

/* Behind cluster_create. */
void node_fences_start(struct node_fences *f, struct plane *plane, const struct engine *engine,
		       struct fences *shared, uint32_t lease_ms);
/* Roles that the configuration names; those that it names no more are asked for on. */
void node_fences_adopt(struct node_fences *f, const struct config *config);

#endif
