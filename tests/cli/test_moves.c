/* test_moves.c: counting keys that move, with more pairs than are kept. */
#include "cli/moves.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
counts_by_member_and_by_pair(void **state)
{
	(void)state;
	struct moves m;
	assert_int_equal(moves_init(&m, 3, NULL), RESULT_OK);
	for (int i = 0; i < 5; i++)
		moves_count(&m, 0, 0);
	moves_count(&m, 0, 1);
	moves_count(&m, 1, 2);
	moves_count(&m, 1, 2);
	moves_count(&m, 2, 3); /* to nobody */
	moves_sort(&m);
	assert_int_equal(m.keys, 9);
	assert_int_equal(m.moved, 4);
	assert_int_equal(m.before[0], 6);
	assert_int_equal(m.after[0], 5);
	assert_int_equal(m.before[1], 2);
	assert_int_equal(m.after[1], 1);
	assert_int_equal(m.after[3], 1);
	assert_int_equal(m.pair_count, 3);
	assert_int_equal(m.pair[0].from, 1);
	assert_int_equal(m.pair[0].to, 2);
	assert_int_equal(m.pair[0].keys, 2);
	assert_int_equal(m.pair[1].from, 0);
	assert_int_equal(m.pair[2].to, 3);
	assert_int_equal(m.unpaired, 0);
	moves_deinit(&m);
}

/* Every key is counted, though not every pair is kept; what is kept stays exact. */
static void
more_pairs_than_are_kept(void **state)
{
	(void)state;
	enum { MEMBERS = 300 };
	struct moves m;
	assert_int_equal(moves_init(&m, MEMBERS, NULL), RESULT_OK);
	for (int round = 0; round < 2; round++) {
		for (uint32_t from = 0; from < MEMBERS; from++)
			for (uint32_t to = 0; to < MEMBERS; to++)
				moves_count(&m, from, to);
	}
	moves_sort(&m);
	assert_int_equal(m.keys, 2 * MEMBERS * MEMBERS);
	assert_int_equal(m.moved, 2 * MEMBERS * (MEMBERS - 1));
	assert_int_equal(m.pair_count, MOVES_PAIRS_MAX);
	assert_int_equal(m.unpaired, m.moved - 2 * MOVES_PAIRS_MAX);
	for (size_t i = 0; i < m.pair_count; i++)
		assert_int_equal(m.pair[i].keys, 2);
	moves_deinit(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_by_member_and_by_pair),
	    cmocka_unit_test(more_pairs_than_are_kept),
	};
	return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
