/*
 * disk_inside.h: the engine's parts among themselves: disk.c (rounds, time, what the node asks),
 * disk_role.c (roles: places and ends), disk_view.c (what the blocks say), disk_value.c (the
 * value), disk_round.c (what follows from a round), disk_join.c (the start); see disk.h.
 */
#ifndef HOLDFAST_CLUSTER_DISK_INSIDE_H
#define HOLDFAST_CLUSTER_DISK_INSIDE_H

#include "cluster/disk.h"

/* ---- disk.c ------------------------------------------------------------------------------------
 */

/* Between two tries of what came to nothing. */
uint64_t disk_pause_ms(const struct disk *d);
uint64_t disk_held_until(const struct disk *d, uint64_t began);

/* ---- roles (disk_role.c) -----------------------------------------------------------------------
 */

/* NULL: it has no place. */
struct disk_role *disk_find_role(struct disk *d, const char *role);
/* Finds, or takes a place that nobody needs. NULL: none. */
struct disk_role *disk_add_role(struct disk *d, const char *role);
/* This node's record; made where there is none. NULL: the table is full. */
struct disk_record *disk_own(struct disk *d, const char *role);
void disk_tell(struct disk *d, const struct disk_role *r, enum engine_event_kind kind);
void disk_tell_refused(struct disk *d, const char *role, enum lease_refusal why, uint64_t wait_ms);
/* A claim, or a hold of this run, stands no more. */
void disk_take_back(struct disk *d, const struct disk_role *r, enum disk_hold_end end);
/* The attempt is over; what it wrote of it is taken back. */
void disk_refuse(struct disk *d, struct disk_role *r, enum lease_refusal why, uint64_t wait_ms);
/* Held no more, in this very moment. */
void disk_lose(struct disk *d, struct disk_role *r);
/* The read is over, without an answer. */
void disk_unread(struct disk *d, struct disk_role *r);
void disk_stop(struct disk *d, const struct problem *why);

/* ---- what the blocks say (disk_view.c) ---------------------------------------------------------
 */

/* The newest block of each other node; NULL: none. */
struct disk_view {
	struct disk_block *of[DISK_SLOTS];
};

static inline uint64_t
disk_higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* That file was read in this round. */
bool disk_well(const struct disk *d, size_t file);
/* Of the files that were read; NULL: never written. */
struct disk_block *disk_newest_block(const struct disk *d, size_t slot);
struct disk_view disk_view_of(const struct disk *d);
const struct disk_record *disk_view_record(const struct disk_view *v, size_t slot,
					   const char *role);
/* The highest term of others: held, or held or claimed. */
uint64_t disk_highest_hold(const struct disk_view *v, const char *role);
uint64_t disk_highest_claim(const struct disk_view *v, const char *role);
/* Above all that anybody ever wrote, and nobody else's. */
uint64_t disk_next_term(const struct disk *d, const struct disk_view *v,
			const struct disk_record *own);

/* ---- the value (disk_value.c) ------------------------------------------------------------------
 */

/* The newest value of a role: where it stands. */
struct disk_newest {
	struct stamp stamp;
	const struct disk_block *block;
	size_t file; /* of block; files: it is this node's own, in memory */
};

struct disk_newest disk_newest_value(struct disk *d, const char *role);
/* Into this node's block, under that stamp. False: its bytes did not come along. */
bool disk_copy_value(struct disk *d, const struct disk_role *r, const struct disk_newest *n,
		     struct stamp stamp);
/* What follows from a round for who reads, and for who wrote. */
void disk_read_value(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now);
void disk_wrote_value(struct disk *d, const struct disk_view *v, struct disk_role *r);

/* ---- conclusions -------------------------------------------------------------------------------
 */

/* A majority of the files has answered (disk_round.c). */
void disk_conclude(struct disk *d, uint64_t now);
/* Before the node writes anything: all files answered, or did not in time (disk_join.c). */
void disk_join(struct disk *d, uint64_t now);

#endif
