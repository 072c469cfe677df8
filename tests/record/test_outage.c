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

static struct outage_session
session(uint64_t number, bool returns)
{
	static struct session_digest digest;
	memcpy(digest.bytes, &number, sizeof(number));
	return (struct outage_session){&digest, returns};
}

static void
moves(struct slice from, struct slice to, uint64_t number, bool returns, uint64_t now_ms)
{
	struct outage_session s = session(number, returns);
	outages_count_move(&outages, SHOP, from, to, &s, now_ms);
}

static void
is_back(struct slice at, uint64_t number, uint64_t now_ms)
{
	outages_count_back(&outages, SHOP, at, session(number, true).digest, now_ms);
}

static struct outage *
take(struct slice member, bool all, uint64_t now_ms)
{
	return outages_take(&outages, SHOP, member, all, now_ms);
}

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
	assert_int_equal(outages.over, 0);
	assert_int_equal(outages.slots_used, 0);
	return 0;
}

/* From going down to being up: moves by heir, failures, and the reason it went down for. */
static void
counts_while_it_lasts(void **state)
{
	(void)state;
	assert_non_null(outages_begin(&outages, SHOP, A, REASON_RESET, 120, 1000));
	moves(A, B, 1, false, 1100);
	moves(A, SLICE("c"), 2, false, 1200);
	moves(A, B, 3, false, 90000);
	outages_count_failed(&outages, SHOP, A, false, 90000);
	outages_count_failed(&outages, SHOP, A, true, 90000);
	outages_count_failed(&outages, SHOP, A, true, 90000);
	assert_null(take(A, false, 90500)); /* it is not over */
	assert_true(outages_end(&outages, SHOP, A, 91000));
	assert_false(outages_end(&outages, SHOP, A, 92000));
	struct outage *o = take(SLICE_NONE, false, 91000);
	assert_non_null(o);
	assert_int_equal(o->why, REASON_RESET);
	assert_int_equal(o->since_ms, 1000);
	assert_int_equal(o->until_ms, 91000);
	assert_int_equal(o->detection_ms, 120);
	assert_int_equal(outage_sessions(o), 3);
	assert_int_equal(o->requests_failed, 1);
	assert_int_equal(o->requests_retried, 2);
	assert_int_equal(o->heir_count, 2);
	assert_int_equal(outage_heir_sessions(o, 0), 2);
	assert_memory_equal(o->heir[1].id, "c", 1);
	assert_int_equal(outage_heir_sessions(o, OUTAGE_HEIRS_MAX), 0);
	outage_free(&o);
	assert_null(take(A, true, 91000));
}

/* A client that keeps no tag moves with each request: one session, where it was last. */
static void
counts_a_session_once(void **state)
{
	(void)state;
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 0, 1000);
	for (int i = 0; i < 1000; i++)
		moves(A, B, 7, true, 1000);
	assert_int_equal(outage_sessions(o), 1);
	moves(A, SLICE("c"), 7, true, 1000);
	moves(A, SLICE("c"), 8, true, 1000);
	assert_int_equal(outage_sessions(o), 2);
	assert_int_equal(outage_heir_sessions(o, 0), 0);
	assert_int_equal(outage_heir_sessions(o, 1), 2);
}

/* It is settled when all are back, when no more come, or after a while; strangers do not count. */
static void
waits_for_who_goes_home(void **state)
{
	(void)state;
	const uint64_t up_ms = 5000;
	for (int tale = 0; tale < 4; tale++) {
		(void)outages_begin(&outages, SHOP, A, REASON_RESET, 0, 1000);
		moves(A, B, 1, true, 1000);
		moves(A, B, 2, true, 1000);
		assert_true(outages_end(&outages, SHOP, A, up_ms));
		assert_null(take(SLICE_NONE, false, up_ms));
		is_back(A, 1, up_ms + 100);
		is_back(A, 1, up_ms + 200);
		is_back(A, 3, up_ms + 300);
		is_back(B, 2, up_ms + 400);
		assert_null(take(SLICE_NONE, false, up_ms + 99 + OUTAGE_SETTLE_MS));
		struct outage *o = NULL;
		if (tale == 0) {
			is_back(A, 2, up_ms + 500);
			o = take(SLICE_NONE, false, up_ms + 500);
		} else if (tale == 1) {
			o = take(SLICE_NONE, false, up_ms + 100 + OUTAGE_SETTLE_MS);
		} else if (tale == 2) { /* it is down again */
			o = take(A, true, up_ms + 600);
		} else { /* ... and what comes then is another outage's */
			outages_count_failed(&outages, SHOP, A, false, up_ms + 600);
			moves(A, B, 2, true, up_ms + 600);
			(void)outages_begin(&outages, SHOP, A, REASON_RESET, 0, up_ms + 700);
			o = take(SLICE_NONE, false, up_ms + OUTAGE_SETTLE_MS_MAX);
		}
		assert_non_null(o);
		assert_int_equal(o->phase, OUTAGE_OVER);
		assert_int_equal(outage_sessions(o), 2);
		assert_int_equal(outage_failbacks(o), tale == 0 ? 2 : 1);
		assert_int_equal(o->requests_failed, 0);
		assert_int_equal(o->until_ms, up_ms);
		outage_free(&o);
	}
	assert_int_equal(outages_find(&outages, SHOP, A)->requests_failed, 1);
	struct outage *o = take(SLICE_NONE, true, 90000);
	assert_int_equal(o->phase, OUTAGE_GOING_ON);
	outage_free(&o);
}

/* Who went home for a trial and has to leave again is not back. */
static void
a_trial_that_fails_sends_them_away_again(void **state)
{
	(void)state;
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 0, 1000);
	moves(A, B, 1, true, 1000);
	is_back(A, 1, 2000);
	assert_int_equal(outage_failbacks(o), 1);
	moves(A, B, 1, true, 3000);
	assert_int_equal(outage_failbacks(o), 0);
	assert_int_equal(outage_sessions(o), 1);
}

/* Exact as long as all are kept, then about right, and in bounded memory. */
static void
estimates_many_sessions(void **state)
{
	(void)state;
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 0, 1000);
	uint64_t n = 0;
	for (; n < MOVED_KEPT_MAX; n++)
		moves(A, n % 4 == 0 ? B : SLICE("c"), n, true, 1000);
	assert_int_equal(outage_sessions(o), MOVED_KEPT_MAX);
	assert_int_equal(outage_heir_sessions(o, 0), MOVED_KEPT_MAX / 4);
	assert_int_equal(o->moved.depth, 0);
	for (; n < 1000000; n++)
		moves(A, n % 4 == 0 ? B : SLICE("c"), n, true, 1000);
	for (n = 0; n < 1000000; n += 2)
		is_back(A, n, 2000);
	assert_true(o->moved.depth > 0 && o->moved.slots == MOVED_SLOTS_MAX);
	assert_in_range(outage_sessions(o), 950000, 1050000);
	assert_in_range(outage_heir_sessions(o, 0), 230000, 270000);
	assert_in_range(outage_failbacks(o), 470000, 530000);
}

/* All outages together have so much memory: then they keep smaller samples. */
static void
bounds_what_all_keep(void **state)
{
	(void)state;
	for (uint64_t member = 0; member < 60; member++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "m%d", (int)member);
		for (uint64_t n = 0; n < 20000; n++)
			moves(slice_of(id), B, n, true, 1000);
		struct outage *o =
		    outages_begin(&outages, SHOP, slice_of(id), REASON_RESET, 0, 1000);
		if (o->moved.slots > 0) /* the last ones come to nothing */
			assert_in_range(outage_sessions(o), 14000, 26000);
	}
	assert_true(outages.slots_used <= OUTAGE_SLOTS_MAX);
	assert_true(outages.slots_used > OUTAGE_SLOTS_MAX / 2);
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
	outages_count_failed(&outages, SLICE("other"), A, false, 2000);
	outages_count_failed(&outages, SHOP, B, false, 2000);
	assert_int_equal(o->requests_failed, 0);
	assert_int_equal(outages.count, 3);
}

/* What fails before a member is proved down belongs to its outage. */
static void
counts_what_led_to_it(void **state)
{
	(void)state;
	outages_count_failed(&outages, SHOP, A, false, 1000);
	moves(A, B, 1, false, 2000);
	assert_null(outages_find(&outages, SHOP, A));
	outages_tick(&outages, 2000 + OUTAGE_BREWING_MS - 1);
	struct outage *o = outages_begin(&outages, SHOP, A, REASON_RESET, 120, 12000);
	assert_int_equal(o->requests_failed, 1);
	assert_int_equal(outage_sessions(o), 1);
	outages_tick(&outages, 1000000);
	assert_ptr_equal(outages_find(&outages, SHOP, A), o);
}

/* What comes to nothing is forgotten: in time, or when the member proves well. */
static void
forgets_what_came_to_nothing(void **state)
{
	(void)state;
	outages_count_failed(&outages, SHOP, A, false, 1000);
	outages_count_failed(&outages, SHOP, B, false, 1000);
	assert_false(outages_end(&outages, SHOP, A, 1500));
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
		moves(A, slice_of(id), (uint64_t)i, false, 0);
	}
	moves(A, SLICE("h0"), 1000, false, 0);
	assert_int_equal(o->heir_count, OUTAGE_HEIRS_MAX);
	assert_int_equal(outage_heir_sessions(o, OUTAGE_HEIRS_MAX), 5);
	assert_int_equal(outage_heir_sessions(o, 0), 2);
	assert_int_equal(outage_sessions(o), OUTAGE_HEIRS_MAX + 6);
}

/* The table is bounded; members without a name or with one that is too long are not counted. */
static void
bounds_the_table(void **state)
{
	(void)state;
	char name[ID_BYTES_MAX + 1];
	memset(name, 'x', sizeof(name));
	outages_count_failed(&outages, SHOP, SLICE_NONE, false, 0);
	outages_count_failed(&outages, SLICE_NONE, A, false, 0);
	outages_count_failed(&outages, SHOP, (struct slice){name, sizeof(name)}, false, 0);
	assert_null(outages_begin(&outages, SHOP, SLICE_NONE, REASON_DOWN, 0, 0));
	assert_int_equal(outages.count, 0);
	outages_count_failed(&outages, SHOP, (struct slice){name, ID_BYTES_MAX}, false, 0);
	assert_int_equal(outages.count, 1);
	for (int i = 1; i < OUTAGES_MAX + 10; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "m%d", i);
		outages_count_failed(&outages, SHOP, slice_of(id), false, 0);
	}
	assert_int_equal(outages.count, OUTAGES_MAX);
	assert_null(outages_begin(&outages, SHOP, A, REASON_DOWN, 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(counts_while_it_lasts, start, stop),
	    cmocka_unit_test_setup_teardown(counts_a_session_once, start, stop),
	    cmocka_unit_test_setup_teardown(waits_for_who_goes_home, start, stop),
	    cmocka_unit_test_setup_teardown(a_trial_that_fails_sends_them_away_again, start, stop),
	    cmocka_unit_test_setup_teardown(estimates_many_sessions, start, stop),
	    cmocka_unit_test_setup_teardown(bounds_what_all_keep, start, stop),
	    cmocka_unit_test_setup_teardown(keeps_outages_apart, start, stop),
	    cmocka_unit_test_setup_teardown(counts_what_led_to_it, start, stop),
	    cmocka_unit_test_setup_teardown(forgets_what_came_to_nothing, start, stop),
	    cmocka_unit_test_setup_teardown(bounds_the_heirs, start, stop),
	    cmocka_unit_test_setup_teardown(bounds_the_table, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
