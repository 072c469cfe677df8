/*
 * disk_ev.h: the engine of shared files, live: a thread a file, as one that hangs must hold up
 * neither the node nor the other files; it only lets leases expire.
 *
 *   control thread: disk_live_turn --order--> thread of each file: pwrite (O_DIRECT, O_DSYNC),
 * pread answered() <----eventfd--------'
 *
 * An order that a busy thread has not begun is replaced by the next. Where the file system knows no
 * O_DIRECT, files are read through the page cache: that is right on one machine alone. A file that
 * fails, or is another one by its name, is opened anew; none is ever created.
 */
#ifndef HOLDFAST_CLUSTER_DISK_EV_H
#define HOLDFAST_CLUSTER_DISK_EV_H

#include "cluster/disk.h"

#include <event2/event.h>

#define DISK_JOIN_MS 2000 /* at the end, for what is being written */

struct disk_live;

struct disk_live_setup {
	const struct cluster_nodes *nodes; /* borrowed, outlives the engine */
	struct lease_timing timing;
	uint64_t boot;
	const char *cluster; /* its name; borrowed for the call, as are the files' */
	size_t slot;
	char *const *files;
	size_t file_count;
	/* A file answered: what is new is to be taken, then disk_live_turn. */
	void (*answered)(void *context);
	void *context;
};

enum result disk_live_create(struct event_base *base, const struct disk_live_setup *setup,
			     uint64_t now, struct disk_live **out, struct problem *p);
/* Waits for what is being written, DISK_JOIN_MS at most. *e may be NULL. */
void disk_live_free(struct disk_live **e);
struct engine disk_live_engine(struct disk_live *e);
/* After every event. */
void disk_live_turn(struct disk_live *e);

#endif
