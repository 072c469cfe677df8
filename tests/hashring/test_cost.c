/* test_cost.c: the two draws and the fixed-point logarithm, against what SPEC.md claims of them. */
#include "fixture.h"

#include <math.h>

static const double one = 1099511627776.0; /* 2^40 */

/* Draws where something changes in cost_numerator: ends of chords and of octaves, and their
 * neighbours. */
static size_t
edges(uint32_t *out)
{
	size_t count = 0;
	for (unsigned octave = 0; octave <= 32; octave++)
		for (uint64_t i = 0; i <= 256; i++) {
			uint64_t odd = ((UINT64_C(1) << 32) + (i << 24)) >> (32 - octave);
			for (int64_t near = -2; near <= 2; near++) {
				int64_t u = (int64_t)(odd / 2) + near;
				if (u >= 0 && u <= UINT32_MAX)
					out[count++] = (uint32_t)u;
			}
		}
	return count;
}

static long double
exact(uint32_t u)
{
	/* Near 1 the logarithm is small: log1p keeps its digits. */
	long double distance = (UINT32_MAX - (long double)u + 0.5L) / 4294967296.0L;
	return -log1pl(-distance) / logl(2.0L);
}

/* Each value of the table is the nearest integer. */
static void
test_table(void **state)
{
	(void)state;
	for (int i = 0; i < LOG_TABLE_COUNT; i++) {
		long double want = log2l(1.0L + (long double)i / 256.0L) * one;
		assert_true(fabsl((long double)hashring_log_table[i] - want) <= 0.501L);
	}
}

/* A chord rises at least 2^31: what the proof of strictness in order.h rests on. */
static void
test_chords_rise(void **state)
{
	(void)state;
	for (int i = 0; i + 1 < LOG_TABLE_COUNT; i++)
		assert_true(hashring_log_table[i + 1] - hashring_log_table[i] >= UINT64_C(1) << 31);
}

/* A greater draw costs strictly less, at every edge and at draws between. */
static void
test_strictly_decreasing(void **state)
{
	(void)state;
	static uint32_t edge[33 * 257 * 5];
	size_t count = edges(edge);
	struct chance c = {11};
	for (size_t i = 0; i < count + 300000; i++) {
		uint32_t u = i < count ? edge[i] : (uint32_t)chance_next(&c);
		if (u < UINT32_MAX)
			assert_true(cost_numerator(u) > cost_numerator(u + 1));
		if (u > 0)
			assert_true(cost_numerator(u - 1) > cost_numerator(u));
	}
}

/* Both ends of the range, and that a product with a weight never overflows. */
static void
test_range(void **state)
{
	(void)state;
	assert_int_equal(cost_numerator(0), UINT64_C(33) << 40);
	assert_int_equal(cost_numerator(UINT32_MAX), 185);
	assert_true(cost_numerator(0) <= (UINT64_C(1) << 62) / HASHRING_WEIGHT_MAX);
}

/* Within 2.8e-6 of the logarithm, and within 0.1 % of it (and 1/2 of the last place). */
static void
test_error(void **state)
{
	(void)state;
	static uint32_t edge[33 * 257 * 5];
	size_t count = edges(edge);
	struct chance c = {12};
	for (size_t i = 0; i < count + 200000; i++) {
		uint32_t u = i < count ? edge[i] : (uint32_t)chance_next(&c);
		if (i % 2 == 1)
			u |= UINT32_MAX << (i / 2 % 32); /* dense near the cheap end */
		long double want = exact(u) * one;
		long double off = fabsl((long double)cost_numerator(u) - want);
		assert_true(off / one < 2.8e-6L);
		assert_true(off <= want / 1000.0L + 1.0L);
	}
}

/* draw32 is undone by its inverse, so no two seeds share a draw. */
static void
test_inverse(void **state)
{
	(void)state;
	struct chance c = {13};
	for (int i = 0; i < 200000; i++) {
		uint32_t x = i < 64 ? UINT32_C(1) << (i % 32) : (uint32_t)chance_next(&c);
		assert_int_equal(draw32_inverse(draw32(x)), x);
		assert_int_equal(draw32(draw32_inverse(x)), x);
	}
	assert_int_equal(draw32(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_chords_rise),
	    cmocka_unit_test(test_strictly_decreasing),
	    cmocka_unit_test(test_range),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_inverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
