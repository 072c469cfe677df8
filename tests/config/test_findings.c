/* test_findings.c: the list of findings: order, what is printed, what is only counted. */
#include "config/loading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct config_findings findings;

static int
stop(void **state)
{
	(void)state;
	config_findings_free(&findings);
	assert_null(findings.list);
	assert_int_equal(findings.count + findings.errors + findings.not_shown, 0);
	return 0;
}

static void
add(int line, const char *path, const char *value, const char *reason, bool warning)
{
	struct config_finding finding = {.file = TEXT("x.conf"),
					 .line = line,
					 .path = TEXT(path),
					 .value = TEXT(value),
					 .reason = TEXT(reason),
					 .warning = warning};
	assert_true(findings_add(&findings, &finding));
}

static void
assert_printed(const char *expected)
{
	char *said = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&said, &bytes);
	assert_non_null(to);
	config_findings_print(&findings, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(said, expected);
	free(said);
}

/* A line each; what there is not is left out with its marks. */
static void
prints(void **state)
{
	(void)state;
	add(12, "services[0].weight", "70000", "above 65535", false);
	add(3, "cluster", "", "not supported", false);
	add(0, "", "", "No such file", false);
	add(4, "", "0x1", "decimal", true);
	add(5, NULL, NULL, NULL, false);
	assert_int_equal(findings.count, 5);
	assert_int_equal(findings.errors, 4);
	assert_printed("x.conf:12: services[0].weight = 70000: above 65535\n"
		       "x.conf:3: cluster: not supported\n"
		       "x.conf: No such file\n"
		       "x.conf:4: warning: 0x1: decimal\n"
		       "x.conf:5: \n");
}

/* Nothing to say: nothing is said. */
static void
prints_nothing(void **state)
{
	(void)state;
	assert_printed("");
}

/* By line; those of one line stay as they were found. */
static void
sorts(void **state)
{
	(void)state;
	static const char *const expected[] = {"a", "d", "b", "e", "c"};
	add(0, "", "", "a", false);
	add(2, "", "", "b", false);
	add(9, "", "", "c", false);
	add(1, "", "", "d", false);
	add(2, "", "", "e", false);
	findings_sort(&findings);
	for (size_t i = 0; i < findings.count; i++)
		assert_string_equal(findings.list[i].reason, expected[i]);
}

/* Above the bound warnings and errors are counted, and said to be so. */
static void
counts_the_rest(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_FINDINGS_MAX; i++)
		add(i + 1, "", "", "", true);
	assert_int_equal(findings.errors, 0);
	add(1, "", "", "", false);
	add(1, "", "", "", true);
	assert_int_equal(findings.count, CONFIG_FINDINGS_MAX);
	assert_int_equal(findings.not_shown, 2);
	assert_int_equal(findings.errors, 1);
}

/* How many there are more is the last line, and why: there may be no line but that one. */
static void
prints_the_rest(void **state)
{
	(void)state;
	findings.not_shown = 1;
	assert_printed("no memory: 1 more is not shown\n");
	add(1, "", "", "a", false);
	assert_printed("x.conf:1: a\nno memory: 1 more is not shown\n");
	findings.not_shown = 2;
	assert_printed("x.conf:1: a\nno memory: 2 more are not shown\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(prints, stop),
	    cmocka_unit_test_teardown(prints_nothing, stop),
	    cmocka_unit_test_teardown(sorts, stop),
	    cmocka_unit_test_teardown(counts_the_rest, stop),
	    cmocka_unit_test_teardown(prints_the_rest, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
