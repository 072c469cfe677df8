/*
 * racing.h: what the scenarios of races share: a program in which every node asks for its clients
 * and answers the others, by the product's machines and bytes (cluster/race.h, race_host.h,
 * ticket.h). Times are those of far nodes, as the simulator's clocks tell milliseconds.
 */
#ifndef HOLDFAST_TESTS_SIM_RACING_H
#define HOLDFAST_TESTS_SIM_RACING_H

#include "cluster/race_host.h"
#include "sim.h"

#define RACING_CLIENTS_MAX 4000
#define RACING_LIMIT_MS    1000
#define RACING_SPREAD_MS   400

enum racing_end { RACING_OPEN_YET, RACING_OPENED, RACING_BY_ORDERING, RACING_LOST };

/* First in the world of each scenario. */
struct racing_world {
	bool shaped;       /* answers are delayed by load */
	bool own_silent;   /* the entry's own member does not take part */
	uint64_t capacity; /* sessions of a full node */
	uint64_t load[CLUSTER_NODES_MAX];
	uint64_t clients; /* that came so far */
	struct racing_client {
		cluster_node entry;
		uint64_t incarnation; /* of the entry, when the client came */
		enum racing_end end;
		cluster_node home; /* OPENED */
	} client[RACING_CLIENTS_MAX];
	uint64_t late;
	uint64_t refused;
	uint64_t again; /* second attempts */
};

extern const struct sim_program racing_program;

void racing_cluster(struct sim *s, cluster_node count);
/* A client without a session comes to `entry`. */
void racing_come(struct sim *s, cluster_node entry);
/* Every client has one home, or none because its entry died; nothing is left in any node. */
void racing_end(struct sim *s);

#endif
