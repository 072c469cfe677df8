/*
 * embedded.h: the engine of messages: PaxosLease for who may own a role, the storage register for
 * its term and value. Nodes that are voters are asked; every node may ask.
 *
 *   acquire -> lease won -> term claimed (within the lease) -> GRANTED
 *
 * What a voter's register wants on disk is handed out by embedded_save; see cluster/voter.h.
 */
#ifndef HOLDFAST_CLUSTER_EMBEDDED_H
#define HOLDFAST_CLUSTER_EMBEDDED_H

#include "cluster/engine.h"
#include "cluster/register.h"
#include "cluster/voter.h"

struct embedded {
	struct role_ground ground;
	bool is_voter;
	struct voter voter; /* of a voter */

	/* A voter's memory of leases, of any role that a node asked for. */
	struct embedded_lock {
		char role[ROLE_BYTES_MAX + 1]; /* "": free */
		struct acceptor acceptor;
	} lock[ROLES_MAX];

	/* Roles that this node owns, asks for, or reads. */
	struct embedded_role {
		char role[ROLE_BYTES_MAX + 1]; /* "": free */
		struct lease lease;
		struct register_client client;
		bool owns; /* the lease is held and the term claimed */
		uint64_t term;
		bool wants_read;
	} role[ROLES_MAX];

	struct engine_events events;
};

/*
 * `boot` grows with every start of the node. `image`: a voter's register as its disk has it, NULL:
 * there was no file; ignored for a node that is no voter. The engine is large: in place, on the
 * heap.
 */
void embedded_init(struct embedded *e, const struct cluster_nodes *nodes,
		   const struct lease_timing *timing, uint64_t boot,
		   const struct register_image *image, uint64_t now);
void embedded_deinit(struct embedded *e);
struct engine embedded_engine(struct embedded *e);

/* An image to be put on disk, or NULL; after every call. One at a time; see voter_save. */
const struct register_image *embedded_save(struct embedded *e);
void embedded_saved(struct embedded *e, uint64_t now, struct outbox *out);
/* The disk failed, or is not this voter's: it votes no more. */
void embedded_stop_voting(struct embedded *e, const struct problem *why);
/* The disk had no room for that image: it votes again when it has. See voter_wait_for_room. */
void embedded_wait_for_room(struct embedded *e, uint64_t now, const struct problem *why);
/* The register is damaged: it does not vote unless it is re-admitted. */
void embedded_lose_register(struct embedded *e, const struct problem *why);
/* See voter_readmit. RESULT_INVALID: or this node is no voter. */
enum result embedded_readmit(struct embedded *e, uint64_t now, struct problem *p);

#endif
