/* test_budget.c: how many requests may be repeated at once. */
#include "relay/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The share of what waits, or the floor, whichever is more. */
static void
a_share_and_a_floor(void **state)
{
	(void)state;
	assert_true(budget_allows(20, 10, 1, 0));
	assert_true(budget_allows(20, 10, 1, 9));
	assert_false(budget_allows(20, 10, 50, 10));
	assert_true(budget_allows(20, 10, 51, 10));
	assert_true(budget_allows(20, 10, 1000, 199));
	assert_false(budget_allows(20, 10, 1000, 200));
	assert_true(budget_allows(20, 0, 1, 0));
	assert_false(budget_allows(20, 0, 5, 1));
}

/* 100 % never says no, as the request that asks waits itself; 0 % and no floor never yes. */
static void
all_and_nothing(void **state)
{
	(void)state;
	for (uint32_t waiting = 1; waiting < 5000; waiting++) {
		assert_true(budget_allows(100, 0, waiting, waiting - 1));
		assert_false(budget_allows(0, 0, waiting, 0));
	}
	assert_true(budget_allows(100, 0, UINT32_MAX, UINT32_MAX - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_share_and_a_floor),
	    cmocka_unit_test(all_and_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
