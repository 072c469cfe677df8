/*
 * status.h: the status model: what a running node says of itself at one moment, as plain data.
 * Filled by the node (node/status.c) from pools, counters and logs; read by the renderings:
 *
 *   pools, tallies, logs --node/status.c--> struct status --> status_json.c  GET /status
 *                                                         --> metrics.c      GET /metrics
 *                                                         --> page.c         GET /
 *
 * Nothing in it points into anything live: texts are copied into memory that the status owns.
 */
#ifndef HOLDFAST_ADMIN_STATUS_H
#define HOLDFAST_ADMIN_STATUS_H

#include "admin/status_cluster.h"
#include "admin/status_latency.h"
#include "base/text.h"
#include "record/arrivals.h"
#include "record/exporter.h"
#include "record/http2.h"
#include "record/tally.h"
#include "vocab.h"

/* The active check that ended last. */
struct status_check {
	bool any;
	bool well;
	uint64_t ago_ms;
	const char *seen;
};

/* A change of a member's state. */
struct status_transition {
	uint64_t ago_ms;
	enum member_state from;
	enum member_state to;
	enum reason reason; /* of the state it went to */
};

/* Of all checks that ended, and of the last ones each. */
struct status_history {
	uint64_t well;
	uint64_t failed;
	const char *last;             /* '1' well, '0' failed; the last one stands last */
	const char *weight;           /* Holdfast-Weight, as understood; NULL: none is said */
	uint64_t weights_refused;     /* that were no weights */
	uint64_t slow_start_left_ms;  /* 0: it is over, or there is none */
	uint64_t transitions;         /* of all */
	struct status_transition *at; /* the last of them, oldest first */
	size_t kept;
};

struct status_member {
	const char *id;
	const char *origin;
	const char *zone; /* NULL: none */
	uint32_t weight;
	uint32_t share; /* of new sessions placed by load or in turn; hundredths of a weight */
	enum member_state state;
	enum member_state order; /* the operator's: DRAIN, MAINT; UP: none */
	enum reason reason;      /* of the state */
	uint64_t state_ms;       /* how long it is in that state */
	struct status_check check;
	struct status_history history;
	unsigned active;     /* requests and tunnels in flight */
	unsigned active_max; /* connections_max; 0: no bound */
	unsigned waiting;    /* for a place there */
	uint64_t attempts;   /* since start */
	uint64_t failures;
};

struct status_service {
	const char *name;
	uint64_t pool; /* fingerprint of members, weights and zones */
	struct status_member *member;
	size_t member_count;
	struct tally_sum tally;
	struct status_latencies latencies;
};

/* What this node answered in races of others and its own: cluster/race_host.h. */
struct status_race {
	uint64_t offers;
	uint64_t silent[RACE_SILENCES];
};

struct status_process {
	int pid;
	uint64_t cpu_ms; /* user and system */
	uint64_t resident_bytes;
	uint64_t descriptors;
	uint64_t descriptors_max;
	const char *seccomp; /* "on", or why not; static */
};

#define STATUS_HOPS_MAX 8

struct status_hops {
	const char *found; /* "good", "bad_mac" */
	uint64_t count;
};

/* Connections before their first request. */
struct status_arrivals {
	uint64_t handshakes; /* of TLS, that succeeded */
	uint64_t resumed;    /* of these */
	uint64_t tls_1_3;    /* of these */
	uint64_t proxied;    /* PROXY headers taken */
	uint64_t ended[ARRIVAL_ENDS];
};

/* A host name, or a service's, that members stand under. */
struct status_name {
	const char *name;
	const char *means; /* "10.0.0.4, 10.0.0.5"; "": nothing yet */
	const char *why;   /* it does not resolve; NULL: it does */
	uint64_t for_ms;   /* the one or the other */
	uint64_t failures;
};

struct status {
	uint64_t wall_ms; /* of this status */
	uint64_t uptime_ms;
	const char *node; /* NULL: no name */
	const char *version;
	bool stopping;
	struct status_process process;
	const char *config_file;
	uint64_t config_ms;             /* how long ago it was loaded */
	struct status_cluster *cluster; /* NULL: no control plane */
	uint64_t epoch;                 /* of the membership; 0: from the file */
	unsigned workers;
	unsigned clients; /* connections */
	uint64_t crowded; /* connections closed for limits.connections_per_address */
	struct status_arrivals arrivals;
	struct http2_sum http2;
	struct status_hops hops[STATUS_HOPS_MAX]; /* that came in, by what they were found to be */
	size_t hop_kinds;                         /* 0: nodes hand no requests to each other */
	uint64_t failover_lost;                   /* lines of the logs that could not be written */
	uint64_t access_lost;
	struct exporter_counts spans; /* of traces */
	unsigned followers;           /* of GET /events */
	uint64_t followers_dropped;
	uint64_t events_lost; /* lines that no follower got */
	struct status_race race;
	struct status_name *name; /* of members */
	size_t name_count;
	struct tally_sum unrouted; /* requests without a service */
	struct status_latencies unrouted_latencies;
	struct status_service *service;
	size_t service_count;
	struct status_memory *memory; /* owns all of the above */
};

/* An empty status. */
void status_init(struct status *s);
void status_deinit(struct status *s);
/* Zeroed memory that goes with the status. NULL: no memory. */
void *status_alloc(struct status *s, size_t bytes);
/* A copy that goes with the status; NULL of NULL. Without memory "". */
const char *status_text(struct status *s, const char *text);

#endif
