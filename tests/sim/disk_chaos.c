/*
 * disk_chaos.c: the engine of shared files: nodes crash, freeze and start again with clocks 1 %
 * off, files hang, fail, are slow, writes are torn, processes give roles back: engines.h holds at
 * every instant, with two nodes as with five, with one file as with five.
 */
#include "disks.h"

#define CHAOS_US (40 * SIM_SECOND_US)
#define AFTER_US (25 * SIM_SECOND_US)

static void
chaos_begins(struct sim *s, uint64_t until_us)
{
	const struct sim_chaos chaos = {.until_us = until_us,
					.every_us = sim_between(s, 300, 3000) * SIM_MS_US,
					.last_us = sim_between(s, 100, 6000) * SIM_MS_US,
					.crashes = sim_draw(s, 4) != 0,
					.freezes = sim_draw(s, 4) != 0};
	sim_chaos(s, &chaos);
}

static void
start(struct sim *s)
{
	struct disks_world *world = sim_world(s);
	size_t files = 1 + 2 * sim_draw(s, 3);
	disks_start(s, files, CHAOS_US);
	engines_start(s, (cluster_node)sim_between(s, 2, 5), 0,
		      (uint32_t)sim_between(s, 500, 4000));
	world->engines.restless = sim_draw(s, 2) == 0;
	if (sim_draw(s, 8) == 0)
		world->engines.document_bytes_max = 100000;
	sim_at(s, ENGINES_BEGIN_US, chaos_begins, CHAOS_US);
}

const struct sim_scenario scenario_disk_chaos = {
    .name = "disk_chaos",
    .help = "shared files that hang, fail and are torn, crashes, freezes: never two holders",
    .program = &engines_program,
    .world_bytes = sizeof(struct disks_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
