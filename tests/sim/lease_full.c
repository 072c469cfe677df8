/*
 * lease_full.c: disks are full now and then, for seconds, while nodes crash and links fail. Who
 * found no room goes on with what it had in memory when there is some again: no promise is
 * forgotten, and none was given that is not on disk.
 */
#include "engines.h"

#define CHAOS_US (60 * SIM_SECOND_US)
#define AFTER_US (20 * SIM_SECOND_US)
#define LEASE_MS 1000

static void
chaos_begins(struct sim *s, uint64_t until_us)
{
	const struct sim_chaos chaos = {.until_us = until_us,
					.every_us = 500 * SIM_MS_US,
					.last_us = 2 * LEASE_MS * SIM_MS_US,
					.crashes = true,
					.freezes = true,
					.partitions = true,
					.loss_ppm = (uint32_t)sim_between(s, 0, 300000)};
	sim_chaos(s, &chaos);
}

static void
start(struct sim *s)
{
	struct engines_world *world = sim_world(s);
	engines_start(s, 3, 3, LEASE_MS);
	world->restless = true;
	world->may_be_stuck = true;
	world->save_us_max = 50 * SIM_MS_US;
	world->full_one_in = sim_between(s, 3, 20);
	sim_at(s, ENGINES_BEGIN_US, chaos_begins, CHAOS_US);
}

const struct sim_scenario scenario_lease_full = {
    .name = "lease_full",
    .help = "disks that are full for a while, crashes: never two holders",
    .program = &engines_program,
    .world_bytes = sizeof(struct engines_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
