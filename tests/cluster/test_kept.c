/* test_kept.c: the membership in a file: whole, or refused whatever was done to it. */
#include "cluster/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[64];
static char path[96];

static int
begin(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/holdfast-test.XXXXXX");
	bool made = mkdtemp(dir) != NULL;
	(void)snprintf(path, sizeof(path), "%s/" KEPT_FILE_NAME, dir);
	return !made;
}

static int
end(void **state)
{
	char command[128];
	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command); /* NOLINT(cert-env33-c): a directory that we made */
}

static size_t
load(char *bytes, size_t room)
{
	FILE *from = fopen(path, "re");
	assert_non_null(from);
	size_t count = fread(bytes, 1, room, from);
	(void)fclose(from);
	return count;
}

static void
store(const char *bytes, size_t count)
{
	FILE *to = fopen(path, "we");
	assert_non_null(to);
	assert_int_equal(fwrite(bytes, 1, count, to), count);
	assert_int_equal(fclose(to), 0);
}

static void
what_is_kept_is_read(void **state)
{
	struct document *d;
	struct problem p = {""};
	(void)state;
	assert_int_equal(kept_read(dir, &d, &p), RESULT_NOT_FOUND);
	for (size_t bytes = 0; bytes <= DOCUMENT_BYTES_MAX; bytes += DOCUMENT_BYTES_MAX / 2) {
		char *text = calloc(1, bytes + 1);
		assert_non_null(text);
		memset(text, '{', bytes);
		struct document *written = document_create(text, bytes);
		assert_int_equal(kept_write(dir, written, &p), RESULT_OK);
		assert_int_equal(kept_read(dir, &d, &p), RESULT_OK);
		assert_int_equal(d->bytes, bytes);
		assert_memory_equal(d->digest, written->digest, sizeof(d->digest));
		document_unref(&d);
		document_unref(&written);
		free(text);
	}
	assert_int_equal(kept_write("/nowhere/at/all", d = document_create("x", 1), &p), RESULT_IO);
	document_unref(&d);
}

/* Every byte changed, every length cut. */
static void
damage_is_found(void **state)
{
	char bytes[512];
	struct document *d = document_create("{\"membership\":1}\n", 17);
	struct problem p = {""};
	(void)state;
	assert_int_equal(kept_write(dir, d, &p), RESULT_OK);
	document_unref(&d);
	size_t count = load(bytes, sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		bytes[i] ^= 1;
		store(bytes, count);
		assert_int_equal(kept_read(dir, &d, &p), RESULT_INVALID);
		bytes[i] ^= 1;
		store(bytes, i);
		assert_int_equal(kept_read(dir, &d, &p), RESULT_INVALID);
	}
	store(bytes, count);
	assert_int_equal(kept_read(dir, &d, &p), RESULT_OK);
	document_unref(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_kept_is_read),
	    cmocka_unit_test(damage_is_found),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
