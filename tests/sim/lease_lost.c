/*
 * lease_lost.c: all that lease_chaos.c does, and one voter loses its disk while it is down. It must
 * not vote again, as if nothing had been; engines.h holds, and the others go on without it.
 */
#include "engines.h"

#include <string.h>

#define CHAOS_US (30 * SIM_SECOND_US)
#define AFTER_US (20 * SIM_SECOND_US)

struct lost_world {
	struct engines_world engines; /* first */
	cluster_node lost;            /* NODE_NONE: nobody yet */
};

static void
lose(struct sim *s, uint64_t n)
{
	struct lost_world *world = sim_world(s);
	struct engines_disk *disk = sim_disk(s, (cluster_node)n);
	sim_crash(s, (cluster_node)n);
	sim_note(s, (cluster_node)n, "! loses its disk");
	register_image_deinit(&disk->image);
	disk->has_image = false;
	world->lost = (cluster_node)n;
	sim_boot(s, (cluster_node)n);
}

static void
start(struct sim *s)
{
	struct lost_world *world = sim_world(s);
	world->lost = NODE_NONE;
	engines_chaos(s, CHAOS_US);
	uint64_t when_us = ENGINES_BEGIN_US + sim_draw(s, CHAOS_US - ENGINES_BEGIN_US);
	sim_at(s, when_us, lose, sim_draw(s, 3));
}

static void
check(struct sim *s)
{
	const struct lost_world *world = sim_world(s);
	engines_check(s);
	if (world->lost == NODE_NONE || !sim_on(s, world->lost))
		return;
	if (voter_votes(&engines_embedded(s, world->lost)->voter))
		sim_fail(s, "node %u lost its register and votes", world->lost);
}

static void
end(struct sim *s)
{
	const struct lost_world *world = sim_world(s);
	const struct voter *voter = &engines_embedded(s, world->lost)->voter;
	if (voter->status != VOTER_STOPPED)
		sim_fail(s, "node %u lost its register and does not say so", world->lost);
	else if (strstr(voter->problem.text, "missing") == NULL)
		sim_fail(s, "the problem is not told: %s", voter->problem.text);
	engines_end(s);
}

const struct sim_scenario scenario_lease_lost = {
    .name = "lease_lost",
    .help = "a voter loses its disk: it stops, and nothing is granted twice",
    .program = &engines_program,
    .world_bytes = sizeof(struct lost_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = check,
    .end = end,
};
