/*
 * elect.h: what the scenarios of the election share: a program that runs struct election on every
 * node, invariants that hold always, and what "settled" means.
 */
#ifndef HOLDFAST_TESTS_SIM_ELECT_H
#define HOLDFAST_TESTS_SIM_ELECT_H

#include "cluster/election.h"
#include "sim.h"

/* Stands first in the world of every scenario of the election. */
struct elect_world {
	struct election_rules rules;
	bool unfit[CLUSTER_NODES_MAX]; /* how the service beside a node is when it boots */
	/* followed by elect_check: */
	struct elect_seen {
		uint64_t incarnation;
		struct claim claim;
		uint64_t won;
		uint64_t masters; /* how often what it takes for master changed */
		cluster_node master;
	} seen[CLUSTER_NODES_MAX];
	uint64_t declared; /* claims by anybody, since the start */
};

extern const struct sim_program elect_program;

/* 1 s, 300 ms, 150 ms; advisory; preempt off. */
extern const struct election_rules elect_rules;

/* `count` nodes a, b, ..; rank i, or all of rank 0 when `equal`. */
void elect_cluster(struct sim *s, cluster_node count, bool equal);
/* LAN, the five cities, or places drawn on a plane of up to 120 ms: by the seed. Jitter: 12 %. */
void elect_distances(struct sim *s);
/* All nodes, each up to `within_us` from now. */
void elect_boot_all(struct sim *s, uint64_t within_us);

struct election *elect_at(struct sim *s, cluster_node n);

/*
 * At every instant: a node's claim never sinks while it runs; who is master claims for himself; who
 * follows, follows another; and of the rules of safety = lease: nobody is master of its own making.
 */
void elect_check(struct sim *s);

/* The master on whom all nodes that are on agree, with the same claim; else NODE_NONE. */
cluster_node elect_settled(struct sim *s);
/* The best of those that are on and fit. */
cluster_node elect_best(struct sim *s);
/* The largest D_N of all nodes, microseconds. */
uint64_t elect_longest_us(struct sim *s);
/* SUSPECT to INVITE, as handed to the links. */
uint64_t elect_messages(const struct sim *s);

#endif
