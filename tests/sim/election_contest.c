/*
 * election_contest.c: claims against claims. First the worst node of all comes back from a part of
 * the network of its own, with the highest claim; every other one is better. As Fig. 9 of the
 * specification has it, that costs (N-1) * 2^(N-1) messages: 491,520 for 16 nodes. Here 4N at most,
 * and the better ones keep silent (D1); with `preempt` the best of them takes over, by one Revoke
 * to all (E9). Then a master dies, and all who wait stand in one instant, of equal rank or not
 * (D3): one of them is master as soon as all have heard all.
 */
#include "elect.h"

#define APART_US  (10 * SIM_SECOND_US)
#define JOINED_US (18 * SIM_SECOND_US)
#define DEATH_US  (35 * SIM_SECOND_US)
#define END_US    (50 * SIM_SECOND_US)

struct contest {
	struct elect_world elect;
	bool apart;
	bool joined;
	bool forced;        /* all stand at once, when all wait */
	uint64_t one_by_us; /* when one must be left; 0: not asked for */
	uint64_t messages;
};

static void
part(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct contest *c = sim_world(s);
	cluster_node worst = (cluster_node)(sim_count(s) - 1);
	c->apart = true;
	sim_partition(s, UINT64_C(1) << worst);
}

static void
join(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct contest *c = sim_world(s);
	cluster_node worst = (cluster_node)(sim_count(s) - 1);
	if (election_master(elect_at(s, worst)).node != worst)
		sim_fail(s, "alone, and not master");
	c->joined = true;
	c->messages = elect_messages(s);
	sim_heal(s);
}

static void
after_join(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct contest *c = sim_world(s);
	cluster_node worst = (cluster_node)(sim_count(s) - 1);
	bool preempts = c->elect.rules.preempt_ms != CLUSTER_NEVER;
	cluster_node want = preempts ? elect_best(s) : worst;
	uint64_t messages = elect_messages(s) - c->messages;
	if (messages > 4 * (uint64_t)sim_count(s))
		sim_fail(s, "a contest of %llu messages among %u", (unsigned long long)messages,
			 sim_count(s));
	if (elect_settled(s) != want)
		sim_fail(s, "%u is master instead of %u", elect_settled(s), want);
	sim_measure(s, "contest/N %", messages * 100 / sim_count(s));
}

static void
die(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct contest *c = sim_world(s);
	c->forced = true;
	c->messages = elect_messages(s);
	sim_crash(s, elect_settled(s));
}

static void
invite(struct sim *s, cluster_node n, uint64_t now, uint64_t unused, struct outbox *out)
{
	(void)unused;
	const struct incoming in = {.from = (cluster_node)(n == 0), .type = DATAGRAM_INVITE};
	(void)election_receive(elect_at(s, n), now, &in, out);
}

static void
force(struct sim *s, struct contest *c)
{
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (sim_on(s, n) && elect_at(s, n)->state != ELECTION_WAIT)
			return;
	}
	c->forced = false;
	c->one_by_us = sim_now_us(s) + 200 * SIM_MS_US;
	for (cluster_node n = 0; n < sim_count(s); n++)
		sim_after(s, n, 0, invite, 0);
}

static void
start(struct sim *s)
{
	struct contest *c = sim_world(s);
	c->elect.rules = elect_rules;
	if (sim_chance(s, 500000))
		c->elect.rules.preempt_ms = sim_draw(s, 4000);
	elect_cluster(s, (cluster_node)sim_between(s, 3, 16), sim_chance(s, 500000));
	elect_distances(s);
	elect_boot_all(s, 0);
	sim_at(s, APART_US, part, 0);
	sim_at(s, JOINED_US, join, 0);
	sim_at(s, DEATH_US - 1, after_join, 0);
	sim_at(s, DEATH_US, die, 0);
}

static void
check(struct sim *s)
{
	struct contest *c = sim_world(s);
	elect_check(s);
	if (c->joined && elect_messages(s) - c->messages > 100000)
		sim_fail(s, "the contest explodes");
	if (c->forced)
		force(s, c);
	if (c->one_by_us == 0 || sim_now_us(s) < c->one_by_us)
		return;
	c->one_by_us = 0;
	uint64_t messages = elect_messages(s) - c->messages;
	if (elect_settled(s) != elect_best(s))
		sim_fail(s, "all stood, and nobody won");
	if (messages > 2 * (uint64_t)sim_count(s) * sim_count(s))
		sim_fail(s, "%llu messages when all stood", (unsigned long long)messages);
	sim_measure(s, "all stood: messages/NN %", messages * 100 / sim_count(s) / sim_count(s));
}

static void
end(struct sim *s)
{
	const struct contest *c = sim_world(s);
	if (!c->joined || c->forced || elect_settled(s) == NODE_NONE)
		sim_fail(s, "no master in the end");
}

const struct sim_scenario scenario_election_contest = {
    .name = "election_contest",
    .help = "claims against claims: nothing explodes, and one is left",
    .program = &elect_program,
    .world_bytes = sizeof(struct contest),
    .length_us = END_US,
    .start = start,
    .check = check,
    .end = end,
};
