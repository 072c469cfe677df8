/*
 * hook_ev.h: the programs that are told who is master (cluster.on_master, on_backup), with the
 * arguments of keepalived's notify scripts:
 *
 *   PROGRAM INSTANCE <cluster> MASTER|BACKUP <rank> <term>
 *
 * No shell; stdin is empty, output goes where Holdfast's own goes. One at a time, each within a
 * limit, then it is killed with all that it started. Of what happens meanwhile only the last is
 * told: a program hears how things are, not all that they were.
 */
#ifndef HOLDFAST_CLUSTER_HOOK_EV_H
#define HOLDFAST_CLUSTER_HOOK_EV_H

#include "config/config.h"

#include <event2/event.h>

struct hooks;

struct hook_news {
	bool master; /* this node is */
	uint32_t rank;
	uint64_t term;
};

/* NULL: no memory. */
struct hooks *hooks_create(struct event_base *base);
/* A program that runs goes on. NULL is allowed. */
void hooks_free(struct hooks **h);
/* Programs are looked up in `cluster` when they are started: borrowed for the call, copied. */
void hooks_tell(struct hooks *h, const struct config_cluster *cluster,
		const struct hook_news *news);

#endif
