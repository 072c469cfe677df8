/* test_expected.c: the closed form against cases that can be counted by hand, and against draws. */
#include "cli/expected.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DRAWS       200000
#define MEMBERS_MAX 8

static void
assert_near(double got, double want, double off)
{
	if (fabs(got - want) > off)
		fail_msg("%.6f, not %.6f", got, want);
}

static double
moved(const struct expected_member *members, size_t count, bool strict)
{
	double part = -1;
	struct problem p;
	assert_int_equal(expected_moved(members, count, strict, &part, &p), RESULT_OK);
	return part;
}

/* One change: what a member gains or loses moves, and nothing else. */
static void
one_change_moves_one_share(void **state)
{
	(void)state;
	static const struct expected_member same[] = {{2, 2, false, false}, {3, 3, false, false}};
	static const struct expected_member added[] = {
	    {1, 1, false, false}, {1, 1, false, false}, {0, 2, false, false}};
	static const struct expected_member removed[] = {
	    {1, 1, false, false}, {2, 2, false, false}, {1, 0, true, false}};
	static const struct expected_member down[] = {
	    {1, 1, false, false}, {2, 2, false, true}, {1, 1, false, false}};
	static const struct expected_member heavier[] = {{1, 3, false, false},
							 {1, 1, false, false}};
	static const struct expected_member lighter[] = {{3, 1, false, false},
							 {1, 1, false, false}};
	assert_near(moved(same, 2, false), 0, 1e-12);
	assert_near(moved(added, 3, false), 0.5, 1e-12);
	assert_near(moved(removed, 3, false), 0.25, 1e-12);
	assert_near(moved(down, 3, false), 0.5, 1e-12);
	assert_near(moved(down, 3, true), 0.5, 1e-12);
	assert_near(moved(heavier, 2, false), 0.75 - 0.5, 1e-12);
	assert_near(moved(lighter, 2, false), 0.75 - 0.5, 1e-12);
}

static void
nobody_before_or_after(void **state)
{
	(void)state;
	static const struct expected_member lost[] = {{1, 1, false, true}, {1, 0, true, false}};
	static const struct expected_member won[] = {{0, 1, false, false}};
	static const struct expected_member none[] = {{0, 0, false, false}};
	assert_near(moved(lost, 2, false), 1, 1e-12);
	assert_near(moved(won, 1, false), 1, 1e-12);
	assert_near(moved(none, 1, false), 0, 1e-12);
	assert_near(moved(none, 0, false), 0, 1e-12);
}

static void
tagged_sessions_move_when_their_member_is_lost(void **state)
{
	(void)state;
	static const struct expected_member members[] = {{1, 5, false, false},  /* heavier */
							 {2, 2, false, true},   /* down */
							 {3, 0, true, false},   /* gone */
							 {4, 0, false, false},  /* weight 0 */
							 {0, 9, false, false}}; /* new */
	assert_near(expected_moved_tagged(members, 5), 0.5, 1e-12);
	assert_near(expected_moved_tagged(members, 0), 0, 1e-12);
}

/* ---- several changes at once, against exponential draws ---- */

static double
draw(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = *state;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return -log(((double)((x ^ x >> 31) >> 11) + 0.5) / 9007199254740992.0);
}

/* Member of least cost among those of a weight; -1: nobody. */
static int
first(const double *draws, const uint32_t *weight, size_t count)
{
	int best = -1;
	for (size_t i = 0; i < count; i++) {
		if (weight[i] > 0 &&
		    (best < 0 || draws[i] / weight[i] < draws[best] / weight[best]))
			best = (int)i;
	}
	return best;
}

/* The part of the draws whose first member is another one afterwards, or cannot serve. */
static double
moved_by_draws(const struct expected_member *m, size_t count, bool strict)
{
	uint64_t state = 42;
	size_t others = 0;
	uint32_t before[MEMBERS_MAX];
	uint32_t after[MEMBERS_MAX];
	for (size_t i = 0; i < count; i++) {
		before[i] = m[i].before;
		after[i] = m[i].down && !strict ? 0 : m[i].after;
	}
	for (int n = 0; n < DRAWS; n++) {
		double draws[MEMBERS_MAX];
		for (size_t i = 0; i < count; i++)
			draws[i] = draw(&state);
		int a = first(draws, before, count);
		int b = first(draws, after, count);
		others += a != b || m[b].down;
	}
	return (double)others / DRAWS;
}

static void
several_changes_at_once(void **state)
{
	(void)state;
	static const struct expected_member mixed[] = {
	    {3, 1, false, false}, {1, 4, false, false}, {2, 2, false, true}, {5, 0, true, false},
	    {0, 3, false, false}, {0, 2, false, true},  {1, 1, false, false}};
	static const struct expected_member swapped[] = {
	    {1, 1, false, false}, {1, 0, true, false}, {0, 1, false, false}};
	assert_near(moved(mixed, 7, false), moved_by_draws(mixed, 7, false), 0.005);
	assert_near(moved(mixed, 7, true), moved_by_draws(mixed, 7, true), 0.005);
	assert_near(moved(swapped, 3, false), 2.0 / 3, 1e-12);
	assert_near(moved_by_draws(swapped, 3, false), 2.0 / 3, 0.005);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_change_moves_one_share),
	    cmocka_unit_test(nobody_before_or_after),
	    cmocka_unit_test(tagged_sessions_move_when_their_member_is_lost),
	    cmocka_unit_test(several_changes_at_once),
	};
	return cmocka_run_group_tests_name("expected", tests, NULL, NULL);
}
