/* test_traceparent.c: what W3C Trace Context takes, and what it refuses. */
#include "http/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define REST "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void
takes_what_is_good(void **state)
{
	(void)state;
	struct traceparent t;
	char text[TRACEPARENT_BYTES];
	struct writer w = writer_on(text, sizeof(text));
	assert_true(traceparent_parse(SLICE(GOOD), &t));
	assert_int_equal(t.flags, 1);
	assert_int_equal(t.trace[0], 0x4b);
	assert_int_equal(t.span[7], 0xb7);
	write_traceparent(&w, &t);
	assert_int_equal(w.bytes, TRACEPARENT_BYTES);
	assert_memory_equal(text, GOOD, TRACEPARENT_BYTES);
	assert_true(traceparent_parse(SLICE("cc-" REST), &t));
	assert_true(traceparent_parse(SLICE("cc-" REST "-what.comes-later"), &t));
	assert_true(traceparent_parse(
	    SLICE("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), &t));
	assert_int_equal(t.flags, 0);
}

static void
refuses_the_rest(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "00",
	    GOOD "-",
	    GOOD " ",
	    "ff-" REST,
	    "0-" REST "0",
	    "cc-" REST "x",
	    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
	    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
	    "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct traceparent t;
		if (traceparent_parse(slice_of(bad[i]), &t))
			fail_msg("taken: %s", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_is_good),
	    cmocka_unit_test(refuses_the_rest),
	};
	return cmocka_run_group_tests_name("traceparent", tests, NULL, NULL);
}
