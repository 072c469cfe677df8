/* machine.c: who is who, who stands before whom, and the outbox; see machine.h. */
#include "cluster/machine.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

static uint32_t
alias_of(const char *id)
{
	uint32_t alias = (uint32_t)XXH3_64bits(id, strlen(id));
	return alias == ALIAS_NONE || alias == ALIAS_ALL ? 1 : alias;
}

enum result
cluster_nodes_seal(struct cluster_nodes *nodes, struct problem *p)
{
	assert(nodes->count <= CLUSTER_NODES_MAX);
	if (nodes->self >= nodes->count)
		return problem_set(p, RESULT_INVALID, "this node is not in the list of nodes");
	for (size_t i = 0; i < nodes->count; i++) {
		struct cluster_member *x = &nodes->node[i];
		x->alias = alias_of(x->id);
		for (size_t j = 0; j < i; j++) {
			const struct cluster_member *y = &nodes->node[j];
			if (strcmp(x->id, y->id) == 0)
				return problem_set(p, RESULT_INVALID, "two nodes have the id '%s'",
						   x->id);
			if (x->alias == y->alias)
				return problem_set(
				    p, RESULT_INVALID,
				    "nodes '%s' and '%s' have the same hash; rename one", y->id,
				    x->id);
		}
	}
	return RESULT_OK;
}

cluster_node
cluster_by_alias(const struct cluster_nodes *nodes, uint32_t alias)
{
	if (alias == ALIAS_ALL)
		return NODE_ALL;
	for (size_t i = 0; i < nodes->count; i++) {
		if (nodes->node[i].alias == alias)
			return (cluster_node)i;
	}
	return NODE_NONE;
}

uint32_t
cluster_alias(const struct cluster_nodes *nodes, cluster_node node)
{
	if (node == NODE_ALL)
		return ALIAS_ALL;
	return node < nodes->count ? nodes->node[node].alias : ALIAS_NONE;
}

bool
cluster_before(const struct cluster_nodes *nodes, cluster_node a, cluster_node b)
{
	const struct cluster_member *x = &nodes->node[a];
	const struct cluster_member *y = &nodes->node[b];
	if (x->rank != y->rank)
		return x->rank < y->rank;
	return strcmp(x->id, y->id) < 0;
}

size_t
cluster_majority(const struct cluster_nodes *nodes)
{
	size_t voters = 0;
	for (size_t i = 0; i < nodes->count; i++)
		voters += nodes->node[i].voter;
	return voters == 0 ? 0 : voters / 2 + 1;
}

struct outgoing *
outbox_add(struct outbox *out, cluster_node to, enum datagram_type type)
{
	if (out->count == OUTBOX_MAX) {
		out->lost++;
		return NULL;
	}
	struct outgoing *o = &out->list[out->count++];
	o->to = to;
	o->type = (uint8_t)type;
	o->bytes = 0;
	return o;
}
