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
		assert_true(want < count);
		if (want < count) /* said again to who reads no assertions */
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

/* A view in which each member says what it does of its weight; d came back at 5000. */
static struct view *
graded_view(struct membership *m, struct member_live *live[4], const char *const said[4])
{
	static const uint8_t state[4] = {MEMBER_UP, MEMBER_UP, MEMBER_UP, MEMBER_UP};
	for (size_t i = 0; i < 4; i++) {
		struct weight_said weight = {0};
		assert_true(weight_parse(slice_of(said[i]), &weight));
		live[i] = member_live_create(&m->member[i].origin, &m->member[i].source, NULL, 1);
		assert_non_null(live[i]);
		atomic_store(&live[i]->said, weight);
		m->member[i].live = live[i]; /* the membership's now */
	}
	atomic_store(&live[3]->risen_ms, 5000);
	struct view_opinion opinion = {.state = state, .graded = true, .slow_start_ms = 9000};
	struct view *v = view_create(m, 1, &opinion);
	assert_non_null(v);
	return v;
}

static void
count_graded(enum assign_method method, const struct view *view, uint64_t now_ms,
	     unsigned chosen[4])
{
	struct assign_inputs in = inputs(method, view);
	struct prng prng = {4711};
	memset(chosen, 0, 4 * sizeof(chosen[0]));
	in.now_ms = now_ms;
	for (in.turn = 0; in.turn < DRAWS; in.turn++) {
		in.draw = prng_next(&prng);
		chosen[assign_primary(&in)]++;
	}
}

/* a: half of 2; b: none; c: all of 2; d of weight 4: a tenth at first, a half later, then all. */
static void
shares_are_of_the_moment(void **state)
{
	(void)state;
	static const uint32_t weight[4] = {2, 2, 2, 4};
	struct membership *m = weighted(weight, 4);
	struct member_live *live[4];
	struct view *v = graded_view(m, live, (const char *const[]){"50%", "0", "100%", "100%"});
	unsigned chosen[4];
	count_graded(ASSIGN_ROUND_ROBIN, v, 5000, chosen);
	assert_share(chosen[0], 10, 34);
	assert_int_equal(chosen[1], 0);
	assert_share(chosen[2], 20, 34);
	assert_share(chosen[3], 4, 34);
	count_graded(ASSIGN_ROUND_ROBIN, v, 9000, chosen);
	assert_share(chosen[3], 20, 50);
	count_graded(ASSIGN_ROUND_ROBIN, v, 14000, chosen);
	assert_share(chosen[3], 40, 70);
	/* Nobody is busy: the first draw counts. */
	count_graded(ASSIGN_LEAST_REQUESTS, v, 5000, chosen);
	assert_share(chosen[0], 10, 34);
	assert_int_equal(chosen[1], 0);
	assert_share(chosen[3], 4, 34);
	/* c has no more for its share than a, and b is not asked even when all the others are busy.
	 */
	load[0] = 100;
	load[2] = 200;
	load[3] = 1000;
	count_graded(ASSIGN_LEAST_REQUESTS, v, 14000, chosen);
	assert_int_equal(chosen[1], 0);
	assert_true(chosen[0] > 0 && chosen[2] > chosen[0]);
	view_unref(&v);
	membership_unref(&m);
}

/* The ordering does not know of it, and when all ask for nothing, all get by their weight. */
static void
shares_are_not_the_ordering(void **state)
{
	(void)state;
	static const uint32_t weight[4] = {1, 1, 1, 1};
	struct membership *m = weighted(weight, 4);
	struct member_live *live[4];
	struct view *v = graded_view(m, live, (const char *const[]){"0", "0%", "0", "0"});
	unsigned chosen[4];
	struct assign_inputs in = inputs(ASSIGN_ORDERING, v);
	for (uint64_t n = 0; n < 1000; n++) {
		in.digest = fixture_digest(n);
		assert_int_equal(assign_primary(&in),
				 hashring_kth(m->ring, in.digest.bytes, HASHRING_NONE, 0));
	}
	for (int i = 0; i < 4; i++)
		assert_true(view_is_operational(v, (uint32_t)i));
	assert_int_equal(v->takes_new[0], 0);
	count_graded(ASSIGN_ROUND_ROBIN, v, 5000, chosen);
	for (int i = 0; i < 4; i++)
		assert_share(chosen[i], 1, 4);
	view_unref(&v);
	membership_unref(&m);
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
	    cmocka_unit_test(shares_are_of_the_moment),
	    cmocka_unit_test(shares_are_not_the_ordering),
	};
	return cmocka_run_group_tests_name("assign", tests, NULL, NULL);
}
