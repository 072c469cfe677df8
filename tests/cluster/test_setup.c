/* test_setup.c: what the control plane is told of the configuration. */
#include "cluster/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct config_node places[3];
static struct config_secret secrets[2];
static char name[] = "shop";
static struct config config;
static struct cluster_nodes nodes;
static struct plane_setup out;
static struct problem problem;

static int
setup(void **state)
{
	static char ids[3][2] = {"a", "b", "c"};
	(void)state;
	for (size_t i = 0; i < 3; i++)
		places[i] =
		    (struct config_node){.id = ids[i], .rank = (uint32_t)(10 - i), .voter = i < 2};
	places[1].address = (struct addr){.family = AF_INET, .port = 7946};
	static char names[2][4] = {"new", "old"};
	secrets[0].id = names[0];
	secrets[1].id = names[1];
	secrets[0].master[0] = 7;
	config = (struct config){.secrets = secrets, .secret_count = 2};
	config.cluster =
	    (struct config_cluster){.name = name,
				    .safety = CLUSTER_SAFETY_LEASE,
				    .lease_ms = 10000,
				    .detect = {.period_ms = 1000, .timeout_ms = 300, .t1_ms = 150},
				    .nodes = places,
				    .node_count = 3,
				    .self = 1};
	return 0;
}

static void
nodes_are_as_configured(void **state)
{
	(void)state;
	assert_int_equal(plane_setup_of(&config, 5, &nodes, &out, &problem), RESULT_OK);
	assert_int_equal(nodes.count, 3);
	assert_int_equal(nodes.self, 1);
	assert_string_equal(nodes.node[2].id, "c");
	assert_int_equal(nodes.node[2].rank, 8);
	assert_true(nodes.node[1].voter);
	assert_false(nodes.node[2].voter);
	assert_int_equal(nodes.node[1].address.port, 7946);
	assert_int_not_equal(nodes.node[0].alias, nodes.node[1].alias);
	assert_ptr_equal(out.nodes, &nodes);
	assert_int_equal(out.boot, 5);
	assert_int_equal(out.secret_count, 2);
	assert_ptr_equal(out.secrets[0].master, secrets[0].master);
	assert_memory_equal(out.secrets[1].id.at, "old", 3);
}

static void
rules_follow_the_safety(void **state)
{
	(void)state;
	assert_int_equal(plane_setup_of(&config, 1, &nodes, &out, &problem), RESULT_OK);
	assert_int_equal(out.election.safety, ELECTION_LEASE);
	assert_int_equal(out.election.period_ms, 1000);
	assert_int_equal(out.ask.win_ms, 10000); /* who is invited may have to wait for a lease */
	assert_true(out.election.preempt_ms == CLUSTER_NEVER);
	config.cluster.safety = CLUSTER_SAFETY_ADVISORY;
	config.cluster.preempt_ms = 3000;
	assert_int_equal(plane_setup_of(&config, 1, &nodes, &out, &problem), RESULT_OK);
	assert_int_equal(out.election.safety, ELECTION_ADVISORY);
	assert_int_equal(out.ask.win_ms, 2000);
	assert_int_equal(out.election.preempt_ms, 3000);
	assert_int_equal(out.ask.ping_ms, 300);
}

static void
one_id_is_one_node(void **state)
{
	(void)state;
	places[2].id = places[0].id;
	assert_int_equal(plane_setup_of(&config, 1, &nodes, &out, &problem), RESULT_INVALID);
	assert_memory_equal(problem.text, "cluster.nodes: ", 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(nodes_are_as_configured, setup),
	    cmocka_unit_test_setup(rules_follow_the_safety, setup),
	    cmocka_unit_test_setup(one_id_is_one_node, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
