/* nodes.h: clusters for the tests of this room: nodes a, b, c, ... of rank 0, 1, 2, ... */
#ifndef HOLDFAST_TESTS_CLUSTER_NODES_H
#define HOLDFAST_TESTS_CLUSTER_NODES_H

#include "cluster/machine.h"

#include <assert.h>
#include <string.h>

/* `count` nodes as seen by the one at `self`. Voters: all. */
static inline struct cluster_nodes
nodes_made(cluster_node count, cluster_node self)
{
	struct cluster_nodes nodes = {.count = count, .self = self};
	assert(count <= CLUSTER_NODES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct cluster_member *node = &nodes.node[i];
		node->id[0] = (char)('a' + i % 26);
		if (i >= 26)
			node->id[1] = (char)('a' + i / 26);
		node->rank = (uint32_t)i;
		node->voter = true;
	}
	struct problem p;
	enum result sealed = cluster_nodes_seal(&nodes, &p);
	assert(sealed == RESULT_OK);
	(void)sealed;
	return nodes;
}

#endif
