/*
 * election_calm.c: no fault but the master's death, again and again: what an election costs, and
 * how long it takes. Five cities, a LAN, or places on a plane; jitter 12 %; clocks 1 % off.
 *
 * From the death to a master known on all nodes: within D_N + 2 periods; one node alone declares
 * itself, the best of those that live (E6, E11, E12, D2); 4N messages at most. Between deaths
 * nothing changes.
 */
#include "elect.h"

#define SETTLE_US (6 * SIM_SECOND_US)
#define DEATHS    4

struct calm {
	struct elect_world elect;
	uint64_t died_us; /* 0: nobody did */
	uint64_t bound_us;
	uint64_t declared;
	uint64_t messages;
	uint64_t inquiries;
	cluster_node dead;
	cluster_node master; /* NODE_NONE: one is being elected */
	unsigned deaths;
};

static void die(struct sim *s, uint64_t unused);

static void
come_back(struct sim *s, uint64_t n)
{
	struct calm *calm = sim_world(s);
	sim_boot(s, (cluster_node)n);
	if (calm->deaths < DEATHS)
		sim_at(s, SETTLE_US + sim_draw(s, SIM_SECOND_US), die, 0);
}

static void
die(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct calm *calm = sim_world(s);
	calm->dead = elect_settled(s);
	if (calm->dead == NODE_NONE) {
		sim_fail(s, "nobody is master, and nothing happened");
		return;
	}
	calm->deaths++;
	calm->master = NODE_NONE;
	calm->died_us = sim_now_us(s);
	calm->bound_us = elect_longest_us(s) + 2 * SIM_SECOND_US;
	calm->declared = calm->elect.declared;
	calm->messages = elect_messages(s);
	calm->inquiries = sim_sent(s, DATAGRAM_INQUIRY);
	sim_crash(s, calm->dead);
	sim_at(s, SETTLE_US + sim_draw(s, SIM_SECOND_US), come_back, calm->dead);
}

static void
start(struct sim *s)
{
	struct calm *calm = sim_world(s);
	calm->elect.rules = elect_rules;
	calm->master = NODE_NONE;
	elect_cluster(s, (cluster_node)sim_between(s, 2, 16), sim_chance(s, 200000));
	elect_distances(s);
	elect_boot_all(s, sim_draw(s, 2) * SIM_SECOND_US);
	sim_at(s, 2 * SETTLE_US, die, 0);
}

static void
measure(struct sim *s, struct calm *calm)
{
	uint64_t nodes = sim_count(s);
	uint64_t messages = elect_messages(s) - calm->messages;
	uint64_t declared = calm->elect.declared - calm->declared;
	uint64_t took_us = sim_now_us(s) - calm->died_us;
	if (declared != 1)
		sim_fail(s, "%llu nodes declared themselves", (unsigned long long)declared);
	if (calm->master != elect_best(s))
		sim_fail(s, "node %u is master, %u is better", calm->master, elect_best(s));
	if (messages > 4 * nodes)
		sim_fail(s, "%llu messages for %llu nodes", (unsigned long long)messages,
			 (unsigned long long)nodes);
	sim_measure(s, "election ms", took_us / SIM_MS_US);
	sim_measure(s, "of the bound %", took_us * 100 / calm->bound_us);
	sim_measure(s, "messages/N %", messages * 100 / nodes);
	sim_measure(s, "with inquiries/N %",
		    (messages + sim_sent(s, DATAGRAM_INQUIRY) - calm->inquiries) * 100 / nodes);
}

static void
check(struct sim *s)
{
	struct calm *calm = sim_world(s);
	elect_check(s);
	if (calm->died_us == 0)
		return;
	cluster_node master = elect_settled(s);
	if (calm->master == NODE_NONE && master != NODE_NONE) {
		calm->master = master;
		measure(s, calm);
	} else if (calm->master == NODE_NONE) {
		if (sim_now_us(s) - calm->died_us > calm->bound_us)
			sim_fail(s, "no master %llu ms after the last one died",
				 (unsigned long long)(calm->bound_us / SIM_MS_US));
	} else if (master != calm->master && master != NODE_NONE) {
		sim_fail(s, "the master changed for nothing");
	}
}

static void
end(struct sim *s)
{
	struct calm *calm = sim_world(s);
	if (calm->deaths != DEATHS || elect_settled(s) == NODE_NONE)
		sim_fail(s, "no master in the end");
}

const struct sim_scenario scenario_election_calm = {
    .name = "election_calm",
    .help = "a master dies and nothing else happens: one declares, in time, with few messages",
    .program = &elect_program,
    .world_bytes = sizeof(struct calm),
    .length_us = 2 * SETTLE_US + DEATHS * (2 * SETTLE_US + 2 * SIM_SECOND_US) + SETTLE_US,
    .start = start,
    .check = check,
    .end = end,
};
