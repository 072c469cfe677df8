/* test_tail_line.c: what passes a filter, what people read, and what no terminal may see. */
#include "cli/tail_line.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char move[] =
    "{\"ts\":\"2026-01-31T12:00:00.250Z\",\"event\":\"failover\",\"node\":\"n1\","
    "\"service\":\"shop\",\"session\":\"1a2b3c4d\",\"primary\":\"a\","
    "\"reason\":\"connect_refused\",\"evidence\":\"connect to 127.0.0.1:9001: refused\","
    "\"order\":[\"b\",\"c\"],\"skipped\":[{\"id\":\"a\",\"why\":\"down\"}],\"chosen\":\"b\","
    "\"rank\":1,\"attempt_ms\":12,\"hops\":0,\"epoch\":7,\"pool\":\"000000000000feed\","
    "\"request_id\":\"0000000000000abc\",\"from\":\"d\",\"suppressed\":3}";

static struct tail_filter filter;
static char text[TAIL_TEXT_BYTES_MAX];

static int
start(void **state)
{
	(void)state;
	memset(&filter, 0, sizeof(filter));
	return 0;
}

static void
assert_reads(const char *line, bool colour, const char *want)
{
	struct writer w = writer_on(text, sizeof(text));
	assert_int_equal(tail_write(&w, &filter, slice_of(line), colour), TAIL_PASSES);
	assert_string_equal(writer_text(&w), want);
}

static void
assert_broken(struct slice line, const char *want)
{
	struct writer w = writer_on(text, sizeof(text));
	assert_int_equal(tail_judge(&filter, line), TAIL_BROKEN);
	assert_int_equal(tail_write(&w, &filter, line, false), TAIL_BROKEN);
	assert_string_equal(writer_text(&w), want);
}

static enum tail_verdict
judge(const char *line)
{
	struct writer w = writer_on(text, sizeof(text));
	enum tail_verdict verdict = tail_judge(&filter, slice_of(line));
	assert_int_equal(tail_write(&w, &filter, slice_of(line), false), verdict);
	assert_int_equal(w.bytes > 0, verdict != TAIL_FILTERED);
	return verdict;
}

/* ---- for people ---------------------------------------------------------------------------- */

/* A move: when, whose, from where to where, why, what it took. */
static void
reads_a_move(void **state)
{
	(void)state;
	assert_reads(
	    move, false,
	    "2026-01-31T12:00:00.250Z failover       shop 1a2b3c4d d -> b connect_refused: "
	    "connect to 127.0.0.1:9001: refused (12 ms, order b c, skipped a=down, 3 more "
	    "held back)\n");
	assert_reads(move, true,
		     "\x1b[2m2026-01-31T12:00:00.250Z\x1b[0m \x1b[33mfailover\x1b[0m       shop "
		     "1a2b3c4d d -> b connect_refused: connect to 127.0.0.1:9001: refused (12 ms, "
		     "order b c, skipped a=down, 3 more held back)\n");
}

/* What does not apply is not mentioned. */
static void
reads_what_is_short(void **state)
{
	(void)state;
	assert_reads("{\"ts\":\"T\",\"event\":\"assigned\",\"service\":\"shop\",\"session\":\"00\","
		     "\"reason\":\"none\",\"evidence\":null,\"order\":[],\"chosen\":\"a\","
		     "\"attempt_ms\":0,\"hops\":null,\"from\":null}",
		     false, "T assigned       shop 00 -> a\n");
	assert_reads(
	    "{\"ts\":\"T\",\"event\":\"no_live_member\",\"service\":\"shop\",\"from\":\"a\"}",
	    false, "T no_live_member shop a -> nobody\n");
	assert_reads("{\"ts\":\"T\",\"event\":\"reload\"}", false, "T reload        \n");
}

/* A member's line and what its outage cost. */
static void
reads_an_outage(void **state)
{
	(void)state;
	assert_reads("{\"ts\":\"T\",\"event\":\"member_down\",\"service\":\"shop\",\"reason\":"
		     "\"reset\",\"evidence\":\"traffic: up -> down\",\"member\":\"a\"}",
		     false, "T member_down    shop a reset: traffic: up -> down\n");
	assert_reads(
	    "{\"ts\":\"T\",\"event\":\"outage_summary\",\"service\":\"shop\",\"reason\":\"reset\","
	    "\"member\":\"a\",\"sessions_moved\":9,\"moved_to\":[{\"id\":\"b\",\"count\":5},"
	    "{\"id\":\"c\",\"count\":3}],\"moved_elsewhere\":1,\"requests_failed\":2,"
	    "\"detection_ms\":130,\"outage_ms\":61000}",
	    false,
	    "T outage_summary shop a reset (out for 61000 ms, detected in 130 ms, 9 sessions moved "
	    "to b x5 and c x3 and others x1, 2 requests failed)\n");
	assert_reads(
	    "{\"ts\":\"T\",\"event\":\"outage_summary\",\"service\":\"shop\",\"reason\":"
	    "\"reset\",\"member\":\"a\",\"requests_retried\":3,\"failbacks\":8,"
	    "\"estimated\":false,\"ongoing\":true}",
	    false, "T outage_summary shop a reset (3 retried, 8 sessions back, still going on)\n");
}

/* Events and fields of a later version, and fields of another type than ours. */
static void
reads_what_it_does_not_know(void **state)
{
	(void)state;
	assert_reads("{\"ts\":\"T\",\"event\":\"brand_new\",\"later\":{\"x\":[1]}}", false,
		     "T brand_new     \n");
	assert_reads("{\"ts\":\"T\",\"event\":\"failover\",\"service\":7,\"order\":\"b\","
		     "\"skipped\":[3,null],\"chosen\":[],\"attempt_ms\":\"x\",\"moved_to\":[1],"
		     "\"hops\":-1}",
		     false, "T failover       (skipped)\n");
}

/* ---- broken -------------------------------------------------------------------------------- */

/* What is no line of the log is shown behind a mark. */
static void
marks_what_is_broken(void **state)
{
	(void)state;
	assert_broken(SLICE("{\"ts\":\"T\",\"event\":"), "?? {\"ts\":\"T\",\"event\":\n");
	assert_broken(SLICE(""), "?? \n");
	assert_broken(SLICE("[]"), "?? []\n");
	assert_broken(SLICE("{\"ts\":\"T\"}"), "?? {\"ts\":\"T\"}\n");
	assert_broken(SLICE("{\"event\":\"failover\"}"), "?? {\"event\":\"failover\"}\n");
	assert_broken(SLICE("{\"ts\":\"T\",\"event\":3}"), "?? {\"ts\":\"T\",\"event\":3}\n");
	assert_broken(SLICE("a\x1b[31m\0\xc2\x9b\x7f"), "?? a\\x1b[31m\\x00\\xc2\\x9b\\x7f\n");
	assert_broken(SLICE("{\"ts\":\"T\",\"event\":\"e\xc3\xa9\"}"),
		      "?? {\"ts\":\"T\",\"event\":\"e\\xc3\\xa9\"}\n");
}

/* A broken line is shown whatever is filtered: nobody can say that it would not have matched. */
static void
no_filter_hides_what_is_broken(void **state)
{
	(void)state;
	filter.service = SLICE("other");
	assert_broken(SLICE("x"), "?? x\n");
}

/* A long one is cut. */
static void
cuts_what_is_broken_and_long(void **state)
{
	(void)state;
	static char line[TAIL_LINE_BYTES_MAX];
	memset(line, '\t', sizeof(line));
	struct writer w = writer_on(text, sizeof(text));
	assert_int_equal(tail_write(&w, &filter, (struct slice){line, sizeof(line)}, false),
			 TAIL_BROKEN);
	assert_false(w.overflow);
	assert_int_equal(w.bytes, strlen("?? ") + 4 * 1024 + strlen(" ...\n"));
}

/* Escapes inside a string come out as text, never as what they stand for. */
static void
shows_no_control_character(void **state)
{
	(void)state;
	assert_reads(
	    "{\"ts\":\"T\",\"event\":\"failover\",\"service\":\"\\u001b[2J\\u0000\\u009b\","
	    "\"order\":[\"\\n\"],\"skipped\":[{\"id\":\"\\r\",\"why\":\"\\u007f\"}]}",
	    true,
	    "\x1b[2mT\x1b[0m \x1b[33mfailover\x1b[0m       \\x1b[2J\\x00\\xc2\\x9b (order "
	    "\\x0a, skipped \\x0d=\\x7f)\n");
}

/* ---- filters ------------------------------------------------------------------------------- */

static void
filters_by_service(void **state)
{
	(void)state;
	filter.service = SLICE("shop");
	assert_int_equal(judge(move), TAIL_PASSES);
	filter.service = SLICE("sho");
	assert_int_equal(judge(move), TAIL_FILTERED);
	assert_int_equal(judge("{\"ts\":\"T\",\"event\":\"reload\",\"service\":null}"),
			 TAIL_FILTERED);
}

/* A session is named by the beginning of its digest, of any length and case. */
static void
filters_by_session(void **state)
{
	(void)state;
	struct problem p;
	static const char *const good[] = {"1", "1A2b", "1a2b3c4d", "1a2b3c4dffffffffffffffffffff"};
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(tail_filter_set_session(&filter, slice_of(good[i]), &p),
				 RESULT_OK);
		assert_int_equal(judge(move), TAIL_PASSES);
		assert_int_equal(judge("{\"ts\":\"T\",\"event\":\"failover\"}"), TAIL_FILTERED);
	}
	assert_int_equal(tail_filter_set_session(&filter, SLICE("1a2c"), &p), RESULT_OK);
	assert_int_equal(judge(move), TAIL_FILTERED);
	assert_int_equal(tail_filter_set_session(&filter, SLICE("1g"), &p), RESULT_INVALID);
	assert_int_equal(tail_filter_set_session(&filter, SLICE(""), &p), RESULT_INVALID);
}

/* A member by any part it plays: primary, where the session came from or goes, or itself. */
static void
filters_by_member(void **state)
{
	(void)state;
	static const char *const parts[] = {"a", "b", "d"};
	for (size_t i = 0; i < COUNT(parts); i++) {
		filter.member = slice_of(parts[i]);
		assert_int_equal(judge(move), TAIL_PASSES);
	}
	filter.member = SLICE("c"); /* only next in order */
	assert_int_equal(judge(move), TAIL_FILTERED);
	assert_int_equal(judge("{\"ts\":\"T\",\"event\":\"member_up\",\"member\":\"c\"}"),
			 TAIL_PASSES);
}

static void
filters_by_event(void **state)
{
	(void)state;
	struct problem p;
	assert_int_equal(tail_filter_add_events(&filter, SLICE("member_up, member_down"), &p),
			 RESULT_OK);
	assert_int_equal(judge(move), TAIL_FILTERED);
	assert_int_equal(judge("{\"ts\":\"T\",\"event\":\"member_up\"}"), TAIL_PASSES);
	assert_int_equal(judge("{\"ts\":\"T\",\"event\":\"brand_new\"}"), TAIL_FILTERED);
	assert_int_equal(tail_filter_add_events(&filter, SLICE("failover"), &p), RESULT_OK);
	assert_int_equal(judge(move), TAIL_PASSES);
}

/* An unknown event is refused with the list of those that are known, on one line. */
static void
refuses_unknown_events(void **state)
{
	(void)state;
	struct problem p;
	assert_int_equal(tail_filter_add_events(&filter, SLICE("failover,fail\n"), &p),
			 RESULT_INVALID);
	assert_ptr_equal(strstr(p.text, "unknown event \"fail\\x0a\"; known: failover "), p.text);
	assert_non_null(strstr(p.text, " reload_refused"));
	assert_int_equal(tail_filter_add_events(&filter, SLICE(","), &p), RESULT_INVALID);
}

/* All that was asked must hold. */
static void
filters_together(void **state)
{
	(void)state;
	struct problem p;
	filter.service = SLICE("shop");
	filter.member = SLICE("b");
	assert_int_equal(tail_filter_set_session(&filter, SLICE("1a"), &p), RESULT_OK);
	assert_int_equal(tail_filter_add_events(&filter, SLICE("failover"), &p), RESULT_OK);
	assert_int_equal(judge(move), TAIL_PASSES);
	filter.member = SLICE("x");
	assert_int_equal(judge(move), TAIL_FILTERED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(reads_a_move, start),
	    cmocka_unit_test_setup(reads_what_is_short, start),
	    cmocka_unit_test_setup(reads_an_outage, start),
	    cmocka_unit_test_setup(reads_what_it_does_not_know, start),
	    cmocka_unit_test_setup(marks_what_is_broken, start),
	    cmocka_unit_test_setup(no_filter_hides_what_is_broken, start),
	    cmocka_unit_test_setup(cuts_what_is_broken_and_long, start),
	    cmocka_unit_test_setup(shows_no_control_character, start),
	    cmocka_unit_test_setup(filters_by_service, start),
	    cmocka_unit_test_setup(filters_by_session, start),
	    cmocka_unit_test_setup(filters_by_member, start),
	    cmocka_unit_test_setup(filters_by_event, start),
	    cmocka_unit_test_setup(refuses_unknown_events, start),
	    cmocka_unit_test_setup(filters_together, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
