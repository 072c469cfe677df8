/*
 * rights.h: a node's rights, and how it gets rid of them: user and groups, capabilities of all
 * sets, what programs may gain, and what the kernel may be asked for (base/filter.h).
 *
 *   configured user   every capability goes, from every set; a process that was not started by root
 *                     stays who it is and keeps that of binding low ports, if it has it
 *   root, no user     stays root, with what files and low ports need and nothing else; programs
 * that it starts (hooks) have what it had
 */
#ifndef HOLDFAST_NODE_RIGHTS_H
#define HOLDFAST_NODE_RIGHTS_H

#include "config/config.h"

/* Before the starter: programs have these rights. `user`: NULL: stay who we are. */
enum result rights_drop(const char *user, struct problem *p);
/* Behind it, for this process alone, before any thread runs. What cannot be had is said. */
void rights_narrow(const struct config *config);
/* The descriptors that may be open, as many as may be. */
void rights_raise_descriptors(void);

#endif
