/* elect.c: what the scenarios of the election share; see elect.h. */
#include "elect.h"

#include <stdlib.h>

const struct election_rules elect_rules = {.safety = ELECTION_ADVISORY,
					   .period_ms = 1000,
					   .timeout_ms = 300,
					   .t1_ms = 150,
					   .ask_ms = 2000,
					   .preempt_ms = CLUSTER_NEVER};

struct election *
elect_at(struct sim *s, cluster_node n)
{
	return sim_state(s, n);
}

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	const struct elect_world *world = sim_world(s);
	struct election *e = elect_at(s, n);
	election_init(e, sim_nodes(s, n), &world->rules, sim_incarnation(s, n), now, out);
	e->fit = !world->unfit[n];
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	if (!election_receive(elect_at(s, n), now, in, out))
		sim_fail(s, "a type that is not the election's");
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	election_tick(elect_at(s, n), now, out);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	return election_next(elect_at(s, n));
}

static void
head(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term)
{
	*epoch = 0;
	*term = election_term(elect_at(s, n));
}

const struct sim_program elect_program = {.state_bytes = sizeof(struct election),
					  .boot = boot,
					  .receive = receive,
					  .tick = tick,
					  .next = next,
					  .head = head};

void
elect_cluster(struct sim *s, cluster_node count, bool equal)
{
	struct cluster_nodes nodes = {.count = count};
	for (cluster_node i = 0; i < count; i++) {
		nodes.node[i].id[0] = (char)('a' + i % 26);
		nodes.node[i].id[1] = (char)(i < 26 ? 0 : 'a' + i / 26);
		nodes.node[i].rank = equal ? 0 : i;
	}
	if (cluster_nodes_seal(&nodes, NULL) != RESULT_OK)
		abort();
	sim_cluster(s, &nodes);
	struct elect_world *world = sim_world(s);
	for (cluster_node i = 0; i < count; i++)
		world->seen[i].master = NODE_NONE;
}

/* Round trips whose deltas are those of the specification's example (tests/cluster/test_delays.c).
 */
static const uint16_t cities[5][5] = {
    {0, 70, 110, 95, 60}, {70, 0, 45, 80, 120}, {110, 45, 0, 30, 75},
    {95, 80, 30, 0, 55},  {60, 120, 75, 55, 0},
};

static void
set_distance(struct sim *s, cluster_node j, cluster_node k, uint64_t round_trip_us)
{
	struct sim_link link = {.base_us = round_trip_us / 2, .jitter_us = round_trip_us * 6 / 100};
	*sim_link(s, j, k) = *sim_link(s, k, j) = link;
}

void
elect_distances(struct sim *s)
{
	uint64_t kind = sim_draw(s, 3);
	uint64_t x[CLUSTER_NODES_MAX];
	uint64_t y[CLUSTER_NODES_MAX];
	for (cluster_node j = 0; j < sim_count(s); j++) {
		x[j] = sim_draw(s, 60);
		y[j] = sim_draw(s, 60);
		for (cluster_node k = 0; kind > 0 && k < j; k++) {
			uint64_t ms = (x[j] > x[k] ? x[j] - x[k] : x[k] - x[j]) +
				      (y[j] > y[k] ? y[j] - y[k] : y[k] - y[j]) + 1;
			if (kind == 1)
				ms = j % 5 == k % 5 ? 1 : cities[j % 5][k % 5];
			set_distance(s, j, k, ms * SIM_MS_US);
		}
	}
}

static void
boot_one(struct sim *s, uint64_t n)
{
	sim_boot(s, (cluster_node)n);
}

void
elect_boot_all(struct sim *s, uint64_t within_us)
{
	for (cluster_node n = 0; n < sim_count(s); n++)
		sim_at(s, sim_draw(s, within_us + 1), boot_one, n);
}

static void
check_node(struct sim *s, struct elect_world *world, cluster_node n)
{
	const struct election *e = elect_at(s, n);
	struct elect_seen *seen = &world->seen[n];
	if (seen->incarnation != sim_incarnation(s, n)) {
		*seen = (struct elect_seen){.incarnation = sim_incarnation(s, n),
					    .master = seen->master,
					    .masters = seen->masters};
		seen->claim.node = NODE_NONE;
	}
	const struct claim *was = &seen->claim;
	if (e->claim.term < was->term ||
	    (e->claim.term == was->term && e->claim.node != was->node &&
	     !cluster_before(sim_nodes(s, n), e->claim.node, was->node)))
		sim_fail(s, "node %u: its claim sank from term %llu of %u to term %llu of %u", n,
			 (unsigned long long)was->term, was->node,
			 (unsigned long long)e->claim.term, e->claim.node);
	bool master = e->state == ELECTION_CLAIM || e->state == ELECTION_MASTER;
	if (master != (election_master(e).node == n))
		sim_fail(s, "node %u follows itself", n);
	if (e->term_seen < e->claim.term)
		sim_fail(s, "node %u claims a term that it never saw", n);
	world->declared += e->counts.won - seen->won;
	seen->won = e->counts.won;
	seen->claim = e->claim;
	cluster_node now = election_master(e).node;
	if (now != NODE_NONE && now != seen->master) {
		seen->masters++;
		seen->master = now;
		sim_note(s, n, "# %s: master is %u, term %llu", election_state_text(e->state), now,
			 (unsigned long long)e->claim.term);
	}
}

void
elect_check(struct sim *s)
{
	struct elect_world *world = sim_world(s);
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (sim_on(s, n))
			check_node(s, world, n);
	}
}

cluster_node
elect_settled(struct sim *s)
{
	struct claim all = {0, NODE_NONE};
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (!sim_on(s, n))
			continue;
		struct claim one = election_master(elect_at(s, n));
		if (one.node == NODE_NONE || !sim_on(s, one.node) ||
		    (all.node != NODE_NONE && (one.node != all.node || one.term != all.term)))
			return NODE_NONE;
		all = one;
	}
	return all.node;
}

cluster_node
elect_best(struct sim *s)
{
	cluster_node best = NODE_NONE;
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (sim_on(s, n) && elect_at(s, n)->fit &&
		    (best == NODE_NONE || cluster_before(sim_nodes(s, 0), n, best)))
			best = n;
	}
	return best;
}

uint64_t
elect_longest_us(struct sim *s)
{
	uint64_t longest_ms = 0;
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (!sim_on(s, n))
			continue;
		uint64_t ms = election_longest_wait(elect_at(s, n));
		longest_ms = ms > longest_ms ? ms : longest_ms;
	}
	return longest_ms * SIM_MS_US;
}

uint64_t
elect_messages(const struct sim *s)
{
	return sim_sent(s, DATAGRAM_SUSPECT) + sim_sent(s, DATAGRAM_REFUTE) +
	       sim_sent(s, DATAGRAM_DECLARE) + sim_sent(s, DATAGRAM_REVOKE) +
	       sim_sent(s, DATAGRAM_INVITE);
}
