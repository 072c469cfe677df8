/* test_h2_budget.c: buckets of what gets nowhere, and where frames end; see relay/h2_budget.h,
 * h2_frames.h. */
#include "relay/h2_budget.h"
#include "relay/h2_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static unsigned
take_all(struct h2_budget *b, enum http2_end kind, uint64_t now_ms)
{
	unsigned taken = 0;
	while (h2_budget_take(b, kind, now_ms))
		taken++;
	return taken;
}

static void
test_a_burst_and_so_many_a_second(void **state)
{
	(void)state;
	struct h2_budget b;
	h2_budget_init(&b, 1000);
	assert_int_equal(take_all(&b, HTTP2_END_PINGS, 1000), 100);
	assert_int_equal(take_all(&b, HTTP2_END_SETTINGS, 1000), 50);
	assert_int_equal(take_all(&b, HTTP2_END_PINGS, 1099), 0);
	assert_int_equal(take_all(&b, HTTP2_END_PINGS, 1100), 1);
	assert_int_equal(take_all(&b, HTTP2_END_PINGS, 3100), 20);
	assert_int_equal(take_all(&b, HTTP2_END_PINGS, UINT64_C(1) << 40), 100);
}

static void
test_streams_that_end_well_earn_resets(void **state)
{
	(void)state;
	struct h2_budget b;
	h2_budget_init(&b, 0);
	assert_int_equal(take_all(&b, HTTP2_END_RESETS, 0), 200);
	for (int i = 0; i < 40; i++)
		h2_budget_stream(&b);
	assert_int_equal(take_all(&b, HTTP2_END_RESETS, 0), 10);
	for (int i = 0; i < 100000; i++)
		h2_budget_stream(&b);
	assert_int_equal(take_all(&b, HTTP2_END_RESETS, 0), 200);
	assert_int_equal(take_all(&b, HTTP2_END_WINDOW_UPDATES, 0), 1000);
	h2_budget_data(&b);
	assert_int_equal(take_all(&b, HTTP2_END_WINDOW_UPDATES, 0), H2_DATA_UPDATES);
}

static void
feed(struct h2_frames *f, const char *bytes, size_t count)
{
	h2_frames_feed(f, (const uint8_t *)bytes, count);
}

static void
test_half_heads(void **state)
{
	(void)state;
	struct h2_frames f;
	h2_frames_init(&f);
	assert_true(h2_frames_in_head(&f));
	feed(&f, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", 23);
	assert_true(h2_frames_in_head(&f));
	feed(&f, "\n", 1);
	assert_false(h2_frames_in_head(&f));
	feed(&f, "\0\0\0\4\0\0\0\0\0", 9); /* SETTINGS */
	assert_false(h2_frames_in_head(&f));
	feed(&f, "\0\0\2\1\4\0\0\0\1", 9); /* HEADERS, END_HEADERS */
	assert_true(h2_frames_in_head(&f));
	feed(&f, "x", 1);
	assert_true(h2_frames_in_head(&f));
	feed(&f, "x", 1);
	assert_false(h2_frames_in_head(&f));
	feed(&f, "\0\0\1\1\0\0\0\0\1x", 10); /* HEADERS, more to come */
	assert_true(h2_frames_in_head(&f));
	feed(&f, "\0\0\1\x9\0\0\0\0\1x", 10);
	assert_true(h2_frames_in_head(&f));
	feed(&f, "\0\0\0\x9\4\0\0\0\1", 9);
	assert_false(h2_frames_in_head(&f));
	feed(&f, "\0\0\1\x77\0\0\0\0\0?\0\0\1\x10\0\0\0\0\0?", 20);
	assert_int_equal(f.unknown, 1);
	assert_int_equal(f.priority_updates, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_burst_and_so_many_a_second),
	    cmocka_unit_test(test_streams_that_end_well_earn_resets),
	    cmocka_unit_test(test_half_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
