/*
 * upgrade.h: another process takes this node's place, and no client notices. Of the process that
 * goes; on the control thread.
 *
 *   asked (USR2, POST /upgrade) --> the program is started, by the starter, with one end of a pair
 *      |  listeners, admin, cluster's sockets are handed over   (base/handover.h)
 *      |                               it reads its configuration, binds what is new, opens its
 * logs
 *      |<-- prepared -------------------
 *      |  the control plane leaves and lets go of state_dir; members' states are handed over
 *      |                               it starts checks, control plane, workers: it accepts
 *      |<-- ready ----------------------
 *      |  MAINPID= to the service manager; "yours"
 *      `--> stops accepting, drains: requests under way end; connections have one more, whose
 *           answer says `Connection: close` (GOAWAY of HTTP/2); then this process ends
 *
 * Whatever fails before "ready", also by time, leaves this process as it was, and is said.
 */
#ifndef HOLDFAST_NODE_UPGRADE_H
#define HOLDFAST_NODE_UPGRADE_H

#include "base/starter.h"
#include "node/node.h"

enum result node_upgrade_create(struct node *n, struct problem *p);
void node_upgrade_free(struct node *n);
/*
 * Begins; how it ends stands in the logs, and in the status. RESULT_LIMIT: one is under way, or the
 * process ends, or must not.
 */
enum result node_upgrade(struct node *n, const char *asked_by, struct problem *p);
/* What the starter says of the new process. */
void node_upgrade_hear(struct node *n, const struct starter_news *news);
/* Is one under way? Then a reload waits, and is given to whom the listeners belong in the end. */
bool node_upgrade_is_under_way(const struct node *n);
void node_upgrade_reload_later(struct node *n);
/* Stopping: it is called off. */
void node_upgrade_abandon(struct node *n, const char *why);

/* How the last one stands. */
enum upgrade_phase {
	UPGRADE_NONE,
	UPGRADE_STARTED,
	UPGRADE_PREPARED,
	UPGRADE_DONE,
	UPGRADE_REFUSED
};
struct upgrade_status {
	enum upgrade_phase phase;
	pid_t pid;       /* of the other process; 0: not yet */
	const char *why; /* refused; borrowed until the next one */
};
struct upgrade_status node_upgrade_status(const struct node *n);

#endif
