/* test_pace.c: who is too slow. Times are arguments, so every case is exact. */
#include "edge/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct pace_bounds bounds = {.idle_ms = 1000, .rate_min = 100, .period_ms = 3000};
static const struct pace_bounds only_idle = {.idle_ms = 1000, .rate_min = 0, .period_ms = 3000};
static const struct pace_bounds patient = {.idle_ms = 60000, .rate_min = 100, .period_ms = 3000};

/* Nothing comes at all. */
static void
a_side_that_stands_still(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 5000);
	assert_int_equal(pace_wait_ms(&p, &bounds, 5000), 1000);
	assert_int_equal(pace_judge(&p, &bounds, 5999), PACE_GOOD);
	assert_int_equal(pace_wait_ms(&p, &bounds, 5999), 1);
	assert_int_equal(pace_judge(&p, &bounds, 6000), PACE_STALLED);
	assert_int_equal(pace_wait_ms(&p, &bounds, 7000), 0);
}

/* A byte in time keeps the idle bound away, and the rate shows it at the period's end. */
static void
a_side_that_drips(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	for (uint64_t now_ms = 900; now_ms < 3000; now_ms += 900) {
		pace_moved(&p, 1, now_ms);
		assert_int_equal(pace_judge(&p, &bounds, now_ms), PACE_GOOD);
	}
	assert_int_equal(pace_wait_ms(&p, &bounds, 2700), 300);
	assert_int_equal(pace_judge(&p, &bounds, 3000), PACE_SLOW);
}

/* Without a rate only the pause counts, however little comes. */
static void
no_rate_no_judgement_of_it(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	for (uint64_t now_ms = 900; now_ms < 90000; now_ms += 900) {
		assert_int_equal(pace_judge(&p, &only_idle, now_ms), PACE_GOOD);
		pace_moved(&p, 1, now_ms);
		assert_int_equal(pace_wait_ms(&p, &only_idle, now_ms), 1000);
	}
}

/* Exactly the rate is enough, one byte less is not. */
static void
the_rate_to_the_byte(void **state)
{
	(void)state;
	for (uint64_t bytes = 299; bytes <= 300; bytes++) {
		struct pace p;
		pace_begin(&p, 10);
		pace_moved(&p, bytes, 20);
		assert_int_equal(pace_wait_ms(&p, &patient, 20), 2990);
		assert_int_equal(pace_judge(&p, &patient, 3009), PACE_GOOD);
		assert_int_equal(pace_judge(&p, &patient, 3010),
				 bytes == 300 ? PACE_GOOD : PACE_SLOW);
	}
}

/* What was fast once does not count for ever: each period by itself. */
static void
each_period_by_itself(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	pace_moved(&p, 1000000, 100);
	assert_int_equal(pace_judge(&p, &patient, 3000), PACE_GOOD);
	pace_moved(&p, 299, 3100);
	assert_int_equal(pace_wait_ms(&p, &patient, 3100), 2900);
	assert_int_equal(pace_judge(&p, &patient, 6000), PACE_SLOW);
}

/* Judged late, it is the whole time that counts. */
static void
a_late_judgement(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	pace_moved(&p, 999, 9000);
	assert_int_equal(pace_judge(&p, &patient, 10000), PACE_SLOW);
	pace_moved(&p, 1, 9000);
	assert_int_equal(pace_judge(&p, &patient, 10000), PACE_GOOD);
}

/* The largest bounds that a configuration may have do not overflow. */
static void
the_largest_bounds(void **state)
{
	(void)state;
	const struct pace_bounds most = {
	    .idle_ms = UINT64_C(24) * 3600000, .rate_min = UINT64_C(1) << 30, .period_ms = 3600000};
	struct pace p;
	uint64_t begin_ms = UINT64_C(1) << 42;
	pace_begin(&p, begin_ms);
	pace_moved(&p, most.rate_min * 3600 - 1, begin_ms + 3599999);
	assert_int_equal(pace_judge(&p, &most, begin_ms + 3600000), PACE_SLOW);
	pace_moved(&p, 1, begin_ms + 3600000);
	assert_int_equal(pace_judge(&p, &most, begin_ms + 3600000), PACE_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_side_that_stands_still),   cmocka_unit_test(a_side_that_drips),
	    cmocka_unit_test(no_rate_no_judgement_of_it), cmocka_unit_test(the_rate_to_the_byte),
	    cmocka_unit_test(each_period_by_itself),      cmocka_unit_test(a_late_judgement),
	    cmocka_unit_test(the_largest_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
