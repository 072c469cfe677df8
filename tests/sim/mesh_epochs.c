/*
 * mesh_epochs.c: requests flow through a mesh while its membership changes, so that nodes hold
 * different epochs; nodes crash and freeze, servers die, links are cut, one way and both. What must
 * hold at every step stands in mesh.h. Then:
 *
 *   - all is repaired; then one link alone is cut, both nodes live: whom one of them cannot reach
 *     others do, and find that out themselves; so each session is served where it lives, or, by its
 *     own opinion, by that one node itself;
 *   - all is repaired: all nodes hold one epoch, every request is answered, and every key has one
 *     node, whoever is asked.
 */
#include "mesh.h"

#include <stdlib.h>

#define CHAOS_US   (20 * SIM_SECOND_US)
#define SETTLE_US  (5 * SIM_SECOND_US) /* verdicts, epochs, and what is under way */
#define CUT_US     (3 * SIM_SECOND_US)
#define CUT_AT_US  (CHAOS_US + SETTLE_US)
#define SEEN_US    (CUT_AT_US + 2 * SIM_SECOND_US) /* the cut is noticed */
#define HEAL_AT_US (SEEN_US + CUT_US)
#define WELL_US    (HEAL_AT_US + SETTLE_US)
#define END_US     (WELL_US + 3 * SIM_SECOND_US)
#define LAST_US    (END_US - MESH_PATIENCE_US / 4) /* requests that begin later may not be over */
#define ASK_US     (20 * SIM_MS_US)

static void
ask(struct sim *s, uint64_t unused)
{
	(void)unused;
	mesh_ask(s);
	sim_at(s, 1 + sim_draw(s, 2 * ASK_US), ask, 0);
}

static void
publish(struct sim *s, uint64_t unused)
{
	(void)unused;
	if (sim_now_us(s) >= CHAOS_US)
		return;
	mesh_publish(s);
	sim_at(s, sim_between(s, 200, 3000) * SIM_MS_US, publish, 0);
}

static void
revive_server(struct sim *s, uint64_t n)
{
	struct mesh_world *w = sim_world(s);
	w->server_down[n] = false;
}

static void
kill_server(struct sim *s, uint64_t unused)
{
	struct mesh_world *w = sim_world(s);
	uint64_t n = sim_draw(s, MESH_NODES);
	(void)unused;
	if (sim_now_us(s) >= CHAOS_US)
		return;
	w->server_down[n] = true;
	sim_at(s, sim_between(s, 100, 3000) * SIM_MS_US, revive_server, n);
	sim_at(s, sim_between(s, 200, 4000) * SIM_MS_US, kill_server, 0);
}

static void
all_servers_live(struct sim *s, uint64_t unused)
{
	(void)unused;
	for (uint64_t n = 0; n < MESH_NODES; n++)
		revive_server(s, n);
}

static void
cut_one(struct sim *s, uint64_t unused)
{
	cluster_node a = (cluster_node)sim_draw(s, MESH_NODES);
	cluster_node b = (cluster_node)((a + 1 + sim_draw(s, MESH_NODES - 1)) % MESH_NODES);
	struct mesh_world *w = sim_world(s);
	(void)unused;
	w->apart[0] = a;
	w->apart[1] = b;
	sim_cut(s, a, b); /* one way is enough: a connection needs both */
}

static void
heal(struct sim *s, uint64_t unused)
{
	(void)unused;
	sim_heal(s);
}

static void
start(struct sim *s)
{
	mesh_start(s);
	struct sim_chaos chaos = {.until_us = CHAOS_US,
				  .every_us = sim_between(s, 300, 2000) * SIM_MS_US,
				  .last_us = sim_between(s, 200, 3000) * SIM_MS_US,
				  .crashes = sim_draw(s, 4) != 0,
				  .freezes = sim_draw(s, 4) != 0,
				  .cuts = sim_draw(s, 4) != 0,
				  .partitions = sim_draw(s, 4) != 0,
				  .loss_ppm = 200000};
	sim_chaos(s, &chaos);
	sim_at(s, SIM_SECOND_US, ask, 0);
	sim_at(s, SIM_SECOND_US, publish, 0);
	if (sim_draw(s, 4) != 0)
		sim_at(s, SIM_SECOND_US, kill_server, 0);
	sim_at(s, CHAOS_US, all_servers_live, 0);
	sim_at(s, CUT_AT_US, cut_one, 0);
	sim_at(s, HEAL_AT_US, heal, 0);
}

static bool
is_member(struct sim *s, cluster_node n)
{
	const struct mesh_world *w = sim_world(s);
	return w->epochs == 0 || w->roster[w->epochs].member[n] != 0;
}

static bool
is_answered(struct sim *s, const struct mesh_request *r)
{
	if (r->end == MESH_ANSWERED && is_member(s, r->processed_by))
		return true;
	sim_fail(s, "at %llu ms a request of key %zu through node %u has no answer of a member",
		 (unsigned long long)(r->begun_us / 1000), r->key, r->entry);
	return false;
}

static bool
are_apart(const struct mesh_world *w, cluster_node a, cluster_node b)
{
	return (w->apart[0] == a && w->apart[1] == b) || (w->apart[0] == b && w->apart[1] == a);
}

static void
check_cut(struct sim *s)
{
	const struct mesh_world *w = sim_world(s);
	uint64_t two_hops = 0;
	for (uint64_t i = 0; i < w->requests; i++) {
		const struct mesh_request *r = &w->request[i];
		if (r->begun_us < SEEN_US || r->begun_us >= HEAL_AT_US)
			continue;
		if (!is_answered(s, r))
			return;
		if (r->home == NODE_NONE || !is_member(s, r->home) || r->processed_by == r->home)
			continue;
		if (r->processed_by != r->entry || !are_apart(w, r->entry, r->home))
			sim_fail(s,
				 "with nodes %u and %u apart, node %u served key %zu of node %u "
				 "through %u",
				 w->apart[0], w->apart[1], r->processed_by, r->key, r->home,
				 r->entry);
	}
	for (uint64_t i = 0; i < w->requests; i++)
		two_hops += w->request[i].leg_count > 2;
	sim_measure(s, "more than one hop", two_hops);
}

static void
check_well(struct sim *s)
{
	const struct mesh_world *w = sim_world(s);
	cluster_node home[MESH_KEYS];
	for (size_t k = 0; k < MESH_KEYS; k++)
		home[k] = NODE_NONE;
	for (uint64_t i = 0; i < w->requests; i++) {
		const struct mesh_request *r = &w->request[i];
		if (r->begun_us < WELL_US || r->begun_us >= LAST_US)
			continue;
		if (!is_answered(s, r))
			return;
		if (home[r->key] != NODE_NONE && home[r->key] != r->processed_by)
			sim_fail(s, "when all is well, key %zu is served by node %u and by node %u",
				 r->key, home[r->key], r->processed_by);
		home[r->key] = r->processed_by;
	}
}

static void
end(struct sim *s)
{
	const struct mesh_world *w = sim_world(s);
	uint64_t answered = 0;
	for (uint64_t i = 0; i < w->requests; i++) {
		const struct mesh_request *r = &w->request[i];
		answered += r->end == MESH_ANSWERED;
		if (r->end == MESH_UNDER_WAY && r->begun_us + MESH_PATIENCE_US < sim_now_us(s))
			sim_fail(s, "request %llu has no end", (unsigned long long)i);
	}
	for (cluster_node n = 0; n < MESH_NODES; n++) {
		if (mesh_epoch(s, n) != w->epochs)
			sim_fail(s, "node %u holds epoch %llu, published is %llu", n,
				 (unsigned long long)mesh_epoch(s, n),
				 (unsigned long long)w->epochs);
	}
	check_cut(s);
	check_well(s);
	sim_measure(s, "answered %", w->requests == 0 ? 0 : answered * 100 / w->requests);
	sim_measure(s, "epochs", w->epochs);
	sim_measure(s, "behind", w->behind);
	mesh_end_run(s);
}

const struct sim_scenario scenario_mesh_epochs = {
    .name = "mesh_epochs",
    .help = "requests in a mesh of mixed epochs: at most once, no node twice, one node a key when "
	    "healed",
    .program = &mesh_program,
    .world_bytes = sizeof(struct mesh_world),
    .length_us = END_US,
    .start = start,
    .end = end,
};
