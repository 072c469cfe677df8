/*
 * election_cut.c: links of the master are cut, one way or both, and nobody dies. As long as one
 * other node has its answers, nobody else becomes master (D2: Suspect and Refute), and that costs
 * little. A master that nobody hears, or that hears nobody, is replaced within D_N + 2 periods, and
 * gives way when the links are whole again.
 */
#include "elect.h"

#define BEFORE_US (10 * SIM_SECOND_US)
#define CUT_US    (20 * SIM_SECOND_US)
#define AFTER_US  (10 * SIM_SECOND_US)

enum how { TO_SOME, FROM_SOME, WITH_SOME, DEAF, MUTE, HOWS };

struct cut {
	struct elect_world elect;
	enum how how;
	cluster_node master;
	uint64_t bound_us;
	uint64_t messages;
	uint64_t declared;
	bool replaced;
};

static void
cut(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct cut *c = sim_world(s);
	c->master = elect_settled(s);
	if (c->master == NODE_NONE) {
		sim_fail(s, "nobody is master, and nothing happened");
		return;
	}
	c->how = (enum how)sim_draw(s, HOWS);
	c->bound_us = elect_longest_us(s) + 2 * SIM_SECOND_US;
	c->messages = elect_messages(s);
	c->declared = c->elect.declared;
	cluster_node spared =
	    (cluster_node)((c->master + 1 + sim_draw(s, sim_count(s) - 1)) % sim_count(s));
	bool all = c->how == DEAF || c->how == MUTE;
	uint64_t some = sim_draw(s, UINT64_MAX);
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (n == c->master || (!all && (n == spared || (some >> n & 1) == 0)))
			continue;
		if (c->how == TO_SOME || c->how == WITH_SOME || c->how == MUTE)
			sim_cut(s, c->master, n);
		if (c->how == FROM_SOME || c->how == WITH_SOME || c->how == DEAF)
			sim_cut(s, n, c->master);
	}
}

static void
heal(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct cut *c = sim_world(s);
	if (c->how == DEAF || c->how == MUTE)
		return sim_heal(s);
	uint64_t per_node = (elect_messages(s) - c->messages) * 100 / sim_count(s);
	sim_measure(s, "messages of a cut/N %", per_node);
	sim_heal(s);
}

static void
start(struct sim *s)
{
	struct cut *c = sim_world(s);
	c->elect.rules = elect_rules;
	c->master = NODE_NONE;
	elect_cluster(s, (cluster_node)sim_between(s, 3, 16), sim_chance(s, 200000));
	elect_distances(s);
	elect_boot_all(s, 0);
	sim_at(s, BEFORE_US, cut, 0);
	sim_at(s, BEFORE_US + CUT_US, heal, 0);
}

/* On whom all but the old master agree. */
static bool
others_replaced(struct sim *s, cluster_node old)
{
	cluster_node master = NODE_NONE;
	for (cluster_node n = 0; n < sim_count(s); n++) {
		cluster_node one = election_master(elect_at(s, n)).node;
		if (n == old)
			continue;
		if (one == NODE_NONE || one == old || (master != NODE_NONE && one != master))
			return false;
		master = one;
	}
	return true;
}

static void
check(struct sim *s)
{
	struct cut *c = sim_world(s);
	elect_check(s);
	if (c->master == NODE_NONE)
		return;
	if (c->how != DEAF && c->how != MUTE) {
		if (election_master(elect_at(s, c->master)).node != c->master)
			sim_fail(s, "the master was replaced, and lives");
		return;
	}
	bool before = c->replaced;
	c->replaced = c->replaced || others_replaced(s, c->master);
	uint64_t since_us = sim_now_us(s) - BEFORE_US;
	if (!c->replaced && since_us > c->bound_us)
		sim_fail(s, "a %s master, and nobody replaces it",
			 c->how == DEAF ? "deaf" : "mute");
	if (c->replaced && !before)
		sim_measure(s, "replaced ms", since_us / SIM_MS_US);
	if (since_us > CUT_US + 2 * SIM_SECOND_US && elect_settled(s) == NODE_NONE)
		sim_fail(s, "two masters after the links are whole again");
}

static void
end(struct sim *s)
{
	const struct cut *c = sim_world(s);
	if (elect_settled(s) == NODE_NONE)
		sim_fail(s, "no master in the end");
	if (c->how != DEAF && c->how != MUTE && c->elect.declared != c->declared)
		sim_fail(s, "somebody claimed, and the master lived");
}

const struct sim_scenario scenario_election_cut = {
    .name = "election_cut",
    .help = "links of the master are cut: some change nothing, all do",
    .program = &elect_program,
    .world_bytes = sizeof(struct cut),
    .length_us = BEFORE_US + CUT_US + AFTER_US,
    .start = start,
    .check = check,
    .end = end,
};
