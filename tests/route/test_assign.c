/* test_assign.c: shares of each method, and who stands in when nobody takes new sessions. */
#include "route/assign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "../members/fixture.h"

#define DRAWS 60000

static unsigned load[FIXTURE_MEMBERS_MAX];

static unsigned
load_of(const void *context, uint32_t member)
{
	assert_ptr_equal(context, load);
	return load[member];
}

static struct assign_inputs
inputs(enum assign_method method, const struct view *view)
{
	return (struct assign_inputs){
	    .method = method, .view = view, .load = load_of, .load_context = load};
}

static struct membership *
weighted(const uint32_t *weight, size_t count)
{
	struct config_service service = fixture_service(count);
	for (size_t i = 0; i < count; i++)
		fixture_list[i].weight = weight[i];
	memset(load, 0, sizeof(load));
	return fixture_membership(&service);
}

/* How often each of four members is chosen in DRAWS sessions. */
static void
count_choices(enum assign_method method, const struct view *view, unsigned chosen[4])
{
	struct assign_inputs in = inputs(method, view);
	struct prng prng = {12345};
	memset(chosen, 0, 4 * sizeof(chosen[0]));
	for (uint64_t n = 0; n < DRAWS; n++) {
		in.digest = fixture_digest(n);
		in.draw = prng_next(&prng);
		in.turn = n;
		uint32_t member = assign_primary(&in);
		assert_true(member < 4);
		chosen[member]++;
	}
}

/* Within 3 % of `of` parts in `sum`. */
static void
assert_share(unsigned chosen, unsigned of, unsigned sum)
{
	double want = (double)DRAWS * of / sum;
	if (chosen < want * 0.97 || chosen > want * 1.03)
		fail_msg("%u, not about %.0f", chosen, want);
}

/* default: by the order when the key is the request's, by load when it is ours. */
static void
default_depends_on_the_key(void **state)
{
	(void)state;
	assert_int_equal(assign_method_for(ASSIGN_DEFAULT, true), ASSIGN_ORDERING);
	assert_int_equal(assign_method_for(ASSIGN_DEFAULT, false), ASSIGN_LEAST_REQUESTS);
	for (int key = 0; key < 2; key++) {
		assert_int_equal(assign_method_for(ASSIGN_ROUND_ROBIN, key != 0),
				 ASSIGN_ROUND_ROBIN);
		assert_int_equal(assign_method_for(ASSIGN_ORDERING, key != 0), ASSIGN_ORDERING);
		assert_int_equal(assign_method_for(ASSIGN_LEAST_REQUESTS, key != 0),
				 ASSIGN_LEAST_REQUESTS);
	}
}

/* ordering: rank 0, alive or not, and its share is its weight's. */
static void
ordering_is_rank_0(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){1, 2, 3, 4}, 4);
	struct view *view = fixture_view(m, "UDMU");
	struct assign_inputs in = inputs(ASSIGN_ORDERING, view);
	unsigned chosen[4];
	for (uint64_t n = 0; n < 1000; n++) {
		in.digest = fixture_digest(n);
		assert_int_equal(assign_primary(&in),
				 hashring_kth(m->ring, in.digest.bytes, HASHRING_NONE, 0));
	}
	count_choices(ASSIGN_ORDERING, view, chosen);
	for (unsigned i = 0; i < 4; i++)
		assert_share(chosen[i], i + 1, 10);
	view_unref(&view);
	membership_unref(&m);
}

/* least_requests: without load, by weight among those that are up. */
static void
least_requests_draws_by_weight(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){1, 2, 3, 4}, 4);
	struct view *view = fixture_view(m, "UUUU");
	unsigned chosen[4];
	count_choices(ASSIGN_LEAST_REQUESTS, view, chosen);
	for (unsigned i = 0; i < 4; i++)
		assert_share(chosen[i], i + 1, 10);
	view_unref(&view);
	view = fixture_view(m, "USRU");
	count_choices(ASSIGN_LEAST_REQUESTS, view, chosen);
	assert_share(chosen[0], 1, 5);
	assert_int_equal(chosen[1] + chosen[2], 0);
	assert_share(chosen[3], 4, 5);
	view_unref(&view);
	membership_unref(&m);
}

/* The busiest of all is never taken: the other one drawn has less to do. Load counts by weight. */
static void
least_requests_avoids_the_busy(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){1, 1, 1, 1}, 4);
	struct view *view = fixture_view(m, "UUUU");
	unsigned chosen[4];
	load[2] = 5;
	count_choices(ASSIGN_LEAST_REQUESTS, view, chosen);
	assert_int_equal(chosen[2], 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(i == 2 || chosen[i] > DRAWS / 4);
	view_unref(&view);
	membership_unref(&m);
	/* 9 requests at weight 10 are less than 1 at weight 1. */
	m = weighted((const uint32_t[]){10, 1}, 2);
	view = fixture_view(m, "UU");
	load[0] = 9;
	load[1] = 1;
	count_choices(ASSIGN_LEAST_REQUESTS, view, chosen);
	assert_int_equal(chosen[0], DRAWS);
	load[0] = 11;
	count_choices(ASSIGN_LEAST_REQUESTS, view, chosen);
	assert_int_equal(chosen[1], DRAWS);
	view_unref(&view);
	membership_unref(&m);
}

/* round_robin: exactly the weights in every cycle, none of them at a stretch. */
static void
round_robin_is_exact_and_smooth(void **state)
{
	(void)state;
	static const uint32_t weights[][4] = {{1, 1, 1, 1}, {5, 1, 1, 0}, {1, 2, 3, 4},
					      {7, 0, 0, 1}, {3, 3, 3, 3}, {1, 0, 0, 0}};
	for (size_t i = 0; i < COUNT(weights); i++) {
		struct membership *m = weighted(weights[i], 4);
		struct view *view = fixture_view(m, "UUUU");
		struct assign_inputs in = inputs(ASSIGN_ROUND_ROBIN, view);
		unsigned total = weights[i][0] + weights[i][1] + weights[i][2] + weights[i][3];
		unsigned chosen[4] = {0};
		unsigned row = 0;
		uint32_t before = MEMBER_NONE;
		for (in.turn = 3 * total; in.turn < 4 * total; in.turn++) {
			uint32_t member = assign_primary(&in);
			assert_true(member < 4);
			row = member == before ? row + 1 : 1;
			before = member;
			chosen[member]++;
			/* Half of the turns or less: it never comes three times in a row. */
			assert_true(row < 3 || 2 * weights[i][member % 4] > total);
		}
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(chosen[k], weights[i][k]);
		view_unref(&view);
		membership_unref(&m);
	}
}

/* Equal members take turns in the sequence of their list. */
static void
round_robin_goes_round(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){3, 3, 3}, 3);
	struct view *view = fixture_view(m, "UUU");
	struct assign_inputs in = inputs(ASSIGN_ROUND_ROBIN, view);
	for (in.turn = 0; in.turn < 90; in.turn++)
		assert_int_equal(assign_primary(&in), in.turn % 3);
	view_unref(&view);
	membership_unref(&m);
}

/* Only members that take new sessions have turns; the counter may be anywhere. */
static void
round_robin_passes_over(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){1, 1, 65535, 2}, 4);
	struct view *view = fixture_view(m, "UDRU");
	unsigned chosen[4];
	count_choices(ASSIGN_ROUND_ROBIN, view, chosen);
	assert_int_equal(chosen[0], DRAWS / 3);
	assert_int_equal(chosen[1] + chosen[2], 0);
	assert_int_equal(chosen[3], DRAWS / 3 * 2);
	struct assign_inputs in = inputs(ASSIGN_ROUND_ROBIN, view);
	in.turn = UINT64_MAX;
	uint32_t member = assign_primary(&in);
	assert_true(member == 0 || member == 3);
	view_unref(&view);
	membership_unref(&m);
}

/* Nobody is up: suspect ones stand in, then draining ones, then rank 0. */
static void
others_stand_in(void **state)
{
	static const enum assign_method methods[] = {ASSIGN_LEAST_REQUESTS, ASSIGN_ROUND_ROBIN};
	static const struct {
		const char *states;
		uint32_t chosen;
	} rows[] = {
	    {"DSRM", 1}, {"DDRM", 2}, {"RRSR", 2}, {"UDDD", 3}, {"USDD", 1}, {"UDRD", 2},
	};
	(void)state;
	struct membership *m = weighted((const uint32_t[]){0, 1, 1, 1}, 4);
	for (size_t k = 0; k < COUNT(methods); k++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct view *view = fixture_view(m, rows[i].states);
			struct assign_inputs in = inputs(methods[k], view);
			/* A digest whose rank 0 is d, for the row where nobody is left. */
			uint64_t n = 0;
			do
				in.digest = fixture_digest(n++);
			while (hashring_first(m->ring, in.digest.bytes, HASHRING_NONE, NULL) != 3);
			assert_int_equal(assign_primary(&in), rows[i].chosen);
			view_unref(&view);
		}
	}
	membership_unref(&m);
}

/* No member has a weight: there is no primary. */
static void
nobody_has_a_weight(void **state)
{
	(void)state;
	struct membership *m = weighted((const uint32_t[]){0, 0}, 2);
	struct view *view = fixture_view(m, "UU");
	for (int method = ASSIGN_ORDERING; method <= ASSIGN_ROUND_ROBIN; method++) {
		struct assign_inputs in = inputs((enum assign_method)method, view);
		assert_int_equal(assign_primary(&in), MEMBER_NONE);
	}
	view_unref(&view);
	membership_unref(&m);
}

/* One cycle, turn by turn: k-th turns at (k + 1/2) / weight, together those of the first listed. */
static void
assert_cycle(const struct view *view, const uint32_t *weight, uint32_t count)
{
	struct assign_inputs in = inputs(ASSIGN_ROUND_ROBIN, view);
	uint32_t had[FIXTURE_MEMBERS_MAX] = {0};
	uint32_t total = 0;
	for (uint32_t i = 0; i < count; i++)
		total += view->state[i] == MEMBER_UP ? weight[i] : 0;
	for (in.turn = 0; in.turn < total; in.turn++) {
		uint32_t want = MEMBER_NONE;
		for (uint32_t i = 0; i < count; i++) {
			if (view->state[i] != MEMBER_UP || had[i] == weight[i])
				continue;
			/* (2 * had + 1) / (2 * weight) is the moment of its next turn */
			if (want == MEMBER_NONE ||
			    (2 * had[i] + 1) * weight[want] < (2 * had[want] + 1) * weight[i])
				want = i;
		}
		assert_int_equal(assign_primary(&in), want);
		had[want]++;
	}
	uint32_t again = assign_primary(&in);
	in.turn = 0;
	assert_int_equal(again, assign_primary(&in));
}

/* Few weights are counted together, more than that each by itself: the same turns. */
static void
round_robin_over_many_members(void **state)
{
	(void)state;
	for (uint32_t weights = 1; weights <= FIXTURE_MEMBERS_MAX; weights++) {
		uint32_t weight[FIXTURE_MEMBERS_MAX];
		char states[FIXTURE_MEMBERS_MAX + 1] = "";
		for (uint32_t i = 0; i < FIXTURE_MEMBERS_MAX; i++) {
			weight[i] = 1 + i * 7 % weights;
			states[i] = (i + weights) % 4 == 0 ? 'D' : 'U';
		}
		struct membership *m = weighted(weight, FIXTURE_MEMBERS_MAX);
		struct view *view = fixture_view(m, states);
		assert_cycle(view, weight, FIXTURE_MEMBERS_MAX);
		view_unref(&view);
		membership_unref(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(default_depends_on_the_key),
	    cmocka_unit_test(ordering_is_rank_0),
	    cmocka_unit_test(least_requests_draws_by_weight),
	    cmocka_unit_test(least_requests_avoids_the_busy),
	    cmocka_unit_test(round_robin_is_exact_and_smooth),
	    cmocka_unit_test(round_robin_over_many_members),
	    cmocka_unit_test(round_robin_goes_round),
	    cmocka_unit_test(round_robin_passes_over),
	    cmocka_unit_test(others_stand_in),
	    cmocka_unit_test(nobody_has_a_weight),
	};
	return cmocka_run_group_tests_name("assign", tests, NULL, NULL);
}
