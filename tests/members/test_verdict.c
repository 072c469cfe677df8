/* test_verdict.c: one member's states, a line a story: evidence in, states out. */
#include "members/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct verdict_rules active = {
    .active = true, .fall = 2, .rise = 2, .passive = true, .passive_fall = 3, .retry_ms = 5000};
static const struct verdict_rules passive_only = {
    .fall = 2, .rise = 2, .passive = true, .passive_fall = 3, .retry_ms = 5000};
static const struct verdict_rules probes_only = {
    .active = true, .fall = 3, .rise = 1, .passive_fall = 3};

/*
 * Evidence, a letter each, 1 s apart:
 *   o probe ok   x probe failed   . live ok   f live failed (reset)   r live refused
 *   F, R the same of the last operational member   t tick   T tick 10 s later
 *   d, m, u the operator's order: drain, maint, none
 * States behind each, a letter each: U up, S suspect, D down, R drain, M maint; lower case: and a
 * check is asked for.
 */
struct story {
	const struct verdict_rules *rules;
	const char *evidence;
	const char *states;
};

static const struct story stories[] = {
    /* probes */
    {&active, "oooo", "UUUU"},
    {&active, "xooo", "DDUU"}, /* never probed: the first failure is enough */
    {&active, "oxox", "UUUU"}, /* fall in a row, not in all */
    {&active, "oxx", "UUD"},
    {&active, "oxxoxoo", "UUDDDDU"}, /* rise in a row */
    {&probes_only, "oxxxo", "UUUDU"},
    {&probes_only, "ofrf", "UUUU"}, /* passive evidence is off */
    {&probes_only, "xf.", "DDD"},
    /* traffic with probes */
    {&active, "of", "Us"},
    {&active, "ofo", "UsU"},
    {&active, "of.", "UsU"},
    {&active, "ofx", "UsD"}, /* suspect, and a probe agrees */
    {&active, "offf", "UssD"},
    {&active, "ofofof", "UsUsUD"}, /* passes its checks, fails its requests */
    {&active, "off.ff", "UssUss"},
    {&active, "or", "UD"},     /* refused: at once */
    {&active, "or.f", "UDDD"}, /* answers that were on their way prove nothing */
    {&active, "oroo", "UDDU"},
    {&active, "orxoo", "UDDDU"},
    {&active, "oroof", "UDDUs"}, /* well again: a failure counts from one */
    {&active, "r", "D"},
    {&active, "oxfx", "UUsD"},
    {&active, "oxf.x", "UUsUD"}, /* an answer ends no row of probes */
    /* the last operational member stays in, but for its probes */
    {&active, "oFFFF", "Ussss"},
    {&active, "oRR.", "UssU"},
    {&active, "oRx", "UsD"},
    {&active, "oFFFf", "UsssD"}, /* not the last any more: the row counts */
    /* traffic alone */
    {&passive_only, "fff", "SSD"},
    {&passive_only, "f.ff.", "SUSSU"},
    {&passive_only, "rT.", "DSU"}, /* half-open, tried, well */
    {&passive_only, "rTf", "DSD"}, /* half-open, tried, one failure is enough */
    {&passive_only, "rTfTf", "DSDSD"},
    {&passive_only, "rTF", "DSS"},
    {&passive_only, "rTr", "DSD"},
    {&passive_only, "rttttt", "DDDDDS"}, /* retry_ms after it went down */
    {&passive_only, "rT.f", "DSUS"},
    {&passive_only, "fTT", "SSS"}, /* time alone proves nothing */
    {&active, "rT", "DD"},         /* with probes time does nothing */
    /* orders: what the operator said, evidence does not unsay */
    {&active, "dox.fu", "RRRRrs"}, /* beneath it evidence goes on */
    {&active, "odxxu", "URRDd"},   /* a draining member that is dead is down */
    {&active, "odrooo", "URDDRR"}, /* ... and drains on when it is back */
    {&active, "odfu", "URrs"},
    {&active, "omxxoou", "UMMMMMu"},
    {&active, "omxxuoo", "UMMMdDU"}, /* back to what the checks say */
    {&active, "omrdou", "UMMDDd"},
    {&active, "odmdu", "URMRu"},
    {&active, "xmdu", "DMDd"},
    {&active, "ou", "Uu"},
    {&active, "odd", "URR"},
    {&passive_only, "rdT.u", "DDRRU"},
    {&passive_only, "rmTu", "DMMS"}, /* its trial waits for the order's end */
    {&passive_only, "mfffu", "MMMMD"},
};

static struct evidence
evidence_of(char letter, uint64_t *now_ms)
{
	static const struct {
		char letter;
		enum evidence_kind kind;
		enum reason reason;
	} kinds[] = {
	    {'o', EVIDENCE_PROBE_OK, REASON_NONE},
	    {'x', EVIDENCE_PROBE_FAILED, REASON_PROBE_FAILED},
	    {'.', EVIDENCE_LIVE_OK, REASON_NONE},
	    {'f', EVIDENCE_LIVE_FAILED, REASON_RESET},
	    {'F', EVIDENCE_LIVE_FAILED, REASON_RESET},
	    {'r', EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED},
	    {'R', EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED},
	    {'t', EVIDENCE_TICK, REASON_NONE},
	    {'T', EVIDENCE_TICK, REASON_NONE},
	    {'d', EVIDENCE_ORDER, REASON_NONE},
	    {'m', EVIDENCE_ORDER, REASON_NONE},
	    {'u', EVIDENCE_ORDER, REASON_NONE},
	};
	*now_ms += letter == 'T' ? 10000 : 1000;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].letter == letter)
			return (struct evidence){.kind = kinds[i].kind,
						 .reason = kinds[i].reason,
						 .now_ms = *now_ms,
						 .last_operational = letter == 'F' || letter == 'R',
						 .order = letter == 'd'   ? MEMBER_DRAIN
							  : letter == 'm' ? MEMBER_MAINT
									  : MEMBER_UP};
	}
	fail_msg("no evidence '%c'", letter);
	return (struct evidence){.now_ms = 0};
}

static char
letter_of(const struct verdict *v, const struct verdict_change *change)
{
	return (change->probe_now ? "usrdm" : "USRDM")[v->state];
}

/* Each transition of verdict.h, and each that must not happen. */
static void
stories_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		struct verdict v = {.state = MEMBER_UP};
		uint64_t now_ms = 1000;
		char got[16] = "";
		size_t length = strlen(stories[i].evidence);
		assert_int_equal(strlen(stories[i].states), length);
		for (size_t k = 0; k < length; k++) {
			uint8_t was = v.state;
			struct evidence e = evidence_of(stories[i].evidence[k], &now_ms);
			struct verdict_change change = verdict_apply(&v, stories[i].rules, &e);
			assert_int_equal(change.before, was);
			assert_int_equal(change.after, v.state);
			assert_int_equal(change.changed, was != v.state);
			got[k] = letter_of(&v, &change);
		}
		if (strcmp(got, stories[i].states) != 0)
			fail_msg("%s: %s, not %s", stories[i].evidence, got, stories[i].states);
	}
}

static struct verdict_change
apply(struct verdict *v, const struct verdict_rules *rules, enum evidence_kind kind,
      enum reason reason, uint64_t now_ms)
{
	struct evidence e = {.kind = kind, .reason = reason, .now_ms = now_ms};
	return verdict_apply(v, rules, &e);
}

/* How long it took to see, and how long it lasted. */
static void
times_are_measured(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	(void)apply(&v, &active, EVIDENCE_PROBE_OK, REASON_NONE, 1000);
	(void)apply(&v, &active, EVIDENCE_PROBE_FAILED, REASON_PROBE_TIMEOUT, 2000);
	struct verdict_change down =
	    apply(&v, &active, EVIDENCE_PROBE_FAILED, REASON_PROBE_TIMEOUT, 3250);
	assert_true(down.changed);
	assert_int_equal(down.detection_ms, 1250);
	assert_int_equal(down.outage_ms, 0);
	assert_int_equal(v.reason, REASON_PROBE_TIMEOUT);
	assert_int_equal(v.since_ms, 3250);
	(void)apply(&v, &active, EVIDENCE_PROBE_OK, REASON_NONE, 4000);
	struct verdict_change up = apply(&v, &active, EVIDENCE_PROBE_OK, REASON_NONE, 5000);
	assert_true(up.changed);
	assert_int_equal(up.outage_ms, 1750);
	assert_int_equal(v.reason, REASON_NONE);
	assert_int_equal(v.first_fail_ms, 0);
}

/* Probes fail in a row whatever requests say: the row began with the first of them. */
static void
answers_do_not_restart_the_clock(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	(void)apply(&v, &active, EVIDENCE_PROBE_OK, REASON_NONE, 1000);
	(void)apply(&v, &active, EVIDENCE_PROBE_FAILED, REASON_PROBE_STATUS, 2000);
	(void)apply(&v, &active, EVIDENCE_LIVE_OK, REASON_NONE, 2500);
	struct verdict_change down =
	    apply(&v, &active, EVIDENCE_PROBE_FAILED, REASON_PROBE_STATUS, 3000);
	assert_true(down.changed);
	assert_int_equal(down.detection_ms, 1000);
}

/* A trial that fails is part of the outage. */
static void
an_outage_spans_its_trials(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	(void)apply(&v, &passive_only, EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1000);
	(void)apply(&v, &passive_only, EVIDENCE_TICK, REASON_NONE, 6000);
	assert_int_equal(v.state, MEMBER_SUSPECT);
	assert_int_equal(v.reason, REASON_CONNECT_REFUSED);
	(void)apply(&v, &passive_only, EVIDENCE_LIVE_FAILED, REASON_CONNECT_TIMEOUT, 7000);
	assert_int_equal(v.state, MEMBER_DOWN);
	(void)apply(&v, &passive_only, EVIDENCE_TICK, REASON_NONE, 12000);
	struct verdict_change up = apply(&v, &passive_only, EVIDENCE_LIVE_OK, REASON_NONE, 12500);
	assert_int_equal(v.state, MEMBER_UP);
	assert_int_equal(up.outage_ms, 11500);
}

/* Threads read their clocks before they get the lock: evidence may be older than the state. */
static void
late_evidence_does_no_harm(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	(void)apply(&v, &passive_only, EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 9000);
	(void)apply(&v, &passive_only, EVIDENCE_TICK, REASON_NONE, 8990);
	assert_int_equal(v.state, MEMBER_DOWN);
	struct verdict w = {.state = MEMBER_UP};
	(void)apply(&w, &active, EVIDENCE_LIVE_FAILED, REASON_RESET, 9000);
	struct verdict_change down =
	    apply(&w, &active, EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 8990);
	assert_true(down.changed);
	assert_int_equal(down.detection_ms, 0);
}

static struct verdict_change
order(struct verdict *v, enum member_state wanted, uint64_t now_ms)
{
	struct evidence e = {.kind = EVIDENCE_ORDER, .order = wanted, .now_ms = now_ms};
	return verdict_apply(v, &active, &e);
}

/* The order's reason, and behind it the health's; the state's own time. */
static void
orders_have_reasons(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	assert_int_equal(verdict_reason(&v), REASON_NONE);
	(void)order(&v, MEMBER_DRAIN, 2000);
	assert_int_equal(verdict_reason(&v), REASON_DRAIN);
	assert_int_equal(v.since_ms, 2000);
	(void)order(&v, MEMBER_DRAIN, 2500);
	assert_int_equal(v.since_ms, 2000);
	(void)apply(&v, &active, EVIDENCE_PROBE_FAILED, REASON_PROBE_STATUS, 3000);
	assert_int_equal(v.state, MEMBER_DOWN);
	assert_int_equal(verdict_reason(&v), REASON_PROBE_STATUS);
	assert_int_equal(v.since_ms, 3000);
	(void)order(&v, MEMBER_MAINT, 4000);
	assert_int_equal(verdict_reason(&v), REASON_MAINT);
	struct verdict_change change = order(&v, MEMBER_UP, 5000);
	assert_true(change.changed);
	assert_int_equal(change.before, MEMBER_MAINT);
	assert_int_equal(verdict_reason(&v), REASON_PROBE_STATUS);
	assert_int_equal(v.since_ms, 5000);
	assert_int_equal(v.health_since_ms, 3000);
}

/* Once a drain, and not while a request is under way. */
static void
a_drain_is_done_once(void **state)
{
	(void)state;
	struct verdict v = {.state = MEMBER_UP};
	assert_false(verdict_drain_done(&v, 0));
	(void)order(&v, MEMBER_DRAIN, 2000);
	assert_false(verdict_drain_done(&v, 2));
	assert_true(verdict_drain_done(&v, 0));
	assert_false(verdict_drain_done(&v, 0));
	(void)order(&v, MEMBER_UP, 3000);
	(void)order(&v, MEMBER_DRAIN, 4000);
	assert_true(verdict_drain_done(&v, 0));
}

/* Who was out rises, once; who was suspect, drained or new does not. */
static void
who_was_out_rises(void **state)
{
	(void)state;
	static const struct {
		const char *evidence;
		char rises; /* which of it begins the slow start; '-': none does */
	} tales[] = {
	    {"oooo", '-'}, {"of.o", '-'},   {"odu", '-'},   {"oroo", '4'},    {"oroofo", '4'},
	    {"xoo", '3'},  {"omu", '3'},    {"odru", '-'},  {"odrudoo", '-'}, {"odruoo", '6'},
	    {"orod", '-'}, {"orodou", '6'}, {"oroor", '-'},
	};
	struct verdict_rules rules = active;
	rules.slow_start_ms = 60000;
	for (size_t i = 0; i < COUNT(tales); i++) {
		struct verdict v = {.state = MEMBER_UP};
		uint64_t now_ms = 0;
		for (const char *at = tales[i].evidence; *at != '\0'; at++) {
			struct evidence e = evidence_of(*at, &now_ms);
			(void)verdict_apply(&v, &rules, &e);
		}
		uint64_t want_ms =
		    tales[i].rises == '-' ? 0 : (uint64_t)(tales[i].rises - '0') * 1000;
		if (v.risen_ms != want_ms)
			fail_msg("%s: at %d", tales[i].evidence, (int)v.risen_ms);
	}
	struct verdict v = {.state = MEMBER_DOWN, .health = MEMBER_DOWN, .was_out = true};
	struct evidence well = {.kind = EVIDENCE_PROBE_OK, .now_ms = 5};
	rules.rise = 1;
	rules.slow_start_ms = 0;
	(void)verdict_apply(&v, &rules, &well);
	assert_int_equal(v.state, MEMBER_UP);
	assert_int_equal(v.risen_ms, 0); /* without a slow start */
}

/* Open: from what may change it until it is decided. What stays as it is, is closed. */
static void
verdicts_are_open_and_closed(void **state)
{
	(void)state;
	static const struct {
		const char *evidence;
		const char *open; /* behind each: o open, c closed */
	} tales[] = {
	    {"ooo", "ccc"},     {"oxo", "coc"}, {"oxx", "coc"},
	    {"of.", "coc"},     {"ofo", "coc"}, {"oxxxxoxoo", "cocccococ"},
	    {"orooo", "ccocc"}, {"om", "cc"},
	};
	for (size_t i = 0; i < COUNT(tales); i++) {
		struct verdict v = {.state = MEMBER_UP};
		uint64_t now_ms = 0;
		char got[16] = "";
		for (size_t k = 0; tales[i].evidence[k] != '\0'; k++) {
			struct evidence e = evidence_of(tales[i].evidence[k], &now_ms);
			(void)verdict_apply(&v, &active, &e);
			got[k] = verdict_is_open(&v, &active) ? 'o' : 'c';
		}
		if (strcmp(got, tales[i].open) != 0)
			fail_msg("%s: %s, not %s", tales[i].evidence, got, tales[i].open);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stories_are_told),
	    cmocka_unit_test(times_are_measured),
	    cmocka_unit_test(answers_do_not_restart_the_clock),
	    cmocka_unit_test(an_outage_spans_its_trials),
	    cmocka_unit_test(late_evidence_does_no_harm),
	    cmocka_unit_test(orders_have_reasons),
	    cmocka_unit_test(a_drain_is_done_once),
	    cmocka_unit_test(who_was_out_rises),
	    cmocka_unit_test(verdicts_are_open_and_closed),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
