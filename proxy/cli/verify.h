/*
 * verify.h: two nodes' statuses and answers compared: what differs, a sentence each. Pure.
 */
#ifndef HOLDFAST_CLI_VERIFY_H
#define HOLDFAST_CLI_VERIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define DIFFERENCES_MAX 1000 /* listed; more are counted */

/* What was found so far. */
struct differences {
	json_t *list; /* owned; of objects with "service" (null: the node's), "kind" and "text" */
	size_t not_shown;
};

/* One node as it answered. */
struct verified {
	const char *name;   /* borrowed: its address */
	const json_t *json; /* borrowed: its status, or its answer to one question */
};

/* False: no memory. */
bool differences_init(struct differences *d);
void differences_deinit(struct differences *d);
size_t differences_count(const struct differences *d);

/* A node that gives no answer. */
void differ_silent(struct differences *d, const char *problem);
/*
 * What must be the same before orders can be: the membership's epoch, versions of ordering and tag.
 * Of the cluster: who is master, where both name one.
 */
void compare_nodes_alone(struct differences *d, const struct verified *a, const struct verified *b);
/*
 * Services that one has and the other has not; pools with different fingerprints, and which
 * members, weights, zones make the difference. `service`: this one only; NULL: all.
 */
void compare_statuses(struct differences *d, const struct verified *a, const struct verified *b,
		      const char *service);
/* Brief answers of /explain to one key: digest and order. */
void compare_orders(struct differences *d, const char *service, const char *key,
		    const struct verified *a, const struct verified *b);

#endif
