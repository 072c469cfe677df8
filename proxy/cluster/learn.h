/*
 * learn.h: how a voter that has lost its register begins again, at the operator's word. Pure; a
 * part of the voter (cluster/voter.h), which is silent meanwhile.
 *
 *   SILENT --silent_until--> ASKING --a majority of the others told all--> PULLING --> DONE
 *                              ^------------ a value's holder is gone --------'
 *
 * What it forgot stands elsewhere. A claim or a value that counts was put on disk by a majority of
 * the n voters; at least n/2 of them, rounded down, are not this one, and every majority of the
 * other n - 1 has one of those among it. All roles of such a majority are read, from voters that
 * vote: one that has lost its register, too, tells nothing and does not count. When too few are
 * left that know, the voter never ends here; there is no way to begin with less.
 *
 * The silence M (cluster/lease.h) comes first, and counts from the start of this run, in which the
 * voter has promised nothing:
 *
 *   - leases and promises that it forgot are over, as with every start;
 *   - a claim or a value that it had answered for, but that was on too few other disks yet, ends by
 *     its deadline, T after it began. Read sooner, the others would not tell of it, and one more
 *     answer would make it count all the same: on fewer disks than a majority.
 *
 * A role's term begins at the highest that any of them may have granted: of its head, and for a
 * role that is not in a voter's table, of that voter's floor. Entries have fixed places, and what
 * is pushed out of its place raises the floor, so a table may be read entry by entry while it
 * changes: what is missed in it shows in the floor that comes with the last.
 */
#ifndef HOLDFAST_CLUSTER_LEARN_H
#define HOLDFAST_CLUSTER_LEARN_H

#include "cluster/pull.h"

enum learn_phase {
	LEARN_NOT, /* zeroed */
	LEARN_SILENT,
	LEARN_ASKING,
	LEARN_PULLING,
	LEARN_DONE, /* image is to be put on disk, whole */
};

struct learn {
	enum learn_phase phase;
	const struct cluster_nodes *nodes; /* borrowed */
	uint64_t silent_until;
	uint64_t number; /* of its questions */
	uint64_t resend_ms;
	uint64_t resend_at;
	struct learn_source {
		bool whole; /* it told all of its table */
		uint16_t next;
		uint64_t floor;
	} source[CLUSTER_NODES_MAX];
	struct register_image image;
	uint64_t told_by[ROLES_MAX];    /* of the entry at that place: bit a node */
	cluster_node holder[ROLES_MAX]; /* of the value that its head names */
	size_t pulling;
	struct pull pull;
};

/* Of the other voters: how many must tell. More than there are when this is the only one. */
size_t learn_needs(const struct cluster_nodes *nodes);
/* How many have told all. */
size_t learn_told(const struct learn *l);

/* `l` is zeroed, or was deinitialised. `number`: no question of another run had one above it. */
void learn_begin(struct learn *l, const struct cluster_nodes *nodes, uint64_t silent_until,
		 uint64_t number, uint64_t resend_ms);
void learn_deinit(struct learn *l);

/* A HELD, `b` behind its `what`. False: bad. */
bool learn_receive(struct learn *l, uint64_t now, cluster_node from, uint64_t number,
		   const char *role, uint8_t what, struct body *b, struct outbox *out);
void learn_tick(struct learn *l, uint64_t now, struct outbox *out);
uint64_t learn_next(const struct learn *l);

/* The other side: a voter that votes answers a READ for the entry at a place; `b` behind `what`. */
bool learn_answer(const struct register_image *image, cluster_node to, uint64_t number,
		  struct body *b, struct outbox *out);

#endif
