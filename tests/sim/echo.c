/*
 * echo.c: the simulator's own proof: nodes ask each other and count answers. What must hold of the
 * simulator: only what was sent is let in, and once; a crash forgets the memory and keeps the
 * disk; clocks go at their rates; a frozen node does nothing; after repair all is answered.
 */
#include "cluster/body.h"
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define NODES     4
#define PERIOD_MS 100
#define CHAOS_US  (20 * SIM_SECOND_US)
#define CALM_US   (5 * SIM_SECOND_US)

struct echo {
	uint64_t next_ms;
	uint64_t asked;           /* in this incarnation */
	uint64_t answered[NODES]; /* the last number that came back, by node */
	uint64_t heard_incarnation[NODES];
	uint64_t heard[NODES]
		      [(CHAOS_US + CALM_US) / SIM_MS_US / PERIOD_MS / 64 + 2]; /* bit a number */
};

struct echo_disk {
	uint64_t boots;
	uint64_t asked; /* in all incarnations: put after a while, so at most what was asked */
};

struct echo_world {
	uint64_t boots[NODES];
	uint64_t asked[NODES];
	uint64_t booted_us[NODES];
	uint64_t booted_ms[NODES];
};

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	(void)out;
	struct echo *e = sim_state(s, n);
	struct echo_disk *disk = sim_disk(s, n);
	struct echo_world *world = sim_world(s);
	if (e->asked != 0)
		sim_fail(s, "memory survived a crash");
	if (disk->boots != world->boots[n] || sim_incarnation(s, n) != disk->boots + 1)
		sim_fail(s, "the disk forgot");
	disk->boots = ++world->boots[n];
	world->booted_us[n] = sim_now_us(s);
	world->booted_ms[n] = now;
	e->next_ms = now + PERIOD_MS;
}

static void
put_on_disk(struct sim *s, cluster_node n, uint64_t now, uint64_t asked, struct outbox *out)
{
	(void)now;
	(void)out;
	struct echo_disk *disk = sim_disk(s, n);
	disk->asked = asked;
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct echo *e = sim_state(s, n);
	struct echo_world *world = sim_world(s);
	if (sim_frozen(s, n) || !sim_on(s, n))
		sim_fail(s, "a frozen node moves");
	if (now < e->next_ms)
		return;
	e->next_ms = now + PERIOD_MS;
	put_u64(outbox_add(out, NODE_ALL, DATAGRAM_INQUIRY),
		sim_incarnation(s, n) << 32 | ++e->asked);
	sim_after(s, n, sim_draw(s, 5 * SIM_MS_US), put_on_disk, ++world->asked[n]);
}

/* Each number once, of one run of the sender after the other. */
static void
hear(struct sim *s, cluster_node n, const struct incoming *in, uint64_t number)
{
	struct echo *e = sim_state(s, n);
	uint64_t *once = e->heard[in->from];
	if (in->incarnation < e->heard_incarnation[in->from])
		sim_fail(s, "node %u let in what is of an earlier run", n);
	if (in->incarnation > e->heard_incarnation[in->from])
		memset(once, 0, sizeof(e->heard[0]));
	e->heard_incarnation[in->from] = in->incarnation;
	if ((once[number / 64] >> number % 64 & 1) != 0)
		sim_fail(s, "node %u let in %llu twice", n, (unsigned long long)number);
	once[number / 64] |= UINT64_C(1) << number % 64;
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)now;
	struct echo *e = sim_state(s, n);
	struct body b = body_of(in->body, in->bytes);
	uint64_t number = get_u64(&b);
	if (!body_whole(&b))
		sim_fail(s, "a damaged body was let in");
	if (in->type == DATAGRAM_REPLY) {
		if (number >> 32 != sim_incarnation(s, n))
			return; /* for the one that crashed */
		number &= UINT32_MAX;
		if (number > e->asked)
			sim_fail(s, "an answer to what was never asked");
		e->answered[in->from] = number;
		return;
	}
	hear(s, n, in, number & UINT32_MAX);
	put_u64(outbox_add(out, in->from, DATAGRAM_REPLY), number);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	return ((struct echo *)sim_state(s, n))->next_ms;
}

static void
start(struct sim *s)
{
	struct cluster_nodes nodes = {.count = NODES};
	for (size_t i = 0; i < NODES; i++)
		nodes.node[i].id[0] = (char)('a' + i);
	if (cluster_nodes_seal(&nodes, NULL) != RESULT_OK)
		abort();
	sim_cluster(s, &nodes);
	for (cluster_node n = 0; n < NODES; n++)
		sim_boot(s, n);
	const struct sim_chaos chaos = {.until_us = CHAOS_US,
					.every_us = SIM_SECOND_US / 2,
					.last_us = SIM_SECOND_US,
					.crashes = true,
					.freezes = true,
					.cuts = true,
					.partitions = true,
					.loss_ppm = 200000};
	sim_chaos(s, &chaos);
}

static void
check(struct sim *s)
{
	struct echo_world *world = sim_world(s);
	for (cluster_node n = 0; n < NODES; n++) {
		const struct echo_disk *disk = sim_disk(s, n);
		if (disk->asked > world->asked[n] || disk->boots > sim_incarnation(s, n))
			sim_fail(s, "the disk holds what was never put");
		if (!sim_on(s, n))
			continue;
		uint64_t true_ms = (sim_now_us(s) - world->booted_us[n]) / 1000;
		uint64_t its_ms = sim_local_ms(s, n) - world->booted_ms[n];
		if (its_ms * 100 > true_ms * 101 + 300 || its_ms * 101 + 300 < true_ms * 100)
			sim_fail(s, "clock %u went %llu ms in %llu", n, (unsigned long long)its_ms,
				 (unsigned long long)true_ms);
	}
}

static void
end(struct sim *s)
{
	for (cluster_node n = 0; n < NODES; n++) {
		const struct echo *e = sim_state(s, n);
		if (!sim_on(s, n) || sim_frozen(s, n))
			sim_fail(s, "node %u was not repaired", n);
		if (e->asked < CALM_US / SIM_MS_US / PERIOD_MS * 9 / 10)
			sim_fail(s, "node %u asked %llu times", n, (unsigned long long)e->asked);
		for (cluster_node other = 0; other < NODES; other++) {
			if (other != n && e->answered[other] + 2 < e->asked)
				sim_fail(s, "node %u does not answer node %u", other, n);
		}
		sim_measure(s, "boots", sim_incarnation(s, n));
	}
}

static const struct sim_program program = {.state_bytes = sizeof(struct echo),
					   .disk_bytes = sizeof(struct echo_disk),
					   .boot = boot,
					   .receive = receive,
					   .tick = tick,
					   .next = next};

const struct sim_scenario scenario_echo = {
    .name = "echo",
    .help = "the simulator itself: order, clocks, crashes, disks, faults and their repair",
    .program = &program,
    .world_bytes = sizeof(struct echo_world),
    .length_us = CHAOS_US + CALM_US,
    .start = start,
    .check = check,
    .end = end,
};
