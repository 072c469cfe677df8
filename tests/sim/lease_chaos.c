/*
 * lease_chaos.c: nodes crash, freeze and start again with clocks 1 % off, the network loses,
 * copies, delays and cuts, processes give roles back: engines.h holds at every instant.
 */
#include "engines.h"

#define CHAOS_US (40 * SIM_SECOND_US)
#define AFTER_US (20 * SIM_SECOND_US)

static void
start(struct sim *s)
{
	engines_chaos(s, CHAOS_US);
}

const struct sim_scenario scenario_lease_chaos = {
    .name = "lease_chaos",
    .help = "crashes, freezes, partitions: never two holders, terms grow, the register is one",
    .program = &engines_program,
    .world_bytes = sizeof(struct engines_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = engines_check,
    .end = engines_end,
};
