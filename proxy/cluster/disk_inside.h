/* disk_inside.h: what disk.c and disk_round.c share; see disk.h. */
#ifndef HOLDFAST_CLUSTER_DISK_INSIDE_H
#define HOLDFAST_CLUSTER_DISK_INSIDE_H

#include "cluster/disk.h"

/* disk.c */

/* Finds, or takes a place that nobody needs. NULL: none. */
struct disk_role *disk_add_role(struct disk *d, const char *role);
/* This node's record; made where there is none. NULL: the table is full. */
struct disk_record *disk_own(struct disk *d, const char *role);
void disk_tell(struct disk *d, const struct disk_role *r, enum engine_event_kind kind);
/* The attempt is over; what it wrote of it is taken back. */
void disk_refuse(struct disk *d, struct disk_role *r, enum lease_refusal why, uint64_t wait_ms);
/* Held no more, in this very moment. */
void disk_lose(struct disk *d, struct disk_role *r);
void disk_stop(struct disk *d, const struct problem *why);
/* Between two tries of what came to nothing. */
uint64_t disk_pause_ms(const struct disk *d);
uint64_t disk_held_until(const struct disk *d, uint64_t began);

/* disk_round.c: what a majority of the files says is drawn conclusions from. */

void disk_conclude(struct disk *d, uint64_t now);
/* Before the node writes anything: all files answered, or did not in time. */
void disk_join(struct disk *d, uint64_t now);

#endif
