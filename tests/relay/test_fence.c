/* test_fence.c: which requests a fence lets through. */
#include "http/parse.h"
#include "relay/fence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fences fences;
static struct parser *parser;

static enum cause
judge(const char *method, const char *fields, uint64_t now)
{
	static const struct parse_limits limits = {
	    .head_bytes_max = HTTP_HEAD_BYTES_MAX, .target_bytes_max = 1000, .fields_max = 20};
	static struct http_head head;
	static char text[300];
	size_t skipped;
	enum cause cause;
	const char *why;
	int bytes =
	    snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
	assert_int_equal(
	    parse_request(parser, text, (size_t)bytes, &limits, &head, &skipped, &cause, &why),
	    PARSE_OK);
	return fences_judge(&fences, "batch", &head, now);
}

static int
setup(void **state)
{
	(void)state;
	memset(&fences, 0, sizeof(fences));
	parser = parser_create();
	atomic_store(&fences.fence_ms, 45);
	fence_learn(fences_add(&fences, "batch"), 7, 1000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	parser_free(&parser);
	return 0;
}

static void
the_present_term_passes(void **state)
{
	(void)state;
	assert_int_equal(judge("POST", "Holdfast-Term: 7\r\n", 1010), CAUSE_DONE);
	assert_int_equal(judge("GET", "Holdfast-Term: 7\r\n", 1010), CAUSE_DONE);
}

/* Also one that is higher: a fence that is sure knows all terms that anybody was told. */
static void
any_other_term_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"6",  "8",   "0",  "",
					  "-7", "7.0", "7x", "18446744073709551616"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char field[64];
		(void)snprintf(field, sizeof(field), "Holdfast-Term: %s\r\n", bad[i]);
		assert_int_equal(judge("POST", field, 1010), CAUSE_FENCED);
		assert_int_equal(judge("GET", field, 1010), CAUSE_FENCED);
	}
	assert_int_equal(judge("POST", "Holdfast-Term: 7\r\nHoldfast-Term: 6\r\n", 1010),
			 CAUSE_FENCED);
}

static void
without_a_term_nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(judge("POST", "", 1010), CAUSE_FENCE_NO_TERM);
	assert_int_equal(judge("DELETE", "", 1010), CAUSE_FENCE_NO_TERM);
	assert_int_equal(judge("GET", "", 1010), CAUSE_DONE);
	assert_int_equal(judge("HEAD", "", 9999), CAUSE_DONE);
}

/* What was learnt too long ago may be over. */
static void
what_is_old_is_unsure(void **state)
{
	(void)state;
	assert_int_equal(judge("POST", "Holdfast-Term: 7\r\n", 1044), CAUSE_DONE);
	assert_int_equal(judge("POST", "Holdfast-Term: 7\r\n", 1045), CAUSE_FENCE_UNSURE);
	memset(&fences, 0, sizeof(fences));
	assert_int_equal(judge("POST", "Holdfast-Term: 7\r\n", 1), CAUSE_FENCE_UNSURE);
	(void)fences_add(&fences, "batch");
	assert_int_equal(judge("POST", "Holdfast-Term: 0\r\n", 1), CAUSE_FENCE_UNSURE);
}

static void
roles_are_bounded_and_stay(void **state)
{
	(void)state;
	char role[16];
	for (int i = 1; i < FENCES_MAX; i++) {
		(void)snprintf(role, sizeof(role), "r%d", i);
		assert_non_null(fences_add(&fences, role));
	}
	assert_null(fences_add(&fences, "more"));
	assert_ptr_equal(fences_add(&fences, "batch"), &fences.list[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_present_term_passes, setup, teardown),
	    cmocka_unit_test_setup_teardown(any_other_term_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_a_term_nothing_changes, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_old_is_unsure, setup, teardown),
	    cmocka_unit_test_setup_teardown(roles_are_bounded_and_stay, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
