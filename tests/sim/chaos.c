/* chaos.c: faults at random; see sim.h. */
#include "inside.h"

enum fault { FAULT_CRASH, FAULT_FREEZE, FAULT_CUT, FAULT_PARTITION, FAULTS };

/* A cut between two nodes, as an argument: to + 64 * from, and 64 * 64 when it goes both ways. */
#define CUT_BOTH 4096

static void
end_crash(struct sim *s, uint64_t n)
{
	sim_boot(s, (cluster_node)n);
}

static void
end_freeze(struct sim *s, uint64_t n)
{
	sim_thaw(s, (cluster_node)n);
}

static void
set_cut(struct sim *s, uint64_t argument, bool cut)
{
	cluster_node to = (cluster_node)(argument % 64);
	cluster_node from = (cluster_node)(argument / 64 % 64);
	sim_link(s, from, to)->cut = cut;
	if (argument >= CUT_BOTH)
		sim_link(s, to, from)->cut = cut;
	sim_note(s, from, "! %s %s %s", cut ? "cut" : "heals", argument >= CUT_BOTH ? "with" : "to",
		 sim_name(s, to));
}

static void
end_cut(struct sim *s, uint64_t argument)
{
	set_cut(s, argument, false);
}

static void
end_partition(struct sim *s, uint64_t side)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->count; j++) {
			if ((side >> i & 1) != (side >> j & 1))
				s->link[i][j].cut = false;
		}
	}
	sim_note(s, 0, "! partition %llx ends", (unsigned long long)side);
}

/* 1 .. 2 * mean: short ones and long ones alike. */
static uint64_t
length(struct sim *s, uint64_t mean_us)
{
	return 1 + sim_draw(s, 2 * mean_us);
}

static void
begin_fault(struct sim *s, enum fault fault)
{
	uint64_t last_us = length(s, s->chaos.last_us);
	cluster_node n = (cluster_node)sim_draw(s, s->count);
	uint64_t other = (n + 1 + sim_draw(s, s->count - 1)) % s->count;
	switch (fault) {
	case FAULT_CRASH:
		sim_crash(s, n);
		sim_at(s, last_us, end_crash, n);
		break;
	case FAULT_FREEZE:
		sim_freeze(s, n);
		sim_at(s, last_us, end_freeze, n);
		break;
	case FAULT_CUT:
		other += 64 * (uint64_t)n + CUT_BOTH * sim_draw(s, 2);
		set_cut(s, other, true);
		sim_at(s, last_us, end_cut, other);
		break;
	default:
		other = sim_draw(s, UINT64_C(1) << (s->count < 63 ? s->count : 63));
		sim_partition(s, other);
		sim_at(s, last_us, end_partition, other);
		break;
	}
}

static void
fault_comes(struct sim *s, uint64_t unused)
{
	(void)unused;
	const struct sim_chaos *chaos = &s->chaos;
	if (s->now_us >= chaos->until_us)
		return;
	const bool asked[FAULTS] = {chaos->crashes, chaos->freezes, chaos->cuts, chaos->partitions};
	enum fault fault = (enum fault)sim_draw(s, FAULTS);
	if (asked[fault] && s->count > 1)
		begin_fault(s, fault);
	sim_at(s, length(s, chaos->every_us), fault_comes, 0);
}

static void
chaos_ends(struct sim *s, uint64_t unused)
{
	(void)unused;
	sim_repair(s);
}

static void
spoil_links(struct sim *s, uint32_t loss_ppm_max)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->count; j++) {
			struct sim_link *link = &s->link[i][j];
			link->loss_ppm = (uint32_t)sim_draw(s, (uint64_t)loss_ppm_max + 1);
			link->duplicate_ppm = link->loss_ppm / 10;
			link->late_ppm = link->loss_ppm / 10;
			link->damage_ppm = link->loss_ppm / 10;
			link->late_us = SIM_SECOND_US;
		}
	}
}

void
sim_chaos(struct sim *s, const struct sim_chaos *chaos)
{
	s->chaos = *chaos;
	if (chaos->loss_ppm > 0)
		spoil_links(s, chaos->loss_ppm);
	if (chaos->every_us > 0)
		sim_at(s, length(s, chaos->every_us), fault_comes, 0);
	sim_at(s, chaos->until_us - s->now_us, chaos_ends, 0);
}

uint64_t
sim_chaos_end(const struct sim *s)
{
	return s->chaos.until_us;
}
