/*
 * machine.h: what all state machines of the control plane share: who the nodes are, and how a
 * machine speaks. Every machine is pure: (state, event, now) -> (state, what to send). It never
 * asks for the time, never touches a socket or a file; the same object code runs in a node, in the
 * simulator, and stands for the formal model.
 *
 *   event     machine_receive(m, now, in, out)   a datagram came
 *             machine_tick(m, now, out)          time passed; call it when `now` reaches
 *                                                machine_next(m), or at any other time
 *             and what the machine's header names besides
 *   action    messages appended to *out; anything else is read from the machine's state or its
 *             list of notices
 *
 * Times are milliseconds of a suspend-aware clock (CLOCK_BOOTTIME) that only durations are taken
 * of; UINT64_MAX is "never". Clocks of nodes are unrelated; their rates differ by 1 % at most.
 */
#ifndef HOLDFAST_CLUSTER_MACHINE_H
#define HOLDFAST_CLUSTER_MACHINE_H

#include "base/addr.h"
#include "result.h"
#include "vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_NODES_MAX      NODES_MAX
#define CLUSTER_VOTERS_MAX     9    /* of these, voters */
#define CLUSTER_BODY_BYTES_MAX 1100 /* of a datagram's body: whole datagrams pass any path */
#define OUTBOX_MAX             256  /* messages of one event */
#define CLUSTER_NEVER          UINT64_MAX

enum datagram_type {
#define DATAGRAM(name, number, help) DATAGRAM_##name = (number),
#include "tbl/datagrams.h"
#undef DATAGRAM
};

typedef uint16_t cluster_node; /* a place in struct cluster_nodes */
enum { NODE_NONE = UINT16_MAX, NODE_ALL = UINT16_MAX - 1 /* everybody but the sender */ };

/*
 * From the configuration; immutable but for the ranks. Places are this node's own affair: on the
 * wire a node is its alias, so that lists may differ in sequence, and in a node that is being
 * added.
 */
struct cluster_nodes {
	cluster_node count; /* places are 0 .. count - 1 */
	cluster_node self;
	struct cluster_member {
		char id[ID_BYTES_MAX + 1];
		uint32_t alias; /* from the id: cluster_nodes_seal */
		uint32_t rank;  /* 0 is the best; equal ones are told apart by id */
		bool voter;
		struct addr address; /* of its datagrams */
	} node[CLUSTER_NODES_MAX];
};

#define ALIAS_NONE 0U
#define ALIAS_ALL  UINT32_MAX

/*
 * Sets the aliases: the low 32 bits of XXH3_64bits(id). RESULT_INVALID: two nodes have one id, or
 * one alias (once in 2 million clusters of 64; another id helps), or `self` is no place.
 */
enum result cluster_nodes_seal(struct cluster_nodes *nodes, struct problem *p);
/* NODE_ALL for ALIAS_ALL; NODE_NONE when no node has it. */
cluster_node cluster_by_alias(const struct cluster_nodes *nodes, uint32_t alias);
/* ALIAS_NONE for NODE_NONE, ALIAS_ALL for NODE_ALL. */
uint32_t cluster_alias(const struct cluster_nodes *nodes, cluster_node node);
/* True: `a` stands before `b`: lower rank, then the smaller id by bytes. */
bool cluster_before(const struct cluster_nodes *nodes, cluster_node a, cluster_node b);
/* Of the voters. 0 when there is none. */
size_t cluster_majority(const struct cluster_nodes *nodes);

struct outgoing {
	cluster_node to; /* or NODE_ALL */
	uint8_t type;    /* enum datagram_type */
	uint16_t bytes;
	uint8_t body[CLUSTER_BODY_BYTES_MAX];
};

/* A datagram that was let in (cluster/datagram.h); lives as long as the call that is given it. */
struct incoming {
	cluster_node from; /* a node of the list, never oneself */
	uint8_t type;      /* as sent: may be of no type that is known here */
	uint64_t incarnation;
	uint64_t epoch; /* of the membership that the sender holds */
	uint64_t term;  /* the highest that the sender knows for the role `cluster` */
	const uint8_t *body;
	size_t bytes;
};

/* Emptied by whoever sends. Full: further messages are lost, as any datagram may be, and counted.
 */
struct outbox {
	size_t count;
	uint64_t lost;
	struct outgoing list[OUTBOX_MAX];
};

/* Room for a body (cluster/body.h fills it), or NULL when the outbox is full. */
struct outgoing *outbox_add(struct outbox *out, cluster_node to, enum datagram_type type);

#endif
