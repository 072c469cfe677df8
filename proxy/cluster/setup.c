/* setup.c: see setup.h. */
#include "cluster/setup.h"

#include <stdio.h>

/* An invited node stands at once, and listens for objections; where it still joins it waits for
 * that first: so much, or the length of a lease. */
#define WIN_PERIODS 2

static void
fill_nodes(const struct config_cluster *cluster, struct cluster_nodes *nodes)
{
	nodes->count = (cluster_node)cluster->node_count;
	nodes->self = cluster->self;
	for (size_t i = 0; i < cluster->node_count; i++) {
		const struct config_node *from = &cluster->nodes[i];
		struct cluster_member *to = &nodes->node[i];
		(void)snprintf(to->id, sizeof(to->id), "%s", from->id);
		to->rank = from->rank;
		to->voter = from->voter;
		to->address = from->address;
	}
}

static void
fill_rules(const struct config_cluster *cluster, struct plane_setup *out)
{
	const struct config_detect *detect = &cluster->detect;
	bool lease = cluster->safety == CLUSTER_SAFETY_LEASE;
	out->election = (struct election_rules){
	    .safety = lease ? ELECTION_LEASE : ELECTION_ADVISORY,
	    .period_ms = detect->period_ms,
	    .timeout_ms = detect->timeout_ms,
	    .t1_ms = detect->t1_ms,
	    .ask_ms = cluster->lease_ms,
	    .preempt_ms = cluster->preempt_ms == 0 ? CLUSTER_NEVER : cluster->preempt_ms,
	};
	out->ask = (struct ask_rules){
	    .ping_ms = detect->timeout_ms,
	    .win_ms = lease ? cluster->lease_ms : WIN_PERIODS * detect->period_ms,
	    .rest_ms = detect->period_ms,
	};
}

enum result
plane_setup_of(const struct config *config, uint64_t boot, struct cluster_nodes *nodes,
	       struct plane_setup *out, struct problem *p)
{
	const struct config_cluster *cluster = &config->cluster;
	*out = (struct plane_setup){.nodes = nodes, .name = slice_of(cluster->name), .boot = boot};
	*nodes = (struct cluster_nodes){.count = 0};
	fill_nodes(cluster, nodes);
	enum result r = cluster_nodes_seal(nodes, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "cluster.nodes");
	for (size_t i = 0; i < config->secret_count; i++)
		out->secrets[i] = (struct datagram_secret){slice_of(config->secrets[i].id),
							   config->secrets[i].master};
	out->secret_count = config->secret_count;
	fill_rules(cluster, out);
	return RESULT_OK;
}
