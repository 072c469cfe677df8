/* test_events.c: lines from many threads to one that takes them; none is lost uncounted. */
#include "admin/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

static struct events *events;

static int
start(void **state)
{
	(void)state;
	events = events_create();
	return events == NULL;
}

static int
stop(void **state)
{
	(void)state;
	events_free(&events);
	return events != NULL;
}

static bool
is_rung(void)
{
	struct pollfd fd = {.fd = events_bell(events), .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void
assert_taken(const char *want, uint64_t want_lost)
{
	uint64_t lost;
	struct slice text = events_take(events, &lost);
	assert_int_equal(text.bytes, strlen(want));
	assert_memory_equal(text.at, want, text.bytes);
	assert_int_equal(lost, want_lost);
	assert_false(is_rung());
}

static void
nothing_is_kept_for_nobody(void **state)
{
	(void)state;
	events_push(events, SLICE("{}\n"));
	assert_false(is_rung());
	assert_taken("", 0);
	events_follow(events, true);
	events_push(events, SLICE("{}\n"));
	events_follow(events, false);
	events_push(events, SLICE("{}\n"));
	assert_taken("data: {}\n\n", 0);
}

static void
lines_become_events(void **state)
{
	(void)state;
	events_follow(events, true);
	events_push(events, SLICE("{\"a\":1}\n"));
	assert_true(is_rung());
	events_push(events, SLICE("{\"b\":2}\n"));
	assert_taken("data: {\"a\":1}\n\ndata: {\"b\":2}\n\n", 0);
	assert_taken("", 0);
	events_push(events, SLICE("{}\n"));
	assert_true(is_rung());
	assert_taken("data: {}\n\n", 0);
}

/* What finds no room is counted; there is room again when what waited was taken. */
static void
what_finds_no_room_is_counted(void **state)
{
	(void)state;
	char line[1000];
	uint64_t lost;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	events_follow(events, true);
	for (int i = 0; i < 300; i++)
		events_push(events, (struct slice){line, sizeof(line)});
	struct slice text = events_take(events, &lost);
	size_t each = sizeof(line) + 7; /* "data: " and an empty line */
	assert_int_equal(text.bytes % each, 0);
	assert_true(text.bytes <= EVENTS_BYTES_MAX && text.bytes + each > EVENTS_BYTES_MAX);
	assert_int_equal(lost, 300 - text.bytes / each);
	events_push(events, SLICE("{}\n"));
	assert_taken("data: {}\n\n", 0);
}

#define THREADS 4
#define LINES   20000

static atomic_int running;

static void *
push_many(void *context)
{
	(void)context;
	for (int i = 0; i < LINES; i++)
		events_push(events, SLICE("{\"event\":\"failover\"}\n"));
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Each line is taken whole or counted as lost, and whoever waits for the bell sees the last one. */
static void
many_threads_push(void **state)
{
	(void)state;
	static const char one[] = "data: {\"event\":\"failover\"}\n\n";
	pthread_t thread[THREADS];
	uint64_t taken = 0;
	uint64_t lost_all = 0;
	events_follow(events, true);
	atomic_store(&running, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, push_many, NULL), 0);
	while (taken + lost_all < (uint64_t)THREADS * LINES) {
		uint64_t lost;
		struct pollfd fd = {.fd = events_bell(events), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 30000), 1);
		struct slice text = events_take(events, &lost);
		assert_int_equal(text.bytes % (sizeof(one) - 1), 0);
		for (size_t at = 0; at < text.bytes; at += sizeof(one) - 1)
			assert_memory_equal(text.at + at, one, sizeof(one) - 1);
		taken += text.bytes / (sizeof(one) - 1);
		lost_all += lost;
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(taken + lost_all, THREADS * LINES);
	assert_taken("", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(nothing_is_kept_for_nobody, start, stop),
	    cmocka_unit_test_setup_teardown(lines_become_events, start, stop),
	    cmocka_unit_test_setup_teardown(what_finds_no_room_is_counted, start, stop),
	    cmocka_unit_test_setup_teardown(many_threads_push, start, stop),
	};
	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
