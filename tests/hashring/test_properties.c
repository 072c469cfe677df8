/*
 * test_properties.c: the properties that SPEC.md promises of the ordering, one
 * test each. Statistics run on fixed seeds, so a bound holds always or never.
 */
#include "fixture.h"

#include <math.h>

#define MEMBERS_MAX 64

static uint32_t
primary(const struct hashring *ring, struct chance *c)
{
	uint8_t digest[HASHRING_DIGEST_BYTES];
	chance_digest(c, digest);
	return hashring_first(ring, digest, HASHRING_NONE, NULL);
}

/* Pearson's statistic of counts against shares of the weight. */
static double
chi_square(const uint32_t *counted, const uint32_t *weight, size_t count, uint32_t sessions)
{
	double total = 0;
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		total += weight[i];
	for (size_t i = 0; i < count; i++) {
		if (weight[i] == 0) {
			assert_int_equal(counted[i], 0);
			continue;
		}
		double want = (double)sessions * weight[i] / total;
		sum += (counted[i] - want) * (counted[i] - want) / want;
	}
	return sum;
}

/* What honest chance exceeds once in 10,000 times (Wilson and Hilferty's approximation). */
static double
chi_square_bound(size_t count)
{
	double freedom = (double)count - 1;
	double spread = 2 / (9 * freedom);
	return freedom * pow(1 - spread + 3.72 * sqrt(spread), 3);
}

/* The same members listed in another way stand in the same order. */
static void
test_listing_order_is_nothing(void **state)
{
	(void)state;
	struct chance c = {41};
	for (int turn = 0; turn < 200; turn++) {
		struct cast cast = cast_of(1 + chance_below(&c, MEMBERS_MAX));
		struct cast mixed = cast_of(cast.count);
		uint32_t original[MEMBERS_MAX] = {0};
		cast_shuffle_traits(&cast, &c, 5);
		for (uint32_t i = 0; i < cast.count; i++)
			original[i] = i;
		for (uint32_t i = (uint32_t)cast.count - 1; i > 0; i--) {
			uint32_t j = chance_below(&c, i + 1);
			uint32_t swap = original[i];
			original[i] = original[j];
			original[j] = swap;
		}
		uint32_t apart = chance_below(&c, (uint32_t)cast.count);
		uint32_t mixed_apart = 0;
		for (uint32_t i = 0; i < cast.count; i++) {
			mixed.member[i] = cast.member[original[i]];
			if (original[i] == apart)
				mixed_apart = i;
		}
		struct hashring *a = ring_of(&cast);
		struct hashring *b = ring_of(&mixed);
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint32_t order_a[MEMBERS_MAX];
		uint32_t order_b[MEMBERS_MAX];
		chance_digest(&c, digest);
		size_t stands = hashring_order(a, digest, apart, order_a, MEMBERS_MAX);
		assert_int_equal(hashring_order(b, digest, mixed_apart, order_b, MEMBERS_MAX),
				 stands);
		for (size_t i = 0; i < stands; i++)
			assert_int_equal(original[order_b[i]], order_a[i]);
		assert_int_equal(hashring_fingerprint(a), hashring_fingerprint(b));
		hashring_free(&a);
		hashring_free(&b);
		cast_free(&mixed);
		cast_free(&cast);
	}
}

/* Taking a member away never changes the order of the others. */
static void
test_removal_keeps_the_rest(void **state)
{
	(void)state;
	struct chance c = {42};
	for (int turn = 0; turn < 200; turn++) {
		struct cast cast = cast_of(2 + chance_below(&c, MEMBERS_MAX - 1));
		cast_shuffle_traits(&cast, &c, 5);
		uint32_t gone = chance_below(&c, (uint32_t)cast.count);
		uint32_t apart = (gone + 1) % (uint32_t)cast.count;
		struct hashring *before = ring_of(&cast);
		memmove(cast.member + gone, cast.member + gone + 1,
			(cast.count - gone - 1) * sizeof(*cast.member));
		cast.count--;
		struct hashring *after = ring_of(&cast);
		for (int zones = 0; zones < 2; zones++) {
			uint8_t digest[HASHRING_DIGEST_BYTES];
			uint32_t all[MEMBERS_MAX];
			uint32_t rest[MEMBERS_MAX];
			chance_digest(&c, digest);
			uint32_t from = zones == 0 ? HASHRING_NONE : apart;
			uint32_t from_after = zones == 0 ? HASHRING_NONE : apart - (apart > gone);
			size_t stands = hashring_order(before, digest, from, all, MEMBERS_MAX);
			size_t left = hashring_order(after, digest, from_after, rest, MEMBERS_MAX);
			size_t at = 0;
			for (size_t i = 0; i < stands; i++) {
				if (all[i] == gone)
					continue;
				assert_true(at < left);
				assert_int_equal(rest[at] + (rest[at] >= gone), all[i]);
				at++;
			}
			assert_int_equal(at, left);
		}
		hashring_free(&before);
		hashring_free(&after);
		cast_free(&cast);
	}
}

/* A member's share of the sessions is its share of the weight. */
static void
test_share_is_weight(void **state)
{
	(void)state;
	static const struct {
		size_t count;
		uint32_t weight[16];
	} rings[] = {
	    {2, {1, 1}},
	    {2, {1, 3}},
	    {2, {1, 500}},
	    {3, {65535, 65535, 21845}},
	    {5, {1, 2, 3, 4, 0}},
	    {10, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	    {12, {10, 20, 10, 20, 10, 20, 10, 20, 10, 20, 100, 5}},
	    {16, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
	};
	const uint32_t sessions = 100000;
	struct chance c = {43};
	for (size_t r = 0; r < sizeof(rings) / sizeof(rings[0]); r++) {
		struct cast cast = cast_of(rings[r].count);
		uint32_t counted[16] = {0};
		for (size_t i = 0; i < cast.count; i++)
			cast.member[i].weight = rings[r].weight[i];
		struct hashring *ring = ring_of(&cast);
		for (uint32_t s = 0; s < sessions; s++)
			counted[primary(ring, &c)]++;
		assert_true(chi_square(counted, rings[r].weight, cast.count, sessions) <
			    chi_square_bound(cast.count));
		hashring_free(&ring);
		cast_free(&cast);
	}
}

/* The same for a thousand members, where the cheap end of the logarithm decides. */
static void
test_share_is_weight_among_many(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	static uint32_t counted[MANY];
	static uint32_t weight[MANY];
	const uint32_t sessions = 200000;
	struct chance c = {44};
	struct cast cast = cast_of(MANY);
	for (size_t i = 0; i < MANY; i++)
		cast.member[i].weight = weight[i] = i % 4 == 0 ? 3 : 1;
	struct hashring *ring = ring_of(&cast);
	for (uint32_t s = 0; s < sessions; s++)
		counted[primary(ring, &c)]++;
	assert_true(chi_square(counted, weight, MANY, sessions) < chi_square_bound(MANY));
	hashring_free(&ring);
	cast_free(&cast);
}

/* A changed weight moves sessions only to that member (heavier) or from it (lighter), and enough.
 */
static void
test_weight_change_moves_only_its_own(void **state)
{
	(void)state;
	struct chance c = {45};
	struct cast cast = cast_of(12);
	cast_shuffle_traits(&cast, &c, 9);
	const uint32_t changed = 5;
	cast.member[changed].weight = 4;
	struct hashring *lighter = ring_of(&cast);
	cast.member[changed].weight = 5;
	struct hashring *heavier = ring_of(&cast);
	int moved = 0;
	for (int s = 0; s < 20000; s++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint32_t a[12];
		uint32_t b[12];
		chance_digest(&c, digest);
		size_t stands = hashring_order(lighter, digest, HASHRING_NONE, a, 12);
		assert_int_equal(hashring_order(heavier, digest, HASHRING_NONE, b, 12), stands);
		if (a[0] != b[0]) {
			assert_int_equal(b[0], changed);
			moved++;
		}
		assert_true(hashring_rank(heavier, digest, HASHRING_NONE, changed) <=
			    hashring_rank(lighter, digest, HASHRING_NONE, changed));
		for (size_t i = 0, j = 0; i < stands; i++) { /* the others among themselves */
			if (a[i] == changed)
				continue;
			if (b[j] == changed)
				j++;
			assert_int_equal(a[i], b[j]);
			j++;
		}
	}
	assert_true(moved > 0);
	hashring_free(&lighter);
	hashring_free(&heavier);
	cast_free(&cast);
}

/* A dead member's sessions spread over the others by weight; nobody else's session moves. */
static void
test_dead_members_sessions_spread(void **state)
{
	(void)state;
	static const uint32_t weight[] = {5, 1, 2, 3, 4, 5, 6, 2};
	enum { COUNT = 8 };
	const uint32_t orphans = 20000;
	struct chance c = {46};
	struct cast cast = cast_of(COUNT);
	for (size_t i = 0; i < COUNT; i++)
		cast.member[i].weight = weight[i];
	struct hashring *ring = ring_of(&cast);
	for (uint32_t dead = 0; dead < 2; dead++) {
		hashring_word live = ((UINT64_C(1) << COUNT) - 1) & ~(UINT64_C(1) << dead);
		uint32_t rest[COUNT];
		uint32_t counted[COUNT] = {0};
		memcpy(rest, weight, sizeof(rest));
		rest[dead] = 0;
		for (uint32_t s = 0; s < orphans;) {
			uint8_t digest[HASHRING_DIGEST_BYTES];
			chance_digest(&c, digest);
			uint32_t home = hashring_first(ring, digest, HASHRING_NONE, NULL);
			uint32_t now = hashring_first(ring, digest, HASHRING_NONE, &live);
			if (home != dead) {
				assert_int_equal(now, home);
				continue;
			}
			counted[now]++;
			s++;
		}
		assert_true(chi_square(counted, rest, COUNT, orphans) <
			    chi_square_bound(COUNT - 1));
	}
	hashring_free(&ring);
	cast_free(&cast);
}

/* 20,000 sessions of one dead member over nine equal survivors: the fullest has at most 5 % more.
 */
static void
test_nine_survivors_are_even(void **state)
{
	(void)state;
	struct chance c = {47};
	struct cast cast = cast_of(10);
	struct hashring *ring = ring_of(&cast);
	const uint32_t orphans = 20000;
	hashring_word live = 0x3ff & ~(UINT64_C(1) << 4);
	uint32_t counted[10] = {0};
	for (uint32_t s = 0; s < orphans;) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		chance_digest(&c, digest);
		if (hashring_first(ring, digest, HASHRING_NONE, NULL) != 4)
			continue;
		counted[hashring_first(ring, digest, HASHRING_NONE, &live)]++;
		s++;
	}
	uint32_t fullest = 0;
	for (size_t i = 0; i < 10; i++)
		fullest = counted[i] > fullest ? counted[i] : fullest;
	assert_int_equal(counted[4], 0);
	assert_true(fullest <= 1.05 * orphans / 9);
	hashring_free(&ring);
	cast_free(&cast);
}

/* Second places spread as well once two members are dead: no hidden neighbour inherits. */
static void
test_two_dead_members_spread(void **state)
{
	(void)state;
	enum { COUNT = 6 };
	const uint32_t orphans = 4000;
	static const uint32_t even[COUNT] = {1, 1, 1, 1, 1, 1};
	struct chance c = {48};
	struct cast cast = cast_of(COUNT);
	struct hashring *ring = ring_of(&cast);
	for (uint32_t home = 0; home < COUNT; home++) {
		uint32_t next = (home + 2) % COUNT;
		uint32_t rest[COUNT];
		uint32_t counted[COUNT] = {0};
		memcpy(rest, even, sizeof(rest));
		rest[home] = rest[next] = 0;
		for (uint32_t s = 0; s < orphans;) {
			uint8_t digest[HASHRING_DIGEST_BYTES];
			uint32_t order[3];
			chance_digest(&c, digest);
			hashring_first_n(ring, digest, HASHRING_NONE, NULL, order, 3);
			if (order[0] != home || order[1] != next)
				continue;
			counted[order[2]]++;
			s++;
		}
		assert_true(chi_square(counted, rest, COUNT, orphans) <
			    chi_square_bound(COUNT - 2));
	}
	hashring_free(&ring);
	cast_free(&cast);
}

/* Different digests stand differently: of 4! orders each occurs about as often as any other. */
static void
test_digests_differ(void **state)
{
	(void)state;
	const uint32_t sessions = 48000;
	uint32_t counted[24] = {0};
	uint32_t even[24];
	struct chance c = {49};
	struct cast cast = cast_of(4);
	struct hashring *ring = ring_of(&cast);
	for (uint32_t s = 0; s < sessions; s++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint32_t o[4];
		chance_digest(&c, digest);
		hashring_order(ring, digest, HASHRING_NONE, o, 4);
		uint32_t second = o[1] - (o[1] > o[0]);
		uint32_t third = o[2] > o[3];
		counted[o[0] * 6 + second * 2 + third]++;
	}
	for (size_t i = 0; i < 24; i++)
		even[i] = 1;
	assert_true(chi_square(counted, even, 24, sessions) < chi_square_bound(24));
	hashring_free(&ring);
	cast_free(&cast);
}

/* Each bit of the digest counts: flipping one changes most orders of a large ring. */
static void
test_every_digest_bit_counts(void **state)
{
	(void)state;
	struct chance c = {50};
	struct cast cast = cast_of(40);
	struct hashring *ring = ring_of(&cast);
	for (unsigned bit = 0; bit < 8 * HASHRING_DIGEST_BYTES; bit++) {
		int moved = 0;
		for (int turn = 0; turn < 20; turn++) {
			uint8_t digest[HASHRING_DIGEST_BYTES];
			chance_digest(&c, digest);
			uint32_t home = hashring_first(ring, digest, HASHRING_NONE, NULL);
			digest[bit / 8] = (uint8_t)(digest[bit / 8] ^ 1u << bit % 8);
			moved += hashring_first(ring, digest, HASHRING_NONE, NULL) != home;
		}
		assert_true(moved >= 15);
	}
	hashring_free(&ring);
	cast_free(&cast);
}

/* Zone rule: other zones first, each group in the plain order; no zone is a zone of its own. */
static void
test_zone_rule(void **state)
{
	(void)state;
	struct chance c = {51};
	for (int turn = 0; turn < 400; turn++) {
		struct cast cast = cast_of(1 + chance_below(&c, 20));
		cast_shuffle_traits(&cast, &c, 3);
		struct hashring *ring = ring_of(&cast);
		uint8_t digest[HASHRING_DIGEST_BYTES];
		uint32_t plain[20];
		uint32_t zoned[20];
		uint32_t want[20];
		chance_digest(&c, digest);
		uint32_t apart = chance_below(&c, (uint32_t)cast.count);
		const struct hashring_member *home = &cast.member[apart];
		size_t stands = hashring_order(ring, digest, HASHRING_NONE, plain, 20);
		size_t at = 0;
		for (int group = 0; group < 2; group++)
			for (size_t i = 0; i < stands; i++) {
				const struct hashring_member *m = &cast.member[plain[i]];
				/* fixture zones are constants: equal zones, equal pointers */
				bool same =
				    m == home || (home->zone != NULL && m->zone == home->zone);
				if (same == (group == 1))
					want[at++] = plain[i];
			}
		assert_int_equal(at, stands);
		assert_int_equal(hashring_order(ring, digest, apart, zoned, 20), stands);
		assert_memory_equal(zoned, want, stands * sizeof(*want));
		assert_int_equal(hashring_order(ring, digest, (uint32_t)cast.count, zoned, 20),
				 stands);
		assert_memory_equal(zoned, plain, stands * sizeof(*plain));
		hashring_free(&ring);
		cast_free(&cast);
	}
}

/* Zones compare as bytes: another pointer is the same zone, a prefix is another one. */
static void
test_zone_bytes(void **state)
{
	(void)state;
	static const char north[] = "north";
	static const char again[] = "north-east";
	struct cast cast = cast_of(3);
	cast.member[0].zone = north;
	cast.member[0].zone_bytes = 5;
	cast.member[1].zone = again;
	cast.member[1].zone_bytes = 5;
	cast.member[2].zone = again;
	cast.member[2].zone_bytes = 10;
	struct hashring *ring = ring_of(&cast);
	struct chance c = {52};
	for (int turn = 0; turn < 50; turn++) {
		uint8_t digest[HASHRING_DIGEST_BYTES];
		chance_digest(&c, digest);
		assert_int_equal(hashring_first(ring, digest, 0, NULL), 2);
		assert_int_equal(hashring_rank(ring, digest, 1, 2), 0);
		assert_int_equal(hashring_rank(ring, digest, 2, 2), 2);
	}
	hashring_free(&ring);
	cast_free(&cast);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listing_order_is_nothing),
	    cmocka_unit_test(test_removal_keeps_the_rest),
	    cmocka_unit_test(test_share_is_weight),
	    cmocka_unit_test(test_share_is_weight_among_many),
	    cmocka_unit_test(test_weight_change_moves_only_its_own),
	    cmocka_unit_test(test_dead_members_sessions_spread),
	    cmocka_unit_test(test_nine_survivors_are_even),
	    cmocka_unit_test(test_two_dead_members_spread),
	    cmocka_unit_test(test_digests_differ),
	    cmocka_unit_test(test_every_digest_bit_counts),
	    cmocka_unit_test(test_zone_rule),
	    cmocka_unit_test(test_zone_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
