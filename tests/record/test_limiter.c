/* test_limiter.c: what passes, what is held back, and that no count is ever lost. */
#include "record/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PER_WINDOW 3
#define TOGETHER   1000000

static struct limiter limiter;
static struct limiter_bounds bounds;
static uint64_t suppressed;
static uint64_t told_sum;
static unsigned told_count;
static char told_last[3 * ID_BYTES_MAX];

static int
start(void **state)
{
	(void)state;
	memset(&limiter, 0, sizeof(limiter));
	bounds = (struct limiter_bounds){PER_WINDOW, TOGETHER};
	told_sum = 0;
	told_count = 0;
	told_last[0] = '\0';
	return 0;
}

static bool
pass_one(enum event_kind event, const char *member, uint64_t now_ms)
{
	struct limiter_subject subject = {event, SLICE("shop"), slice_of(member)};
	suppressed = 0;
	return limiter_pass(&limiter, subject, bounds, now_ms, &suppressed);
}

static unsigned
pass_many(unsigned count, enum event_kind event, const char *member, uint64_t now_ms)
{
	unsigned passed = 0;
	for (unsigned i = 0; i < count; i++)
		passed += pass_one(event, member, now_ms);
	return passed;
}

static void
told(void *context, struct limiter_subject subject, uint64_t count)
{
	assert_ptr_equal(context, &limiter);
	told_sum += count;
	told_count++;
	(void)snprintf(told_last, sizeof(told_last), "%s %.*s %.*s", event_text(subject.event),
		       SLICE_ARG(subject.service), SLICE_ARG(subject.member));
}

static void
tick(uint64_t now_ms, bool all)
{
	limiter_tick(&limiter, now_ms, all, told, &limiter);
}

/* A window's bound holds for one event and member; others have their own. */
static void
bounds_each_subject(void **state)
{
	(void)state;
	assert_int_equal(pass_many(10, EVENT_FAILOVER, "a", 5000), PER_WINDOW);
	assert_int_equal(pass_many(10, EVENT_FAILOVER, "b", 5000), PER_WINDOW);
	assert_int_equal(pass_many(10, EVENT_FAILBACK, "a", 5999), PER_WINDOW);
	assert_int_equal(pass_many(10, EVENT_FAILOVER, "", 5000), PER_WINDOW);
	assert_int_equal(pass_many(1, EVENT_FAILOVER, "a", 5999), 0);
}

/* The first line of the next window says how many were held back; the one behind it none. */
static void
next_line_says_how_many(void **state)
{
	(void)state;
	(void)pass_many(10, EVENT_FAILOVER, "a", 5000);
	assert_true(pass_one(EVENT_FAILOVER, "a", 6000));
	assert_int_equal(suppressed, 10 - PER_WINDOW);
	assert_true(pass_one(EVENT_FAILOVER, "a", 6000));
	assert_int_equal(suppressed, 0);
	tick(7000, false);
	assert_int_equal(told_count, 0);
}

/* A tick tells what no line followed, once its window is over, and only once. */
static void
tick_tells_what_is_held(void **state)
{
	(void)state;
	(void)pass_many(10, EVENT_TAG_REJECTED, "", 5000);
	tick(5999, false);
	assert_int_equal(told_count, 0);
	tick(6000, false);
	assert_int_equal(told_sum, 10 - PER_WINDOW);
	assert_string_equal(told_last, "tag_rejected shop ");
	tick(7000, true);
	assert_int_equal(told_count, 1);
}

/* At the end everything is told, window or not. */
static void
tells_all_at_the_end(void **state)
{
	(void)state;
	(void)pass_many(5, EVENT_FAILOVER, "a", 5000);
	(void)pass_many(5, EVENT_FAILOVER, "b", 5000);
	tick(0, true);
	assert_int_equal(told_count, 2);
	assert_int_equal(told_sum, 2 * (5 - PER_WINDOW));
}

/* A thread whose time is behind another's does not begin a window anew. */
static void
older_time_begins_no_window(void **state)
{
	(void)state;
	assert_int_equal(pass_many(10, EVENT_FAILOVER, "a", 5001), PER_WINDOW);
	assert_int_equal(pass_many(10, EVENT_FAILOVER, "a", 5000), 0);
}

/* More subjects than cells: bounded all the same, and every line is written or told. */
static void
counts_more_subjects_than_cells(void **state)
{
	(void)state;
	const unsigned subjects = 4 * LIMITER_BUCKETS * LIMITER_WAYS;
	const unsigned each = 10;
	uint64_t passed = 0;
	for (unsigned i = 0; i < subjects; i++) {
		char member[16];
		(void)snprintf(member, sizeof(member), "m%u", i);
		passed += pass_many(each, EVENT_FAILOVER, member, 5000);
	}
	assert_in_range(passed, PER_WINDOW * LIMITER_BUCKETS * LIMITER_WAYS / 2,
			PER_WINDOW * (LIMITER_BUCKETS * LIMITER_WAYS + 1));
	tick(6000, false);
	assert_int_equal(passed + told_sum, (uint64_t)subjects * each);
	assert_string_equal(told_last, "failover  ");
	/* Idle cells are taken over. */
	assert_int_equal(pass_many(1, EVENT_FAILOVER, "another", 7000), 1);
	assert_int_equal(suppressed, 0);
}

/* However many members there are: one event has its bound in a window, and no count is lost. */
static void
bounds_all_subjects_together(void **state)
{
	(void)state;
	bounds.together_max = 10;
	uint64_t passed = 0;
	for (unsigned i = 0; i < 100; i++) {
		char member[16];
		(void)snprintf(member, sizeof(member), "m%u", i);
		passed += pass_many(2, EVENT_FAILOVER, member, 5000);
	}
	assert_int_equal(passed, 10);
	assert_int_equal(pass_many(2, EVENT_FAILBACK, "m99", 5999), 2);
	tick(6000, false);
	assert_int_equal(told_sum, 190);
	assert_int_equal(pass_many(2, EVENT_FAILOVER, "m99", 6000), 2);
}

/* Names longer than any id are cut, not overrun. */
static void
cuts_long_names(void **state)
{
	(void)state;
	char name[3 * ID_BYTES_MAX];
	memset(name, 'x', sizeof(name));
	struct limiter_subject subject = {EVENT_FAILOVER, {name, sizeof(name)}, {name, 200}};
	for (int i = 0; i < PER_WINDOW; i++)
		assert_true(limiter_pass(&limiter, subject, bounds, 5000, &suppressed));
	assert_false(limiter_pass(&limiter, subject, bounds, 5000, &suppressed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(bounds_each_subject, start),
	    cmocka_unit_test_setup(next_line_says_how_many, start),
	    cmocka_unit_test_setup(tick_tells_what_is_held, start),
	    cmocka_unit_test_setup(tells_all_at_the_end, start),
	    cmocka_unit_test_setup(older_time_begins_no_window, start),
	    cmocka_unit_test_setup(counts_more_subjects_than_cells, start),
	    cmocka_unit_test_setup(bounds_all_subjects_together, start),
	    cmocka_unit_test_setup(cuts_long_names, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
