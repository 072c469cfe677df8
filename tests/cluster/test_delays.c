/* test_delays.c: measured delays, and the waiting times that follow from them: checklist E4 to E6.
 */
#include "cluster/delays.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct delays delays;
static struct delays_schedule schedule;

/* Five cities whose deltas are those of the specification's example. */
static const uint16_t cities[5][5] = {
    {0, 70, 110, 95, 60}, {70, 0, 45, 80, 120}, {110, 45, 0, 30, 75},
    {95, 80, 30, 0, 55},  {60, 120, 75, 55, 0},
};

static void
know_cities(void)
{
	delays = (struct delays){0};
	for (size_t j = 0; j < COUNT(cities); j++) {
		for (size_t k = 0; k < COUNT(cities); k++)
			delays.round_trip_ms[j][k] = cities[j][k];
	}
}

/* E4: delta = (0, 120, 75, 55), T1 = 150: D = (0, 150, 270, 345, 400). */
static void
e4_formula_of_the_specification(void **state)
{
	(void)state;
	static const cluster_node order[] = {0, 1, 2, 3, 4};
	static const uint32_t want_delta[] = {0, 120, 75, 55, 0};
	static const uint32_t want_wait[] = {0, 150, 270, 345, 400};
	uint32_t delta[5];
	uint32_t wait[5];
	know_cities();
	delays_deltas(&delays, order, 5, 100, delta);
	assert_memory_equal(delta, want_delta, sizeof(delta));
	delays_formula(delta, 5, 150, wait);
	assert_memory_equal(wait, want_wait, sizeof(wait));
}

/*
 * E4: with the margin of one half, for the master of rank 0. The longest way of a refutation is
 * from the last city over the second to the first: 190 ms.
 */
static void
e4_formula_with_margin(void **state)
{
	(void)state;
	static const uint32_t want_wait[] = {0, 285, 465, 578, 661};
	struct cluster_nodes nodes = nodes_made(5, 1);
	know_cities();
	delays_plan(&delays, &nodes, 0, 150, &schedule);
	assert_int_equal(schedule.count, 5);
	assert_memory_equal(schedule.wait_ms, want_wait, sizeof(want_wait));
	assert_int_equal(delays_own_wait(&schedule, 1), 285);
	assert_int_equal(delays_own_wait(&schedule, 4), 661);
	assert_int_equal(delays_longest_wait(&schedule), 661);
	/* the lost one, should it come back and find nobody: after all others */
	assert_int_equal(delays_own_wait(&schedule, 0), 661 + DELAYS_STEP_MIN_MS);
}

/* E4: what is put into the formula was measured: maxima at once, falling slowly, never 0. */
static void
e4_delays_are_measured(void **state)
{
	(void)state;
	struct cluster_nodes nodes = nodes_made(3, 0);
	delays = (struct delays){0};
	assert_int_equal(delays_between(&delays, 0, 1), 0);
	delays_measured(&delays, &nodes, 1, 0);
	assert_int_equal(delays_between(&delays, 0, 1), 1);
	delays_measured(&delays, &nodes, 1, 99);
	assert_int_equal(delays_between(&delays, 0, 1), 100);
	assert_int_equal(delays_between(&delays, 1, 0), 100);
	delays_measured(&delays, &nodes, 1, 19);
	assert_int_equal(delays_between(&delays, 0, 1), 95);
	uint32_t last = 95;
	for (int i = 0; i < 200; i++) {
		delays_measured(&delays, &nodes, 1, 19);
		assert_true(delays_between(&delays, 0, 1) <= last);
		last = delays_between(&delays, 0, 1);
	}
	assert_in_range(last, 20, 21);
	delays_measured(&delays, &nodes, 2, UINT64_MAX); /* no neighbour: bounded */
	assert_int_equal(delays_between(&delays, 0, 2), 60000);
}

/* E4: rows travel in heartbeats, and the larger of two sayings counts. */
static void
e4_rows_are_published(void **state)
{
	(void)state;
	static struct outgoing o;
	static struct delays theirs;
	struct cluster_nodes b = nodes_made(3, 1);
	struct cluster_nodes a = nodes_made(2, 0); /* a does not know c yet */
	theirs = (struct delays){0};
	delays = (struct delays){0};
	delays_measured(&theirs, &b, 0, 6);
	delays_measured(&theirs, &b, 2, 8);
	delays_measured(&delays, &a, 1, 3);
	o.bytes = 0;
	delays_put(&theirs, &b, &o);
	struct body body = body_of(o.body, o.bytes);
	assert_true(delays_get(&delays, &a, 1, &body));
	assert_true(body_whole(&body));
	assert_int_equal(delays_between(&delays, 0, 1), 7);
	for (size_t cut = 0; cut < o.bytes; cut++) {
		struct delays before = delays;
		body = body_of(o.body, cut);
		assert_false(delays_get(&delays, &a, 1, &body));
		assert_memory_equal(&before, &delays, sizeof(before));
	}
	struct cluster_nodes most = nodes_made(CLUSTER_NODES_MAX, 0); /* fits into a body */
	delays = (struct delays){0};
	for (cluster_node n = 1; n < most.count; n++)
		delays_measured(&delays, &most, n, n);
	o.bytes = 0;
	delays_put(&delays, &most, &o);
	body = body_of(o.body, o.bytes);
	assert_true(delays_get(&theirs, &most, 1, &body));
	for (cluster_node n = 1; n < most.count; n++)
		assert_int_equal(theirs.round_trip_ms[1][n], n + 1);
}

/* SplitMix64, as base/digest.h has it. */
static uint64_t
draw(uint64_t *chance)
{
	uint64_t z = *chance += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
draw_cluster(uint64_t *chance, struct cluster_nodes *nodes)
{
	*nodes = nodes_made((cluster_node)(2 + draw(chance) % (CLUSTER_NODES_MAX - 1)), 0);
	delays = (struct delays){0};
	uint64_t farthest = 1 + draw(chance) % 300;
	for (cluster_node j = 0; j < nodes->count; j++) {
		nodes->node[j].rank = (uint32_t)(draw(chance) % nodes->count); /* some equal */
		for (cluster_node k = 0; k < j; k++) {
			uint16_t ms = (uint16_t)(draw(chance) % farthest);
			delays.round_trip_ms[j][k] = delays.round_trip_ms[k][j] = ms;
		}
	}
}

/*
 * E5, E6: over 2,000 clusters, each node by itself: who stands before another waits less, by more
 * than their distance: never the same time, never the wrong sequence. The lost master's rank is
 * nothing.
 */
static void
e5_lower_rank_never_waits_less(void **state)
{
	(void)state;
	uint64_t chance = 7;
	for (int round = 0; round < 2000; round++) {
		struct cluster_nodes nodes;
		uint32_t wait[CLUSTER_NODES_MAX];
		draw_cluster(&chance, &nodes);
		cluster_node lost = (cluster_node)(draw(&chance) % nodes.count);
		if (round % 4 == 0)
			lost = NODE_NONE;
		for (cluster_node n = 0; n < nodes.count; n++) {
			nodes.self = n;
			delays_plan(&delays, &nodes, lost, 150, &schedule);
			wait[n] = delays_own_wait(&schedule, n);
			assert_true(wait[n] >= 150);
		}
		for (cluster_node j = 0; j < nodes.count; j++) {
			for (cluster_node k = 0; k < nodes.count; k++) {
				if (j == k || k == lost ||
				    (j != lost && !cluster_before(&nodes, k, j)))
					continue;
				assert_true(wait[j] >= wait[k] + DELAYS_STEP_MIN_MS);
				if (j != lost)
					assert_true(wait[j] >=
						    wait[k] + delays_between(&delays, j, k));
			}
		}
	}
}

/* E6 (SEEDS D6): what this node measured, and nobody knows yet, raises its own time at once. */
static void
e6_own_measure_raises_own_wait(void **state)
{
	(void)state;
	struct cluster_nodes nodes = nodes_made(4, 3);
	delays = (struct delays){0};
	delays_plan(&delays, &nodes, 0, 150, &schedule);
	assert_int_equal(delays_own_wait(&schedule, 3), 200);
	delays_measured(&delays, &nodes, 1, 299);
	delays_plan(&delays, &nodes, 0, 150, &schedule);
	assert_int_equal(delays_own_wait(&schedule, 1), 450); /* a refutation from 3 over 1 */
	assert_int_equal(delays_own_wait(&schedule, 3), 450 + 450 + DELAYS_STEP_MIN_MS);
	delays_measured(&delays, &nodes, 2, 59);
	delays_plan(&delays, &nodes, 0, 150, &schedule);
	assert_int_equal(delays_own_wait(&schedule, 3), 450 + 450 + 90);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(e4_formula_of_the_specification),
	    cmocka_unit_test(e4_formula_with_margin),
	    cmocka_unit_test(e4_delays_are_measured),
	    cmocka_unit_test(e4_rows_are_published),
	    cmocka_unit_test(e5_lower_rank_never_waits_less),
	    cmocka_unit_test(e6_own_measure_raises_own_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
