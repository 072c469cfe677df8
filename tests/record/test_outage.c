/* test_outage.c: what belongs to an outage and what does not. */
#include "record/outage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHOP SLICE("shop")
#define A    SLICE("a")
#define B    SLICE("b")

static struct outages outages;

static int
start(void **state)
{
	(void)state;
	memset(&outages, 0, sizeof(outages));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	outages_deinit(&outages);
	assert_int_equal(outages.count, 0);
	return 0;
}

/* From going down to being up: moves by heir, failures, and the reason it went down for. */
static void
counts_while_it_lasts(void **state)
{
	(void)state;
	assert_non_null(outages_begin(&outages, SHOP, A, REASON_RESET, 120, 1000));
	outages_count_move(&outages, SHOP, A, B, 1100);
	outages_count_move(&outages, SHOP, A, SLICE("c"), 1200);
	outages_count_move(&outages, SHOP, A, B, 90000);
	outages_count_failed(&outages, SHOP, A, 90000);
	assert_ptr_equal(outages_find(&outages, SHOP, A)->next, NULL);
	struct outage *o = outages_end(&outages, SHOP, A);
	assert_non_null(o);
	assert_int_equal(o->why, REASON_RESET);
	assert_int_equal(o->since_ms, 1000);
	assert_int_equal(o->detection_ms, 120);
	assert_int_equal(o->sessions_moved, 3);
	assert_int_equal(o->requests_failed, 1);
	assert_int_equal(o->heir_count, 2);
	assert_int_equal(o->heir[0].count, 2);
	assert_memory_equal(o->heir[1].id, "c", 1);
	assert_int_equal(o->elsewhere, 0);
	free(o);
	assert_null(outages_end(&outages, SHOP, A));
}

/* Going down twice is one outage; members of the same name in two services are two. */
static void
keeps_outages_apart(void **state)
{
	(void)state;
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 1, 1000);
	assert_ptr_equal(outages_begin(&outages, SHOP, A, REASON_DOWN, 2, 2000), o);
	assert_int_equal(o->since_ms, 1000);
	assert_ptr_not_equal(outages_begin(&outages, SLICE("other"), A, REASON_DOWN, 2, 2000), o);
	outages_count_failed(&outages, SLICE("other"), A, 2000);
	outages_count_failed(&outages, SHOP, B, 2000);
	assert_int_equal(o->requests_failed, 0);
	assert_int_equal(outages.count, 3);
}

/* What fails before a member is proved down belongs to its outage. */
static void
counts_what_led_to_it(void **state)
{
	(void)state;
	outages_count_failed(&outages, SHOP, A, 1000);
	outages_count_move(&outages, SHOP, A, B, 2000);
	assert_null(outages_find(&outages, SHOP, A));
	outages_tick(&outages, 2000 + OUTAGE_BREWING_MS - 1);
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 120, 12000);
	assert_int_equal(o->requests_failed, 1);
	assert_int_equal(o->sessions_moved, 1);
	outages_tick(&outages, 1000000);
	assert_ptr_equal(outages_find(&outages, SHOP, A), o);
}

/* What comes to nothing is forgotten: in time, or when the member proves well. */
static void
forgets_what_came_to_nothing(void **state)
{
	(void)state;
	outages_count_failed(&outages, SHOP, A, 1000);
	outages_count_failed(&outages, SHOP, B, 1000);
	assert_null(outages_end(&outages, SHOP, A));
	assert_int_equal(outages.count, 1);
	outages_tick(&outages, 1000 + OUTAGE_BREWING_MS);
	assert_int_equal(outages.count, 0);
	outages_tick(&outages, 0);
}

/* Heirs beyond the list are counted together. */
static void
bounds_the_heirs(void **state)
{
	(void)state;
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 0, 0);
	for (int i = 0; i < OUTAGE_HEIRS_MAX + 5; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "h%d", i);
		outages_count_move(&outages, SHOP, A, slice_of(id), 0);
	}
	outages_count_move(&outages, SHOP, A, SLICE("h0"), 0);
	assert_int_equal(o->heir_count, OUTAGE_HEIRS_MAX);
	assert_int_equal(o->elsewhere, 5);
	assert_int_equal(o->heir[0].count, 2);
	assert_int_equal(o->sessions_moved, OUTAGE_HEIRS_MAX + 6);
}

/* The table is bounded; members without a name or with one that is too long are not counted. */
static void
bounds_the_table(void **state)
{
	(void)state;
	char name[ID_BYTES_MAX + 1];
	memset(name, 'x', sizeof(name));
	outages_count_failed(&outages, SHOP, SLICE_NONE, 0);
	outages_count_failed(&outages, SLICE_NONE, A, 0);
	outages_count_failed(&outages, SHOP, (struct slice){name, sizeof(name)}, 0);
	assert_null(outages_begin(&outages, SHOP, SLICE_NONE, REASON_DOWN, 0, 0));
	assert_int_equal(outages.count, 0);
	outages_count_failed(&outages, SHOP, (struct slice){name, ID_BYTES_MAX}, 0);
	assert_int_equal(outages.count, 1);
	for (int i = 1; i < OUTAGES_MAX + 10; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "m%d", i);
		outages_count_failed(&outages, SHOP, slice_of(id), 0);
	}
	assert_int_equal(outages.count, OUTAGES_MAX);
	assert_null(outages_begin(&outages, SHOP, A, REASON_DOWN, 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(counts_while_it_lasts, start, stop),
	    cmocka_unit_test_setup_teardown(keeps_outages_apart, start, stop),
	    cmocka_unit_test_setup_teardown(counts_what_led_to_it, start, stop),
	    cmocka_unit_test_setup_teardown(forgets_what_came_to_nothing, start, stop),
	    cmocka_unit_test_setup_teardown(bounds_the_heirs, start, stop),
	    cmocka_unit_test_setup_teardown(bounds_the_table, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
