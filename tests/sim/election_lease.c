/*
 * election_lease.c: safety = lease, with an ideal lease in the place of PaxosLease: it lives in
 * true time, answers a node that has links with a majority, never gives a lease twice, and counts
 * terms. What must hold of the election: it is master only between granted and lost or dropped, so
 * that at no instant two nodes act as masters; every term has one master; and after the faults one
 * is found within the lease's rest, D_N and 2 periods, and a little for asking.
 */
#include "elect.h"

#include <stdlib.h>

#define CHAOS_US   (30 * SIM_SECOND_US)
#define AFTER_US   (20 * SIM_SECOND_US)
#define LEASE_MS   3000
#define HELD_MS    (LEASE_MS * 95 / 100) /* by the owner's clock, which may be 1 % slow */
#define TERMS_MAX  4096
#define ASK_US_MAX (50 * SIM_MS_US)

struct node {
	struct election election; /* first: elect_at */
	uint64_t held_until;      /* 0: not held */
	uint64_t renew_at;
	uint64_t asks; /* counts WANTS and DROPS: answers to older ones are void */
};

struct lease_world {
	struct elect_world elect;
	cluster_node owner; /* NODE_NONE: free */
	uint64_t owner_incarnation;
	uint64_t until_us;
	uint64_t term;
	cluster_node master_of[TERMS_MAX];
	uint64_t settled_us;
	uint64_t bound_us;
};

static struct node *
at(struct sim *s, cluster_node n)
{
	return sim_state(s, n);
}

static bool
has_majority(struct sim *s, cluster_node n)
{
	size_t reached = 1;
	for (cluster_node other = 0; other < sim_count(s); other++)
		reached += other != n && sim_on(s, other) && !sim_frozen(s, other) &&
			   !sim_link(s, n, other)->cut && !sim_link(s, other, n)->cut;
	return 2 * reached > sim_count(s);
}

static bool
owns(const struct lease_world *world, const struct sim *s, cluster_node n)
{
	return world->owner == n && world->owner_incarnation == sim_incarnation(s, n) &&
	       sim_now_us(s) < world->until_us;
}

static void take_news(struct sim *s, cluster_node n, struct outbox *out);

static void
answer(struct sim *s, cluster_node n, uint64_t now, uint64_t asked, struct outbox *out)
{
	struct lease_world *world = sim_world(s);
	struct node *node = at(s, n);
	if (asked != node->asks)
		return;
	if (!has_majority(s, n)) {
		election_refused(&node->election, now, 0, out);
	} else if (world->owner != NODE_NONE && sim_now_us(s) < world->until_us) {
		uint64_t rest_ms = (world->until_us - sim_now_us(s)) / SIM_MS_US;
		election_refused(&node->election, now, sim_draw(s, 2) * rest_ms, out);
	} else {
		world->owner = n;
		world->owner_incarnation = sim_incarnation(s, n);
		world->until_us = sim_now_us(s) + LEASE_MS * SIM_MS_US;
		node->held_until = now + HELD_MS;
		node->renew_at = now + LEASE_MS / 3;
		sim_note(s, n, "# granted term %llu", (unsigned long long)world->term + 1);
		election_granted(&node->election, now, ++world->term, out);
	}
	take_news(s, n, out);
}

static void
take_news(struct sim *s, cluster_node n, struct outbox *out)
{
	(void)out;
	struct lease_world *world = sim_world(s);
	struct node *node = at(s, n);
	unsigned news = election_take_news(&node->election);
	if ((news & ELECTION_NEWS_DROPS_LEASE) != 0) {
		sim_note(s, n, "# drops");
		node->asks++;
		node->held_until = 0;
		if (owns(world, s, n))
			world->owner = NODE_NONE;
	}
	if ((news & ELECTION_NEWS_WANTS_LEASE) != 0)
		sim_after(s, n, sim_draw(s, ASK_US_MAX), answer, ++node->asks);
}

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	const struct elect_world *world = sim_world(s);
	election_init(&at(s, n)->election, sim_nodes(s, n), &world->rules, sim_incarnation(s, n),
		      now, out);
}

/* Before anything else that the node does. */
static void
expire(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct node *node = at(s, n);
	if (node->held_until == 0 || now < node->held_until)
		return;
	node->held_until = 0;
	election_lost(&node->election, now, out);
	take_news(s, n, out);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	if (sim_draw(s, 2) == 0) /* its owner may look at the lease first, or at the socket */
		expire(s, n, now, out);
	(void)election_receive(&at(s, n)->election, now, in, out);
	take_news(s, n, out);
}

static void
renew(struct sim *s, cluster_node n, uint64_t now)
{
	struct lease_world *world = sim_world(s);
	struct node *node = at(s, n);
	node->renew_at = now + LEASE_MS / 3;
	if (!owns(world, s, n) || !has_majority(s, n))
		return;
	world->until_us = sim_now_us(s) + LEASE_MS * SIM_MS_US;
	node->held_until = now + HELD_MS;
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct node *node = at(s, n);
	expire(s, n, now, out);
	if (node->held_until != 0 && now >= node->renew_at)
		renew(s, n, now);
	election_tick(&node->election, now, out);
	take_news(s, n, out);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	const struct node *node = at(s, n);
	uint64_t at_ms = election_next(&node->election);
	if (node->held_until == 0)
		return at_ms;
	uint64_t own_ms = node->held_until < node->renew_at ? node->held_until : node->renew_at;
	return at_ms < own_ms ? at_ms : own_ms;
}

static void
head(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term)
{
	*epoch = 0;
	*term = election_term(&at(s, n)->election);
}

static const struct sim_program program = {.state_bytes = sizeof(struct node),
					   .boot = boot,
					   .receive = receive,
					   .tick = tick,
					   .next = next,
					   .head = head};

static void
start(struct sim *s)
{
	struct lease_world *world = sim_world(s);
	world->elect.rules = elect_rules;
	world->elect.rules.safety = ELECTION_LEASE;
	world->owner = NODE_NONE;
	if (sim_chance(s, 300000))
		world->elect.rules.preempt_ms = sim_draw(s, 5000);
	for (size_t i = 0; i < TERMS_MAX; i++)
		world->master_of[i] = NODE_NONE;
	elect_cluster(s, (cluster_node)sim_between(s, 3, 9), sim_chance(s, 300000));
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
}

static void
check_masters(struct sim *s, struct lease_world *world)
{
	cluster_node acts = NODE_NONE;
	for (cluster_node n = 0; n < sim_count(s); n++) {
		const struct node *node = at(s, n);
		if (!sim_on(s, n) || node->election.state != ELECTION_MASTER)
			continue;
		if (node->held_until == 0)
			sim_fail(s, "node %u is master without the lease", n);
		uint64_t term = node->election.claim.term;
		cluster_node *master = &world->master_of[term % TERMS_MAX];
		if (*master != NODE_NONE && *master != n)
			sim_fail(s, "term %llu has two masters", (unsigned long long)term);
		*master = n;
		if (sim_local_ms(s, n) >= node->held_until)
			continue;
		if (acts != NODE_NONE)
			sim_fail(s, "%u and %u act as masters", acts, n);
		acts = n;
	}
}

static void
check(struct sim *s)
{
	struct lease_world *world = sim_world(s);
	elect_check(s);
	check_masters(s, world);
	if (sim_now_us(s) <= CHAOS_US || world->settled_us != 0)
		return;
	if (world->bound_us == 0)
		world->bound_us = CHAOS_US + LEASE_MS * SIM_MS_US + 2 * elect_longest_us(s) +
				  2 * SIM_SECOND_US + 300 * SIM_MS_US + 2 * ASK_US_MAX;
	if (elect_settled(s) != NODE_NONE) {
		world->settled_us = sim_now_us(s);
		sim_measure(s, "settled ms", (sim_now_us(s) - CHAOS_US) / SIM_MS_US);
	} else if (sim_now_us(s) > world->bound_us) {
		sim_fail(s, "no master after the last fault");
	}
}

static void
end(struct sim *s)
{
	const struct lease_world *world = sim_world(s);
	cluster_node master = elect_settled(s);
	if (master == NODE_NONE || at(s, master)->held_until == 0)
		sim_fail(s, "no master in the end");
	else if (world->elect.rules.preempt_ms != CLUSTER_NEVER && master != elect_best(s))
		sim_fail(s, "node %u is master, %u is better", master, elect_best(s));
	sim_measure(s, "terms", world->term);
}

const struct sim_scenario scenario_election_lease = {
    .name = "election_lease",
    .help = "all faults, and a lease as the gate: never two masters, one after the faults",
    .program = &program,
    .world_bytes = sizeof(struct lease_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = check,
    .end = end,
};
