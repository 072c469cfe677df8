/* test_history.c: what is kept of checks and transitions, and what is not. */
#include "members/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct history history;

static int
start(void **state)
{
	(void)state;
	memset(&history, 0, sizeof(history));
	return 0;
}

static const char *
checks(void)
{
	static char text[HISTORY_CHECKS_MAX + 1];
	history_checks_text(&history, text);
	return text;
}

/* The last one stands last. */
static void
keeps_checks_in_order(void **state)
{
	(void)state;
	assert_string_equal(checks(), "");
	history_add_check(&history, true);
	assert_string_equal(checks(), "1");
	history_add_check(&history, true);
	history_add_check(&history, false);
	assert_string_equal(checks(), "110");
	assert_int_equal(history.well, 2);
	assert_int_equal(history.failed, 1);
}

/* The oldest leave; the counts are of all. */
static void
keeps_the_last_checks(void **state)
{
	(void)state;
	char want[HISTORY_CHECKS_MAX + 1];
	memset(want, '1', HISTORY_CHECKS_MAX);
	want[HISTORY_CHECKS_MAX] = '\0';
	want[HISTORY_CHECKS_MAX - 2] = '0';
	for (int i = 0; i < 100; i++)
		history_add_check(&history, i >= 30 && i != 98);
	assert_string_equal(checks(), want);
	assert_int_equal(history_checks_kept(&history), HISTORY_CHECKS_MAX);
	assert_int_equal(history.well + history.failed, 100);
	assert_int_equal(history.failed, 31);
}

static void
change(uint64_t at_ms)
{
	history_add_transition(&history, (struct history_transition){.at_ms = at_ms,
								     .from = MEMBER_UP,
								     .to = MEMBER_DOWN,
								     .reason = REASON_RESET});
}

/* The oldest is the first; when there is no room it leaves. */
static void
keeps_the_last_transitions(void **state)
{
	(void)state;
	assert_int_equal(history_transitions_kept(&history), 0);
	change(1);
	change(2);
	assert_int_equal(history_transitions_kept(&history), 2);
	assert_int_equal(history_transition_at(&history, 0)->at_ms, 1);
	assert_int_equal(history_transition_at(&history, 1)->at_ms, 2);
	assert_int_equal(history_transition_at(&history, 1)->to, MEMBER_DOWN);
	assert_int_equal(history_transition_at(&history, 1)->reason, REASON_RESET);
	for (uint64_t at_ms = 3; at_ms <= 100; at_ms++)
		change(at_ms);
	assert_int_equal(history_transitions_kept(&history), HISTORY_TRANSITIONS_MAX);
	for (size_t i = 0; i < HISTORY_TRANSITIONS_MAX; i++)
		assert_int_equal(history_transition_at(&history, i)->at_ms,
				 100 - HISTORY_TRANSITIONS_MAX + 1 + i);
	assert_int_equal(history.transitions, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(keeps_checks_in_order, start),
	    cmocka_unit_test_setup(keeps_the_last_checks, start),
	    cmocka_unit_test_setup(keeps_the_last_transitions, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
