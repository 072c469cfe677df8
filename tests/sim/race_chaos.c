/*
 * race_chaos.c: clients race for their sessions while datagrams are lost, doubled and late, nodes
 * crash, freeze and are cut off. Whatever happens, a race makes one session, and no client has two
 * homes: who is told of one, is told once. After a restart earlier tickets open nothing. When all
 * is repaired, the races are won.
 */
#include "racing.h"

#define CLIENTS  300
#define CHAOS_US (20 * SIM_SECOND_US)
#define CALM_US  (12 * SIM_SECOND_US)

static void
come(struct sim *s, uint64_t unused)
{
	(void)unused;
	const struct racing_world *w = sim_world(s);
	cluster_node entry = (cluster_node)sim_draw(s, sim_count(s));
	if (sim_on(s, entry) && !sim_frozen(s, entry))
		racing_come(s, entry);
	if (w->clients < CLIENTS && sim_now_us(s) < CHAOS_US + CALM_US / 2)
		sim_at(s, sim_draw(s, 150 * SIM_MS_US), come, 0);
}

static void
start(struct sim *s)
{
	struct racing_world *w = sim_world(s);
	struct sim_link far = {.base_us = 2 * SIM_MS_US, .jitter_us = 40 * SIM_MS_US};
	const struct sim_chaos chaos = {.until_us = CHAOS_US,
					.every_us = SIM_SECOND_US,
					.last_us = SIM_SECOND_US,
					.crashes = true,
					.freezes = true,
					.cuts = true,
					.partitions = true,
					.loss_ppm = 300000};
	w->shaped = true;
	w->own_silent = sim_chance(s, 700000);
	w->capacity = RACING_CLIENTS_MAX;
	racing_cluster(s, (cluster_node)sim_between(s, 2, 8));
	sim_links(s, &far);
	sim_chaos(s, &chaos);
	sim_at(s, SIM_MS_US, come, 0);
}

static void
end(struct sim *s)
{
	const struct racing_world *w = sim_world(s);
	uint64_t ends[RACING_LOST + 1] = {0};
	racing_end(s);
	for (uint64_t i = 0; i < w->clients; i++)
		ends[w->client[i].end]++;
	if (ends[RACING_OPENED] == 0)
		sim_fail(s, "nobody ever won");
	sim_measure(s, "opened", ends[RACING_OPENED]);
	sim_measure(s, "by ordering", ends[RACING_BY_ORDERING]);
	sim_measure(s, "entry died", ends[RACING_LOST]);
	sim_measure(s, "late", w->late);
	sim_measure(s, "refused", w->refused);
	sim_measure(s, "raced again", w->again);
}

const struct sim_scenario scenario_race_chaos = {
    .name = "race_chaos",
    .help = "races under loss, crashes, freezes and cuts: one session each, one home a client",
    .program = &racing_program,
    .world_bytes = sizeof(struct racing_world),
    .length_us = CHAOS_US + CALM_US,
    .start = start,
    .end = end,
};
