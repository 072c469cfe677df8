/*
 * test_embedded.c: the engine as a library, inside one process (L12): three nodes, links of 1 ms,
 * one clock, disks that take 3 ms. It links the pure objects alone; a program of another kind that
 * wants leases does as this one does. What chance does to them is the simulator's business.
 */
#include "cluster/embedded.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES    3
#define FLIGHT   512
#define LEASE_MS 1000
#define DISK_MS  3

static struct node {
	struct cluster_nodes nodes;
	struct embedded *embedded;
	struct engine engine;
	bool on;
	uint64_t boot;
	uint64_t saved_at; /* 0: nothing is being saved */
	bool has_image;
	struct register_image disk;
	struct engine_event last[ENGINE_UNWRITTEN + 1]; /* of each kind */
	unsigned told[ENGINE_UNWRITTEN + 1];
} node[NODES];

static struct flight {
	cluster_node from;
	cluster_node to;
	uint64_t at;
	struct outgoing o;
} flight[FLIGHT];
static size_t flying;
static uint64_t now;
static struct outbox out;

static void
send_all(cluster_node from)
{
	for (size_t i = 0; i < out.count; i++)
		for (cluster_node to = 0; to < NODES; to++)
			if (to != from && (out.list[i].to == to || out.list[i].to == NODE_ALL)) {
				assert_true(flying < FLIGHT);
				flight[flying++] = (struct flight){from, to, now + 1, out.list[i]};
			}
	out.count = 0;
}

static void
turn(cluster_node n)
{
	struct node *me = &node[n];
	struct engine_event event;
	while (engine_take(&me->engine, &event)) {
		me->told[event.kind]++;
		document_unref(&me->last[event.kind].document);
		me->last[event.kind] = event;
	}
	if (embedded_save(me->embedded) != NULL)
		me->saved_at = now + DISK_MS;
	send_all(n);
}

static void
boot(cluster_node n)
{
	struct node *me = &node[n];
	struct lease_timing timing = lease_timing_of(LEASE_MS);
	me->nodes = nodes_made(NODES, n);
	me->boot++;
	me->on = true;
	me->saved_at = 0;
	embedded_init(me->embedded, &me->nodes, &timing, me->boot, me->has_image ? &me->disk : NULL,
		      now);
	me->engine = embedded_engine(me->embedded);
	turn(n);
}

static void
crash(cluster_node n)
{
	embedded_deinit(node[n].embedded);
	node[n].on = false;
}

static void
step(void)
{
	static struct flight due[FLIGHT];
	size_t count = 0;
	size_t left = 0;
	now++;
	for (size_t i = 0; i < flying; i++) {
		if (flight[i].at <= now)
			due[count++] = flight[i];
		else
			flight[left++] = flight[i];
	}
	flying = left;
	for (size_t i = 0; i < count; i++) {
		const struct flight *f = &due[i];
		struct incoming in = {
		    .from = f->from, .type = f->o.type, .body = f->o.body, .bytes = f->o.bytes};
		if (!node[f->to].on)
			continue;
		assert_true(engine_receive(&node[f->to].engine, now, &in, &out));
		turn(f->to);
	}
	for (cluster_node n = 0; n < NODES; n++) {
		struct node *me = &node[n];
		if (!me->on)
			continue;
		if (me->saved_at != 0 && now >= me->saved_at) {
			me->saved_at = 0;
			me->has_image = true;
			register_image_copy(&me->disk, &me->embedded->voter.saving);
			embedded_saved(me->embedded, now, &out);
			turn(n);
		}
		if (engine_next(&me->engine) <= now) {
			engine_tick(&me->engine, now, &out);
			turn(n);
		}
	}
}

static void
pass(uint64_t ms)
{
	for (uint64_t end = now + ms; now < end;)
		step();
}

static int
setup(void **state)
{
	(void)state;
	now = 1000;
	flying = 0;
	memset(node, 0, sizeof(node));
	for (cluster_node n = 0; n < NODES; n++) {
		node[n].embedded = malloc(sizeof(*node[n].embedded));
		if (node[n].embedded == NULL)
			return -1;
		boot(n);
	}
	pass(3000); /* silence of those that started, and the register begins */
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (cluster_node n = 0; n < NODES; n++) {
		if (node[n].on)
			crash(n);
		register_image_deinit(&node[n].disk);
		for (size_t i = 0; i <= ENGINE_UNWRITTEN; i++)
			document_unref(&node[n].last[i].document);
		free(node[n].embedded);
	}
	return 0;
}

static void
acquire(cluster_node n, const char *role)
{
	engine_acquire(&node[n].engine, now, role, &out);
	turn(n);
}

static bool
owns(cluster_node n, const char *role)
{
	return node[n].on && engine_owns(&node[n].engine, now, role, NULL, NULL);
}

/* L5: all ask at the same instant, then each in its own rhythm, as the election's D_i are; exactly
 * one gets it. L10: owners of every instant are counted. */
static void
l5_one_of_three_gets_it(void **state)
{
	(void)state;
	for (cluster_node n = 0; n < NODES; n++)
		acquire(n, "r");
	unsigned granted = 0;
	for (int ms = 0; ms < 5000; ms++) {
		step();
		assert_true(owns(0, "r") + owns(1, "r") + owns(2, "r") <= 1);
		for (cluster_node n = 0; n < NODES; n++)
			if (node[n].told[ENGINE_REFUSED] > 0 && ms % (100 + 60 * n) == 0)
				acquire(n, "r");
	}
	for (cluster_node n = 0; n < NODES; n++)
		granted += node[n].told[ENGINE_GRANTED];
	assert_int_equal(granted, 1);
}

/* L2: roles are independent of each other. */
static void
l2_each_node_has_a_role(void **state)
{
	(void)state;
	acquire(0, "r0");
	acquire(1, "r1");
	acquire(2, "r2");
	pass(5000);
	assert_true(owns(0, "r0") && owns(1, "r1") && owns(2, "r2"));
}

/* L6, L9: the owner dies, without a word; a majority that is left grants it after its time. */
static void
l9_a_lease_ends_without_its_owner(void **state)
{
	(void)state;
	acquire(0, "r");
	pass(100);
	assert_true(owns(0, "r"));
	uint64_t died = now;
	crash(0);
	while (!owns(1, "r")) {
		if (now % 50 == 0)
			acquire(1, "r");
		step();
		assert_true(now < died + 4 * LEASE_MS);
	}
	assert_true(now >= died + LEASE_MS / 2);
	assert_int_equal(node[1].last[ENGINE_GRANTED].term, 2);
}

/* L6: a minority is nobody. */
static void
l6_one_of_three_grants_nothing(void **state)
{
	(void)state;
	crash(1);
	crash(2);
	acquire(0, "r");
	pass(2000);
	assert_false(owns(0, "r"));
	assert_int_equal(node[0].told[ENGINE_REFUSED], 1);
}

/* L7: what was written is read, at every node, also when its writer is gone. */
static void
l7_a_read_sees_the_last_write(void **state)
{
	(void)state;
	struct document *d = document_create("members", 7);
	acquire(0, ROLE_CLUSTER);
	pass(100);
	engine_write(&node[0].engine, now, ROLE_CLUSTER, d, &out);
	turn(0);
	document_unref(&d);
	pass(100);
	assert_int_equal(node[0].told[ENGINE_WRITTEN], 1);
	crash(0);
	for (cluster_node n = 1; n < NODES; n++) {
		engine_read(&node[n].engine, now, ROLE_CLUSTER, &out);
		turn(n);
	}
	pass(100);
	for (cluster_node n = 1; n < NODES; n++) {
		assert_int_equal(node[n].told[ENGINE_READ], 1);
		assert_memory_equal(node[n].last[ENGINE_READ].document->at, "members", 7);
	}
}

/* Nobody writes what it does not own. */
static void
a_write_of_no_owner_is_refused(void **state)
{
	(void)state;
	struct document *d = document_create("x", 1);
	engine_write(&node[1].engine, now, ROLE_CLUSTER, d, &out);
	turn(1);
	document_unref(&d);
	assert_int_equal(node[1].told[ENGINE_UNWRITTEN], 1);
}

/* L11: all of them start again, several times. */
static void
l11_terms_grow_over_restarts_of_all(void **state)
{
	(void)state;
	uint64_t term = 0;
	for (cluster_node round = 0; round < 4; round++) {
		cluster_node n = round % NODES;
		acquire(n, "r");
		pass(200);
		assert_true(owns(n, "r"));
		assert_true(node[n].last[ENGINE_GRANTED].term > term);
		term = node[n].last[ENGINE_GRANTED].term;
		for (cluster_node i = 0; i < NODES; i++)
			crash(i);
		for (cluster_node i = 0; i < NODES; i++)
			boot(i);
		pass(2000);
	}
}

static void
what_is_released_is_free_at_once(void **state)
{
	(void)state;
	acquire(0, "r");
	pass(100);
	engine_release(&node[0].engine, now, "r", &out);
	turn(0);
	assert_false(owns(0, "r"));
	pass(2);
	acquire(1, "r");
	pass(50);
	assert_true(owns(1, "r"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(l5_one_of_three_gets_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(l2_each_node_has_a_role, setup, teardown),
	    cmocka_unit_test_setup_teardown(l9_a_lease_ends_without_its_owner, setup, teardown),
	    cmocka_unit_test_setup_teardown(l6_one_of_three_grants_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(l7_a_read_sees_the_last_write, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_write_of_no_owner_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(l11_terms_grow_over_restarts_of_all, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_released_is_free_at_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
