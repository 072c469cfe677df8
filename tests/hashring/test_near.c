/*
 * test_near.c: first ones and a member's place in one pass, against the order as it is sorted; the
 * pass itself, in both forms; and the cost turned around.
 */
#include "fixture.h"

#include "../../hashring/standing.h"

#define WANT_MAX  6
#define COUNT_MAX 160

/* ---- the pass ---- */

enum { LANES = 256 };

struct lanes_of {
	uint32_t seed[LANES];
	uint32_t zone[LANES];
	uint8_t mask[LANES / 8];
};

static struct ring_survey
survey_plainly(const struct ring_lanes *l, uint32_t point, uint32_t bound)
{
	struct ring_survey s = {0, 0, 0};
	for (size_t i = 0; i < l->count; i++) {
		uint32_t u = draw32(l->seed[i] ^ point);
		bool inside = l->zone[i] == l->in_zone;
		if (l->group != GROUP_ALL && inside != (l->group == GROUP_INSIDE))
			continue;
		s.reach += u >= bound;
		if ((l->mask[i / 8] >> i % 8 & 1) == 0)
			continue;
		if (u > s.first) {
			s.second = s.first;
			s.first = u;
		} else if (u > s.second) {
			s.second = u;
		}
	}
	return s;
}

static void
assert_survey(ring_survey_fn *survey, const struct ring_lanes *lanes, uint32_t point,
	      uint32_t bound)
{
	struct ring_survey want = survey_plainly(lanes, point, bound);
	struct ring_survey got;
	survey(lanes, point, bound, &got);
	assert_int_equal(got.first, want.first);
	assert_int_equal(got.second, want.second);
	assert_int_equal(got.reach, want.reach);
}

/* Some lanes share a seed, so that the greatest draw is there twice. */
static void
lanes_fill(struct lanes_of *l, struct chance *c, bool nobody)
{
	for (size_t i = 0; i < LANES; i++) {
		l->seed[i] = chance_below(c, 8) == 0 && i > 0
				 ? l->seed[chance_below(c, (uint32_t)i)]
				 : (uint32_t)chance_next(c);
		l->zone[i] = chance_below(c, 3);
	}
	for (size_t i = 0; i < LANES / 8; i++)
		l->mask[i] = nobody ? 0 : (uint8_t)chance_next(c);
}

static void
test_surveys_agree(void **state)
{
	(void)state;
	struct chance c = {51};
	struct lanes_of l = {.mask = {0}};
	for (int turn = 0; turn < 4000; turn++) {
		lanes_fill(&l, &c, turn % 7 == 0);
		struct ring_lanes lanes = {.seed = l.seed,
					   .zone = l.zone,
					   .mask = l.mask,
					   .count = chance_below(&c, LANES / 8 + 1) * 8,
					   .in_zone = 1};
		uint32_t point = (uint32_t)chance_next(&c);
		uint32_t bound = turn % 5 == 0 ? draw32(l.seed[turn % LANES] ^ point)
					       : (uint32_t)chance_next(&c) >> turn % 32;
		for (int group = GROUP_ALL; group <= GROUP_INSIDE; group++) {
			lanes.group = (enum ring_group)group;
			assert_survey(hashring_survey_best(), &lanes, point, bound);
			assert_survey(hashring_survey_portable, &lanes, point, bound);
		}
	}
}

/* ---- the cost turned around ---- */

/* The least draw within a price, for prices that draws have and for those between. */
static void
test_least_draw(void **state)
{
	(void)state;
	struct chance c = {52};
	for (int turn = 0; turn < 400000; turn++) {
		uint32_t like = (uint32_t)chance_next(&c);
		if (turn % 3 == 0)
			like = UINT32_MAX - (like >> turn / 3 % 32);
		else if (turn % 3 == 1)
			like >>= turn / 3 % 32;
		uint64_t price = cost_numerator(like);
		uint32_t u = 0;
		assert_true(hashring_least_draw(price, &u));
		assert_int_equal(u, like);
		if (turn % 2 == 0)
			price += chance_below(&c, 1000);
		else
			price -= chance_below(&c, 185); /* the least that there is */
		if (!hashring_least_draw(price, &u)) {
			assert_true(price < cost_numerator(UINT32_MAX));
			continue;
		}
		assert_true(cost_numerator(u) <= price);
		assert_true(u == 0 || cost_numerator(u - 1) > price);
	}
	uint32_t u = 1;
	assert_false(hashring_least_draw(184, &u));
	assert_false(hashring_least_draw(0, &u));
	assert_true(hashring_least_draw(UINT64_C(33) << 40, &u));
	assert_int_equal(u, 0);
	assert_true(hashring_least_draw(UINT64_MAX, &u));
	assert_int_equal(u, 0);
}

/* ---- against the order ---- */

/* One question about a ring, and its answer by the whole order. */
struct question {
	const struct hashring *ring;
	uint64_t point;
	uint32_t apart;
	const hashring_word *live;
	uint32_t without[4];
	size_t without_count;
};

static size_t
order_at(const struct question *q, uint32_t order[COUNT_MAX])
{
	struct hashring_iter iter = {
	    .ring = q->ring, .point = q->point, .apart = q->apart, .last = HASHRING_NONE};
	size_t count = 0;
	for (uint32_t m; (m = hashring_iter_next(&iter)) != HASHRING_NONE;)
		order[count++] = m;
	return count;
}

static bool
is_left_out(const struct question *q, uint32_t member)
{
	bool out = !set_has(q->live, member);
	for (size_t i = 0; i < q->without_count; i++)
		out |= q->without[i] == member;
	return out;
}

/* The places that are asked for, in order. */
static size_t
expect(const struct question *q, const uint32_t *order, size_t count, uint32_t *out, size_t want)
{
	size_t held = 0;
	for (size_t i = 0; i < count && held < want; i++) {
		if (!is_left_out(q, order[i]))
			out[held++] = order[i];
	}
	return held;
}

static void
assert_near(struct hashring *ring, const struct question *q, uint32_t ranked, size_t want)
{
	static uint8_t lanes[HASHRING_MEMBERS_MAX];
	uint32_t order[COUNT_MAX];
	uint32_t expected[WANT_MAX];
	uint32_t got[WANT_MAX];
	size_t count = order_at(q, order);
	size_t held = expect(q, order, count, expected, want);
	uint32_t place = 0;
	while (place < count && order[place] != ranked)
		place++;
	assert_true(hashring_lane_bytes(ring) <= sizeof(lanes));
	hashring_lanes(ring, q->live, lanes);
	struct hashring_near near = {.lanes = lanes,
				     .without = q->without,
				     .without_count = q->without_count,
				     .apart = q->apart,
				     .ranked = ranked};
	for (size_t i = 0; i < 4; i++) {
		uint32_t rank = 12345;
		ring->survey = i % 2 == 0 ? hashring_survey_portable : hashring_survey_best();
		if (i >= 2 && q->live == NULL)
			near.lanes = NULL; /* the same: all */
		assert_int_equal(hashring_near_at(ring, q->point, &near, got, want, &rank), held);
		assert_memory_equal(got, expected, held * sizeof(got[0]));
		assert_int_equal(rank, place < count ? place : HASHRING_NONE);
	}
}

static void
live_fill(hashring_word *live, size_t count, struct chance *c, unsigned tenths_dead)
{
	memset(live, 0, HASHRING_WORDS(COUNT_MAX) * sizeof(*live));
	for (size_t i = 0; i < count; i++)
		live[i / 64] |= (hashring_word)(chance_below(c, 10) >= tenths_dead) << i % 64;
}

/* Sizes, weights, zones, dead members, members left out, places asked: chance over all of them. */
static void
test_near_is_the_order(void **state)
{
	(void)state;
	static const uint32_t weights[] = {1, 1, 2, 5, 40, 65535};
	struct chance c = {53};
	for (int turn = 0; turn < 400; turn++) {
		size_t count = turn < 40 ? (size_t)turn : chance_below(&c, COUNT_MAX - 1) + 1;
		struct cast cast = cast_of(count);
		if (turn % 6 != 0)
			cast_shuffle_traits(&cast, &c, weights[turn % 6]);
		struct hashring *ring = ring_of(&cast);
		hashring_word live[HASHRING_WORDS(COUNT_MAX)];
		live_fill(live, count, &c, (unsigned)turn % 11);
		struct question q = {.ring = ring, .live = turn % 4 == 0 ? NULL : live};
		for (int i = 0; i < 8; i++) {
			q.point = chance_next(&c);
			q.apart = i % 2 == 0 ? HASHRING_NONE : chance_below(&c, (uint32_t)count);
			q.without_count = count == 0 ? 0 : chance_below(&c, 5);
			for (size_t k = 0; k < q.without_count; k++)
				q.without[k] = chance_below(&c, (uint32_t)count);
			uint32_t ranked =
			    i == 7 ? HASHRING_NONE : chance_below(&c, (uint32_t)count + 1);
			assert_near(ring, &q, ranked, chance_below(&c, WANT_MAX + 1));
		}
		hashring_free(&ring);
		cast_free(&cast);
	}
}

/* Two ids whose first draws are always equal (see test_order.c), among others. */
static void
test_near_with_ties(void **state)
{
	(void)state;
	struct chance c = {54};
	for (int turn = 0; turn < 400; turn++) {
		struct cast cast = cast_of(12);
		cast.member[3].id = "node-622";
		cast.member[3].id_bytes = 8;
		cast.member[7].id = "node-495543";
		cast.member[7].id_bytes = 11;
		for (size_t i = 0; turn % 2 == 0 && i < cast.count; i++)
			cast_zone(&cast, i, cast_zones[chance_below(&c, 2)]);
		struct hashring *ring = ring_of(&cast);
		assert_int_equal((uint32_t)ring->seed[3], (uint32_t)ring->seed[7]);
		if (turn % 3 == 0)
			ring->seed[3] = ring->seed[7]; /* the id decides */
		/* So that the two are in front: their draw is the greatest that there is. */
		uint64_t point = (uint32_t)ring->seed[3] ^ draw32_inverse(UINT32_MAX);
		hashring_word live = chance_next(&c) | 1u << 3 | 1u << 7;
		struct question q = {.ring = ring, .live = &live};
		for (uint32_t member = 0; member < 12; member++) {
			q.point = turn % 5 == 0 ? chance_next(&c) : point | chance_next(&c) << 32;
			q.apart = turn % 2 == 0 ? member : HASHRING_NONE;
			for (size_t want = 0; want <= 4; want++)
				assert_near(ring, &q, member, want);
			q.without[0] = turn % 2 == 0 ? 3 : 7;
			q.without_count = (size_t)turn % 3;
			q.without[1] = member;
		}
		hashring_free(&ring);
		cast_free(&cast);
	}
}

static int
u64_compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

/* Another seed for a member, so that its draw at point 0 is `u`. */
static void
force_draw(struct hashring *ring, uint32_t member, uint32_t u, struct chance *c)
{
	uint32_t lane = ring->lane[member];
	uint32_t half = draw32_inverse(u);
	ring->seed[member] = chance_next(c) << 32 | half;
	ring->lane_seed[lane] = half;
	for (size_t i = 0; i < ring->class_count; i++) {
		const struct ring_class *class = &ring->class[i];
		uint64_t *lookup = ring->lookup + class->lookup_from;
		for (uint32_t k = 0; k < class->members; k++) {
			if ((uint32_t)lookup[k] == lane)
				lookup[k] = (uint64_t)half << 32 | lane;
		}
		qsort(lookup, class->members, sizeof(*lookup), u64_compare);
	}
}

/* Equal costs of different weights, 185/185 and 554/554, go to the second draw. */
static void
test_near_with_equal_costs(void **state)
{
	(void)state;
	struct chance c = {55};
	for (int turn = 0; turn < 60; turn++) {
		struct cast cast = cast_of(turn % 2 == 0 ? 2 : 40);
		for (uint32_t i = 0; i < cast.count; i++)
			cast.member[i].weight = (uint32_t)cost_numerator(UINT32_MAX - i % 2);
		struct hashring *ring = ring_of(&cast);
		for (uint32_t i = 0; i < 2; i++)
			force_draw(ring, i, UINT32_MAX - i, &c);
		struct question q = {.ring = ring, .point = 0, .apart = HASHRING_NONE};
		for (uint32_t ranked = 0; ranked < 2; ranked++)
			for (size_t want = 0; want <= 3; want++)
				assert_near(ring, &q, ranked, want);
		hashring_free(&ring);
		cast_free(&cast);
	}
}

/* A draw of 0, which is also what nobody draws. */
static void
test_near_with_draws_of_zero(void **state)
{
	(void)state;
	struct cast cast = cast_of(9);
	struct hashring *ring = ring_of(&cast);
	struct question q = {.ring = ring, .apart = HASHRING_NONE};
	for (hashring_word live = 0; live < 512; live++) {
		q.live = &live;
		for (uint32_t member = 0; member < 9; member++) {
			q.point = (uint32_t)ring->seed[member]; /* its draw is 0 */
			assert_near(ring, &q, member, 1 + (size_t)live % 3);
		}
	}
	hashring_free(&ring);
	cast_free(&cast);
}

/* Many weights of few members: places by the bound and by every cost are the same. */
static void
test_near_over_many_weights(void **state)
{
	(void)state;
	struct chance c = {56};
	for (uint32_t weights = 1; weights <= 60; weights++) {
		struct cast cast = cast_of(150);
		for (size_t i = 0; i < cast.count; i++)
			cast.member[i].weight = 1 + (uint32_t)i % weights * (1 + weights % 7);
		struct hashring *ring = ring_of(&cast);
		struct question q = {.ring = ring, .apart = HASHRING_NONE};
		for (int i = 0; i < 20; i++) {
			q.point = chance_next(&c);
			assert_near(ring, &q, chance_below(&c, 150), 2);
		}
		hashring_free(&ring);
		cast_free(&cast);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_surveys_agree),
	    cmocka_unit_test(test_least_draw),
	    cmocka_unit_test(test_near_is_the_order),
	    cmocka_unit_test(test_near_with_ties),
	    cmocka_unit_test(test_near_with_equal_costs),
	    cmocka_unit_test(test_near_with_draws_of_zero),
	    cmocka_unit_test(test_near_over_many_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
