/* test_places.c: places at a member: never more than there are, first come first served, none lost.
 */
#include "members/places.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct places places;
static struct places_mailbox here;  /* of one worker */
static struct places_mailbox there; /* of another */
static atomic_uint rings;

static void
ring(void *context)
{
	assert_ptr_equal(context, &rings);
	atomic_fetch_add(&rings, 1);
}

static void
open_mailbox(struct places_mailbox *m, void (*rung)(void *), void *context)
{
	places_mailbox_init(m);
	m->ring = rung;
	m->context = context;
}

static int
start(void **state)
{
	(void)state;
	atomic_store(&rings, 0);
	places_init(&places);
	open_mailbox(&here, ring, &rings);
	open_mailbox(&there, ring, &rings);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	assert_int_equal(places_waiting(&places), 0);
	places_mailbox_deinit(&here);
	places_mailbox_deinit(&there);
	places_deinit(&places);
	return 0;
}

/* Without a bound nobody asks; with one there are so many places. */
static void
bounds_what_is_inside(void **state)
{
	(void)state;
	assert_false(places_bounds(&places));
	places_set_max(&places, 2);
	assert_true(places_bounds(&places));
	assert_true(places_enter(&places));
	assert_true(places_enter(&places));
	assert_false(places_enter(&places));
	assert_int_equal(places_taken(&places), 2);
	places_leave(&places);
	assert_true(places_enter(&places));
	places_leave(&places);
	places_leave(&places);
	assert_int_equal(places_taken(&places), 0);
}

/* Who waits longest is next, whoever's worker it is; nobody overtakes. */
static void
first_come_first_served(void **state)
{
	(void)state;
	struct places_waiter w[4];
	places_set_max(&places, 1);
	assert_true(places_enter(&places));
	for (int i = 0; i < 4; i++)
		assert_false(places_wait(&places, &w[i], i % 2 == 0 ? &here : &there));
	assert_int_equal(places_waiting(&places), 4);
	assert_null(places_mailbox_take(&here));
	for (int i = 0; i < 4; i++) {
		places_leave(&places);
		assert_false(places_enter(&places));
		assert_int_equal(places_taken(&places), 1);
		assert_null(places_mailbox_take(i % 2 == 0 ? &there : &here));
		assert_ptr_equal(places_mailbox_take(i % 2 == 0 ? &here : &there), &w[i]);
		assert_int_equal(atomic_load(&rings), i + 1);
	}
	places_leave(&places);
	assert_int_equal(places_taken(&places), 0);
}

/* A place that came free before one queued up is taken at once. */
static void
nobody_waits_for_room_that_is_there(void **state)
{
	(void)state;
	struct places_waiter w;
	places_set_max(&places, 1);
	assert_true(places_wait(&places, &w, &here));
	assert_int_equal(places_taken(&places), 1);
	assert_int_equal(places_waiting(&places), 0);
	places_leave(&places);
}

/* Who gives up is out of the queue; a place that it was given already is its own to leave. */
static void
waiters_may_give_up(void **state)
{
	(void)state;
	struct places_waiter w[3];
	places_set_max(&places, 1);
	assert_true(places_enter(&places));
	for (int i = 0; i < 3; i++)
		assert_false(places_wait(&places, &w[i], &here));
	assert_false(places_cancel(&places, &w[1]));
	places_leave(&places); /* w[0] is given the place */
	assert_true(places_cancel(&places, &w[0]));
	assert_null(places_mailbox_take(&here));
	assert_int_equal(places_taken(&places), 1);
	places_leave(&places);
	assert_ptr_equal(places_mailbox_take(&here), &w[2]);
	places_leave(&places);
	assert_int_equal(places_taken(&places), 0);
}

/* More room lets in as many as there is room for; no bound lets in all; less lets in none. */
static void
the_bound_may_change(void **state)
{
	(void)state;
	struct places_waiter w[6];
	places_set_max(&places, 1);
	assert_true(places_enter(&places));
	for (int i = 0; i < 6; i++)
		assert_false(places_wait(&places, &w[i], &here));
	places_set_max(&places, 3);
	assert_int_equal(places_taken(&places), 3);
	assert_int_equal(atomic_load(&rings), 1); /* once, as it was not read yet */
	places_set_max(&places, 1);
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(places_mailbox_take(&here), &w[i]);
		places_leave(&places);
		assert_null(i == 1 ? places_mailbox_take(&here) : NULL);
	}
	assert_int_equal(places_taken(&places), 1);
	places_set_max(&places, 0);
	for (int i = 2; i < 6; i++)
		assert_ptr_equal(places_mailbox_take(&here), &w[i]);
	for (int i = 0; i < 5; i++)
		places_leave(&places);
	assert_int_equal(places_taken(&places), 0);
}

/* ---- many threads ---- */

#define THREADS 4
#define ROUNDS  40000
#define PLACES  2

static atomic_uint inside;
static atomic_uint most;
static atomic_uint served[THREADS];
static atomic_uint waits;

struct visitor {
	unsigned number;
	struct places_mailbox mailbox;
	atomic_bool rung;
};

static void
ring_visitor(void *context)
{
	struct visitor *v = context;
	atomic_store(&v->rung, true);
}

static void
visit(struct visitor *v)
{
	unsigned now = atomic_fetch_add(&inside, 1) + 1;
	unsigned before = atomic_load(&most);
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	if (atomic_fetch_add(&served[v->number], 1) % 16 == 0)
		(void)sched_yield(); /* let the others find it full */
	atomic_fetch_sub(&inside, 1);
	places_leave(&places);
}

/* Waits until it is told, or gives up after some turns. */
static void
wait_for_place(struct visitor *v, unsigned round)
{
	struct places_waiter w;
	bool entered = places_wait(&places, &w, &v->mailbox);
	atomic_fetch_add(&waits, !entered);
	for (unsigned turn = 0; !entered && (round % 3 != 0 || turn < round % 50); turn++) {
		if (!atomic_exchange(&v->rung, false)) {
			(void)sched_yield();
			continue;
		}
		entered = places_mailbox_take(&v->mailbox) == &w;
	}
	if (!entered)
		entered = places_cancel(&places, &w);
	if (entered)
		visit(v);
}

static void *
visits(void *context)
{
	struct visitor *v = context;
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (places_enter(&places))
			visit(v);
		else
			wait_for_place(v, round);
	}
	return NULL;
}

/* However they come, wait and give up: never more inside than places, and all places are free
 * after. */
static void
threads_share_the_places(void **state)
{
	(void)state;
	pthread_t thread[THREADS];
	static struct visitor visitor[THREADS];
	places_set_max(&places, PLACES);
	for (unsigned i = 0; i < THREADS; i++) {
		visitor[i].number = i;
		open_mailbox(&visitor[i].mailbox, ring_visitor, &visitor[i]);
		assert_int_equal(pthread_create(&thread[i], NULL, visits, &visitor[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_in_range(atomic_load(&most), 1, PLACES);
	assert_int_equal(places_taken(&places), 0);
	assert_true(atomic_load(&waits) > 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_true(atomic_load(&served[i]) > 0);
		places_mailbox_deinit(&visitor[i].mailbox);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(bounds_what_is_inside, start, stop),
	    cmocka_unit_test_setup_teardown(first_come_first_served, start, stop),
	    cmocka_unit_test_setup_teardown(nobody_waits_for_room_that_is_there, start, stop),
	    cmocka_unit_test_setup_teardown(waiters_may_give_up, start, stop),
	    cmocka_unit_test_setup_teardown(the_bound_may_change, start, stop),
	    cmocka_unit_test_setup_teardown(threads_share_the_places, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
