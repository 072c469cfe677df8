/*
 * listening.h: the node's listening sockets: made before the workers, and known by number while the
 * workers have them, so that they can be handed to the process that takes over. On the control
 * thread.
 */
#ifndef HOLDFAST_NODE_LISTENING_H
#define HOLDFAST_NODE_LISTENING_H

#include "node/node.h"

/* n->sockets, a worker after another. Before rights are dropped. */
enum result node_listening_bind(struct node *n, struct problem *p);
/* Where a worker's begin and end in n->sockets. */
size_t node_listening_of(const struct node *n, unsigned worker, const struct listener_socket **out);
/* They are the workers' from here on, closed by these. */
void node_listening_given(struct node *n);
/* A reload gave another one to a worker; or has closed those that are not listed any more. False:
 * no memory. */
bool node_listening_add(struct node *n, const struct listener_socket *socket);
void node_listening_keep(struct node *n, const struct config *config);
void node_listening_free(struct node *n);

#endif
