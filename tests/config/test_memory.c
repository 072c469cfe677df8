/*
 * test_memory.c: config_load when memory runs out: the linker puts the allocators
 * below before those of libc for our own files (libconfig keeps its own: it does not
 * look whether an allocation failed). Leaks are the sanitizers' to find.
 */
#include "fixture.h"

/* The linker gives the names. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *at, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *at, size_t bytes);
char *__wrap_strdup(const char *text);

static unsigned calls_left = UINT32_MAX;

static bool
runs_out(void)
{
	if (calls_left == 0)
		return true;
	calls_left--;
	return false;
}

void *
__wrap_malloc(size_t bytes)
{
	return runs_out() ? NULL : __real_malloc(bytes);
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
	return runs_out() ? NULL : __real_calloc(count, bytes);
}

void *
__wrap_realloc(void *at, size_t bytes)
{
	return runs_out() ? NULL : __real_realloc(at, bytes);
}

char *
__wrap_strdup(const char *text)
{
	return runs_out() ? NULL : __real_strdup(text);
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Loads with ever more allocations until they are enough; says how many that were. */
static unsigned
load_with_ever_more(const char *file, enum result expected)
{
	for (unsigned allowed = 0; allowed < 100000; allowed++) {
		struct config *config = NULL;
		struct config_findings findings;
		calls_left = allowed;
		enum result r = config_load(file, CONFIG_FOR_CHECK, &config, &findings);
		calls_left = UINT32_MAX;
		bool enough = r == expected;
		assert_true(enough || r == RESULT_NO_MEMORY);
		assert_int_equal(config == NULL, r != RESULT_OK);
		assert_int_equal(findings.errors > 0, r != RESULT_OK);
		assert_int_equal(findings.count + findings.not_shown >= findings.errors, true);
		config_findings_free(&findings);
		config_free(&config);
		if (enough)
			return allowed;
	}
	fail_msg("no number of allocations is enough");
	return 0;
}

/* A configuration with something of everything. */
static void
good_file(void **state)
{
	(void)state;
	const char *file = put_config(
	    "node = \"n\"; user = \"u\"; log = { failover = \"f\"; access = \"a\"; };",
	    "hosts = [ \"h\", \"i\" ]; paths = [ \"/a\", \"/b\" ]; health = { path = \"/\"; };\n"
	    "session = { keys = [ \"cookie:A\", \"query:b\" ]; tag = { domain = \"d\"; }; };");
	assert_true(load_with_ever_more(file, RESULT_OK) > 30);
}

/* Findings want memory too. */
static void
bad_file(void **state)
{
	(void)state;
	assert_true(load_with_ever_more("tests/config/bad/wrong_type.conf", RESULT_INVALID) > 30);
	assert_true(load_with_ever_more("tests/config/bad/overlap.conf", RESULT_INVALID) > 30);
	assert_true(load_with_ever_more("tests/config/bad/syntax.conf", RESULT_INVALID) > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_file),
	    cmocka_unit_test(bad_file),
	};
	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
