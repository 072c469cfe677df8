/* epoch_inside.h: between epoch.c (what is held and fetched) and epoch_publish.c (what is changed).
 */
#ifndef HOLDFAST_CLUSTER_EPOCH_INSIDE_H
#define HOLDFAST_CLUSTER_EPOCH_INSIDE_H

#include "cluster/body.h"
#include "cluster/epoch.h"

/* epoch.c. False: this node cannot use it. */
bool epochs_hold(struct epochs *e, uint64_t now, struct document *d,
		 const struct epoch_version *version, struct outbox *out);
void epochs_announce(struct epochs *e, uint64_t now, struct outbox *out);
/* Somebody holds more than this node. */
bool epochs_behind(const struct epochs *e);

/* epoch_publish.c. Whatever can be done now. */
void epochs_work(struct epochs *e, uint64_t now, struct outbox *out);
/* Proposals that are done wait until their epoch is held here. */
void epochs_settle_waiting(struct epochs *e);
bool epochs_is_to_send(const struct epochs *e, const struct epoch_proposal *p);
void epochs_hear_proposal(struct epochs *e, uint64_t now, const struct incoming *in,
			  struct outbox *out);
void epochs_hear_answer(struct epochs *e, uint64_t now, const struct incoming *in,
			struct outbox *out);

#endif
