/* test_tally.c: what is counted is found again, in the sum of all workers. */
#include "record/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#define WORKERS 3

static struct tally *tally;
static struct tally_sum sum;

static int
setup(void **state)
{
	(void)state;
	tally = tally_create(WORKERS);
	return tally == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	tally_unref(&tally);
	return tally != NULL;
}

static void
starts_at_nothing(void **state)
{
	(void)state;
	tally_read(tally, &sum);
	for (size_t i = 0; i < CAUSES; i++)
		assert_int_equal(sum.cause[i], 0);
	for (size_t i = 0; i < TALLY_BUCKETS; i++)
		assert_int_equal(sum.bucket[i], 0);
	assert_int_equal(sum.bytes_in + sum.bytes_out + sum.retries + sum.duration_us, 0);
}

/* Each worker's cell is another; all are in the sum. */
static void
sums_workers(void **state)
{
	(void)state;
	for (unsigned worker = 0; worker < WORKERS; worker++) {
		for (unsigned i = 0; i <= worker; i++)
			tally_count_plain(tally_cell(tally, worker), AFFINITY_HIT, 200, 10, 1000);
	}
	tally_read(tally, &sum);
	assert_int_equal(sum.cause[CAUSE_DONE], 6);
	assert_int_equal(sum.affinity[AFFINITY_HIT], 6);
	assert_int_equal(sum.class[2], 6);
	assert_int_equal(sum.bytes_out, 60);
	assert_int_equal(sum.duration_us, 6000);
	assert_int_equal(sum.bucket[tally_bucket(1000)], 6);
}

static void
counts_every_kind(void **state)
{
	(void)state;
	struct tally_cell *cell = tally_cell(tally, 1);
	struct tally_entry post = {.cause = CAUSE_DONE,
				   .affinity = AFFINITY_FAILOVER,
				   .status = 503,
				   .attempts = 3,
				   .bytes_in = 7,
				   .bytes_out = 11,
				   .duration_us = 5};
	struct tally_entry gone = {
	    .cause = CAUSE_CLIENT_ABORT, .affinity = AFFINITY_NEW, .status = 0, .attempts = 1};
	struct tally_entry tunnel = {.cause = CAUSE_TUNNEL_DONE,
				     .affinity = AFFINITY_HIT,
				     .status = 101,
				     .attempts = 1,
				     .bytes_in = 100,
				     .duration_us = 99999999};
	tally_count(cell, &post);
	tally_count(cell, &gone);
	tally_count(cell, &tunnel);
	tally_add(&cell->rejected[TAG_BAD_MAC], 1);
	tally_read(tally, &sum);
	assert_int_equal(sum.cause[CAUSE_DONE], 1);
	assert_int_equal(sum.cause[CAUSE_CLIENT_ABORT], 1);
	assert_int_equal(sum.cause[CAUSE_TUNNEL_DONE], 1);
	assert_int_equal(sum.affinity[AFFINITY_FAILOVER], 1);
	assert_int_equal(sum.affinity[AFFINITY_NEW], 1);
	assert_int_equal(sum.class[0], 1);
	assert_int_equal(sum.class[1], 1);
	assert_int_equal(sum.class[5], 1);
	assert_int_equal(sum.retries, 2);
	assert_int_equal(sum.bytes_in, 107);
	assert_int_equal(sum.bytes_out, 11);
	assert_int_equal(sum.rejected[TAG_BAD_MAC], 1);
	/* A tunnel lasts as long as people like. */
	assert_int_equal(sum.duration_us, 5);
	assert_int_equal(sum.bucket[0], 2);
}

/* Each duration is in the one bucket whose bounds hold it. */
static void
buckets_have_bounds(void **state)
{
	(void)state;
	static const uint64_t durations[] = {
	    0, 1, 127, 128, 129, 255, 256, 1000, 1000000, 67108863, 67108864, UINT64_MAX >> 8};
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		struct tally *one = tally_create(1);
		assert_non_null(one);
		tally_count_plain(tally_cell(one, 0), AFFINITY_HIT, 204, 0, durations[i]);
		tally_read(one, &sum);
		for (size_t b = 0; b < TALLY_BUCKETS; b++) {
			uint64_t low = b == 0 ? 0 : tally_bucket_us(b - 1);
			bool inside = durations[i] >= low && durations[i] < tally_bucket_us(b);
			assert_int_equal(sum.bucket[b], inside);
		}
		tally_unref(&one);
	}
	assert_int_equal(tally_bucket_us(0), 128);
	assert_int_equal(tally_bucket_us(TALLY_BUCKETS - 1), UINT64_MAX);
}

#define COUNTED 200000

static void *
count_many(void *context)
{
	for (int i = 0; i < COUNTED; i++)
		tally_count_plain(context, AFFINITY_NEW, 200, 1, 1);
	return NULL;
}

/* While workers count, a reader never sees a counter go down, and at the end none is missing. */
static void
is_read_while_counted(void **state)
{
	(void)state;
	pthread_t worker[WORKERS];
	uint64_t before = 0;
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&worker[i], NULL, count_many, tally_cell(tally, i)),
				 0);
	for (int i = 0; i < 1000; i++) {
		tally_read(tally, &sum);
		assert_true(sum.cause[CAUSE_DONE] >= before);
		before = sum.cause[CAUSE_DONE];
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(worker[i], NULL), 0);
	tally_read(tally, &sum);
	assert_int_equal(sum.cause[CAUSE_DONE], WORKERS * COUNTED);
	assert_int_equal(sum.bytes_out, WORKERS * COUNTED);
}

/* A reload hands it on: it lives as long as one of them does. */
static void
outlives_its_first_owner(void **state)
{
	(void)state;
	struct tally *next = tally_ref(tally);
	tally_count_plain(tally_cell(tally, 0), AFFINITY_HIT, 200, 1, 1);
	struct tally *first = tally;
	tally_unref(&first);
	assert_null(first);
	tally_count_plain(tally_cell(next, 0), AFFINITY_HIT, 200, 1, 1);
	tally_read(next, &sum);
	assert_int_equal(sum.cause[CAUSE_DONE], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(starts_at_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(sums_workers, setup, teardown),
	    cmocka_unit_test_setup_teardown(counts_every_kind, setup, teardown),
	    cmocka_unit_test(buckets_have_bounds),
	    cmocka_unit_test_setup_teardown(is_read_while_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(outlives_its_first_owner, setup, teardown),
	};
	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
