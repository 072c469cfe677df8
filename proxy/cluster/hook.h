/*
 * hook.h: the programs that are told who is master (cluster.on_master, on_backup), with the
 * arguments of keepalived's notify scripts:
 *
 *   PROGRAM INSTANCE <cluster> MASTER|BACKUP <rank> <term>
 *
 * No shell; stdin is empty, output goes where Holdfast's own goes. One at a time, each within a
 * limit, then it is killed with all that it started. Of what happens meanwhile only the last is
 * told: a program hears how things are, not all that they were. They are started by the starter
 * (base/starter.h), which knows them from the start of the process on.
 */
#ifndef HOLDFAST_CLUSTER_HOOK_H
#define HOLDFAST_CLUSTER_HOOK_H

#include "base/starter.h"
#include "config/config.h"

struct hooks;

struct hook_news {
	bool master; /* this node is */
	uint32_t rank;
	uint64_t term;
};

/* `starter` is borrowed; `cluster` as it was when that was made. NULL: no memory. */
struct hooks *hooks_create(struct starter *starter, const struct config_cluster *cluster);
/* A program that runs goes on. NULL is allowed. */
void hooks_free(struct hooks **h);
void hooks_tell(struct hooks *h, uint32_t limit_ms, const struct hook_news *news);
/* What the starter says of them. */
void hooks_hear(struct hooks *h, const struct starter_news *news);

#endif
