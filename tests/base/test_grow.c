/* test_grow.c: text that grows, its bound, and what is left when the bound or memory ends. */
#include "base/grow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ENOUGH ((size_t)1024 * 1024)

static struct grow g;

static int
stop(void **state)
{
	(void)state;
	grow_deinit(&g);
	return 0;
}

static void
assert_text(const char *want)
{
	assert_int_equal(g.bytes, strlen(want));
	assert_memory_equal(g.at, want, g.bytes);
}

static void
writes_what_it_is_given(void **state)
{
	(void)state;
	grow_init(&g, ENOUGH);
	grow_bytes(&g, NULL, 0);
	assert_null(g.at);
	grow_text(&g, "a");
	grow_slice(&g, SLICE("bc"));
	grow_u64(&g, UINT64_MAX);
	grow_format(&g, " %s %d", "x", -5);
	grow_format(&g, "%s", "");
	assert_text("abc18446744073709551615 x -5");
	assert_false(g.failed);
}

/* Across every step of its growth, in pieces of all sizes. */
static void
grows(void **state)
{
	(void)state;
	char piece[300];
	size_t want = 0;
	memset(piece, 'p', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	grow_init(&g, ENOUGH);
	for (size_t i = 0; i < 1000; i++) {
		size_t bytes = i % (sizeof(piece) - 1);
		grow_format(&g, "%.*s", (int)bytes, piece);
		grow_bytes(&g, piece, bytes);
		want += 2 * bytes;
		assert_int_equal(g.bytes, want);
	}
	assert_false(g.failed);
	for (size_t i = 0; i < g.bytes; i++)
		assert_int_equal(g.at[i], 'p');
}

/* What does not fit is left out whole, and so is all that comes then. */
static void
has_a_bound(void **state)
{
	(void)state;
	grow_init(&g, 10);
	grow_text(&g, "0123456");
	grow_format(&g, "%s", "more than there is room for, by far");
	assert_true(g.failed);
	assert_text("0123456");
	grow_text(&g, "7");
	assert_text("0123456");
	grow_deinit(&g);
	grow_init(&g, 10);
	grow_text(&g, "0123456789");
	assert_false(g.failed);
	grow_text(&g, "x");
	assert_true(g.failed);
	assert_text("0123456789");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(writes_what_it_is_given, stop),
	    cmocka_unit_test_teardown(grows, stop),
	    cmocka_unit_test_teardown(has_a_bound, stop),
	};
	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}
