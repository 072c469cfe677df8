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

/* How many such frames pass; of what the next one was too many. */
static unsigned
pass(uint8_t type, uint8_t flags, size_t length, enum http2_end *why)
{
	struct h2_budget b;
	const nghttp2_frame_hd hd = {
	    .type = type, .flags = flags, .length = length, .stream_id = 1};
	unsigned passed = 0;
	h2_budget_init(&b, 0);
	*why = HTTP2_END_DONE;
	while (passed < 10000 && h2_budget_frame(&b, &hd, 0, why))
		passed++;
	return passed;
}

/* Each kind of frame by its bucket; what gets somewhere is not bounded here. */
static void
test_frames_by_kind(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t flags;
		size_t length;
		unsigned passed;
		enum http2_end why;
	} table[] = {
	    {NGHTTP2_SETTINGS, 0, 6, 50, HTTP2_END_SETTINGS},
	    {NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, 50, HTTP2_END_SETTINGS},
	    {NGHTTP2_PING, 0, 8, 100, HTTP2_END_PINGS},
	    {NGHTTP2_PRIORITY, 0, 5, 500, HTTP2_END_PRIORITIES},
	    {NGHTTP2_GOAWAY, 0, 8, 500, HTTP2_END_PRIORITIES},
	    {NGHTTP2_WINDOW_UPDATE, 0, 4, 1000, HTTP2_END_WINDOW_UPDATES},
	    {NGHTTP2_HEADERS, 0, 0, 100, HTTP2_END_EMPTY_FRAMES},
	    {NGHTTP2_HEADERS, 0, 1, 10000, HTTP2_END_DONE},
	    {NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 0, 10000, HTTP2_END_DONE},
	    {NGHTTP2_CONTINUATION, 0, 1, H2_CONTINUATIONS_MAX, HTTP2_END_HEAD_FRAMES},
	    {NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 0, H2_CONTINUATIONS_MAX,
	     HTTP2_END_HEAD_FRAMES},
	    {NGHTTP2_DATA, 0, 0, 10000, HTTP2_END_DONE},
	    {NGHTTP2_RST_STREAM, 0, 4, 10000, HTTP2_END_DONE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum http2_end why;
		unsigned passed = pass(table[i].type, table[i].flags, table[i].length, &why);
		if (passed != table[i].passed || (passed < 10000 && why != table[i].why))
			fail_msg("%zu: %u, %d", i, passed, (int)why);
	}
}

/* A head of its own begins the count of its frames anew; empty ones cost as well. */
static void
test_frames_of_heads(void **state)
{
	const nghttp2_frame_hd head = {.type = NGHTTP2_HEADERS, .length = 1};
	const nghttp2_frame_hd more = {.type = NGHTTP2_CONTINUATION, .length = 0};
	struct h2_budget b;
	enum http2_end why = HTTP2_END_DONE;
	unsigned passed = 0;
	(void)state;
	h2_budget_init(&b, 0);
	while (h2_budget_frame(&b, &head, 0, &why)) {
		unsigned here = 0;
		while (here < H2_CONTINUATIONS_MAX && h2_budget_frame(&b, &more, 0, &why))
			here++;
		passed += here;
		if (here < H2_CONTINUATIONS_MAX)
			break;
	}
	assert_int_equal(passed, 100);
	assert_int_equal(why, HTTP2_END_EMPTY_FRAMES);
}

static void
test_data_without_content(void **state)
{
	static const struct {
		size_t length;
		size_t padding;
		uint8_t flags;
		bool empty;
	} table[] = {
	    {0, 0, 0, true},
	    {3, 3, 0, true},
	    {256, 256, 0, true},
	    {4, 3, 0, false},
	    {1, 0, 0, false},
	    {0, 0, NGHTTP2_FLAG_END_STREAM, false},
	    {3, 3, NGHTTP2_FLAG_END_STREAM, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const nghttp2_frame_hd hd = {
		    .type = NGHTTP2_DATA, .length = table[i].length, .flags = table[i].flags};
		struct h2_budget b;
		enum http2_end why;
		unsigned passed = 0;
		h2_budget_init(&b, 0);
		while (passed < 1000 && h2_budget_data_frame(&b, &hd, table[i].padding, 0, &why))
			passed++;
		assert_int_equal(passed, table[i].empty ? 100 : 1000);
	}
}

static void
test_frames_that_nobody_is_told_of(void **state)
{
	struct h2_budget b;
	struct h2_frames f;
	enum http2_end why = HTTP2_END_DONE;
	(void)state;
	h2_budget_init(&b, 0);
	h2_frames_init_server(&f);
	for (int i = 0; i < 100; i++)
		feed(&f, "\0\0\1\x77\0\0\0\0\0?", 10);
	assert_true(h2_budget_passed_over(&b, &f, 0, &why));
	assert_int_equal(f.unknown, 0);
	feed(&f, "\0\0\1\x77\0\0\0\0\0?", 10);
	assert_false(h2_budget_passed_over(&b, &f, 0, &why));
	assert_int_equal(why, HTTP2_END_UNKNOWN_FRAMES);
	h2_frames_init_server(&f);
	for (int i = 0; i < 501; i++)
		feed(&f, "\0\0\1\x10\0\0\0\0\0?", 10);
	assert_false(h2_budget_passed_over(&b, &f, 0, &why));
	assert_int_equal(why, HTTP2_END_PRIORITIES);
}

/* Two heads, DATA between them and behind: taken whole or byte by byte, a go ends with a HEADERS
 * frame. */
static void
test_heads_at_once(void **state)
{
	static const char frames[] = "\0\0\1\1\4\0\0\0\1x"
				     "\0\0\3\0\1\0\0\0\1abc"
				     "\0\0\2\1\4\0\0\0\3xx"
				     "\0\0\0\0\1\0\0\0\3";
	const uint8_t *at = (const uint8_t *)frames;
	size_t bytes = sizeof(frames) - 1;
	struct h2_frames f;
	(void)state;
	for (uint32_t heads = 0; heads <= 3; heads++) {
		static const size_t ends[] = {0, 10, 33, sizeof(frames) - 1};
		uint32_t left = heads;
		h2_frames_init_server(&f);
		assert_int_equal(h2_frames_take(&f, at, bytes, &left), ends[heads]);
		assert_int_equal(left, heads < 3 ? 0 : 1);
		assert_false(h2_frames_in_head(&f));
		size_t taken = 0;
		left = heads;
		h2_frames_init_server(&f);
		while (taken < bytes && h2_frames_take(&f, at + taken, 1, &left) == 1)
			taken++;
		assert_int_equal(taken, ends[heads]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_burst_and_so_many_a_second),
	    cmocka_unit_test(test_streams_that_end_well_earn_resets),
	    cmocka_unit_test(test_half_heads),
	    cmocka_unit_test(test_frames_by_kind),
	    cmocka_unit_test(test_frames_of_heads),
	    cmocka_unit_test(test_data_without_content),
	    cmocka_unit_test(test_frames_that_nobody_is_told_of),
	    cmocka_unit_test(test_heads_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
