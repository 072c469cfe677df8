/* test_machine.c: who is who, who stands before whom, and nodes in bodies. */
#include "cluster/body.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Rank first, then the id: two nodes never stand in one place. */
static void
stands_before(void **state)
{
	(void)state;
	struct cluster_nodes nodes = nodes_made(3, 0);
	nodes.node[0].rank = 5;
	nodes.node[2].rank = 1;
	assert_true(cluster_before(&nodes, 1, 0));
	assert_false(cluster_before(&nodes, 0, 1));
	assert_true(cluster_before(&nodes, 1, 2)); /* both 1; b before c */
	assert_false(cluster_before(&nodes, 2, 1));
	assert_false(cluster_before(&nodes, 1, 1));
}

static void
majorities(void **state)
{
	(void)state;
	static const size_t want[] = {0, 1, 2, 2, 3, 3};
	for (size_t voters = 0; voters <= 5; voters++) {
		struct cluster_nodes nodes = nodes_made(7, 0);
		for (size_t i = voters; i < nodes.count; i++)
			nodes.node[i].voter = false;
		assert_int_equal(cluster_majority(&nodes), want[voters]);
	}
}

/* Aliases: one for each node, and back. */
static void
aliases(void **state)
{
	(void)state;
	struct cluster_nodes nodes = nodes_made(CLUSTER_NODES_MAX, 0);
	for (cluster_node i = 0; i < CLUSTER_NODES_MAX; i++)
		assert_int_equal(cluster_by_alias(&nodes, cluster_alias(&nodes, i)), i);
	assert_int_equal(cluster_alias(&nodes, NODE_NONE), ALIAS_NONE);
	assert_int_equal(cluster_alias(&nodes, NODE_ALL), ALIAS_ALL);
	assert_int_equal(cluster_by_alias(&nodes, ALIAS_NONE), NODE_NONE);
	assert_int_equal(cluster_by_alias(&nodes, ALIAS_ALL), NODE_ALL);
	assert_int_equal(cluster_by_alias(&nodes, 12345), NODE_NONE);
}

/* One id for two nodes, one hash for two ids, and a node that is nowhere are refused by name. */
static void
lists_refused(void **state)
{
	(void)state;
	struct problem p;
	struct cluster_nodes nodes = nodes_made(3, 0);
	nodes.self = 3;
	assert_int_equal(cluster_nodes_seal(&nodes, &p), RESULT_INVALID);
	assert_string_equal(p.text, "this node is not in the list of nodes");
	nodes.self = 2;
	nodes.node[2].id[0] = 'a';
	assert_int_equal(cluster_nodes_seal(&nodes, &p), RESULT_INVALID);
	assert_string_equal(p.text, "two nodes have the id 'a'");
	/* the first pair of node-N with one hash */
	memcpy(nodes.node[0].id, "node-6271", sizeof("node-6271"));
	memcpy(nodes.node[2].id, "node-162235", sizeof("node-162235"));
	assert_int_equal(cluster_nodes_seal(&nodes, &p), RESULT_INVALID);
	assert_string_equal(p.text,
			    "nodes 'node-6271' and 'node-162235' have the same hash; rename one");
}

/* A node in a body is its alias; strangers are nobody. */
static void
nodes_in_bodies(void **state)
{
	(void)state;
	static struct outgoing o;
	struct cluster_nodes nodes = nodes_made(2, 0);
	struct cluster_nodes more = nodes_made(3, 0);
	put_node(&o, &more, 1);
	put_node(&o, &more, NODE_NONE);
	put_node(&o, &more, 2);
	struct body b = body_of(o.body, o.bytes);
	assert_int_equal(get_node(&b, &nodes), 1);
	assert_int_equal(get_node(&b, &nodes), NODE_NONE);
	assert_int_equal(get_node(&b, &nodes), NODE_NONE);
	assert_true(body_whole(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stands_before),   cmocka_unit_test(majorities),
	    cmocka_unit_test(aliases),         cmocka_unit_test(lists_refused),
	    cmocka_unit_test(nodes_in_bodies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
