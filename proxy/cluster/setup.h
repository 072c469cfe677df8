/*
 * setup.h: from the configuration to what the control plane starts with; and the number of this
 * run of the node.
 */
#ifndef HOLDFAST_CLUSTER_SETUP_H
#define HOLDFAST_CLUSTER_SETUP_H

#include "cluster/plane.h"
#include "config/config.h"

/*
 * `config` has a cluster with addresses (config->cluster.listen.family != 0); texts are borrowed
 * from it. RESULT_INVALID: two nodes' ids have one hash.
 */
enum result plane_setup_of(const struct config *config, uint64_t boot, struct plane_setup *out,
			   struct problem *p);

/*
 * The boot counter: a number in `state_dir`/cluster.boot, higher at every start: what this run says
 * is newer than what any earlier run said. Where the file was lost the seconds since 1970 stand in,
 * so that the number grows all the same. On disk before it is used (fsync of file and directory).
 *
 * `state_dir` is locked (cluster.lock) for as long as *lock is open: two processes with one boot
 * counter would be one node twice. The descriptor is the caller's to close. RESULT_INVALID: another
 * process has it, or the file holds no number; RESULT_IO. *lock is -1 then.
 */
enum result boot_begin(const char *state_dir, uint64_t wall_s, uint64_t *boot, int *lock,
		       struct problem *p);

#endif
