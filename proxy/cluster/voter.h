/*
 * voter.h: one voter's side of the storage register (cluster/register_image.h), pure: what it keeps
 * is in memory here; whoever runs it puts images on disk and says when they are there. Nothing is
 * answered that is not on disk.
 *
 *   WRITE -> latest -voter_save-> saving -(fsync) voter_saved-> durable -> WRITTEN, HELD
 *              ^     one at a time; what came meanwhile goes with the next
 *              `- a value's bytes are fetched from the writer first (cluster/pull.h)
 *
 * A voter without a file is either in a cluster that begins, or has lost its disk and must not vote
 * as if nothing had been. A cluster begins when all its voters have been seen with an empty
 * register:
 *
 *   NEW      no file. All others are NEW or EMPTY -> EMPTY; any is READY -> STOPPED: it was lost
 *   EMPTY    a file in which nothing stands. All others have one, or any is READY -> READY
 *   READY    votes. From here on a voter that is NEW is a lost one
 *   STOPPED  votes no more until it is started again; `problem` says why
 */
#ifndef HOLDFAST_CLUSTER_VOTER_H
#define HOLDFAST_CLUSTER_VOTER_H

#include "cluster/pull.h"

#define VOTER_WAITING_MAX                                                                    \
	256              /* answers that wait for the disk; further ones are asked for again \
			  */
#define VOTER_ASK_MS 500 /* between questions for the others' status, until READY */

enum voter_status { VOTER_NEW = 1, VOTER_EMPTY = 2, VOTER_READY = 3, VOTER_STOPPED = 4 };

struct voter {
	const struct cluster_nodes *nodes; /* borrowed */
	enum voter_status status;
	struct problem problem; /* of STOPPED */
	uint64_t resend_ms;     /* of pulls */

	struct register_image latest;
	struct register_image saving;
	struct register_image durable;
	uint64_t changes;      /* counts what changed `latest` */
	uint64_t saving_up_to; /* changes in `saving`; 0: nothing is being saved */
	uint64_t saved_up_to;  /* changes in `durable` */

	struct {
		cluster_node to;
		uint64_t number;
		char role[ROLE_BYTES_MAX + 1];
		uint64_t change; /* answered when this one is durable */
	} waiting[VOTER_WAITING_MAX];
	size_t waiting_count;

	struct pull pull;
	struct {
		struct register_head
		    head; /* as the writer announced it: term and claimant are its */
		cluster_node from;
		uint64_t number;
	} pulled; /* while pull_active */

	uint8_t heard[CLUSTER_NODES_MAX]; /* enum voter_status of the others; 0: nothing yet */
	uint64_t ask_at;
};

/*
 * `image`: as read from the disk, or NULL: there was no file. `self` is a voter. The voter is
 * large; it is initialised in place.
 */
void voter_init(struct voter *v, const struct cluster_nodes *nodes,
		const struct register_image *image, uint64_t resend_ms, uint64_t now);
void voter_deinit(struct voter *v);
/* For good, until voter_init: the disk failed, or whoever runs it found a twin. */
void voter_stop(struct voter *v, const struct problem *why);
static inline bool
voter_votes(const struct voter *v)
{
	return v->status == VOTER_READY;
}

/* READ, HELD, WRITE with `b` behind the role's name. False: bad, or not for a voter. */
bool voter_receive(struct voter *v, uint64_t now, cluster_node from, enum datagram_type type,
		   const char *role, struct body *b, struct outbox *out);
void voter_tick(struct voter *v, uint64_t now, struct outbox *out);
uint64_t voter_next(const struct voter *v);

/*
 * The image to be put on disk now, or NULL: nothing is new, or one is under way. It stays as it is
 * until voter_saved, also under other threads' eyes.
 */
const struct register_image *voter_save(struct voter *v);
void voter_saved(struct voter *v, struct outbox *out);

#endif
