/*
 * embedded_ev.h: the embedded engine of a node, live: what its voter wants on disk is written by
 * cluster/register_writer.h.
 *
 *   control thread: embedded_live_turn --image--> writer's thread
 *                   stored() <--eventfd-----------'
 *
 * When the disk fails the voter votes no more, and says so; the node goes on.
 */
#ifndef HOLDFAST_CLUSTER_EMBEDDED_EV_H
#define HOLDFAST_CLUSTER_EMBEDDED_EV_H

#include "cluster/embedded.h"
#include "cluster/register_writer.h"

#include <event2/event.h>

struct embedded_live;

struct embedded_live_setup {
	struct register_file *file;         /* open; borrowed, outlives the engine */
	const struct register_image *image; /* as on disk; NULL: none. Borrowed for the call */
	const struct problem *damaged; /* NULL: the file was whole; else the node does not vote */
	const struct cluster_nodes *nodes; /* borrowed, outlives the engine */
	struct lease_timing timing;
	/* Something was stored: embedded_live_stored is to be called, with an outbox. */
	void (*stored)(void *context);
	void *context;
};

enum result embedded_live_create(struct event_base *base, const struct embedded_live_setup *setup,
				 uint64_t now, struct embedded_live **out, struct problem *p);
/* Waits for what is being written. *e may be NULL. */
void embedded_live_free(struct embedded_live **e);
struct engine embedded_live_engine(struct embedded_live *e);
/* After every event. */
void embedded_live_turn(struct embedded_live *e);
void embedded_live_stored(struct embedded_live *e, uint64_t now, struct outbox *out);
/* Its register is damaged or lost: it begins again, by the operator's word. See voter_readmit. */
enum result embedded_live_readmit(struct embedded_live *e, uint64_t now, struct problem *p);
/* Of the silence after the start: what is left. */
uint64_t embedded_live_silent_ms(const struct embedded_live *e, uint64_t now);
/* NULL: it is no voter. */
const struct voter *embedded_live_voter(const struct embedded_live *e);

#endif
