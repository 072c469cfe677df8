/*
 * mesh.h: nodes that forward requests to each other, for the scenarios of the mesh. The product's
 * own decision runs on every node: view and verdicts (members/pool.h), plan, what of it may be
 * carried out (route/onward.h), and the membership by epochs (cluster/epoch.h); what of an
 * exchange is sockets is the scenario's model of it:
 *
 *   client -> entry -leg-> node -leg-> node      a leg: the request at one node, that decides
 *                            `-> its member      a connection is refused, not made, or made
 *
 * A request is not idempotent: what was sent is not sent again. An answer, an error, and "take it
 * back" go the way back; who hears nothing gives up after MESH_WAIT_US. Each node checks each
 * member every MESH_PROBE_MS. Node 0 publishes the membership, of which member i stands beside node
 * i.
 *
 * Checked at every step: a request is processed at most once; no node stands twice in its path;
 * hops keep their bound; who is behind decides only after MESH_BEHIND_MS; what is processed is what
 * the node's own view says, where the request has been aside.
 */
#ifndef HOLDFAST_TESTS_SIM_MESH_H
#define HOLDFAST_TESTS_SIM_MESH_H

#include "sim.h"

#include "cluster/epoch.h"
#include "members/pool.h"
#include "route/onward.h"

#define MESH_NODES        5
#define MESH_KEYS         40
#define MESH_REQUESTS_MAX 6000
#define MESH_LEGS_MAX     24 /* of a request, those included that gave it back */
#define MESH_EPOCHS_MAX   200
#define MESH_HOPS_MAX     3
#define MESH_PROBE_MS     500
#define MESH_BEHIND_MS    1000
#define MESH_WAIT_US      (1500 * SIM_MS_US)
#define MESH_PATIENCE_US  (6 * SIM_SECOND_US) /* of a client */

enum mesh_end { MESH_UNDER_WAY, MESH_ANSWERED, MESH_ERROR, MESH_NO_WORD };

/* What stands in the document of an epoch. */
struct mesh_roster {
	uint64_t epoch;
	uint64_t term;
	uint8_t member[MESH_NODES]; /* its weight; 0: it is none */
};

struct mesh_leg {
	cluster_node node;
	uint64_t incarnation;
	size_t parent; /* MESH_LEGS_MAX: it came from the client */
	bool hopped;
	struct hop hop;    /* ids are borrowed from views of legs before */
	struct view *view; /* one reference, until the leg is over */
	bool over;
	bool returns;
	uint64_t behind_until; /* own clock; 0: it was not behind */
	struct plan_session session;
	struct plan plan;
	uint32_t step;
	size_t child; /* whose answer it waits for; MESH_LEGS_MAX: none's */
};

struct mesh_request {
	size_t key;
	cluster_node entry;
	cluster_node home; /* where its session lived; NODE_NONE: nowhere yet */
	uint64_t begun_us;
	enum mesh_end end;
	unsigned processed;
	cluster_node processed_by;
	size_t leg_count;
	struct mesh_leg leg[MESH_LEGS_MAX];
};

struct mesh_world {
	enum failback failback;
	struct mesh_roster roster[MESH_EPOCHS_MAX]; /* by epoch */
	uint64_t epochs;                            /* published so far */
	bool server_down[MESH_NODES];
	struct mesh_key {
		bool busy;
		bool tagged;
		cluster_node primary;
		cluster_node last;
		struct session_digest digest;
	} key[MESH_KEYS];
	cluster_node apart[2]; /* two nodes that do not reach each other */
	uint64_t behind;       /* requests that waited for a membership */
	uint64_t requests;
	uint64_t not_begun; /* entry or key was not free */
	struct mesh_request request[MESH_REQUESTS_MAX];
};

extern const struct sim_program mesh_program;

/* Nodes, links, boots. */
void mesh_start(struct sim *s);
/* A client's request, of a key that is free, through any node that runs. */
void mesh_ask(struct sim *s);
/* The master changes the membership: some members are there, with weights. */
void mesh_publish(struct sim *s);
/* The epoch that a node holds. */
uint64_t mesh_epoch(struct sim *s, cluster_node n);
/* Frees what the world holds; crashes all nodes. */
void mesh_end_run(struct sim *s);

#endif
