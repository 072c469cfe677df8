/*
 * register_wire.h: bodies of the register's datagrams, for its two halves. All begin with the
 * role's name (text) and the request's number (u64), then:
 *
 *   READ               what u8; a piece: stamp u64 u64, offset u32          (cluster/pull.h)
 *   HELD               what u8; a head: the head; a piece: stamp, offset, bytes; a status: u8;
 *                      an entry: see enum register_what
 *   WRITE              kind u8; the head that is written: of a claim only term and claimant count
 *   WRITTEN, OUTDATED  the head as it stands on the voter's disk
 */
#ifndef HOLDFAST_CLUSTER_REGISTER_WIRE_H
#define HOLDFAST_CLUSTER_REGISTER_WIRE_H

#include "cluster/pull.h"

enum register_kind {
	REGISTER_CLAIM = 1, /* this term is mine */
	REGISTER_VALUE = 2, /* keep this value; fetch it from me */
};

/* Numbers of one run never come again in another: late answers are told from fresh ones. */
static inline uint64_t
register_numbers_of(uint64_t boot)
{
	return boot << 24;
}

struct register_asked {
	uint64_t number;
	enum register_kind kind;
	struct register_head head;
};

/* NULL: the outbox is full. */
struct outgoing *register_put(struct outbox *out, cluster_node to, enum datagram_type type,
			      const char *role, uint64_t number);
void register_put_write(struct outbox *out, cluster_node to, const char *role,
			const struct register_asked *asked);
/* False: not whole, of no known kind, or what no writer may ask. */
bool register_get_write(struct body *b, struct register_asked *asked);

#endif
