/* test_latency.c: each duration in its one bucket, and read again by others. */
#include "members/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

/* The one bucket whose bounds hold it; bounds are exclusive, as durations are cut to whole us. */
static void
buckets_have_bounds(void **state)
{
	(void)state;
	static const uint64_t durations[] = {
	    0, 1, 127, 128, 129, 255, 256, 1000, 1000000, 67108863, 67108864, UINT64_MAX >> 8};
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		struct latency one = {0};
		struct latency_sum sum = {0};
		latency_add(&one, durations[i]);
		latency_read(&one, &sum);
		assert_int_equal(sum.count, 1);
		assert_int_equal(sum.sum_us, durations[i]);
		for (size_t b = 0; b < LATENCY_BUCKETS; b++) {
			uint64_t low = b == 0 ? 0 : latency_bound_us(b - 1);
			bool inside = durations[i] >= low && durations[i] < latency_bound_us(b);
			assert_int_equal(sum.bucket[b], inside);
		}
	}
	assert_int_equal(latency_bound_us(0), 128);
	assert_int_equal(latency_bound_us(LATENCY_BUCKETS - 2), 67108864);
	assert_int_equal(latency_bound_us(LATENCY_BUCKETS - 1), UINT64_MAX);
}

static void
reading_adds_up(void **state)
{
	(void)state;
	struct latency_cell *cell = latency_cell_create();
	assert_non_null(cell);
	assert_ptr_equal(latency_cell_ref(cell), cell);
	latency_cell_unref(cell); /* one reference is left */
	latency_add(&cell->done[AFFINITY_NEW], 100);
	latency_add(&cell->done[AFFINITY_HIT], 200);
	latency_add(&cell->done[AFFINITY_HIT], 5000);
	struct latency_sum all = {0};
	for (size_t i = 0; i < AFFINITIES; i++)
		latency_read(&cell->done[i], &all);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.sum_us, 5300);
	assert_int_equal(all.bucket[0], 1);
	assert_int_equal(all.bucket[1], 1);
	assert_int_equal(all.bucket[latency_bucket(5000)], 1);
	latency_cell_unref(cell);
	latency_cell_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_have_bounds),
	    cmocka_unit_test(reading_adds_up),
	};
	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
