/*
 * epochs.h: the node's side of the membership by epochs (cluster/epoch.h): what it holds, in
 * state_dir and in its services; fetching, publishing, and what the admin interface asks. On the
 * control thread; without cluster.nodes nothing of it is there, and every function does nothing.
 *
 *   start    state_dir/membership --lay--> services
 *   adopt    document --check--> state_dir, then at the bell: swapped as a reload is
 *   reload   the file says services and rules; its members only at epoch 0
 */
#ifndef HOLDFAST_NODE_EPOCHS_H
#define HOLDFAST_NODE_EPOCHS_H

#include "cluster/epoch.h"
#include "config/roster.h"
#include "node/node.h"

struct plane;

/* What became of a proposal; `ticket` as given. */
typedef void node_proposed_fn(struct node *n, uint64_t ticket, enum epoch_outcome outcome,
			      uint64_t epoch, const char *why);

/*
 * Before the services are made: lays what was kept over *config. What is damaged or does not fit is
 * said, and left out. RESULT_NO_MEMORY.
 */
enum result node_epochs_create(struct node *n, struct config **config, struct problem *p);
/* Behind the control plane. */
enum result node_epochs_start(struct node *n, struct problem *p);
/* Some times a second: what workers heard, and the time. */
void node_epochs_tick(struct node *n);
/* While another process may take this one's place: as it stands, without a plane; and again with
 * another one. */
void node_epochs_yield(struct node *n);
void node_epochs_resume(struct node *n);
/* Nothing is fetched or answered any more; the base may go. */
void node_epochs_stop(struct node *n);
void node_epochs_free(struct node *n);

/*
 * A file that is loaded anew: lays the membership over it, and says when the file's members are
 * others. RESULT_INVALID: it does not fit.
 */
enum result node_epochs_lay(struct node *n, struct config **config, struct problem *p);
/* The services were swapped. */
void node_epochs_swapped(struct node *n);

uint64_t node_epochs_epoch(const struct node *n);
/* The document that this node holds, as JSON; RESULT_NOT_FOUND: no cluster. */
enum result node_epochs_write(const struct node *n, struct grow *out);
/* RESULT_NOT_FOUND: no cluster; RESULT_LIMIT: the file can only be published by the master. Else it
 * ends in `done`, never from within. */
enum result node_epochs_propose(struct node *n, uint64_t ticket, uint64_t base, struct slice change,
				node_proposed_fn *done, struct problem *p);

#endif
