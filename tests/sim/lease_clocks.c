/*
 * lease_clocks.c: clocks run anyhow, up to twice or half as fast as true time: then leases may
 * overlap, and nothing can be done about it. What must hold all the same, as it stands on disks
 * and not on clocks: no term has two owners, and the register's history is that of one register.
 */
#include "engines.h"

#define CHAOS_US (40 * SIM_SECOND_US)
#define AFTER_US (30 * SIM_SECOND_US)

static void
start(struct sim *s)
{
	struct engines_world *world = sim_world(s);
	engines_chaos(s, CHAOS_US);
	world->wild_clocks = true;
	world->save_us_max = 1 + sim_draw(s, world->timing.lease_ms * SIM_MS_US);
	world->may_be_stuck = true;
	for (cluster_node n = 0; n < sim_count(s); n++)
		sim_clock_rate(s, n, (int64_t)sim_draw(s, 1500001) - 500000);
}

const struct sim_scenario scenario_lease_clocks = {
    .name = "lease_clocks",
    .help = "clocks run anyhow: leases may overlap, terms have one owner, the register is one",
    .program = &engines_program,
    .world_bytes = sizeof(struct engines_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
