/*
 * status_cluster.h: the control plane's part of the status (admin/status.h) and of GET /status.
 */
#ifndef HOLDFAST_ADMIN_STATUS_CLUSTER_H
#define HOLDFAST_ADMIN_STATUS_CLUSTER_H

#include "base/grow.h"

#include <stdbool.h>
#include <stdint.h>

#define STATUS_NEVER UINT64_MAX

/* Texts are static, or go with the status. */
struct status_node {
	const char *id;
	const char *address; /* of its datagrams */
	const char *http;
	uint32_t rank;
	bool voter;
	bool self;
	bool fit;               /* its service is well, as it says */
	uint64_t heard_ms;      /* how long ago; STATUS_NEVER; 0 of oneself */
	uint64_t round_trip_ms; /* smoothed maximum; 0: unknown */
};

struct status_count {
	const char *name;
	uint64_t count;
};

struct status_cluster {
	const char *name;
	const char *self;
	const char *safety;
	const char *engine; /* NULL: none */
	const char *state;
	const char *voter;         /* what becomes of this node's vote; NULL: it has none */
	const char *voter_problem; /* why it does not vote; NULL: it does, or will */
	bool fit;
	const char *master; /* NULL: nobody */
	uint64_t term;      /* of the master; 0: none */
	uint64_t term_seen;
	uint64_t epoch;
	uint64_t boot;
	uint64_t master_ms;       /* how long that is so */
	uint64_t evidence_ms;     /* since the master's last answer; STATUS_NEVER */
	uint64_t longest_wait_ms; /* D_N */
	struct status_node *node;
	size_t node_count;
	struct status_count *election; /* what happened, since the start */
	size_t election_count;
	struct status_count *received; /* datagrams, by type */
	size_t received_count;
	struct status_count *sent;
	size_t sent_count;
	struct status_count *dropped; /* by reason */
	size_t dropped_count;
};

/* "cluster": {...} */
void status_cluster_json(const struct status_cluster *c, uint64_t wall_ms, struct grow *out);

#endif
