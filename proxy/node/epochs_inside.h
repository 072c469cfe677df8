/*
 * epochs_inside.h: the node's side of the membership, for its own files alone: epochs.c (life, the
 * control plane, what others ask), epochs_host.c (what the machine asks of the node),
 * epochs_bell.c (what is done behind the machine's events: swapping, fetching, answering).
 */
#ifndef HOLDFAST_NODE_EPOCHS_INSIDE_H
#define HOLDFAST_NODE_EPOCHS_INSIDE_H

#include "cluster/fetch_ev.h"
#include "node/cluster.h"
#include "node/epochs.h"

#include <event2/event.h>

#define DONE_MAX ((size_t)2 * EPOCH_PROPOSALS_MAX) /* that wait for the bell */

struct node_epochs {
	struct node *node;
	struct cluster_nodes nodes; /* by the places of cluster.nodes at the start */
	struct epochs machine;
	bool started;
	struct document *kept; /* of the last run, until the start; one reference */
	struct epoch_version kept_version;
	struct roster *file;   /* what the file says */
	struct roster *roster; /* what the services have; NULL: epoch 0 */
	struct roster *coming; /* adopted, until the bell */
	struct config *next;   /* the same, laid over the configuration */
	struct event *bell;
	struct plane *plane;   /* borrowed; NULL: no datagrams */
	struct outbox *outbox; /* owned, without a plane: nobody takes it */
	cluster_node wanted;   /* to be fetched from; NODE_NONE */
	cluster_node asked;    /* whom the fetch asks */
	struct fetch *fetch;   /* owned */
	bool fetch_over;
	struct document *fetched; /* one reference */
	struct node_done {
		node_proposed_fn *call;
		uint64_t ticket;
		enum epoch_outcome outcome;
		uint64_t epoch;
		char why[EPOCH_WHY_BYTES_MAX + 1];
	} done[DONE_MAX];
	size_t done_count;
	node_proposed_fn *call;
};

/* epochs.c */

/* Where the machine speaks: the plane's, or one that nobody takes. */
struct outbox *node_epochs_outbox(struct node_epochs *e);
/* Behind whatever was told to the machine from outside of its events. */
void node_epochs_settle(struct node_epochs *e);
/* What comes next, or what the services have; NULL: epoch 0. */
const struct roster *node_epochs_newest(const struct node_epochs *e);
bool node_epochs_is_publish(struct slice change);

/* epochs_host.c */

struct epoch_host node_epochs_host(struct node_epochs *e);
/* The document's roster, and which version it is. Freed by the caller, also on errors. */
enum result node_epochs_read_version(const struct document *d, struct roster **roster,
				     struct epoch_version *out, struct problem *p);
void node_epochs_drop_coming(struct node_epochs *e);

/* epochs_bell.c */

/* Rung by event_active, never from within an event of the machine. */
void node_epochs_on_bell(evutil_socket_t fd, short what, void *context);
/* As fetch_start wants it. */
void node_epochs_fetch_ended(void *context, struct document *d, const char *why);

#endif
