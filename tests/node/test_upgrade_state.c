/* test_upgrade_state.c: what one process tells the next of a member, there and back. */
#include "node/upgrade_state.h"
#include "vocab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct upgrade_member sample = {
    .service = {"shop", 4},
    .id = {"a", 1},
    .origin = {"127.0.0.1:9001", 14},
    .given = MEMBER_DRAIN,
    .verdict = {.health = MEMBER_DOWN,
		.order = MEMBER_MAINT,
		.reason = REASON_CONNECT_REFUSED,
		.probed = true,
		.was_out = true,
		.probe_fails = 7,
		.probe_wins = 1,
		.live_fails = 3,
		.since_ms = 1234567890123,
		.health_since_ms = 2,
		.first_fail_ms = 3,
		.outage_since_ms = 4,
		.risen_ms = 5},
};

static void
test_there_and_back(void **state)
{
	char text[1024];
	struct writer w = writer_on(text, sizeof(text));
	struct upgrade_member m;
	(void)state;
	upgrade_member_write(&w, &sample);
	assert_true(upgrade_member_read(slice_of(writer_text(&w)), &m));
	assert_true(slice_equal(m.service, sample.service));
	assert_true(slice_equal(m.id, sample.id));
	assert_true(slice_equal(m.origin, sample.origin));
	assert_int_equal(m.given, MEMBER_DRAIN);
	assert_int_equal(m.verdict.health, MEMBER_DOWN);
	assert_int_equal(m.verdict.order, MEMBER_MAINT);
	assert_int_equal(m.verdict.reason, REASON_CONNECT_REFUSED);
	assert_true(m.verdict.probed && m.verdict.was_out && !m.verdict.drained);
	assert_int_equal(m.verdict.probe_fails, 7);
	assert_int_equal(m.verdict.probe_wins, 1);
	assert_int_equal(m.verdict.live_fails, 3);
	assert_int_equal(m.verdict.since_ms, 1234567890123);
	assert_int_equal(m.verdict.health_since_ms, 2);
	assert_int_equal(m.verdict.first_fail_ms, 3);
	assert_int_equal(m.verdict.outage_since_ms, 4);
	assert_int_equal(m.verdict.risen_ms, 5);
}

/* Of a later version, or an earlier one. */
static void
test_what_is_not_known_is_passed_over_and_what_is_missing_is_nothing(void **state)
{
	struct upgrade_member m;
	(void)state;
	assert_true(upgrade_member_read(
	    SLICE("member shop a health=down mood=good since=9 origin=unix:/run/a b.sock"), &m));
	assert_int_equal(m.verdict.health, MEMBER_DOWN);
	assert_int_equal(m.verdict.since_ms, 9);
	assert_int_equal(m.verdict.order, MEMBER_UP);
	assert_int_equal(m.verdict.reason, REASON_NONE);
	assert_true(slice_equal(m.origin, SLICE("unix:/run/a b.sock")));
}

static void
test_what_is_no_member(void **state)
{
	static const char *const lines[] = {
	    "",
	    "member",
	    "member shop",
	    "member shop a",
	    "member shop a health=up",
	    "member shop a origin=",
	    "members shop a origin=x",
	    "member shop a health=drain origin=x",
	    "member shop a health=maint origin=x",
	    "member shop a order=down origin=x",
	    "tickets 00",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct upgrade_member m;
		if (upgrade_member_read(slice_of(lines[i]), &m))
			fail_msg("taken: %s", lines[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_what_is_not_known_is_passed_over_and_what_is_missing_is_nothing),
	    cmocka_unit_test(test_what_is_no_member),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
