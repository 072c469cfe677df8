/*
 * race_load.c: who gets the sessions, of ten nodes as far from each other as cities, when all
 * clients come to one of them. Raw answers measure who is near: nearly everything stays at the
 * entry. Answers that are delayed by load spread it: the fullest has little more than the mean.
 * Every second seed is run without the delay, to be shown as bad as it is.
 */
#include "racing.h"

#define NODES      10
#define CLIENTS    2000
#define EVERY_US   (20 * SIM_MS_US)
#define SHAPED_MAX 130 /* percent of the mean, that the fullest has */
#define RAW_MIN    500

static void
come(struct sim *s, uint64_t left)
{
	racing_come(s, 0);
	if (left > 1)
		sim_at(s, EVERY_US / 2 + sim_draw(s, EVERY_US), come, left - 1);
}

static void
start(struct sim *s)
{
	struct racing_world *w = sim_world(s);
	w->shaped = sim_chance(s, 500000);
	w->capacity = (uint64_t)2 * CLIENTS / NODES;
	racing_cluster(s, NODES);
	for (cluster_node n = 1; n < NODES; n++) {
		uint64_t base_us = sim_between(s, 1, 30) * SIM_MS_US;
		const struct sim_link link = {.base_us = base_us, .jitter_us = base_us / 8};
		*sim_link(s, 0, n) = link;
		*sim_link(s, n, 0) = link;
	}
	sim_at(s, SIM_MS_US, come, CLIENTS);
}

static void
end(struct sim *s)
{
	const struct racing_world *w = sim_world(s);
	uint64_t peak = 0;
	racing_end(s);
	for (cluster_node n = 0; n < NODES; n++) {
		if (w->load[n] > peak)
			peak = w->load[n];
	}
	uint64_t percent = peak * 100 * NODES / CLIENTS;
	if (w->clients != CLIENTS)
		sim_fail(s, "%llu clients came", (unsigned long long)w->clients);
	if (w->shaped && percent > SHAPED_MAX)
		sim_fail(s, "the fullest has %llu %% of the mean", (unsigned long long)percent);
	if (!w->shaped && percent < RAW_MIN)
		sim_fail(s, "unshaped, the fullest has only %llu %% of the mean",
			 (unsigned long long)percent);
	sim_measure(s, w->shaped ? "peak/mean % shaped" : "peak/mean % unshaped", percent);
}

const struct sim_scenario scenario_race_load = {
    .name = "race_load",
    .help = "who gets the sessions of one entry: answers shaped by load, and raw ones",
    .program = &racing_program,
    .world_bytes = sizeof(struct racing_world),
    .length_us = 60 * SIM_SECOND_US,
    .start = start,
    .end = end,
};
