/* test_idle.c: what a tag's age says of the last request, exactly. */
#include "affinity/idle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define T   1800
#define G   (T / IDLE_PARTS)
#define NOW 1700000000U

/* A tag is due when it is a quarter of T old, or from a future further than that. */
static void
tags_are_due_by_their_age(void **state)
{
	(void)state;
	assert_false(idle_tag_is_due(T, NOW, NOW));
	assert_false(idle_tag_is_due(T, NOW - G + 1, NOW));
	assert_true(idle_tag_is_due(T, NOW - G, NOW));
	assert_true(idle_tag_is_due(T, NOW - 10 * T, NOW));
	assert_false(idle_tag_is_due(T, NOW + G, NOW));
	assert_true(idle_tag_is_due(T, NOW + G + 1, NOW));
}

/* A session is idle when its tag is a quarter of T older than T, to the second. */
static void
sessions_are_idle_by_their_tags_age(void **state)
{
	(void)state;
	assert_false(idle_is_over(T, NOW, NOW));
	assert_false(idle_is_over(T, NOW - T, NOW));
	assert_false(idle_is_over(T, NOW - T - G + 1, NOW));
	assert_true(idle_is_over(T, NOW - T - G, NOW));
	assert_false(idle_is_over(T, NOW + T + G, NOW));
}

/* The clock of seconds wraps in 2106, and nothing happens. */
static void
the_clock_may_wrap(void **state)
{
	(void)state;
	assert_int_equal(idle_tag_age_s(UINT32_MAX - 4, 5), 10);
	assert_int_equal(idle_tag_age_s(5, UINT32_MAX - 4), -10);
	assert_true(idle_is_over(T, UINT32_MAX - 4, T + G));
	assert_false(idle_is_over(T, UINT32_MAX - 4, 5));
}

/*
 * Sessions that ask now and then, each request at a moment of its own within the second: one with a
 * pause is called idle after the pause exactly when that was long enough, and never before T.
 */
static void
never_before_t_and_always_a_quarter_later(void **state)
{
	(void)state;
	static const uint32_t periods_s[] = {4, 5, 7, 60, 1800};
	for (size_t i = 0; i < sizeof(periods_s) / sizeof(periods_s[0]); i++) {
		uint32_t t = periods_s[i];
		for (uint32_t step_ms = 130; step_ms < 3000; step_ms += 577) {
			uint64_t at_ms = 1000;
			uint32_t issued = 1;
			while (at_ms < 1000 + UINT64_C(2000) * t) {
				if (idle_tag_is_due(t, issued, (uint32_t)(at_ms / 1000)))
					issued = (uint32_t)(at_ms / 1000);
				at_ms += step_ms;
				if (step_ms <= t * 1000)
					assert_false(
					    idle_is_over(t, issued, (uint32_t)(at_ms / 1000)));
			}
			uint64_t last_ms = at_ms - step_ms;
			uint64_t early_ms = last_ms + t * UINT64_C(1000);
			uint64_t late_ms = early_ms + t / IDLE_PARTS * UINT64_C(1000) + 1000;
			assert_false(idle_is_over(t, issued, (uint32_t)(early_ms / 1000)));
			assert_true(idle_is_over(t, issued, (uint32_t)(late_ms / 1000)));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tags_are_due_by_their_age),
	    cmocka_unit_test(sessions_are_idle_by_their_tags_age),
	    cmocka_unit_test(the_clock_may_wrap),
	    cmocka_unit_test(never_before_t_and_always_a_quarter_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
