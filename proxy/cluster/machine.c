/* machine.c: who stands before whom, and the outbox; see machine.h. */
#include "cluster/machine.h"

#include <string.h>

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
