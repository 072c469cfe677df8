/*
 * test_chunk.c: the chunked coding, whole and in every two and three pieces; see
 * test_request.c for the names.
 */
#include "http/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BODY_MAX     (64 * 1024)

/* What came out of a body. */
static char payload[BODY_MAX];
static size_t payload_bytes;
static char trailer_bytes[HTTP_TRAILER_BYTES_MAX];
static struct writer trailers;
static struct chunk_decoder decoder;
static size_t taken; /* of the input */

static void
begin(void)
{
	chunk_init(&decoder);
	payload_bytes = 0;
	trailers = writer_on(trailer_bytes, sizeof(trailer_bytes));
	taken = 0;
}

/* Feeds one piece, from memory of just its size, until it is used up or the body ends. */
static enum chunk_outcome
feed(struct slice piece)
{
	char *copy = malloc(piece.bytes > 0 ? piece.bytes : 1);
	assert_non_null(copy);
	memcpy(copy, piece.at, piece.bytes);
	size_t at = 0;
	enum chunk_outcome outcome;
	do {
		size_t consumed;
		struct slice data;
		outcome =
		    chunk_feed(&decoder, copy + at, piece.bytes - at, &consumed, &data, &trailers);
		assert_in_range(consumed, 0, piece.bytes - at);
		if (outcome == CHUNK_DATA_READY) {
			assert_true(data.bytes > 0 && data.at >= copy + at);
			assert_ptr_equal(data.at + data.bytes, copy + at + consumed);
			assert_in_range(data.bytes, 1, sizeof(payload) - payload_bytes);
			memcpy(payload + payload_bytes, data.at, data.bytes);
			payload_bytes += data.bytes;
		}
		at += consumed;
	} while (outcome == CHUNK_DATA_READY);
	if (outcome == CHUNK_MORE)
		assert_int_equal(at, piece.bytes);
	taken += at;
	free(copy);
	return outcome;
}

static enum chunk_outcome
decode(struct slice body)
{
	begin();
	return feed(body);
}

static void
refuse_whole(struct slice body)
{
	if (decode(body) != CHUNK_BAD)
		fail_msg("not refused: %.*s", SLICE_ARG(body));
	/* One byte at a time as well, and never complete before. */
	begin();
	enum chunk_outcome outcome = CHUNK_MORE;
	for (size_t i = 0; i < body.bytes && outcome == CHUNK_MORE; i++)
		outcome = feed((struct slice){body.at + i, 1});
	assert_int_equal(outcome, CHUNK_BAD);
}

static void
refuse(const char *body)
{
	refuse_whole(slice_of(body));
}

static void
check_result(struct slice body, const char *want, const char *want_trailers)
{
	assert_int_equal(taken, body.bytes);
	assert_int_equal(payload_bytes, strlen(want));
	assert_memory_equal(payload, want, payload_bytes);
	assert_int_equal(trailers.bytes, strlen(want_trailers));
	assert_memory_equal(trailer_bytes, want_trailers, trailers.bytes);
	assert_false(trailers.overflow);
}

static const struct {
	const char *body;
	const char *payload;
	const char *trailers;
} bodies[] = {
    {"0\r\n\r\n", "", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"1\r\na\r\n00002\r\nbc\r\n0000\r\n\r\n", "abc", ""},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
    {"2;x\r\n\r\n\r\n2 ; y=\"z;\" ;q\r\n0\r\r\n0;last\r\n\r\n", "\r\n0\r", ""},
    {"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n", "x", "X-Sum: 1\r\n"},
    {"0\r\nA: 1\r\nB:\t2 \r\nA: 3\r\n\r\n", "", "A: 1\r\nB:\t2 \r\nA: 3\r\n"},
};

/* ---- good bodies
 * --------------------------------------------------------------------------------- */

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct slice body = slice_of(bodies[i].body);
		assert_int_equal(decode(body), CHUNK_END);
		check_result(body, bodies[i].payload, bodies[i].trailers);
	}
}

/* The same result however the bytes come: every two cuts, which has one byte at a time in it. */
static void
test_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct slice body = slice_of(bodies[i].body);
		for (size_t a = 0; a < body.bytes; a++) {
			for (size_t b = a; b < body.bytes; b++) {
				begin();
				assert_int_equal(feed((struct slice){body.at, a}), CHUNK_MORE);
				assert_int_equal(feed((struct slice){body.at + a, b - a}),
						 CHUNK_MORE);
				assert_int_equal(feed((struct slice){body.at + b, body.bytes - b}),
						 CHUNK_END);
				check_result(body, bodies[i].payload, bodies[i].trailers);
			}
		}
	}
}

static void
test_one_byte_at_a_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct slice body = slice_of(bodies[i].body);
		begin();
		for (size_t at = 0; at < body.bytes; at++)
			assert_int_equal(feed((struct slice){body.at + at, 1}),
					 at + 1 < body.bytes ? CHUNK_MORE : CHUNK_END);
		check_result(body, bodies[i].payload, bodies[i].trailers);
	}
}

/* The next request stays where it is. */
static void
test_bytes_behind_are_not_touched(void **state)
{
	(void)state;
	assert_int_equal(decode(SLICE("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n")), CHUNK_END);
	assert_int_equal(taken, 11);
	assert_int_equal(feed(SLICE("5\r\nhello")), CHUNK_END);
	assert_int_equal(taken, 11);
}

/* Thrown away is still looked at and counted. */
static void
test_trailers_thrown_away(void **state)
{
	(void)state;
	struct chunk_decoder d;
	size_t consumed;
	struct slice data;
	struct slice body = SLICE("0\r\nA: 1\r\n\r\nx");
	chunk_init(&d);
	assert_int_equal(chunk_feed(&d, body.at, body.bytes, &consumed, &data, NULL), CHUNK_END);
	assert_int_equal(consumed, body.bytes - 1);
	body = SLICE("0\r\nA: \x01\r\n\r\n");
	chunk_init(&d);
	assert_int_equal(chunk_feed(&d, body.at, body.bytes, &consumed, &data, NULL), CHUNK_BAD);
}

/* ---- bad bodies
 * ------------------------------------------------------------------------------------ */

/* 43 and the lessons of bare LF: a line of the coding ends with CRLF and with nothing else. */
static void
test_line_ends(void **state)
{
	(void)state;
	refuse("5\nhello\r\n0\r\n\r\n");
	refuse("5\r\nhello\n0\r\n\r\n");
	refuse("5\r\nhello\r\n0\n\r\n");
	refuse("5\r\nhello\r\n0\r\n\n");
	refuse("5;x\nhello\r\n0\r\n\r\n");
	refuse("5\rhello\r\n0\r\n\r\n");
	refuse("5\r\nhello\r0\r\n\r\n");
	refuse("5\r\nhello0\r\n\r\n");
	refuse("5\r\nhello!\r\n0\r\n\r\n");
	refuse("0\r\nA: 1\n\r\n");
	refuse("0\r\nA: 1\rB: 2\r\n\r\n");
	refuse("0\r\n\rX");
	refuse("5;a\rb\r\nhello\r\n0\r\n\r\n");
}

static void
test_sizes(void **state)
{
	(void)state;
	static const char *const bad[] = {"\r\n",    ";x\r\n", " 5\r\n",  "+5\r\n",   "-5\r\n",
					  "0x5\r\n", "5 \r\n", "5\t\r\n", "5 5\r\n",  "g\r\n",
					  "5 x\r\n", "5.\r\n", "5,\r\n",  "\"5\"\r\n"};
	for (size_t i = 0; i < COUNT(bad); i++)
		refuse(bad[i]);
	refuse_whole(SLICE("5\0\r\nhello"));
	refuse_whole(SLICE("5;\0\r\nhello"));
	refuse_whole(SLICE("5;\x7f\r\nhello"));
}

/* 42: a size above what a file offset holds is refused at its digit, never wrapped. */
static void
test_must_42_large_sizes(void **state)
{
	(void)state;
	refuse("8000000000000000\r\n");
	refuse("ffffffffffffffff\r\n");
	refuse("10000000000000000\r\n");
	refuse("10000000000000005\r\nhello\r\n0\r\n\r\n");
	refuse("fffffffffffffffff0\r\n");
	assert_int_equal(decode(SLICE("7fffffffffffffff\r\nx")), CHUNK_MORE);
	assert_int_equal(payload_bytes, 1);
	assert_int_equal(decoder.left, INT64_MAX - 1);
	assert_int_equal(decode(SLICE("00000000000000000000000000000001\r\nx\r\n0\r\n\r\n")),
			 CHUNK_END);
}

/* 43: extensions are skipped, within a bound for the line and one for the body. */
static void
test_must_43_extensions_are_bounded(void **state)
{
	(void)state;
	char text[BODY_MAX];
	for (size_t length = HTTP_CHUNK_LINE_MAX - 1; length <= HTTP_CHUNK_LINE_MAX + 1; length++) {
		struct writer w = writer_on(text, sizeof(text));
		write_literal(&w, "1;");
		while (w.bytes < length)
			write_char(&w, 'x');
		write_literal(&w, "\r\ny\r\n0\r\n\r\n");
		struct slice body = {text, w.bytes};
		if (length <= HTTP_CHUNK_LINE_MAX)
			assert_int_equal(decode(body), CHUNK_END);
		else
			refuse_whole(body);
	}
	/* The bound holds for digits that say nothing, too. */
	struct writer w = writer_on(text, sizeof(text));
	while (w.bytes < HTTP_CHUNK_LINE_MAX)
		write_char(&w, '0');
	struct writer more = w;
	write_literal(&w, "\r\n\r\n");
	assert_int_equal(decode((struct slice){text, w.bytes}), CHUNK_END);
	write_literal(&more, "0\r\n\r\n");
	refuse_whole((struct slice){text, more.bytes});

	/* Each line within its bound, all of them together at theirs. */
	static const char line[] = "1;123456789012345\r\nx\r\n"; /* 15 bytes of extension */
	w = writer_on(text, sizeof(text));
	for (size_t i = 0; i < HTTP_CHUNK_EXTENSIONS_MAX / 15; i++)
		write_literal(&w, line);
	more = w;
	write_literal(&w, "0;1234\r\n\r\n");
	assert_int_equal(HTTP_CHUNK_EXTENSIONS_MAX % 15, 4);
	assert_int_equal(decode((struct slice){text, w.bytes}), CHUNK_END);
	write_literal(&more, "0;12345\r\n\r\n");
	refuse_whole((struct slice){text, more.bytes});
}

static void
test_trailers_are_bounded(void **state)
{
	(void)state;
	char text[BODY_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "0\r\nA: ");
	while (w.bytes < 3 + HTTP_TRAILER_BYTES_MAX - 2)
		write_char(&w, 'x');
	struct writer more = w;
	write_literal(&w, "\r\n\r\n");
	assert_int_equal(decode((struct slice){text, w.bytes}), CHUNK_END);
	assert_int_equal(trailers.bytes, HTTP_TRAILER_BYTES_MAX);
	write_literal(&more, "x\r\n\r\n");
	refuse_whole((struct slice){text, more.bytes});
}

/* 45: cut anywhere, a body is never complete. */
static void
test_must_45_short_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct slice body = slice_of(bodies[i].body);
		for (size_t bytes = 0; bytes < body.bytes; bytes++)
			assert_int_equal(decode((struct slice){body.at, bytes}), CHUNK_MORE);
	}
}

/* ---- which trailers go on
 * -------------------------------------------------------------------------- */

/* 44: what frames, routes, authenticates or belongs to one hop is not taken from a trailer. */
static void
test_must_44_forbidden_trailers(void **state)
{
	(void)state;
	static const char *const names[] = {"Transfer-Encoding",
					    "Content-Length",
					    "HOST",
					    "connection",
					    "Keep-Alive",
					    "TE",
					    "Trailer",
					    "Upgrade",
					    "Cookie",
					    "Set-Cookie",
					    "Authorization",
					    "Proxy-Authorization",
					    "WWW-Authenticate",
					    "Content-Type",
					    "Content-Range",
					    "Content-Encoding",
					    "Cache-Control",
					    "Expect",
					    "Max-Forwards",
					    "Range",
					    "If-Match",
					    "Location",
					    "Vary",
					    "Date",
					    "Holdfast-Session",
					    "holdfast-future",
					    "Holdfast-Term",
					    "X-Forwarded-For",
					    "Forwarded",
					    "Via",
					    "Age",
					    "Proxy-Connection"};
	for (size_t i = 0; i < COUNT(names); i++) {
		char lines[256];
		char out[256];
		(void)snprintf(lines, sizeof(lines), "X-A: 1\r\n%s: x\r\ngrpc-status: 0\r\n",
			       names[i]);
		struct writer w = writer_on(out, sizeof(out));
		assert_true(trailers_filter(slice_of(lines), &w));
		assert_string_equal(writer_text(&w), "X-A: 1\r\ngrpc-status: 0\r\n");
	}
}

static void
test_malformed_trailers(void **state)
{
	(void)state;
	static const char *const bad[] = {"X\r\n",          ": x\r\n",   " X: y\r\n",
					  "X: y\r\n z\r\n", "X : y\r\n", "X: y",
					  "X: y\r",         "X: y\n",    "X: a\rb\r\n",
					  "X@: y\r\n",      "\r\n",      "A: 1\r\n\r\nB: 2\r\n"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		char out[256];
		struct writer w = writer_on(out, sizeof(out));
		if (trailers_filter(slice_of(bad[i]), &w))
			fail_msg("taken: %s", bad[i]);
	}
	char out[256];
	struct writer w = writer_on(out, sizeof(out));
	assert_false(trailers_filter(SLICE("X: \0\r\n"), &w));
	assert_true(trailers_filter(SLICE_NONE, &w));
	assert_int_equal(w.bytes, 0);
}

/* ---- writing
 * ----------------------------------------------------------------------------------------- */

/* What is written as chunks is read as the same bytes. */
static void
test_written_sizes_are_read(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 9, 10, 15, 16, 255, 256, 4095, 4096, 20000};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char text[BODY_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_chunk_size(&w, sizes[i]);
		for (size_t k = 0; k < sizes[i]; k++)
			write_char(&w, (char)k);
		write_literal(&w, "\r\n0\r\n\r\n");
		assert_int_equal(decode((struct slice){text, w.bytes}), CHUNK_END);
		assert_int_equal(payload_bytes, sizes[i]);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(payload[k], (char)k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_one_byte_at_a_time),
	    cmocka_unit_test(test_bytes_behind_are_not_touched),
	    cmocka_unit_test(test_trailers_thrown_away),
	    cmocka_unit_test(test_line_ends),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_must_42_large_sizes),
	    cmocka_unit_test(test_must_43_extensions_are_bounded),
	    cmocka_unit_test(test_trailers_are_bounded),
	    cmocka_unit_test(test_must_45_short_bodies),
	    cmocka_unit_test(test_must_44_forbidden_trailers),
	    cmocka_unit_test(test_malformed_trailers),
	    cmocka_unit_test(test_written_sizes_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
