/*
 * lease_wire.h: bodies of the lease's datagrams, for its two halves. All begin with the role's name
 * (text) and the asker's ballot (round u64, alias u32, boot u64), then:
 *
 *   PREPARE, PROPOSE   T u32, TN u32 (ms)
 *   PROMISE, ACCEPT, RELEASE   nothing
 *   REFUSE             why u8, promised round u64, wait u32 (ms)
 */
#ifndef HOLDFAST_CLUSTER_LEASE_WIRE_H
#define HOLDFAST_CLUSTER_LEASE_WIRE_H

#include "cluster/lease.h"

struct lease_asked {
	cluster_node from;
	struct ballot ballot;
	uint32_t lease_ms;
	uint32_t negotiation_ms;
};

/* NULL: the outbox is full. */
struct outgoing *lease_put_head(struct outbox *out, cluster_node to, enum datagram_type type,
				const char *role, const struct ballot *ballot);
struct ballot lease_get_ballot(struct body *b);
/* PREPARE, PROPOSE, RELEASE. False: not whole, no ballot, or the ballot is not the sender's. */
bool lease_get_asked(struct body *b, const struct cluster_nodes *nodes, enum datagram_type type,
		     cluster_node from, struct lease_asked *out);

#endif
