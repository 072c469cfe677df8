/*
 * lease_calm.c: nothing fails but what a good network loses. What must hold besides engines.h:
 * roles stay where they are once they were granted, and terms count the grants.
 */
#include "engines.h"

#define RUN_US (30 * SIM_SECOND_US)

static void
start(struct sim *s)
{
	engines_start(s, (cluster_node)sim_between(s, 3, 6), 3, 2000);
	struct sim_link link = sim_link_lan;
	link.loss_ppm = (uint32_t)sim_draw(s, 3) * 1000;
	sim_links(s, &link);
}

static void
end(struct sim *s)
{
	const struct engines_world *world = sim_world(s);
	for (size_t role = 0; role < ENGINES_ROLES; role++)
		if (world->term[role] != 1)
			sim_fail(s, "%s was granted %llu times", engines_role[role],
				 (unsigned long long)world->term[role]);
	sim_measure(s, "renewals' messages a second",
		    sim_sent(s, DATAGRAM_PREPARE) * SIM_SECOND_US / RUN_US);
	engines_end(s);
}

const struct sim_scenario scenario_lease_calm = {
    .name = "lease_calm",
    .help = "roles are granted once, stay, and their values are read and written",
    .program = &engines_program,
    .world_bytes = sizeof(struct engines_world),
    .length_us = RUN_US,
    .start = start,
    .check = engines_check,
    .end = end,
};
