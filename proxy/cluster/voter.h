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
 *   STOPPED  votes no more until it is started again; `problem` says why. One whose register was
 *            lost or is damaged may be re-admitted by the operator: voter_readmit. One whose disk
 *            had no room (`full`) tries again, and goes on when its image is on disk: to the others
 *            that is a voter whose disk was slow. Nothing was answered meanwhile, what it knows of
 *            leases is there still, and what is in memory is at least as new as what is on disk
 *   LEARNING re-admitted: silent, then it reads from the others what stands there
 * (cluster/learn.h); when that is on disk -> READY. To others it is STOPPED
 */
#ifndef HOLDFAST_CLUSTER_VOTER_H
#define HOLDFAST_CLUSTER_VOTER_H

#include "cluster/learn.h"

#define VOTER_WAITING_MAX                                                                    \
	256              /* answers that wait for the disk; further ones are asked for again \
			  */
#define VOTER_ASK_MS 500 /* between questions for the others' status, until READY */
/* The same, of one that lost its register; and what is older than that is not known any more. */
#define VOTER_ASK_LOST_MS  2000
#define VOTER_HEARD_MS_MAX 5000

/* Between two tries to put an image on a disk that had no room. */
#define VOTER_ROOM_MS 5000

enum voter_status {
	VOTER_NEW = 1,
	VOTER_EMPTY = 2,
	VOTER_READY = 3,
	VOTER_STOPPED = 4,
	VOTER_LEARNING = 5, /* never on the wire */
};

struct voter {
	const struct cluster_nodes *nodes; /* borrowed */
	enum voter_status status;
	struct problem problem; /* of STOPPED */
	bool lost;              /* STOPPED: its register is gone, it may be re-admitted */
	bool full;              /* STOPPED: for want of room on the disk */
	bool room_due;          /* full: it is to be tried again now */
	uint64_t room_at;       /* full: when that is */
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
	uint64_t heard_at[CLUSTER_NODES_MAX];
	struct learn learn; /* of LEARNING */
	uint64_t ask_at;
};

/* "begins", "votes", "stopped", "learning". */
const char *voter_status_text(enum voter_status status);

/*
 * `image`: as read from the disk, or NULL: there was no file. `self` is a voter. The voter is
 * large; it is initialised in place.
 */
void voter_init(struct voter *v, const struct cluster_nodes *nodes,
		const struct register_image *image, uint64_t resend_ms, uint64_t now);
void voter_deinit(struct voter *v);
/* For good, until voter_init: the disk failed, or whoever runs it found a twin. */
void voter_stop(struct voter *v, const struct problem *why);
/*
 * The image of voter_save is not on disk for want of room, and what was there before is: STOPPED,
 * until one that voter_save gives later is there. One that is STOPPED for another reason stays so.
 */
void voter_wait_for_room(struct voter *v, uint64_t now, const struct problem *why);
/* The same as voter_stop, as its register is damaged or missing: it may be re-admitted. */
void voter_lose(struct voter *v, const struct problem *why);
/*
 * The operator's word that a lost register will not come back. Silent until `silent_until`, then it
 * learns what the others hold; `number` as in learn_begin.
 *   RESULT_OK       it is LEARNING, now or already
 *   RESULT_INVALID  nothing was lost, or this voter was stopped by something else
 *   RESULT_LIMIT    fewer than a majority of the other voters were heard to vote of late: what was
 *                   promised may be known to nobody. Nothing changes
 */
enum result voter_readmit(struct voter *v, uint64_t now, uint64_t silent_until, uint64_t number,
			  struct problem *p);
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
