/* test_verify.c: statuses and orders of two nodes, and what is said of their differences. */
#include "cli/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct differences found;
static json_t *mine;
static json_t *theirs;

static int
start(void **state)
{
	(void)state;
	return differences_init(&found) ? 0 : 1;
}

static int
stop(void **state)
{
	(void)state;
	differences_deinit(&found);
	json_decref(mine);
	json_decref(theirs);
	mine = NULL;
	theirs = NULL;
	return 0;
}

static void
read_both(const char *a, const char *b)
{
	mine = json_loads(a, 0, NULL);
	theirs = json_loads(b, 0, NULL);
	assert_non_null(mine);
	assert_non_null(theirs);
}

static void
compare(const char *a, const char *b, const char *service)
{
	read_both(a, b);
	struct verified one = {"A", mine};
	struct verified other = {"B", theirs};
	compare_statuses(&found, &one, &other, service);
}

static void
compare_keys(const char *a, const char *b)
{
	read_both(a, b);
	struct verified one = {"A", mine};
	struct verified other = {"B", theirs};
	compare_orders(&found, "shop", "k", &one, &other);
}

static void
assert_found(size_t number, const char *kind, const char *text)
{
	const json_t *one = json_array_get(found.list, number);
	assert_string_equal(json_string_value(json_object_get(one, "kind")), kind);
	assert_string_equal(json_string_value(json_object_get(one, "text")), text);
}

#define MEMBER(id, weight, zone) \
	"{\"id\":\"" id "\",\"weight\":" #weight ",\"zone\":" zone ",\"state\":\"up\"}"
#define SHOP(pool, members) \
	"{\"services\":[{\"name\":\"shop\",\"pool\":\"" pool "\",\"members\":[" members "]}]}"

static void
who_agrees(void **state)
{
	(void)state;
	compare(SHOP("1", MEMBER("a", 1, "null") "," MEMBER("b", 1, "null")),
		SHOP("1", MEMBER("b", 1, "null") "," MEMBER("a", 1, "null")), NULL);
	assert_int_equal(differences_count(&found), 0);
}

static void
members_differ(void **state)
{
	(void)state;
	compare(SHOP("1", MEMBER("a", 1, "null") "," MEMBER("b", 1, "\"e\"") "," MEMBER(
			      "c", 1, "null") "," MEMBER("d", 1, "null")),
		SHOP("2", MEMBER("a", 3, "null") "," MEMBER("b", 1, "null") "," MEMBER(
			      "d", 1, "null") "," MEMBER("e", 1, "null")),
		NULL);
	assert_int_equal(differences_count(&found), 5);
	assert_found(0, "pool", "pool 1 at A, 2 at B");
	assert_found(1, "member", "member a: weight 1 at A, 3 at B");
	assert_found(2, "member", "member b: zone e at A, - at B");
	assert_found(3, "member", "member c is at A, not at B");
	assert_found(4, "member", "member e is at B, not at A");
}

static void
services_differ(void **state)
{
	(void)state;
	compare("{\"services\":[{\"name\":\"x\",\"pool\":\"1\"},{\"name\":\"y\",\"pool\":\"1\"}]}",
		"{\"services\":[{\"name\":\"y\",\"pool\":\"1\"},{\"name\":\"z\",\"pool\":\"1\"}]}",
		NULL);
	assert_int_equal(differences_count(&found), 2);
	assert_found(0, "service", "service x is at A, not at B");
	assert_found(1, "service", "service z is at B, not at A");
}

static void
one_service_alone(void **state)
{
	(void)state;
	compare("{\"services\":[{\"name\":\"x\",\"pool\":\"1\"},{\"name\":\"y\",\"pool\":\"1\"}]}",
		"{\"services\":[{\"name\":\"y\",\"pool\":\"1\"},{\"name\":\"z\",\"pool\":\"1\"}]}",
		"y");
	assert_int_equal(differences_count(&found), 0);
}

/* Nodes are others' work: what they say may have any shape. */
static void
odd_answers_do_no_harm(void **state)
{
	(void)state;
	compare("[]", "{\"services\":[1,{},{\"name\":5},{\"name\":\"x\",\"members\":[2,{}]}]}",
		NULL);
	assert_true(differences_count(&found) > 0);
	differences_deinit(&found);
	assert_true(differences_init(&found));
	json_decref(mine);
	json_decref(theirs);
	compare_keys("{\"order\":[1,2]}", "{\"order\":{}}");
	assert_found(0, "order", "key k: rank 0 is - at A, - at B");
}

static void
orders_differ(void **state)
{
	(void)state;
	compare_keys("{\"digest\":\"d\",\"order\":[\"a\",\"b\"]}",
		     "{\"digest\":\"d\",\"order\":[\"a\",\"b\"]}");
	assert_int_equal(differences_count(&found), 0);
	json_decref(mine);
	json_decref(theirs);
	compare_keys("{\"digest\":\"d\",\"order\":[\"a\",\"b\"]}",
		     "{\"digest\":\"d\",\"order\":[\"a\",\"c\"]}");
	assert_found(0, "order", "key k: rank 1 is b at A, c at B");
	json_decref(mine);
	json_decref(theirs);
	compare_keys("{\"digest\":\"d\",\"order\":[\"a\"]}",
		     "{\"digest\":\"d\",\"order\":[\"a\",\"c\"]}");
	assert_found(1, "order", "key k: rank 1 is - at A, c at B");
	json_decref(mine);
	json_decref(theirs);
	compare_keys("{\"digest\":\"d\",\"order\":[\"a\"]}",
		     "{\"digest\":\"e\",\"order\":[\"b\"]}");
	assert_found(2, "digest", "key k has digest d at A, e at B: their pool keys differ");
}

/* The list ends; the count does not. */
static void
the_list_is_bounded(void **state)
{
	(void)state;
	read_both("{\"order\":[\"a\"]}", "{\"order\":[\"b\"]}");
	struct verified one = {"A", mine};
	struct verified other = {"B", theirs};
	for (int i = 0; i < DIFFERENCES_MAX + 5; i++)
		compare_orders(&found, "shop", "k", &one, &other);
	assert_int_equal(json_array_size(found.list), DIFFERENCES_MAX);
	assert_int_equal(differences_count(&found), DIFFERENCES_MAX + 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_agrees, start, stop),
	    cmocka_unit_test_setup_teardown(members_differ, start, stop),
	    cmocka_unit_test_setup_teardown(services_differ, start, stop),
	    cmocka_unit_test_setup_teardown(one_service_alone, start, stop),
	    cmocka_unit_test_setup_teardown(odd_answers_do_no_harm, start, stop),
	    cmocka_unit_test_setup_teardown(orders_differ, start, stop),
	    cmocka_unit_test_setup_teardown(the_list_is_bounded, start, stop),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
