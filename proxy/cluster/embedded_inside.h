/*
 * embedded_inside.h: the engine's parts among themselves: embedded.c (datagrams, and what the node
 * asks), embedded_role.c (the roles); see embedded.h.
 */
#ifndef HOLDFAST_CLUSTER_EMBEDDED_INSIDE_H
#define HOLDFAST_CLUSTER_EMBEDDED_INSIDE_H

#include "cluster/embedded.h"

/* NULL: it has no place. */
struct embedded_role *embedded_find_role(struct embedded *e, const char *role);
/* Finds, or takes a free place, or one that nobody needs. NULL: none. */
struct embedded_role *embedded_add_role(struct embedded *e, const char *role);
/* The same, of the acceptor of a role. */
struct embedded_lock *embedded_add_lock(struct embedded *e, const char *role, uint64_t now);

void embedded_tell(struct embedded *e, const struct embedded_role *r, enum engine_event_kind kind);
/* A claim, or a write, does not wait for a read: that is begun again, or answered by the claim. */
void embedded_put_reading_off(struct embedded_role *r);
/* Starts what waits for the register. */
void embedded_go_on(struct embedded *e, struct embedded_role *r, const struct role_turn *t);
/* What lease and register have to tell, after anything that was done with either. */
void embedded_settle(struct embedded *e, struct embedded_role *r, const struct role_turn *t);
/* What time has ended comes before what a message says: it may have waited while this node slept.
 */
void embedded_pass_time(struct embedded *e, struct embedded_role *r, const struct role_turn *t);

#endif
