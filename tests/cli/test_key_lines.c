/* test_key_lines.c: keys a line, with every way in which a line can be none. */
#include "cli/key_lines.h"

#include "../record/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct key_lines lines;
static struct problem problem;

static const char *
file_of(const char *bytes, size_t count)
{
	const char *path = scratch_path("keys");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, count, f), count);
	(void)fclose(f);
	return path;
}

static void
opens(const char *bytes, size_t count)
{
	assert_int_equal(key_lines_open(&lines, file_of(bytes, count), &problem), RESULT_OK);
}
#define OPENS(text) opens(text, sizeof(text) - 1)

static void
assert_key(const char *want, size_t bytes)
{
	struct slice key;
	assert_int_equal(key_lines_next(&lines, &key, &problem), RESULT_OK);
	assert_int_equal(key.bytes, bytes);
	assert_memory_equal(key.at, want, bytes);
}
#define ASSERT_KEY(text) assert_key(text, sizeof(text) - 1)

static void
ends_with(enum result r)
{
	struct slice key;
	assert_int_equal(key_lines_next(&lines, &key, &problem), r);
	key_lines_close(&lines);
}

static void
a_key_a_line(void **state)
{
	(void)state;
	OPENS("one\ntwo \r\n\xff\x00\x01\nlast");
	ASSERT_KEY("one");
	ASSERT_KEY("two ");
	ASSERT_KEY("\xff\x00\x01");
	ASSERT_KEY("last");
	ends_with(RESULT_NOT_FOUND);
	OPENS("");
	ends_with(RESULT_NOT_FOUND);
}

static void
an_empty_line_is_no_key(void **state)
{
	(void)state;
	OPENS("one\n\ntwo\n");
	ASSERT_KEY("one");
	ends_with(RESULT_INVALID);
	assert_non_null(strstr(problem.text, "keys:2: a key has 1 to 4096 bytes"));
	OPENS("\r\n");
	ends_with(RESULT_INVALID);
	assert_non_null(strstr(problem.text, "keys:1: "));
}

static void
the_longest_key(void **state)
{
	(void)state;
	static char text[SESSION_KEY_BYTES_MAX + 2];
	memset(text, 'k', sizeof(text));
	text[SESSION_KEY_BYTES_MAX] = '\n';
	opens(text, SESSION_KEY_BYTES_MAX + 1);
	assert_key(text, SESSION_KEY_BYTES_MAX);
	ends_with(RESULT_NOT_FOUND);
	text[SESSION_KEY_BYTES_MAX] = 'k';
	opens(text, sizeof(text));
	ends_with(RESULT_INVALID);
	assert_non_null(strstr(problem.text, "keys:1: a key has 1 to 4096 bytes"));
}

static void
files_that_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(key_lines_open(&lines, "/nowhere/keys", &problem), RESULT_IO);
	assert_string_equal(problem.text, "/nowhere/keys: No such file or directory");
	assert_int_equal(key_lines_open(&lines, "/", &problem), RESULT_OK);
	ends_with(RESULT_IO);
	assert_string_equal(problem.text, "/: Is a directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_a_line),
	    cmocka_unit_test(an_empty_line_is_no_key),
	    cmocka_unit_test(the_longest_key),
	    cmocka_unit_test(files_that_cannot_be_read),
	};
	return cmocka_run_group_tests_name("key_lines", tests, scratch_make, scratch_remove);
}
