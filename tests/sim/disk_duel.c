/*
 * disk_duel.c: all nodes want a role at the same time, again and again, as every holder gives it
 * back soon; each write and each look takes its own time. Here claims meet.
 */
#include "disks.h"

#define RUN_US   (25 * SIM_SECOND_US)
#define LEASE_MS 2000

static void
start(struct sim *s)
{
	struct disks_world *world = sim_world(s);
	disks_start(s, 1 + 2 * sim_draw(s, 2), 0);
	engines_start(s, (cluster_node)sim_between(s, 2, 4), 0, LEASE_MS);
	world->engines.restless = true;
	world->engines.rush = true;
	world->engines.may_be_stuck = true; /* duels may go on */
	world->write_us_max = sim_between(s, 1, 60) * SIM_MS_US;
	world->look_us_max = sim_between(s, 1, 30) * SIM_MS_US;
}

const struct sim_scenario scenario_disk_duel = {
    .name = "disk_duel",
    .help = "all want a role at once, files are slow: never two holders",
    .program = &engines_program,
    .world_bytes = sizeof(struct disks_world),
    .length_us = RUN_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
