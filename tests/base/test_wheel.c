/* test_wheel.c: deadlines against a naive list of them, and the awkward cases by hand. */
#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIMERS 64

static struct wheel wheel;
static struct wheel_timer timers[TIMERS];
static unsigned expired[TIMERS]; /* how often since the last look */

static size_t
index_of(const struct wheel_timer *timer)
{
	return (size_t)(timer - timers);
}

static void
note(struct wheel_timer *timer, void *context)
{
	(void)context;
	assert_null(timer->next);
	expired[index_of(timer)]++;
}

static void
begin(uint64_t now_ms)
{
	memset(timers, 0, sizeof(timers));
	memset(expired, 0, sizeof(expired));
	wheel_init(&wheel, now_ms);
}

/* Runs to now_ms; how often timer 0 expired. */
static unsigned
run_to(uint64_t now_ms)
{
	expired[0] = 0;
	wheel_run(&wheel, now_ms, note, NULL);
	return expired[0];
}

/* Never early; late by less than a tick; once. */
static void
expires_once(void **state)
{
	(void)state;
	for (uint64_t start = 1000; start < 1000 + 2 * WHEEL_TICK_MS; start++) {
		for (uint64_t delay = 0; delay < 5 * WHEEL_TICK_MS; delay++) {
			begin(start);
			wheel_set(&wheel, &timers[0], start, delay);
			uint64_t now = start;
			while (run_to(now) == 0) {
				now++;
				assert_in_range(now, start, start + delay + 2 * WHEEL_TICK_MS);
			}
			assert_true(now >= start + delay);
			assert_in_range(now, start + delay, start + delay + WHEEL_TICK_MS);
			assert_int_equal(wheel.armed, 0);
			assert_int_equal(run_to(now + 100000), 0);
		}
	}
}

/* A deadline moved later costs no list work; it expires at the last one wanted. */
static void
moves_later_lazily(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, &timers[0], 1000, 100);
	uint64_t slot = timers[0].slot_tick;
	wheel_set(&wheel, &timers[0], 1050, 500);
	wheel_set(&wheel, &timers[0], 1060, 200);
	assert_int_equal(timers[0].slot_tick, slot);
	assert_int_equal(wheel.armed, 1);
	assert_int_equal(run_to(1259), 0);
	assert_int_equal(run_to(1260), 1);
}

/* A deadline moved earlier takes effect. */
static void
moves_earlier(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, &timers[0], 1000, 60000);
	wheel_set(&wheel, &timers[0], 1000, 100);
	assert_int_equal(wheel.armed, 1);
	assert_int_equal(run_to(1100), 1);
	assert_int_equal(run_to(62000), 0);
}

/* Cleared: stays in its slot, does not expire; set again there: expires. */
static void
clears(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, &timers[0], 1000, 100);
	wheel_clear(&timers[0]);
	assert_int_equal(run_to(5000), 0);
	assert_int_equal(wheel.armed, 0);
	wheel_set(&wheel, &timers[0], 5000, 100);
	wheel_clear(&timers[0]);
	wheel_set(&wheel, &timers[0], 5000, 200);
	assert_int_equal(run_to(5199), 0);
	assert_int_equal(run_to(5200), 1);
	wheel_clear(&timers[0]);
	wheel_remove(&wheel, &timers[0]);
	wheel_remove(&wheel, &timers[0]);
	assert_int_equal(wheel.armed, 0);
}

/* Deadlines of several turns away, of a year, and of a number that would wrap. */
static void
waits_several_turns(void **state)
{
	(void)state;
	const uint64_t turn = WHEEL_SLOTS * WHEEL_TICK_MS;
	for (uint64_t delay = turn - 2 * WHEEL_TICK_MS; delay < 4 * turn; delay += turn / 3) {
		begin(1000);
		wheel_set(&wheel, &timers[0], 1000, delay);
		uint64_t now = 1000;
		for (; now + 30 < 1000 + delay; now += 30)
			assert_int_equal(run_to(now), 0);
		assert_int_equal(run_to(1000 + delay + WHEEL_TICK_MS), 1);
	}
	begin(1000);
	wheel_set(&wheel, &timers[0], 1000, UINT64_MAX);
	assert_int_equal(run_to(1000 + 100 * turn), 0);
	assert_int_equal(run_to(1000 + WHEEL_DELAY_MS_MAX - 1), 0);
	assert_int_equal(run_to(1000 + WHEEL_DELAY_MS_MAX + WHEEL_TICK_MS), 1);
}

/* After a pause of any length one run expires all that is due, and nothing else. */
static void
catches_up_after_a_pause(void **state)
{
	(void)state;
	const uint64_t turn = WHEEL_SLOTS * WHEEL_TICK_MS;
	for (uint64_t pause = turn - 100; pause < 5 * turn; pause += turn / 7 + 3) {
		begin(1000);
		for (size_t i = 0; i < TIMERS; i++)
			wheel_set(&wheel, &timers[i], 1000, i * turn / 9);
		wheel_run(&wheel, 1000 + pause, note, NULL);
		for (size_t i = 0; i < TIMERS; i++) {
			uint64_t due = (1000 + i * turn / 9 + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
			assert_int_equal(expired[i], due <= (1000 + pause) / WHEEL_TICK_MS);
		}
	}
}

/* Time that stands still or goes back runs nothing and breaks nothing. */
static void
stands_a_clock_that_goes_back(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, &timers[0], 1000, 50);
	assert_int_equal(run_to(1000), 0);
	assert_int_equal(run_to(500), 0);
	wheel_set(&wheel, &timers[0], 500, 50);
	assert_int_equal(run_to(1009), 0);
	assert_int_equal(run_to(1010), 1);
}

/* ---- set, clear and remove from inside expire ------------------------------------------------ */

static uint64_t now_inside;

static void
again_and_others(struct wheel_timer *timer, void *context)
{
	unsigned *rounds = context;
	expired[index_of(timer)]++;
	if (index_of(timer) != 0)
		return;
	/* all of the same slot, behind this one in its list */
	wheel_remove(&wheel, &timers[1]);
	wheel_clear(&timers[2]);
	wheel_set(&wheel, &timers[3], now_inside, 500);
	wheel_set(&wheel, &timers[4], now_inside, 0);
	/* from another slot into the next one */
	wheel_set(&wheel, &timers[5], now_inside, 0);
	if ((*rounds)++ < 3)
		wheel_set(&wheel, timer, now_inside, 0);
}

/* Timers of the same slot removed, cleared, moved; the expiring one set anew: no endless run. */
static void
changes_inside_expire(void **state)
{
	(void)state;
	begin(1000);
	for (size_t i = 0; i < 5; i++)
		wheel_set(&wheel, &timers[i], 1000, 100);
	wheel_set(&wheel, &timers[5], 1000, 9000);
	unsigned rounds = 0;
	now_inside = 1100;
	wheel_run(&wheel, 1100, again_and_others, &rounds);
	assert_int_equal(expired[0], 1);
	assert_int_equal(expired[1] + expired[2] + expired[3] + expired[5], 0);
	now_inside = 1110;
	wheel_run(&wheel, 1110, again_and_others, &rounds);
	assert_int_equal(expired[0], 2);
	assert_int_equal(expired[4], 1);
	for (now_inside = 1120; now_inside <= 2000; now_inside += 10)
		wheel_run(&wheel, now_inside, again_and_others, &rounds);
	assert_int_equal(expired[0], 4);
	assert_int_equal(expired[1], 0);
	assert_int_equal(expired[2], 0);
	assert_int_equal(expired[3], 1);
	assert_true(expired[5] >= 1);
	assert_int_equal(wheel.armed, 0);
}

/* ---- seeded comparison with a naive list ---------------------------------------------------- */

#define NOT_SET UINT64_MAX

/* The model: no earlier tick than first; every tick up to last has run: it must have expired. */
static struct {
	uint64_t first;
	uint64_t last;
} due[TIMERS];
static uint64_t seed_state;
static uint64_t model_now;

static uint64_t
draw(uint64_t below)
{
	seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed_state >> 20) % below;
}

static uint64_t
draw_delay(void)
{
	static const uint64_t scales[] = {1, 15, 200, 12000, 40000};
	return draw(scales[draw(5)] + 1);
}

static void
both_set(size_t i, uint64_t delay_ms)
{
	wheel_set(&wheel, &timers[i], model_now, delay_ms);
	uint64_t tick = (model_now + delay_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
	due[i].first = tick;
	due[i].last = tick > wheel.tick ? tick : wheel.tick + 1;
}

static void
both_stop(size_t i)
{
	if (draw(2) == 0)
		wheel_clear(&timers[i]);
	else
		wheel_remove(&wheel, &timers[i]);
	due[i].first = due[i].last = NOT_SET;
}

static void
check_and_stir(struct wheel_timer *timer, void *context)
{
	(void)context;
	size_t i = index_of(timer);
	assert_null(timer->next);
	if (due[i].first > wheel.tick)
		fail_msg("timer %zu expired at tick %llu, wanted at %llu", i,
			 (unsigned long long)wheel.tick, (unsigned long long)due[i].first);
	due[i].first = due[i].last = NOT_SET;
	if (draw(3) == 0)
		both_set(i, draw_delay());
	if (draw(3) == 0)
		both_set(draw(TIMERS), draw_delay());
	if (draw(5) == 0)
		both_stop(draw(TIMERS));
}

static void
one_seed(uint64_t seed)
{
	seed_state = seed;
	model_now = 1 + draw(100000);
	begin(model_now);
	for (size_t i = 0; i < TIMERS; i++)
		due[i].first = due[i].last = NOT_SET;
	for (int step = 0; step < 3000; step++) {
		if (draw(4) != 0) {
			both_set(draw(TIMERS), draw_delay());
		} else if (draw(3) == 0) {
			both_stop(draw(TIMERS));
		} else {
			static const uint64_t pauses[] = {3, 25, 300, 9000, 11000, 60000};
			model_now += draw(pauses[draw(6)]);
			wheel_run(&wheel, model_now, check_and_stir, NULL);
			for (size_t i = 0; i < TIMERS; i++) {
				if (due[i].last <= wheel.tick)
					fail_msg("seed %llu step %d: timer %zu was missed",
						 (unsigned long long)seed, step, i);
			}
		}
	}
	for (size_t i = 0; i < TIMERS; i++)
		wheel_remove(&wheel, &timers[i]);
	assert_int_equal(wheel.armed, 0);
}

/* 300 seeds of 3,000 steps: set, moved, cleared, removed, also from inside expire, with short and
 * long pauses. */
static void
agrees_with_a_naive_list(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		one_seed(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expires_once),
	    cmocka_unit_test(moves_later_lazily),
	    cmocka_unit_test(moves_earlier),
	    cmocka_unit_test(clears),
	    cmocka_unit_test(waits_several_turns),
	    cmocka_unit_test(catches_up_after_a_pause),
	    cmocka_unit_test(stands_a_clock_that_goes_back),
	    cmocka_unit_test(changes_inside_expire),
	    cmocka_unit_test(agrees_with_a_naive_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
