/* test_race_host.c: who offers, when, and why not. */
#include "base/digest.h"
#include "cluster/race_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPREAD_US 16000U

static struct race_host host;
static struct race_condition well;
static struct prng chance;

static int
lay(void **state)
{
	(void)state;
	assert_true(digest_init());
	memset(&host, 0, sizeof(host));
	well = (struct race_condition){.fresh = true, .takes_new = true, .spread_us = SPREAD_US};
	chance.state = 1;
	return 0;
}

/* `n` comes back in the tag. */
static struct race_pending
from(uint8_t network, uint8_t n, bool sealed)
{
	struct race_pending p = {
	    .client = {.family = AF_INET, .port = 9, .ip = {192, 0, network, 1}}, .sealed = sealed};
	p.tag[0] = n;
	return p;
}

static enum race_silence
hear(uint64_t now_us, uint8_t n)
{
	struct race_pending p = from(2, n, true);
	return race_host_hear(&host, now_us, &well, 224, 200, prng_next(&chance), &p);
}

static void
an_idle_one_answers_at_once_a_busy_one_waits(void **state)
{
	(void)state;
	for (uint32_t load = 0; load < 1000000; load += 100000) {
		uint64_t shaped = (uint64_t)SPREAD_US * load / 1000000;
		for (int i = 0; i < 100; i++)
			assert_in_range(race_delay_us(SPREAD_US, load, prng_next(&chance)), shaped,
					shaped + SPREAD_US / 16);
	}
}

static void
answers_go_out_when_they_are_due(void **state)
{
	(void)state;
	struct race_pending p;
	for (uint8_t n = 0; n < 100; n++) {
		well.load_ppm = (uint32_t)(prng_next(&chance) % 1000000);
		assert_int_equal(hear(1000, n), RACE_OFFERS);
	}
	uint64_t last = 0;
	for (size_t left = 100; left > 0; left--) {
		uint64_t next = race_host_next(&host);
		assert_true(next >= last);
		assert_false(race_host_due(&host, next - 1, &p));
		assert_true(race_host_due(&host, next, &p));
		assert_int_equal(p.due_us, next);
		last = next;
	}
	assert_int_equal(race_host_next(&host), RACE_NEVER);
	assert_int_equal(host.silent[RACE_OFFERS], 100);
}

static void
who_is_not_fit_is_silent(void **state)
{
	(void)state;
	well.fresh = false;
	assert_int_equal(hear(0, 0), RACE_SILENT_STALE);
	well.fresh = true;
	well.takes_new = false;
	assert_int_equal(hear(0, 0), RACE_SILENT_DRAIN);
	well.takes_new = true;
	well.load_ppm = 1000000;
	assert_int_equal(hear(0, 0), RACE_SILENT_FULL);
	assert_int_equal(host.silent[RACE_SILENT_STALE], 1);
	assert_int_equal(host.silent[RACE_SILENT_DRAIN], 1);
	assert_int_equal(host.silent[RACE_SILENT_FULL], 1);
	assert_int_equal(host.count, 0);
	assert_string_equal(race_silence_text(RACE_SILENT_DRAIN), "drain");
}

static void
who_sent_less_than_the_answer_gets_none(void **state)
{
	(void)state;
	struct race_pending p = from(2, 0, true);
	assert_int_equal(race_host_hear(&host, 0, &well, 199, 200, 0, &p), RACE_SILENT_SHORT);
	assert_int_equal(race_host_hear(&host, 0, &well, 200, 200, 0, &p), RACE_OFFERS);
}

/* U10: what waits is bounded, whatever comes. */
static void
the_queue_is_bounded(void **state)
{
	(void)state;
	for (size_t n = 0; n < RACE_PENDING_MAX; n++)
		assert_int_equal(hear(0, 0), RACE_OFFERS);
	for (size_t n = 0; n < 1000; n++)
		assert_int_equal(hear(0, 0), RACE_SILENT_QUEUE);
	assert_int_equal(host.count, RACE_PENDING_MAX);
	struct race_pending p;
	assert_true(race_host_due(&host, UINT64_C(1) << 40, &p));
	assert_int_equal(hear(0, 0), RACE_OFFERS);
}

static enum race_silence
open_one(uint8_t network, uint64_t now_us)
{
	struct race_pending p = from(network, 0, false);
	enum race_silence why = race_host_hear(&host, now_us, &well, 224, 200, 0, &p);
	if (why == RACE_OFFERS)
		assert_true(race_host_due(&host, UINT64_MAX - 1, &p));
	return why;
}

/* By network; who is of the cluster is not counted. */
static void
rates_bound_what_one_network_gets(void **state)
{
	(void)state;
	uint64_t now_us = 5000000;
	for (size_t n = 0; n < RACE_RATE_BURST; n++)
		assert_int_equal(open_one(2, now_us), RACE_OFFERS);
	assert_int_equal(open_one(2, now_us), RACE_SILENT_RATE);
	assert_int_equal(open_one(3, now_us), RACE_OFFERS);
	assert_int_equal(hear(now_us, 0), RACE_OFFERS);
	now_us += 500000;
	for (size_t n = 0; n < RACE_RATE_PER_S / 2; n++)
		assert_int_equal(open_one(2, now_us), RACE_OFFERS);
	assert_int_equal(open_one(2, now_us), RACE_SILENT_RATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_idle_one_answers_at_once_a_busy_one_waits, lay),
	    cmocka_unit_test_setup(answers_go_out_when_they_are_due, lay),
	    cmocka_unit_test_setup(who_is_not_fit_is_silent, lay),
	    cmocka_unit_test_setup(who_sent_less_than_the_answer_gets_none, lay),
	    cmocka_unit_test_setup(the_queue_is_bounded, lay),
	    cmocka_unit_test_setup(rates_bound_what_one_network_gets, lay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
