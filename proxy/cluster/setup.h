/*
 * setup.h: from the configuration to what the control plane starts with.
 */
#ifndef HOLDFAST_CLUSTER_SETUP_H
#define HOLDFAST_CLUSTER_SETUP_H

#include "cluster/plane.h"
#include "config/config.h"

/*
 * `config` has a cluster with addresses (config->cluster.listen.family != 0); texts are borrowed
 * from it; *nodes is filled and borrowed. RESULT_INVALID: two nodes' ids have one hash.
 */
enum result plane_setup_of(const struct config *config, uint64_t boot, struct cluster_nodes *nodes,
			   struct plane_setup *out, struct problem *p);

#endif
