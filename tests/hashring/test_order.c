/*
 * test_order.c: the questions agree with one another. hashring_order is held
 * against the golden vectors elsewhere; here everything else is held against
 * hashring_order, over live sets, zones, weights and sizes around a lane step.
 */
#include "fixture.h"

#define MEMBERS_MAX 700

static uint32_t whole[HASHRING_MEMBERS_MAX];
static uint32_t given[HASHRING_MEMBERS_MAX];

/* ---- domain assertions ---- */

/* first and first_n equal the order with the dead left out. */
static void
assert_firsts(const struct hashring *ring, const uint8_t *digest, uint32_t apart,
	      const hashring_word *live)
{
	static uint32_t want[HASHRING_MEMBERS_MAX];
	size_t stands = hashring_order(ring, digest, apart, whole, HASHRING_MEMBERS_MAX);
	size_t alive = 0;
	for (size_t i = 0; i < stands; i++)
		if (set_has(live, whole[i]))
			want[alive++] = whole[i];
	assert_int_equal(hashring_first(ring, digest, apart, live),
			 alive > 0 ? want[0] : HASHRING_NONE);
	static const size_t wants[] = {0, 1, 2, 4, 16, 17, HASHRING_MEMBERS_MAX};
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		size_t n = hashring_first_n(ring, digest, apart, live, given, wants[i]);
		assert_int_equal(n, alive < wants[i] ? alive : wants[i]);
		assert_memory_equal(given, want, n * sizeof(*want));
	}
}

/* kth, rank, the iterator and a shorter capacity equal the order, which holds each member once. */
static void
assert_places(const struct hashring *ring, const uint8_t *digest, uint32_t apart)
{
	static bool seen[HASHRING_MEMBERS_MAX];
	size_t count = hashring_count(ring);
	size_t stands = hashring_order(ring, digest, apart, whole, HASHRING_MEMBERS_MAX);
	struct hashring_iter iter;
	hashring_iter_init(&iter, ring, digest, apart);
	memset(seen, 0, sizeof(seen));
	for (size_t k = 0; k < stands; k++) {
		assert_true(whole[k] < count);
		assert_false(seen[whole[k]]);
		seen[whole[k]] = true;
		assert_int_equal(hashring_kth(ring, digest, apart, k), whole[k]);
		assert_int_equal(hashring_rank(ring, digest, apart, whole[k]), k);
		assert_int_equal(hashring_iter_next(&iter), whole[k]);
	}
	assert_int_equal(hashring_iter_next(&iter), HASHRING_NONE);
	assert_int_equal(hashring_iter_next(&iter), HASHRING_NONE);
	assert_int_equal(hashring_kth(ring, digest, apart, stands), HASHRING_NONE);
	assert_int_equal(hashring_kth(ring, digest, apart, SIZE_MAX), HASHRING_NONE);
	for (size_t i = 0; i < count; i++)
		if (!seen[i])
			assert_int_equal(hashring_rank(ring, digest, apart, (uint32_t)i),
					 HASHRING_NONE);
	assert_int_equal(hashring_rank(ring, digest, apart, (uint32_t)count), HASHRING_NONE);
	assert_int_equal(hashring_rank(ring, digest, apart, HASHRING_NONE), HASHRING_NONE);
	for (size_t capacity = 0; capacity < stands; capacity += 1 + stands / 5) {
		assert_int_equal(hashring_order(ring, digest, apart, given, capacity), capacity);
		assert_memory_equal(given, whole, capacity * sizeof(*given));
	}
}

/* ---- cases ---- */

/* No members: every question has an answer. */
static void
test_empty(void **state)
{
	(void)state;
	struct hashring *ring = NULL;
	assert_int_equal(hashring_create(NULL, 0, &ring, NULL), HASHRING_OK);
	uint8_t digest[HASHRING_DIGEST_BYTES] = {0};
	hashring_word live = UINT64_MAX;
	assert_int_equal(hashring_count(ring), 0);
	assert_int_equal(hashring_first(ring, digest, HASHRING_NONE, NULL), HASHRING_NONE);
	assert_int_equal(hashring_first(ring, digest, 0, &live), HASHRING_NONE);
	assert_firsts(ring, digest, HASHRING_NONE, NULL);
	assert_places(ring, digest, HASHRING_NONE);
	assert_places(ring, digest, 5);
	hashring_free(&ring);
}

/* A member of weight 0 stands in no order, even when it is the only live one. */
static void
test_weight_zero(void **state)
{
	(void)state;
	struct cast cast = cast_of(5);
	struct chance c = {31};
	cast.member[0].weight = 0;
	cast.member[3].weight = 0;
	struct hashring *ring = ring_of(&cast);
	uint8_t digest[HASHRING_DIGEST_BYTES];
	hashring_word only_weightless = 1 | 1 << 3;
	for (int turn = 0; turn < 50; turn++) {
		chance_digest(&c, digest);
		assert_int_equal(hashring_order(ring, digest, HASHRING_NONE, whole, 5), 3);
		assert_places(ring, digest, HASHRING_NONE);
		assert_firsts(ring, digest, 0, NULL);
		assert_int_equal(hashring_first(ring, digest, HASHRING_NONE, &only_weightless),
				 HASHRING_NONE);
	}
	hashring_free(&ring);
	for (size_t i = 0; i < 5; i++)
		cast.member[i].weight = 0;
	ring = ring_of(&cast);
	assert_int_equal(hashring_first(ring, digest, HASHRING_NONE, NULL), HASHRING_NONE);
	assert_places(ring, digest, HASHRING_NONE);
	hashring_free(&ring);
	cast_free(&cast);
}

/* Every live subset of 1 to 8 members, equal and mixed weights, with and without `apart`. */
static void
test_every_live_set(void **state)
{
	(void)state;
	struct chance c = {32};
	uint8_t digest[HASHRING_DIGEST_BYTES];
	for (size_t count = 1; count <= 8; count++)
		for (int kind = 0; kind < 4; kind++) {
			struct cast cast = cast_of(count);
			if (kind > 0)
				cast_shuffle_traits(&cast, &c, (uint32_t)(kind - 1) * 2 + 1);
			struct hashring *ring = ring_of(&cast);
			chance_digest(&c, digest);
			assert_places(ring, digest, HASHRING_NONE);
			for (uint32_t apart = 0; apart <= count; apart++) {
				uint32_t from = apart < count ? apart : HASHRING_NONE;
				assert_places(ring, digest, from);
				for (hashring_word live = 0; live < UINT64_C(1) << count; live++)
					assert_firsts(ring, digest, from, &live);
			}
			hashring_free(&ring);
			cast_free(&cast);
		}
}

/* Sizes around a lane step and a word; chance live sets, dense and thin; stray bits are ignored. */
static void
test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = {7,  8,  9,   15,  16,  17,  31,  33,  63,
				       64, 65, 100, 127, 128, 129, 257, 511, MEMBERS_MAX};
	struct chance c = {33};
	uint8_t digest[HASHRING_DIGEST_BYTES];
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (uint32_t weight_max = 1; weight_max <= 81; weight_max *= 9) {
			struct cast cast = cast_of(sizes[s]);
			if (weight_max > 1)
				cast_shuffle_traits(&cast, &c, weight_max);
			struct hashring *ring = ring_of(&cast);
			hashring_word live[HASHRING_WORDS(MEMBERS_MAX)];
			for (int turn = 0; turn < 6; turn++) {
				for (size_t w = 0; w < HASHRING_WORDS(MEMBERS_MAX); w++) {
					live[w] = chance_next(&c);
					for (int thin = 0; thin < turn % 3; thin++) {
						live[w] &= chance_next(&c);
						live[w] &= chance_next(&c);
					}
					if (turn >= 3)
						live[w] = ~live[w];
				}
				chance_digest(&c, digest);
				assert_firsts(ring, digest, HASHRING_NONE, live);
				assert_firsts(ring, digest, chance_below(&c, (uint32_t)sizes[s]),
					      live);
			}
			if (sizes[s] < 130)
				assert_places(ring, digest, chance_below(&c, (uint32_t)sizes[s]));
			memset(live, 0, sizeof(live));
			assert_firsts(ring, digest, HASHRING_NONE, live);
			hashring_free(&ring);
			cast_free(&cast);
		}
}

/* 10,000 and 16,384 members, one weight and each member a weight of its own. */
static void
test_large(void **state)
{
	(void)state;
	struct chance c = {34};
	uint8_t digest[HASHRING_DIGEST_BYTES];
	for (int kind = 0; kind < 4; kind++) {
		struct cast cast = cast_of(kind < 2 ? 10000 : HASHRING_MEMBERS_MAX);
		for (size_t i = 0; i < cast.count && kind % 2 == 1; i++) {
			cast.member[i].weight = (uint32_t)i + 1;
			cast_zone(&cast, i, cast_zones[i % 3]);
		}
		struct hashring *ring = ring_of(&cast);
		static hashring_word live[HASHRING_WORDS(HASHRING_MEMBERS_MAX)];
		for (size_t w = 0; w < HASHRING_WORDS(HASHRING_MEMBERS_MAX); w++)
			live[w] = chance_next(&c);
		chance_digest(&c, digest);
		assert_firsts(ring, digest, kind < 2 ? HASHRING_NONE : 77, live);
		assert_firsts(ring, digest, kind < 2 ? 77 : HASHRING_NONE, NULL);
		uint32_t k = 5000 + (uint32_t)kind;
		uint32_t member = hashring_kth(ring, digest, HASHRING_NONE, k);
		assert_int_equal(hashring_rank(ring, digest, HASHRING_NONE, member), k);
		hashring_free(&ring);
		cast_free(&cast);
	}
}

/* Both scans see the same greatest draw, for every group, mask and length. */
static void
test_scans_agree(void **state)
{
	(void)state;
	enum { LANES = 256 };
	ring_scan_fn *best = hashring_scan_best();
	struct chance c = {35};
	uint32_t seed[LANES];
	uint32_t zone[LANES];
	uint8_t mask[LANES / 8];
	for (int turn = 0; turn < 4000; turn++) {
		for (size_t i = 0; i < LANES; i++) {
			seed[i] = (uint32_t)chance_next(&c);
			zone[i] = chance_below(&c, 3);
		}
		for (size_t i = 0; i < LANES / 8; i++)
			mask[i] = turn % 7 == 0 ? 0 : (uint8_t)chance_next(&c);
		size_t lanes = chance_below(&c, LANES / 8 + 1) * 8;
		uint32_t point = (uint32_t)chance_next(&c);
		for (int group = GROUP_ALL; group <= GROUP_INSIDE; group++) {
			uint32_t want = 0;
			for (size_t i = 0; i < lanes; i++) {
				bool inside = zone[i] == 1;
				bool chosen =
				    (mask[i / 8] >> i % 8 & 1) != 0 &&
				    (group == GROUP_ALL || inside == (group == GROUP_INSIDE));
				uint32_t u = draw32(seed[i] ^ point);
				if (chosen && u > want)
					want = u;
			}
			assert_int_equal(
			    best(seed, zone, mask, lanes, point, (enum ring_group)group, 1), want);
			assert_int_equal(hashring_scan_portable(seed, zone, mask, lanes, point,
								(enum ring_group)group, 1),
					 want);
		}
	}
}

/* A ring answers the same through the portable scan. */
static void
test_rings_agree_over_scans(void **state)
{
	(void)state;
	struct chance c = {36};
	struct cast cast = cast_of(200);
	cast_shuffle_traits(&cast, &c, 6);
	struct hashring *quick = ring_of(&cast);
	struct hashring *plain = ring_of(&cast);
	plain->scan = hashring_scan_portable;
	for (int turn = 0; turn < 1000; turn++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		hashring_word live[4] = {chance_next(&c), chance_next(&c), chance_next(&c), 0};
		uint32_t apart = turn % 2 == 0 ? HASHRING_NONE : chance_below(&c, 200);
		chance_digest(&c, digest);
		assert_int_equal(hashring_first(quick, digest, apart, live),
				 hashring_first(plain, digest, apart, live));
	}
	hashring_free(&quick);
	hashring_free(&plain);
	cast_free(&cast);
}

/* A draw of 0 is a draw: its member is found, and a dead one is not mistaken for it. */
static void
test_draw_of_zero(void **state)
{
	(void)state;
	struct cast cast = cast_of(2);
	struct hashring *ring = ring_of(&cast);
	uint64_t point = ring->seed[1]; /* draw32(0) is 0 */
	hashring_word both = 3;
	hashring_word zeroth = 1;
	hashring_word first = 2;
	hashring_word none = 0;
	assert_int_equal(hashring_first_at(ring, point, HASHRING_NONE, NULL), 0);
	assert_int_equal(hashring_first_at(ring, point, HASHRING_NONE, &both), 0);
	assert_int_equal(hashring_first_at(ring, point, HASHRING_NONE, &zeroth), 0);
	assert_int_equal(hashring_first_at(ring, point, HASHRING_NONE, &first), 1);
	assert_int_equal(hashring_first_at(ring, point, HASHRING_NONE, &none), HASHRING_NONE);
	assert_int_equal(hashring_first_at(ring, point, 1, &first), 1);
	assert_int_equal(hashring_first_at(ring, point, 0, &first), 1);
	hashring_free(&ring);
	cast_free(&cast);
}

/* ---- ties ---- */

/* Two ids found by search: the lower halves of their seeds are equal, so are all their first draws.
 */
static struct hashring *
equal_halves(struct cast *cast)
{
	*cast = cast_of(3);
	cast->member[0].id = "node-622";
	cast->member[0].id_bytes = 8;
	cast->member[1].id = "node-495543";
	cast->member[1].id_bytes = 11;
	struct hashring *ring = ring_of(cast);
	assert_int_equal((uint32_t)ring->seed[0], (uint32_t)ring->seed[1]);
	assert_int_not_equal(ring->seed[0], ring->seed[1]);
	return ring;
}

/* The second draw decides, each way about as often; first agrees with the order. */
static void
test_tie_by_second_draw(void **state)
{
	(void)state;
	struct cast cast;
	struct hashring *ring = equal_halves(&cast);
	struct chance c = {37};
	int zeroth_before = 0;
	for (int turn = 0; turn < 1000; turn++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		chance_digest(&c, digest);
		uint64_t point = hashring_hash(digest, sizeof(digest));
		bool want = draw64(point ^ ring->seed[0]) > draw64(point ^ ring->seed[1]);
		uint32_t rank_0 = hashring_rank(ring, digest, HASHRING_NONE, 0);
		uint32_t rank_1 = hashring_rank(ring, digest, HASHRING_NONE, 1);
		assert_int_equal(rank_0 < rank_1, want);
		zeroth_before += want;
		assert_places(ring, digest, HASHRING_NONE);
		for (hashring_word live = 0; live < 8; live++)
			assert_firsts(ring, digest, HASHRING_NONE, &live);
	}
	assert_in_range(zeroth_before, 440, 560);
	hashring_free(&ring);
	cast_free(&cast);
}

/* With the whole seed equal (no such ids are known, so one seed is overwritten) the smaller id is
 * first. */
static void
test_tie_by_id(void **state)
{
	(void)state;
	struct cast cast;
	struct hashring *ring = equal_halves(&cast);
	struct chance c = {38};
	ring->seed[0] = ring->seed[1]; /* "node-495543" < "node-622" */
	for (int turn = 0; turn < 100; turn++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		chance_digest(&c, digest);
		assert_int_equal(hashring_rank(ring, digest, HASHRING_NONE, 0),
				 hashring_rank(ring, digest, HASHRING_NONE, 1) + 1);
		assert_places(ring, digest, HASHRING_NONE);
		for (hashring_word live = 0; live < 8; live++)
			assert_firsts(ring, digest, HASHRING_NONE, &live);
	}
	hashring_free(&ring);
	cast_free(&cast);
}

/* Gives a member that is alone in its class another seed, so that its draw at point 0 is `u`. */
static void
force_draw(struct hashring *ring, uint32_t member, uint32_t u, uint32_t upper_half)
{
	uint32_t lane = ring->lane[member];
	uint32_t half = draw32_inverse(u);
	ring->seed[member] = (uint64_t)upper_half << 32 | half;
	ring->lane_seed[lane] = half;
	for (size_t i = 0; i < ring->class_count; i++)
		if (ring->class[i].lane_from == lane)
			ring->lookup[ring->class[i].lookup_from] = (uint64_t)half << 32 | lane;
}

/* Equal costs of different weights, 185/185 and 554/554, go to the second draw as well. */
static void
test_tie_between_weights(void **state)
{
	(void)state;
	struct cast cast = cast_of(2);
	struct chance c = {39};
	cast.member[0].weight = (uint32_t)cost_numerator(UINT32_MAX);
	cast.member[1].weight = (uint32_t)cost_numerator(UINT32_MAX - 1);
	struct hashring *ring = ring_of(&cast);
	int zeroth_first = 0;
	for (int turn = 0; turn < 64; turn++) {
		force_draw(ring, 0, UINT32_MAX, (uint32_t)chance_next(&c));
		force_draw(ring, 1, UINT32_MAX - 1, (uint32_t)chance_next(&c));
		uint32_t want = draw64(ring->seed[0]) > draw64(ring->seed[1]) ? 0 : 1;
		struct hashring_iter iter = {
		    .ring = ring, .apart = HASHRING_NONE, .last = HASHRING_NONE};
		assert_int_equal(hashring_first_at(ring, 0, HASHRING_NONE, NULL), want);
		assert_int_equal(hashring_iter_next(&iter), want);
		assert_int_equal(hashring_iter_next(&iter), 1 - want);
		assert_int_equal(hashring_iter_next(&iter), HASHRING_NONE);
		zeroth_first += want == 0;
	}
	assert_in_range(zeroth_first, 16, 48);
	hashring_free(&ring);
	cast_free(&cast);
}

/* Bytes compare unsigned, and a prefix is smaller than what it begins. */
static void
test_id_places(void **state)
{
	(void)state;
	struct cast cast = cast_of(4);
	static const char *const ids[] = {"\xff", "ab", "a", "b"};
	static const uint32_t places[] = {3, 1, 0, 2};
	for (size_t i = 0; i < 4; i++) {
		cast.member[i].id = ids[i];
		cast.member[i].id_bytes = strlen(ids[i]);
	}
	struct hashring *ring = ring_of(&cast);
	assert_memory_equal(ring->id_place, places, sizeof(places));
	hashring_free(&ring);
	cast_free(&cast);
}

/* A digest that was made for a point stands at it: of every digest's point, and of any. */
static void
test_points(void **state)
{
	(void)state;
	struct chance chance = {20};
	for (int i = 0; i < 10000; i++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint8_t other[HASHRING_DIGEST_BYTES];
		uint64_t words[2] = {chance_next(&chance), chance_next(&chance)};
		memcpy(digest, words, sizeof(digest));
		uint64_t point = i < 4 ? (uint64_t)i - 2 : hashring_point(digest);
		hashring_digest_at(point, other);
		assert_true(hashring_point(other) == point);
	}
}

/* Whatever is asked of it is answered as of the digest itself. */
static void
test_orders_of_points(void **state)
{
	(void)state;
	struct chance chance = {21};
	struct cast cast = cast_of(40);
	cast_shuffle_traits(&cast, &chance, 3);
	struct hashring *ring = ring_of(&cast);
	for (int i = 0; i < 200; i++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint8_t other[HASHRING_DIGEST_BYTES];
		uint64_t words[2] = {chance_next(&chance), chance_next(&chance)};
		memcpy(digest, words, sizeof(digest));
		hashring_digest_at(hashring_point(digest), other);
		uint32_t apart = i % 2 == 0 ? HASHRING_NONE : (uint32_t)i % 40;
		size_t n = hashring_order(ring, digest, apart, whole, HASHRING_MEMBERS_MAX);
		assert_int_equal(hashring_order(ring, other, apart, given, HASHRING_MEMBERS_MAX),
				 n);
		assert_memory_equal(given, whole, n * sizeof(*given));
	}
	hashring_free(&ring);
	cast_free(&cast);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_points),
	    cmocka_unit_test(test_orders_of_points),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_weight_zero),
	    cmocka_unit_test(test_every_live_set),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_scans_agree),
	    cmocka_unit_test(test_rings_agree_over_scans),
	    cmocka_unit_test(test_draw_of_zero),
	    cmocka_unit_test(test_tie_by_second_draw),
	    cmocka_unit_test(test_tie_by_id),
	    cmocka_unit_test(test_tie_between_weights),
	    cmocka_unit_test(test_id_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
