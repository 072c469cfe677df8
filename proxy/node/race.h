/*
 * race.h: the answering side of races, live (cluster/race_host.h): INITs that came to the
 * cluster's socket, the condition of the member beside this node, offers that leave when they are
 * due. On the control thread; tickets are checked by the workers (relay/newcomer.c).
 */
#ifndef HOLDFAST_NODE_RACE_H
#define HOLDFAST_NODE_RACE_H

#include "node/node.h"

struct node_race;
struct status_race;

/*
 * `fd`: the cluster's socket, borrowed; offers leave by it. *n->race stays NULL when there is no
 * socket (-1).
 */
enum result node_race_start(struct node *n, int fd, struct problem *p);
/* As cluster_ear.stray: a datagram that is none of the nodes' own. False: it is of no race either.
 */
bool node_race_hear(struct node *n, const struct addr *from, const uint8_t *bytes, size_t count);
/* From the cluster's socket; what the kernel does not take is lost. */
void node_race_send(const struct node *n, const struct addr *to, const uint8_t *bytes,
		    size_t count);
void node_race_stop(struct node *n);
void node_race_status(const struct node *n, struct status_race *out);

#endif
