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
	assert_int_equal(sum.bytes_in + sum.bytes_out + sum.retries, 0);
}

/* Each worker's cell is another; all are in the sum. */
static void
sums_workers(void **state)
{
	(void)state;
	struct latency_cell *latency = latency_cell_create();
	assert_non_null(latency);
	for (unsigned worker = 0; worker < WORKERS; worker++) {
		for (unsigned i = 0; i <= worker; i++)
			tally_count_plain(tally_cell(tally, worker), latency, AFFINITY_HIT, 200, 10,
					  1000);
	}
	tally_read(tally, &sum);
	assert_int_equal(sum.cause[CAUSE_DONE], 6);
	assert_int_equal(sum.affinity[AFFINITY_HIT], 6);
	assert_int_equal(sum.class[2], 6);
	assert_int_equal(sum.bytes_out, 60);
	struct latency_sum timed = {0};
	latency_read(&latency->done[AFFINITY_HIT], &timed);
	assert_int_equal(timed.sum_us, 6000);
	assert_int_equal(timed.bucket[latency_bucket(1000)], 6);
	latency_cell_unref(latency);
}

struct found {
	size_t kinds;
	uint64_t of_others;
	uint64_t count;
	uint64_t sum_us;
	const char *member;
	enum affinity affinity;
	enum cause cause;
};

static void
find(void *context, const struct ending *ending)
{
	struct found *f = context;
	struct latency_sum read = {0};
	latency_read(&ending->latency, &read);
	f->kinds += read.count > 0;
	f->count += read.count;
	f->of_others += ending->member[0] == '\0' ? read.count : 0;
	if (read.count == 0)
		return;
	f->sum_us += read.sum_us;
	f->member = ending->member;
	f->affinity = ending->affinity;
	f->cause = ending->cause;
}

static struct found
endings(void)
{
	struct found f = {0};
	tally_endings(tally, find, &f);
	return f;
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
	assert_int_equal(endings().count, 2);
	assert_int_equal(endings().sum_us, 5);
}

/* What ended well stands in its member's histogram, all else by its kind; tunnels nowhere. */
static void
times_by_kind(void **state)
{
	(void)state;
	struct latency_cell *latency = latency_cell_create();
	assert_non_null(latency);
	struct tally_cell *cell = tally_cell(tally, 0);
	struct tally_entry e = {.cause = CAUSE_DONE,
				.affinity = AFFINITY_FAILOVER,
				.status = 200,
				.duration_us = 300,
				.latency = latency,
				.member = SLICE("b")};
	tally_count(cell, &e);
	assert_int_equal(endings().count, 0);
	struct latency_sum done = {0};
	latency_read(&latency->done[AFFINITY_FAILOVER], &done);
	assert_int_equal(done.count, 1);
	assert_int_equal(done.sum_us, 300);
	e.cause = CAUSE_MEMBER_FIRST_BYTE;
	e.status = 504;
	e.duration_us = 40;
	tally_count(cell, &e);
	tally_count(cell, &e);
	struct found f = endings();
	assert_int_equal(f.kinds, 1);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.sum_us, 80);
	assert_string_equal(f.member, "b");
	assert_int_equal(f.affinity, AFFINITY_FAILOVER);
	assert_int_equal(f.cause, CAUSE_MEMBER_FIRST_BYTE);
	e.cause = CAUSE_TUNNEL_DONE;
	tally_count(cell, &e);
	assert_int_equal(endings().count, 2);
	e.cause = CAUSE_MEMBER_FIRST_BYTE;
	e.affinity = AFFINITY_HIT;
	tally_count(cell, &e);
	e.member = SLICE_NONE;
	tally_count(tally_cell(tally, 1), &e);
	assert_int_equal(endings().kinds, 3);
	assert_int_equal(endings().of_others, 1);
	latency_cell_unref(latency);
}

/* The list of kinds is bounded; what comes beyond is counted all the same, of no member. */
static void
bounds_kinds(void **state)
{
	(void)state;
	struct tally_cell *cell = tally_cell(tally, 0);
	for (unsigned i = 0; i < ENDINGS_MAX + 10; i++) {
		char name[16];
		struct writer w = writer_on(name, sizeof(name));
		write_format(&w, "m%u", i);
		tally_count(cell, &(struct tally_entry){.cause = CAUSE_MEMBER_CONNECT,
							.status = 502,
							.duration_us = 1,
							.member = {name, w.bytes}});
	}
	struct found f = endings();
	assert_int_equal(f.count, ENDINGS_MAX + 10);
	assert_int_equal(f.kinds, ENDINGS_MAX + 1);
	assert_int_equal(f.of_others, 10);
}

#define COUNTED 200000

static void *
count_many(void *context)
{
	static _Thread_local struct latency_cell timed;
	for (int i = 0; i < COUNTED; i++)
		tally_count_plain(context, &timed, AFFINITY_NEW, 200, 1, 1);
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
	static struct latency_cell timed;
	tally_count_plain(tally_cell(tally, 0), &timed, AFFINITY_HIT, 200, 1, 1);
	struct tally *first = tally;
	tally_unref(&first);
	assert_null(first);
	tally_count_plain(tally_cell(next, 0), &timed, AFFINITY_HIT, 200, 1, 1);
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
	    cmocka_unit_test_setup_teardown(times_by_kind, setup, teardown),
	    cmocka_unit_test_setup_teardown(bounds_kinds, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_read_while_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(outlives_its_first_owner, setup, teardown),
	};
	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
