/*
 * election_chaos.c: everything goes wrong, then nothing any more. 2 to 16 nodes, some of equal
 * rank; loss up to 20 %, duplicates, late and damaged datagrams; crashes, pauses, cuts one way and
 * both, partitions. At every instant the invariants of elect_check; when the faults have ended, and
 * who crashed has listened, one master known to all within D_N + 2 periods, and no change after
 * that but one: with `preempt` the best node takes over (E11).
 */
#include "elect.h"

#define CHAOS_US (30 * SIM_SECOND_US)
#define AFTER_US (30 * SIM_SECOND_US)

struct chaos {
	struct elect_world elect;
	uint64_t bound_us;   /* from the end of the faults; 0: not known yet */
	uint64_t settled_us; /* since when; 0: not */
	cluster_node master;
};

/* The last fault of all: any of them crash at once, and are started again by the repair. */
static void
crash_some(struct sim *s, uint64_t which)
{
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if ((which >> n & 1) != 0)
			sim_crash(s, n);
	}
}

static void
start(struct sim *s)
{
	struct chaos *chaos = sim_world(s);
	chaos->elect.rules = elect_rules;
	if (sim_chance(s, 300000))
		chaos->elect.rules.preempt_ms = sim_draw(s, 5000);
	elect_cluster(s, (cluster_node)sim_between(s, 2, 16), sim_chance(s, 300000));
	for (cluster_node n = 0; n < sim_count(s); n++)
		chaos->elect.unfit[n] = sim_chance(s, 100000);
	elect_distances(s);
	elect_boot_all(s, SIM_SECOND_US);
	const struct sim_chaos faults = {.until_us = CHAOS_US,
					 .every_us = sim_between(s, 200, 5000) * SIM_MS_US,
					 .last_us = sim_between(s, 100, 5000) * SIM_MS_US,
					 .crashes = true,
					 .freezes = true,
					 .cuts = true,
					 .partitions = true,
					 .loss_ppm = (uint32_t)sim_draw(s, 2) * 200000};
	sim_chaos(s, &faults);
	if (sim_chance(s, 300000))
		sim_at(s, CHAOS_US - 1, crash_some,
		       sim_draw(s, 2) == 0 ? UINT64_MAX : sim_draw(s, 65536));
}

/* Who listens now came last, and must be done before anybody can be held to anything. */
static uint64_t
bound_us(struct sim *s)
{
	bool joins = false;
	for (cluster_node n = 0; n < sim_count(s); n++)
		joins = joins || elect_at(s, n)->state == ELECTION_JOIN;
	uint64_t longest_us = elect_longest_us(s);
	uint64_t listen_us = longest_us > 300 * SIM_MS_US ? longest_us : 300 * SIM_MS_US;
	return longest_us + 2 * SIM_SECOND_US + (joins ? listen_us : 0);
}

static void
check_after(struct sim *s, struct chaos *chaos)
{
	uint64_t since_us = sim_now_us(s) - CHAOS_US;
	if (chaos->bound_us == 0)
		chaos->bound_us = bound_us(s);
	cluster_node master = elect_settled(s);
	if (chaos->settled_us == 0 && master != NODE_NONE) {
		chaos->settled_us = sim_now_us(s);
		chaos->master = master;
		sim_measure(s, "settled ms", since_us / SIM_MS_US);
		sim_measure(s, "of the bound %", since_us * 100 / chaos->bound_us);
	} else if (chaos->settled_us == 0 && since_us > chaos->bound_us) {
		sim_fail(s, "no master %llu ms after the last fault",
			 (unsigned long long)(since_us / SIM_MS_US));
	} else if (chaos->settled_us != 0 && master != NODE_NONE && master != chaos->master) {
		bool ill = chaos->elect.unfit[chaos->master] && !chaos->elect.unfit[master];
		bool preempts = chaos->elect.rules.preempt_ms != CLUSTER_NEVER;
		if (!ill && (!preempts || master != elect_best(s)))
			sim_fail(s, "from %u to %u, and nothing had happened", chaos->master,
				 master);
		chaos->master = master;
	}
}

static void
check(struct sim *s)
{
	struct chaos *chaos = sim_world(s);
	elect_check(s);
	if (sim_now_us(s) > CHAOS_US)
		check_after(s, chaos);
}

static void
end(struct sim *s)
{
	struct chaos *chaos = sim_world(s);
	cluster_node master = elect_settled(s);
	if (master == NODE_NONE)
		sim_fail(s, "no master in the end");
	else if (chaos->elect.rules.preempt_ms != CLUSTER_NEVER && master != elect_best(s) &&
		 elect_best(s) != NODE_NONE)
		sim_fail(s, "node %u is master, %u is better", master, elect_best(s));
	sim_measure(s, "messages", elect_messages(s));
}

const struct sim_scenario scenario_election_chaos = {
    .name = "election_chaos",
    .help = "all faults for 30 s, then none: one master known to all within the bound",
    .program = &elect_program,
    .world_bytes = sizeof(struct chaos),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = check,
    .end = end,
};
