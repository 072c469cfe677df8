/*
 * lease_slow.c: answers take longer than questions, often as long as a negotiation may last; disks
 * are slow, nodes freeze. Here it shows that what waited while a node slept is late.
 */
#include "engines.h"

#define CHAOS_US (60 * SIM_SECOND_US)
#define AFTER_US (20 * SIM_SECOND_US)
#define LEASE_MS 1000

static void
chaos_begins(struct sim *s, uint64_t until_us)
{
	const struct sim_chaos chaos = {.until_us = until_us,
					.every_us = 300 * SIM_MS_US,
					.last_us = 2 * LEASE_MS * SIM_MS_US,
					.freezes = true,
					.partitions = true,
					.loss_ppm = (uint32_t)sim_between(s, 0, 300000)};
	sim_chaos(s, &chaos);
}

static void
slow_links(struct sim *s)
{
	for (cluster_node from = 0; from < 3; from++)
		for (cluster_node to = 0; to < 3; to++)
			if (sim_draw(s, 2) == 0) {
				sim_link(s, from, to)->base_us = sim_draw(s, 80 * SIM_MS_US);
				sim_link(s, from, to)->jitter_us = sim_draw(s, 80 * SIM_MS_US);
			}
}

static void
start(struct sim *s)
{
	struct engines_world *world = sim_world(s);
	engines_start(s, 3, 3, LEASE_MS);
	world->restless = true;
	world->may_be_stuck = true;
	world->save_us_max = 200 * SIM_MS_US;
	slow_links(s);
	sim_at(s, ENGINES_BEGIN_US, chaos_begins, CHAOS_US);
}

const struct sim_scenario scenario_lease_slow = {
    .name = "lease_slow",
    .help = "slow answers, slow disks, freezes: never two holders",
    .program = &engines_program,
    .world_bytes = sizeof(struct engines_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
