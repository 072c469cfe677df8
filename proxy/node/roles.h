/*
 * roles.h: the node's side of roles for applications (cluster/roles.h): joins them to the
 * control plane, tells the logs, answers the admin interface. On the control thread.
 */
#ifndef HOLDFAST_NODE_ROLES_H
#define HOLDFAST_NODE_ROLES_H

#include "admin/face.h"
#include "node/cluster.h"

/* Behind cluster_create, before the first datagram. */
void node_roles_start(struct node_cluster *c, const struct engine *engine, uint32_t lease_ms);
/* Behind every event of the plane. */
void node_roles_turn(struct node_cluster *c);
void node_roles_leave(struct node_cluster *c);
/* See struct admin_face. */
enum result node_role(void *node, const struct admin_role_ask *ask, struct admin_role *out,
		      struct problem *p);

#endif
