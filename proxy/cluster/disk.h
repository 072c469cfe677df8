/*
 * disk.h: the engine of shared files: no node speaks to another, each writes a block of its own in
 * every file and reads the blocks of all. One file, or several, of which a majority must answer. So
 * two nodes have a safe master. Pure; who carries the orders is cluster/disk_ev.h.
 *
 * (E. Gafni, L. Lamport, "Disk Paxos", Distributed Computing 16, 2003, for the blocks and the
 * phases; M. Trencseni, A. Gazso, H. Reinhardt, "PaxosLease", 2012, for what is decided, a lease
 * that ends by itself. sanlock keeps leases on shared storage likewise.)
 *
 * Everything is done in rounds: in each file, write the own block, then read the others'; a round
 * is over when a majority of the files has done both. Of any two rounds of two nodes, one at least
 * reads what the other wrote, as they share a file, and there one of them wrote first. (1)
 *
 *   acquire:  LOOKS    is the role free?                 no: REFUSED
 *             CLAIMS   writes claim = a term above all that it read
 *             TAKES    writes held = {term, boot, seq}   in CLAIMS and TAKES: another claim or hold
 *             ADOPTS   writes stamp = {term, 0}          above the own one: given up, REFUSED
 *             HELD     writes seq + 1 every T / 3; a higher hold is read: lost
 *
 * Free is a role whose highest hold was released, or stood still, its seq and all, for T * 1.025 by
 * the clock of who looks, from when it was first read. The holder counts T less its margin from
 * when it began to write that seq, which is before; what is written later than that is no renewal.
 * Durations only: no clock is shared.
 *
 * Why there are never two holders: let P hold x, and Q take y > x because x stood still. What P
 * counts from is the seq that Q saw, or a later one that was read by a majority of the files before
 * P's time was over, and so before Q claimed y, whose round then reads it. Let P and Q both claim,
 * x < y: when Q's CLAIMS reads no hold of x, P's TAKES reads the claim y, by (1), and P gives up.
 *
 * Terms: a multiple of DISK_SLOTS and the own slot, so that none has two owners; above all claims,
 * holds, stamps that are read; a term that was granted is read by all who claim later, by (1).
 *
 * The value of the role `cluster` is the one with the highest stamp in any block. ADOPTS puts the
 * newest under the new term, above whatever a former holder may still write. A read whose newest
 * stamp is of an older term than the highest hold waits for that; one that finds the newest in a
 * minority of the files writes it into its own block first (Attiya, Bar-Noy, Dolev, 1995). Only the
 * role `cluster` has a value: others' writes are UNWRITTEN.
 *
 * A node that starts reads its own block from a majority of the files before it writes any. What it
 * held in another run it holds no more, but its processes may act on it still: it counts as
 * another's until T * 1.025 is over. A file without a title, or with a damaged block, counts as one
 * that does not answer. Files get their titles when all of them are empty, all at once: a file that
 * was lost, and is empty now, does not count. Files are never created here: a mount that is missing
 * must not look like a new one.
 */
#ifndef HOLDFAST_CLUSTER_DISK_H
#define HOLDFAST_CLUSTER_DISK_H

#include "cluster/disk_block.h"
#include "cluster/engine.h"

enum disk_file_state {
	DISK_FILE_SILENT,  /* no answer yet */
	DISK_FILE_WELL,    /* written, where that was asked for, and read */
	DISK_FILE_EMPTY,   /* no title */
	DISK_FILE_FOREIGN, /* another title */
	DISK_FILE_TWIN,    /* somebody else writes this node's block */
	DISK_FILE_FAILED,  /* the problem says what */
};

/* What is to be done in every file. */
struct disk_order {
	uint64_t number;           /* grows */
	bool format;               /* write the title where there is none */
	bool writes;               /* the block; else only look */
	struct disk_block block;   /* value_place is the file's affair */
	struct document *document; /* one reference, the taker's; NULL: the block has no value */
};

/* What became of it in one file. Zeroed: SILENT. Owns what it points to. */
struct disk_answer {
	uint64_t number;
	enum disk_file_state state;
	struct problem problem; /* of a state other than WELL */
	/* WELL: by slot, this node's own among them; NULL: never written. */
	struct disk_block *block[DISK_SLOTS];
	/* The value with the highest stamp in this file; NULL: none, or the order's own. */
	struct document *document;
};
void disk_answer_deinit(struct disk_answer *a);

enum disk_phase { DISK_JOINS, DISK_RUNS, DISK_STOPPED };

enum disk_state { DISK_IDLE, DISK_LOOKS, DISK_CLAIMS, DISK_TAKES, DISK_ADOPTS, DISK_HELD };

struct disk_role {
	char role[ROLE_BYTES_MAX + 1]; /* "": free */
	enum disk_state state;
	uint64_t round;        /* the first that carries what this state wrote */
	uint64_t attempt_ends; /* LOOKS to ADOPTS */
	uint64_t term;
	uint64_t began; /* the first round that carried the present seq */
	uint64_t until; /* HELD */
	uint64_t renew_at;
	bool renews; /* HELD: the round under way carries another seq */

	uint64_t at; /* LOOKS to ADOPTS: the next round is wanted then */

	bool reads;
	uint64_t read_at; /* likewise */
	uint64_t read_round;
	uint64_t read_ends;

	bool writes;
	uint64_t write_round;

	/* The highest hold of others that was read, and since when it is as it is. */
	size_t seen_slot;
	struct disk_hold seen;
	uint64_t seen_since;
};

struct disk {
	const struct cluster_nodes *nodes; /* borrowed */
	struct lease_timing timing;
	uint64_t boot;
	size_t slot;
	size_t files;
	enum disk_phase phase;
	struct problem problem; /* why it is not RUNS */
	uint64_t clear_at;      /* what former runs held is over; NEVER: it is cleared */

	struct disk_block own;
	struct document *document; /* of own; NULL: no value */
	bool changed;              /* own is to be written */
	bool format;               /* the next round writes titles */

	uint64_t round; /* the last that began */
	bool under_way;
	uint64_t began;
	uint64_t ends;       /* the round, with or without a majority */
	uint64_t look_at;    /* what others hold is looked at without a reason, too */
	uint64_t rest_until; /* a round that failed is not tried again before */
	struct disk_answer answer[DISK_FILES_MAX]; /* of this round */

	struct disk_role role[ROLES_MAX];
	struct engine_events events;
};

/*
 * `slot`: of this node's block, the same on all nodes and never another node's. `files`: how many.
 * Large: in place, on the heap.
 */
void disk_init(struct disk *d, const struct cluster_nodes *nodes, const struct lease_timing *timing,
	       uint64_t boot, size_t slot, size_t files, uint64_t now);
void disk_deinit(struct disk *d);
struct engine disk_engine(struct disk *d);

/*
 * After every call: true: a round begins, and every file is to do this, in place of whatever it has
 * not begun to do. One that is still busy does it when it can.
 */
bool disk_take_order(struct disk *d, uint64_t now, struct disk_order *order);
/* What a file did; an answer that nobody waits for any more is dropped. Consumes *answer. */
void disk_answered(struct disk *d, uint64_t now, size_t file, struct disk_answer *answer);

#endif
