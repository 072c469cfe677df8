/* test_text.c: slices, the bounded writer, escaping, base64url, hex, durations and sizes. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
assert_written(struct writer *w, const char *want)
{
	if (!slice_equal((struct slice){w->at, w->bytes}, slice_of(want)))
		fail_msg("wrote \"%.*s\", want \"%s\"", (int)w->bytes, w->at, want);
	w->bytes = 0;
}

/* ---- slices -------------------------------------------------------------------------------- */

/* Case counts in ASCII letters alone; '@' and '`', '[' and '{' are not a letter's two cases. */
static void
compares_without_case(void **state)
{
	(void)state;
	assert_true(slice_equal_nocase(SLICE("Set-Cookie"), SLICE("sET-cOOKIE")));
	assert_true(slice_equal_nocase(SLICE_NONE, SLICE("")));
	assert_false(slice_equal_nocase(SLICE("a"), SLICE("ab")));
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char x = (char)a;
			char y = (char)b;
			bool letter = (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && a < 128;
			bool want = a == b || (letter && (a ^ b) == 0x20);
			assert_int_equal(
			    slice_equal_nocase((struct slice){&x, 1}, (struct slice){&y, 1}), want);
		}
	}
}

/* Only SP and HTAB are trimmed; what is found and what is not. */
static void
trims_and_finds(void **state)
{
	(void)state;
	assert_true(slice_equal(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
	assert_true(slice_equal(slice_trim(SLICE("\r\na\n")), SLICE("\r\na\n")));
	assert_int_equal(slice_trim(SLICE(" \t ")).bytes, 0);
	assert_int_equal(slice_trim(SLICE_NONE).bytes, 0);
	assert_int_equal(slice_find(SLICE("a=b=c"), '='), 1);
	assert_int_equal(slice_find(SLICE("abc"), '='), 3);
	assert_int_equal(slice_find(SLICE("a\0b"), '\0'), 1);
	assert_int_equal(slice_find(SLICE_NONE, 'a'), 0);
	assert_true(slice_has_prefix(SLICE("abc"), SLICE("ab")));
	assert_true(slice_has_prefix(SLICE("abc"), SLICE_NONE));
	assert_true(slice_has_prefix(SLICE_NONE, SLICE_NONE));
	assert_false(slice_has_prefix(SLICE("ab"), SLICE("abc")));
	assert_false(slice_has_prefix(SLICE("Abc"), SLICE("ab")));
}

/* Elements of a list: empty ones are skipped, blanks trimmed. */
static void
takes_elements(void **state)
{
	(void)state;
	struct slice rest = SLICE(" ,a,\tb c ,,  ,d ");
	struct slice element;
	static const char *const want[] = {"a", "b c", "d"};
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(slice_next_element(&rest, &element));
		assert_true(slice_equal(element, slice_of(want[i])));
	}
	assert_false(slice_next_element(&rest, &element));
	rest = SLICE_NONE;
	assert_false(slice_next_element(&rest, &element));
	rest = SLICE(",,, ,");
	assert_false(slice_next_element(&rest, &element));
}

/* Digits alone, up to the last number that fits. */
static void
reads_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} rows[] = {
	    {"0", true, 0},
	    {"007", true, 7},
	    {"18446744073709551615", true, UINT64_MAX},
	    {"00000000000000000000000018446744073709551615", true, UINT64_MAX},
	    {"18446744073709551616", false, 0},
	    {"18446744073709551620", false, 0},
	    {"99999999999999999999999999", false, 0},
	    {"", false, 0},
	    {"-1", false, 0},
	    {"+1", false, 0},
	    {" 1", false, 0},
	    {"1 ", false, 0},
	    {"0x1", false, 0},
	    {"1_0", false, 0},
	    {"1,2", false, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = 4711;
		assert_int_equal(slice_to_u64(slice_of(rows[i].text), &value), rows[i].ok);
		assert_int_equal(value, rows[i].ok ? rows[i].value : 4711);
	}
	uint64_t value;
	assert_false(slice_to_u64(SLICE("1\0"), &value));
	assert_false(slice_to_u64(SLICE_NONE, &value));
}

/* ---- writer -------------------------------------------------------------------------------- */

/* What does not fit is left out whole, is remembered, and what fits behind it is still written. */
static void
overflows(void **state)
{
	(void)state;
	char space[8];
	memset(space, '#', sizeof(space));
	struct writer w = writer_on(space, 4);
	write_literal(&w, "abc");
	assert_false(w.overflow);
	write_literal(&w, "de");
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 3);
	write_char(&w, 'f');
	assert_int_equal(w.bytes, 4);
	write_char(&w, 'g');
	write_u64(&w, 0);
	write_slice(&w, SLICE_NONE);
	assert_written(&w, "abcf");
	assert_memory_equal(space + 4, "####", 4);

	w = writer_on(NULL, 0);
	write_slice(&w, SLICE_NONE);
	assert_false(w.overflow);
	write_char(&w, 'a');
	assert_true(w.overflow);

	/* a length that would wrap the sum */
	w = writer_on(space, 4);
	write_char(&w, 'a');
	volatile size_t huge = SIZE_MAX;
	write_bytes(&w, "x", huge);
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 1);
}

/* Pieces are written together or not at all, and nothing beyond. */
static void
writes_together(void **state)
{
	(void)state;
	char space[8];
	memset(space, '#', sizeof(space));
	struct writer w = writer_on(space, 6);
	write_together(&w, SLICE("ab"), SLICE_NONE, SLICE("c"));
	assert_false(w.overflow);
	write_together(&w, SLICE("de"), SLICE("fg"));
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 3);
	write_together(&w, SLICE("d"), SLICE("ef"));
	assert_written(&w, "abcdef");
	assert_memory_equal(space + 6, "##", 2);

	w = writer_on(NULL, 0);
	write_together(&w, SLICE_NONE, SLICE(""));
	assert_false(w.overflow);
	write_together(&w, SLICE_NONE, SLICE("a"));
	assert_true(w.overflow);

	/* pieces of every length, none beyond its end */
	static const char from[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCD";
	for (size_t bytes = 0; bytes < sizeof(from); bytes++) {
		char row[2 * sizeof(from)];
		memset(row, '#', sizeof(row));
		w = writer_on(row, sizeof(row));
		write_together(&w, (struct slice){from, bytes}, SLICE("|"));
		assert_int_equal(w.bytes, bytes + 1);
		assert_memory_equal(row, from, bytes);
		assert_int_equal(row[bytes], '|');
		assert_int_equal(row[bytes + 1], '#');
	}

	/* lengths whose sum would wrap to one that fits */
	w = writer_on(space, 6);
	volatile size_t half = SIZE_MAX / 2 + 1;
	write_together(&w, (struct slice){"x", half}, (struct slice){"x", half}, SLICE("a"));
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 0);
}

/* Formats need a spare byte; one that does not fit leaves nothing behind, and nothing beyond. */
static void
formats(void **state)
{
	(void)state;
	char space[8];
	memset(space, '#', sizeof(space));
	struct writer w = writer_on(space, 6);
	write_format(&w, "%s", "ab");
	write_format(&w, "%d", 123);
	assert_false(w.overflow);
	assert_written(&w, "ab123");
	write_format(&w, "%s", "abcdef");
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 0);
	w = writer_on(space, 6);
	write_literal(&w, "abcdef");
	write_format(&w, "%s", "x");
	assert_true(w.overflow);
	assert_written(&w, "abcdef");
	assert_memory_equal(space + 6, "##", 2);
}

/* A text is terminated; without a spare byte it is cut and that is said. */
static void
terminates(void **state)
{
	(void)state;
	char space[4];
	struct writer w = writer_on(space, sizeof(space));
	assert_string_equal(writer_text(&w), "");
	write_literal(&w, "abc");
	assert_string_equal(writer_text(&w), "abc");
	assert_false(w.overflow);
	write_char(&w, 'd');
	assert_string_equal(writer_text(&w), "abc");
	assert_true(w.overflow);
}

/* Numbers as text, the extremes and every length between them. */
static void
writes_numbers(void **state)
{
	(void)state;
	char space[64];
	char want[64];
	struct writer w = writer_on(space, sizeof(space));
	uint64_t values[200];
	size_t count = 0;
	values[count++] = 0;
	values[count++] = UINT64_MAX;
	for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
		values[count++] = power - 1;
		values[count++] = power;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		values[count++] = UINT64_C(1) << bit;
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
		write_u64(&w, values[i]);
		assert_written(&w, want);
		(void)snprintf(want, sizeof(want), "%llx", (unsigned long long)values[i]);
		write_hex_u64(&w, values[i]);
		assert_written(&w, want);
	}
	write_hex_bytes(&w, (const uint8_t[]){0x00, 0x0f, 0xf0, 0xff}, 4);
	assert_written(&w, "000ff0ff");
}

/* Every byte in hexadecimal, in rows of every length; not one byte beyond. */
static void
writes_hex(void **state)
{
	(void)state;
	char want[2 * 256 + 1];
	uint8_t every[256];
	for (unsigned i = 0; i < 256; i++) {
		every[i] = (uint8_t)i;
		(void)snprintf(want + (size_t)2 * i, 3, "%02x", i);
	}
	for (size_t from = 0; from < 256; from++) {
		for (size_t bytes = 0; bytes <= 40 && from + bytes <= 256; bytes++) {
			char space[2 * 40 + 1];
			memset(space, '#', sizeof(space));
			struct writer w = writer_on(space, 2 * bytes);
			write_hex_bytes(&w, every + from, bytes);
			assert_false(w.overflow);
			assert_int_equal(w.bytes, 2 * bytes);
			assert_memory_equal(space, want + 2 * from, 2 * bytes);
			assert_int_equal(space[2 * bytes], '#');
			write_hex_bytes(&w, every, 1);
			assert_true(w.overflow);
		}
	}
}

/* Every byte value as JSON and as log text: printable ASCII as it is, all else as an escape. */
static void
escapes_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		char space[16];
		char want[16];
		struct writer w = writer_on(space, sizeof(space));
		bool plain = c >= 0x20 && c < 0x7f;
		if (c == '"' || c == '\\')
			(void)snprintf(want, sizeof(want), "\"\\%c\"", c);
		else if (plain)
			(void)snprintf(want, sizeof(want), "\"%c\"", c);
		else
			(void)snprintf(want, sizeof(want), "\"\\u00%02x\"", (unsigned)c);
		write_json_string(&w, (struct slice){&byte, 1});
		assert_written(&w, want);
		if (plain && c != '"' && c != '\\')
			(void)snprintf(want, sizeof(want), "%c", c);
		else
			(void)snprintf(want, sizeof(want), "\\x%02x", (unsigned)c);
		write_escaped(&w, (struct slice){&byte, 1});
		assert_written(&w, want);
	}
	char space[8];
	struct writer w = writer_on(space, sizeof(space));
	write_json_string(&w, SLICE_NONE);
	assert_written(&w, "\"\"");
}

/* ---- base64url and hex --------------------------------------------------------------------- */

static uint64_t seed_state = 7;

static uint8_t
draw_byte(void)
{
	seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint8_t)(seed_state >> 40);
}

/* RFC 4648 section 10, and bytes that need '-' and '_'. */
static void
base64url_vectors(void **state)
{
	(void)state;
	static const struct {
		struct slice bytes;
		const char *text;
	} rows[] = {
	    {{"", 0}, ""},
	    {{"f", 1}, "Zg"},
	    {{"fo", 2}, "Zm8"},
	    {{"foo", 3}, "Zm9v"},
	    {{"foob", 4}, "Zm9vYg"},
	    {{"fooba", 5}, "Zm9vYmE"},
	    {{"foobar", 6}, "Zm9vYmFy"},
	    {{"\xfb\xff\xbf", 3}, "-_-_"},
	    {{"\0\0\0\0", 4}, "AAAAAA"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char space[16];
		uint8_t back[8];
		struct writer w = writer_on(space, sizeof(space));
		write_base64url(&w, (const uint8_t *)rows[i].bytes.at, rows[i].bytes.bytes);
		assert_written(&w, rows[i].text);
		assert_int_equal(base64url_decode(slice_of(rows[i].text), back, sizeof(back)),
				 rows[i].bytes.bytes);
		assert_memory_equal(back, rows[i].bytes.at, rows[i].bytes.bytes);
	}
}

/* Bytes of every length to 100 go there and back into memory of just that size. */
static void
base64url_round_trip(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes <= 100; bytes++) {
		uint8_t *from = malloc(bytes + 1);
		uint8_t *back = malloc(bytes + 1);
		assert_non_null(from);
		assert_non_null(back);
		for (size_t i = 0; i < bytes; i++)
			from[i] = draw_byte();
		back[bytes] = 0xa5;
		char space[140];
		struct writer w = writer_on(space, sizeof(space));
		write_base64url(&w, from, bytes);
		struct slice text = {space, w.bytes};
		assert_int_equal(text.bytes, (bytes * 4 + 2) / 3);
		assert_int_equal(base64url_decode(text, back, bytes), bytes);
		assert_memory_equal(back, from, bytes);
		assert_int_equal(back[bytes], 0xa5);
		if (bytes > 0)
			assert_int_equal(base64url_decode(text, back, bytes - 1), -1);
		free(from);
		free(back);
	}
}

/* One text for each byte string: whatever decodes is what would be written. All texts of 2 bytes,
 * samples above. */
static void
base64url_is_not_malleable(void **state)
{
	(void)state;
	unsigned good = 0;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			const char pair[2] = {(char)a, (char)b};
			uint8_t byte;
			if (base64url_decode((struct slice){pair, 2}, &byte, 1) < 0)
				continue;
			good++;
			char space[4];
			struct writer w = writer_on(space, sizeof(space));
			write_base64url(&w, &byte, 1);
			assert_memory_equal(space, pair, 2);
		}
	}
	assert_int_equal(good, 256);
	for (size_t bytes = 3; bytes <= 12; bytes++) {
		for (size_t at = 0; at < bytes; at++) {
			for (int c = 0; c < 256; c++) {
				char text[12];
				memset(text, 'A', sizeof(text));
				text[at] = (char)c;
				uint8_t out[9];
				long made =
				    base64url_decode((struct slice){text, bytes}, out, sizeof(out));
				if (made < 0)
					continue;
				char space[16];
				struct writer w = writer_on(space, sizeof(space));
				write_base64url(&w, out, (size_t)made);
				assert_int_equal(w.bytes, bytes);
				assert_memory_equal(space, text, bytes);
			}
		}
	}
}

/* Padding, white space, the other alphabet, a length that no byte string has. */
static void
base64url_refuses(void **state)
{
	(void)state;
	static const char *const rows[] = {"Zg==",   "Zm8=",  "Zm9v\n",     " Zm9v", "Zm 9v",
					   "+/+/",   "Zm9vY", "A",          "Zh",    "Zm9",
					   "Zm9vYh", "Zm.v",  "\xc3\xa4Zm", "=",     "===="};
	uint8_t out[16];
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(base64url_decode(slice_of(rows[i]), out, sizeof(out)), -1);
	assert_int_equal(base64url_decode(SLICE("AA\0A"), out, sizeof(out)), -1);
	assert_int_equal(base64url_decode(SLICE_NONE, NULL, 0), 0);
}

/* Pairs of either case, of exactly the length wanted. */
static void
reads_hex(void **state)
{
	(void)state;
	uint8_t out[3];
	assert_true(hex_decode(SLICE("00aFf0"), out, 3));
	assert_memory_equal(out, ((const uint8_t[]){0x00, 0xaf, 0xf0}), 3);
	assert_true(hex_decode(SLICE(""), out, 0));
	assert_false(hex_decode(SLICE("00aFf"), out, 3));
	assert_false(hex_decode(SLICE("00aFf00"), out, 3));
	assert_false(hex_decode(SLICE("00aFg0"), out, 3));
	assert_false(hex_decode(SLICE("0x00ff"), out, 3));
	assert_false(hex_decode(SLICE(" 0aff0"), out, 3));
	for (int c = 0; c < 256; c++) {
		const char pair[2] = {'0', (char)c};
		bool digit =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		assert_int_equal(hex_decode((struct slice){pair, 2}, out, 1), digit);
	}
}

/* ---- units --------------------------------------------------------------------------------- */

/* A duration has a unit; the largest that fits, and the first that does not. */
static void
reads_durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum result result;
		uint64_t ms;
	} rows[] = {
	    {"500ms", RESULT_OK, 500},
	    {"0s", RESULT_OK, 0},
	    {"2s", RESULT_OK, 2000},
	    {"5m", RESULT_OK, 300000},
	    {"1h", RESULT_OK, 3600000},
	    {"18446744073709551615ms", RESULT_OK, UINT64_MAX},
	    {"18446744073709551616ms", RESULT_INVALID, 0},
	    {"18446744073709551s", RESULT_OK, UINT64_C(18446744073709551000)},
	    {"18446744073709552s", RESULT_LIMIT, 0},
	    {"18446744073709551615h", RESULT_LIMIT, 0},
	    {"", RESULT_INVALID, 0},
	    {"5", RESULT_INVALID, 0},
	    {"s", RESULT_INVALID, 0},
	    {"5 s", RESULT_INVALID, 0},
	    {"5S", RESULT_INVALID, 0},
	    {"5d", RESULT_INVALID, 0},
	    {"5sec", RESULT_INVALID, 0},
	    {"-5s", RESULT_INVALID, 0},
	    {"1.5s", RESULT_INVALID, 0},
	    {"1m30s", RESULT_INVALID, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t ms = 4711;
		struct problem p = {""};
		if (duration_parse(slice_of(rows[i].text), &ms, &p) != rows[i].result)
			fail_msg("%s", rows[i].text);
		if (rows[i].result == RESULT_OK)
			assert_int_equal(ms, rows[i].ms);
		else
			assert_non_null(strstr(p.text, "not a duration"));
	}
}

/* A size may stand without a unit. */
static void
reads_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum result result;
		uint64_t bytes;
	} rows[] = {
	    {"0", RESULT_OK, 0},
	    {"512", RESULT_OK, 512},
	    {"64KiB", RESULT_OK, 65536},
	    {"1MiB", RESULT_OK, 1048576},
	    {"2GiB", RESULT_OK, UINT64_C(2147483648)},
	    {"18446744073709551615", RESULT_OK, UINT64_MAX},
	    {"17179869183GiB", RESULT_OK, UINT64_C(17179869183) << 30},
	    {"17179869184GiB", RESULT_LIMIT, 0},
	    {"", RESULT_INVALID, 0},
	    {"KiB", RESULT_INVALID, 0},
	    {"64K", RESULT_INVALID, 0},
	    {"64kib", RESULT_INVALID, 0},
	    {"64 KiB", RESULT_INVALID, 0},
	    {"64KB", RESULT_INVALID, 0},
	    {"-1", RESULT_INVALID, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bytes = 4711;
		struct problem p = {""};
		if (size_parse(slice_of(rows[i].text), &bytes, &p) != rows[i].result)
			fail_msg("%s", rows[i].text);
		if (rows[i].result == RESULT_OK)
			assert_int_equal(bytes, rows[i].bytes);
		else
			assert_non_null(strstr(p.text, "not a size"));
	}
}

/* ---- problems ------------------------------------------------------------------------------ */

/* A problem is written outward, cut when too long, and may be nobody's. */
static void
prefixes_problems(void **state)
{
	(void)state;
	struct problem p;
	assert_int_equal(problem_set(&p, RESULT_IO, "open %s", "x"), RESULT_IO);
	assert_int_equal(problem_prefix(&p, RESULT_IO, "load %d", 1), RESULT_IO);
	assert_string_equal(p.text, "load 1: open x");
	for (int i = 0; i < 200; i++) {
		(void)problem_prefix(&p, RESULT_IO, "outer");
		assert_in_range(strlen(p.text), 1, PROBLEM_BYTES_MAX - 1);
	}
	assert_memory_equal(p.text, "outer: outer: ", 14);
	char longer[PROBLEM_BYTES_MAX * 2];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t bytes = PROBLEM_BYTES_MAX - 8; bytes < PROBLEM_BYTES_MAX + 8; bytes++) {
		(void)problem_set(&p, RESULT_IO, "inner");
		(void)problem_prefix(&p, RESULT_IO, "%.*s", (int)bytes, longer);
		assert_in_range(strlen(p.text), PROBLEM_BYTES_MAX - 8, PROBLEM_BYTES_MAX - 1);
	}
	assert_int_equal(problem_set(NULL, RESULT_LIMIT, "x"), RESULT_LIMIT);
	assert_int_equal(problem_prefix(NULL, RESULT_LIMIT, "x"), RESULT_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compares_without_case),
	    cmocka_unit_test(trims_and_finds),
	    cmocka_unit_test(takes_elements),
	    cmocka_unit_test(reads_numbers),
	    cmocka_unit_test(overflows),
	    cmocka_unit_test(writes_together),
	    cmocka_unit_test(formats),
	    cmocka_unit_test(terminates),
	    cmocka_unit_test(writes_numbers),
	    cmocka_unit_test(writes_hex),
	    cmocka_unit_test(escapes_every_byte),
	    cmocka_unit_test(base64url_vectors),
	    cmocka_unit_test(base64url_round_trip),
	    cmocka_unit_test(base64url_is_not_malleable),
	    cmocka_unit_test(base64url_refuses),
	    cmocka_unit_test(reads_hex),
	    cmocka_unit_test(reads_durations),
	    cmocka_unit_test(reads_sizes),
	    cmocka_unit_test(prefixes_problems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
