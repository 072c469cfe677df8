/* test_cookie.c: Cookie and Set-Cookie as bytes, from friendly and hostile hands. */
#include "affinity/cookie.h"
#include "head_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct http_head head;
static char text[HTTP_HEAD_BYTES_MAX];

static void
request_with(const char *fields)
{
	int bytes = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", fields);
	assert_in_range(bytes, 1, sizeof(text) - 1);
	head_split((struct slice){text, (size_t)bytes}, &head);
}

/* A value with its cuts taken out, as the writer of requests does it. */
static struct slice
after_cuts(const struct http_field *field, const struct http_cut *cuts, size_t count, char *out)
{
	size_t bytes = 0;
	for (uint32_t at = field->value_at; at < field->value_at + field->value_bytes; at++) {
		bool gone = false;
		for (size_t i = 0; i < count; i++)
			gone |= at >= cuts[i].at && at < cuts[i].at + cuts[i].bytes;
		if (!gone)
			out[bytes++] = head.base[at];
	}
	return (struct slice){out, bytes};
}

static void
check_cuts_legal(const struct http_cut *cuts, size_t count)
{
	assert_in_range(count, 0, HTTP_CUTS_MAX);
	for (size_t i = 0; i < count; i++) {
		bool inside = false;
		for (size_t f = 0; f < head.field_count; f++) {
			const struct http_field *field = &head.field[f];
			inside |=
			    field->id == FIELD_COOKIE && cuts[i].at >= field->value_at &&
			    cuts[i].at + cuts[i].bytes <= field->value_at + field->value_bytes;
		}
		assert_true(inside);
		assert_true(cuts[i].bytes > 0);
		assert_true(i == 0 || cuts[i].at > cuts[i - 1].at + cuts[i - 1].bytes);
	}
}

static void
assert_slice(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_of(want)))
		fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got), want);
}

/* What is found in one Cookie line, and what of it is forwarded. */
static void
finds_and_cuts(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		size_t count;
		const char *value;
		const char *left;
	} rows[] = {
	    /* alone, first, in the middle, last */
	    {"H=x", 1, "x", ""},
	    {"H=x; a=1", 1, "x", "a=1"},
	    {"a=1; H=x; b=2", 1, "x", "a=1; b=2"},
	    {"a=1; H=x", 1, "x", "a=1"},
	    /* without a blank behind ';', or with several, or with tabs */
	    {"a=1;H=x;b=2", 1, "x", "a=1;b=2"},
	    {"H=x;b=2", 1, "x", "b=2"},
	    {"a=1;  H=x ;\tb=2", 1, "x", "a=1;\tb=2"},
	    {"H=x ; \t b=2", 1, "x", "b=2"},
	    /* repeated: every one goes */
	    {"H=x; H=y", 2, "x", ""},
	    {"H=x; H=x; a=1", 2, "x", "a=1"},
	    {"H=x; a=1; H=y; b=2; H=z", 3, "x", "a=1; b=2"},
	    {"a=1; H=x; H=y; b=2", 2, "x", "a=1; b=2"},
	    /* quotes are kept, and do not hide a separator */
	    {"a=1; H=\"x\"", 1, "\"x\"", "a=1"},
	    {"a=\"1; H=x\"; b=2", 1, "x\"", "a=\"1; b=2"},
	    /* empty, and with more '=' inside */
	    {"H=; a=1", 1, "", "a=1"},
	    {"H==x=; a=1", 1, "=x=", "a=1"},
	    /* only the exact name */
	    {"HH=x; h=y; H", 0, NULL, "HH=x; h=y; H"},
	    {"xH=1; H =2; =H", 0, NULL, "xH=1; H =2; =H"},
	    {"a=H=x", 0, NULL, "a=H=x"},
	    /* separators without pairs stay as they are where that is possible */
	    {"; H=x", 1, "x", ""},
	    {"H=x;", 1, "x", ""},
	    {";;H=x;;", 1, "x", ";;;"},
	    {"a=1; H=x;", 1, "x", "a=1;"},
	    {";", 0, NULL, ";"},
	    {"", 0, NULL, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char fields[256];
		(void)snprintf(fields, sizeof(fields), "Cookie: %s\r\n", rows[i].line);
		request_with(fields);
		struct http_cut cuts[HTTP_CUTS_MAX];
		size_t count = 0;
		struct cookie_found f = cookie_find(&head, SLICE("H"), cuts, &count);
		assert_int_equal(f.count, rows[i].count);
		if (f.count > 0)
			assert_slice(f.value, rows[i].value);
		check_cuts_legal(cuts, count);
		char left[256];
		assert_slice(after_cuts(&head.field[0], cuts, count, left), rows[i].left);
	}
}

/* Doubled with one value is a repetition; with another it differs, on whatever line it stands. */
static void
tells_different_values(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		size_t count;
		bool differ;
	} rows[] = {
	    {"Cookie: H=x; H=x\r\n", 2, false},
	    {"Cookie: H=x; H=y\r\n", 2, true},
	    {"Cookie: H=x\r\nCookie: H=x\r\n", 2, false},
	    {"Cookie: H=x\r\nHost: a\r\ncookie: b=1; H=xx\r\n", 2, true},
	    {"Cookie: H=x; H=y; H=x\r\n", 3, true},
	    {"Cookie: H=; H=x\r\n", 2, true},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		request_with(rows[i].fields);
		struct cookie_found f = cookie_find(&head, SLICE("H"), NULL, NULL);
		assert_int_equal(f.count, rows[i].count);
		assert_int_equal(f.differ, rows[i].differ);
	}
}

/* Set-Cookie in a request, and other fields, are never read as cookies. */
static void
reads_cookie_lines_only(void **state)
{
	(void)state;
	request_with("Set-Cookie: H=1\r\nX-Cookie: H=2\r\nCookie2: H=3\r\nCookie: H=4\r\n");
	struct cookie_found f = cookie_find(&head, SLICE("H"), NULL, NULL);
	assert_int_equal(f.count, 1);
	assert_slice(f.value, "4");
}

/* Lines behind the 64th field have no bit in the mask and are read all the same. */
static void
reads_lines_beyond_the_mask(void **state)
{
	(void)state;
	for (size_t place = 60; place < 70; place++) {
		char fields[4096];
		struct writer w = writer_on(fields, sizeof(fields));
		for (size_t i = 0; i < 80; i++)
			write_format(
			    &w, i == place || i == 75 ? "Cookie: a=1; H=%zu\r\n" : "X: %zu\r\n", i);
		request_with(writer_text(&w));
		struct http_cut cuts[HTTP_CUTS_MAX];
		size_t count = 0;
		struct cookie_found f = cookie_find(&head, SLICE("H"), cuts, &count);
		assert_int_equal(f.count, 2);
		assert_true(f.differ);
		assert_int_equal(count, 2);
		check_cuts_legal(cuts, count);
	}
}

/* Nine tags apart need more cuts than there are: eight are cut, nothing else is touched. */
static void
stops_at_the_bound_of_cuts(void **state)
{
	(void)state;
	request_with(
	    "Cookie: H=1; a; H=2; b; H=3; c; H=4; d; H=5; e; H=6; f; H=7; g; H=8; h; H=9; i\r\n");
	struct http_cut cuts[HTTP_CUTS_MAX];
	size_t count = 0;
	assert_int_equal(cookie_find(&head, SLICE("H"), cuts, &count).count, 9);
	check_cuts_legal(cuts, count);
	char left[256];
	assert_slice(after_cuts(&head.field[0], cuts, count, left),
		     "a; b; c; d; e; f; g; h; H=9; i");
}

/* Several names in one pass find what one pass a name finds; only the first is cut. */
static void
finds_all_names_at_once(void **state)
{
	(void)state;
	request_with("Cookie: b=2; H=x; a=1\r\nCookie: a=9; b=2\r\n");
	const struct slice names[] = {SLICE("H"), SLICE("a"), SLICE("b"), SLICE("c")};
	struct cookie_found found[4];
	struct http_cut cuts[HTTP_CUTS_MAX];
	size_t count = 0;
	cookie_find_all(&head, names, 4, found, cuts, &count);
	assert_int_equal(count, 1);
	assert_slice(found[0].value, "x");
	assert_slice(found[1].value, "1");
	assert_true(found[1].differ);
	assert_int_equal(found[2].count, 2);
	assert_false(found[2].differ);
	assert_int_equal(found[3].count, 0);
}

/* ---- property: cutting never changes another cookie -------------------------------------------
 */

static uint64_t seed_state;

static uint32_t
draw(uint32_t below)
{
	seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed_state >> 33) % below;
}

/* Splits naively at ';', drops those of name H and those that are empty; writes a canonical text.
 */
static void
naive_others(struct slice value, struct writer *w)
{
	while (value.bytes > 0) {
		size_t stop = slice_find(value, ';');
		struct slice pair = slice_trim((struct slice){value.at, stop});
		if (pair.bytes > 0 && !slice_has_prefix(pair, SLICE("H="))) {
			write_slice(w, pair);
			write_char(w, '\n');
		}
		size_t taken = stop < value.bytes ? stop + 1 : stop;
		value.at += taken;
		value.bytes -= taken;
	}
}

/* Random lines of awkward pieces, 20,000 of them: the others come out as they went in, ours never.
 */
static void
cutting_keeps_the_others(void **state)
{
	(void)state;
	static const char *const pieces[] = {"H=x", "H=", "H",    "a=1", "HH=x", "b=\"q\"",
					     ";",   ";",  ";",    "; ",  " ;",   " ",
					     "\t",  "=",  ",H=x", "h=x"};
	seed_state = 20;
	for (int round = 0; round < 20000; round++) {
		char fields[512];
		struct writer w = writer_on(fields, sizeof(fields));
		uint32_t lines = 1 + draw(3);
		for (uint32_t line = 0; line < lines; line++) {
			write_literal(&w, "Cookie: ");
			for (uint32_t left = draw(14); left > 0; left--)
				write_text(&w, pieces[draw(COUNT(pieces))]);
			write_literal(&w, "\r\n");
		}
		request_with(writer_text(&w));
		struct http_cut cuts[HTTP_CUTS_MAX];
		size_t count = 0;
		struct cookie_found found = cookie_find(&head, SLICE("H"), cuts, &count);
		check_cuts_legal(cuts, count);
		for (size_t f = 0; f < head.field_count; f++) {
			char left[512];
			char before[512];
			char after[512];
			struct slice value = http_field_value(&head, &head.field[f]);
			struct slice kept = after_cuts(&head.field[f], cuts, count, left);
			struct writer b = writer_on(before, sizeof(before));
			struct writer a = writer_on(after, sizeof(after));
			naive_others(value, &b);
			naive_others(kept, &a);
			assert_string_equal(writer_text(&b), writer_text(&a));
			if (found.count == 0)
				assert_true(slice_equal(kept, value));
		}
		/* What is left holds no tag, unless there were more than the cuts can hold. */
		if (count < HTTP_CUTS_MAX) {
			for (size_t f = 0; f < head.field_count; f++) {
				char line[600];
				char left[512];
				struct slice kept = after_cuts(&head.field[f], cuts, count, left);
				int bytes =
				    snprintf(line, sizeof(line),
					     "GET / HTTP/1.1\r\nCookie: %.*s\r\n", SLICE_ARG(kept));
				static struct http_head again;
				head_split((struct slice){line, (size_t)bytes}, &again);
				assert_int_equal(cookie_find(&again, SLICE("H"), NULL, NULL).count,
						 0);
			}
		}
	}
}

/* ---- Set-Cookie ---------------------------------------------------------------------------- */

/* What an answer sets, as a browser would keep it. */
static void
reads_set_cookie(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		bool found;
		const char *value;
		bool deleted;
	} rows[] = {
	    {"Set-Cookie: J=abc\r\n", true, "abc", false},
	    {"set-cookie: J=abc; Path=/; HttpOnly\r\n", true, "abc", false},
	    {"Set-Cookie: J = abc ;Path=/\r\n", true, "abc", false},
	    {"Set-Cookie: J=\"abc\"\r\n", true, "\"abc\"", false},
	    {"Set-Cookie: J=a=b\r\n", true, "a=b", false},
	    /* not ours */
	    {"Set-Cookie: j=abc\r\n", false, NULL, false},
	    {"Set-Cookie: JJ=abc\r\n", false, NULL, false},
	    {"Set-Cookie: J; x=y\r\n", false, NULL, false},
	    {"Set-Cookie: a=1; J=abc\r\n", false, NULL, false},
	    {"Set-Cookie2: J=abc\r\n", false, NULL, false},
	    {"Cookie: J=abc\r\n", false, NULL, false},
	    {"Set-Cookie: \r\n", false, NULL, false},
	    {"Set-Cookie: ;;;\r\n", false, NULL, false},
	    /* the last one counts, whether it sets or deletes */
	    {"Set-Cookie: J=1\r\nSet-Cookie: K=2\r\nSet-Cookie: J=3\r\n", true, "3", false},
	    {"Set-Cookie: J=1\r\nSet-Cookie: J=; Max-Age=0\r\n", true, "", true},
	    {"Set-Cookie: J=1; Max-Age=0\r\nSet-Cookie: J=2\r\n", true, "2", false},
	    /* deleted */
	    {"Set-Cookie: J=\r\n", true, "", true},
	    {"Set-Cookie: J=x; Max-Age=0\r\n", true, "x", true},
	    {"Set-Cookie: J=x; MAX-AGE = -1\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Max-Age=000\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n", true, "x", true},
	    {"Set-Cookie: J=x; expires=Thu, 01-Jan-1970 00:00:10 GMT\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Expires=Thu, 01-Jan-70 00:00:01 GMT\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Expires=Thu Jan  1 00:00:00 1970\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Expires=Tue, 12-Oct-1999 00:00:00 GMT\r\n", true, "x", true},
	    /* alive */
	    {"Set-Cookie: J=x; Max-Age=1\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Max-Age=99999999999999999999999\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Expires=Fri, 31 Dec 9999 23:59:59 GMT\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Expires=Wed, 09-Jun-38 10:18:14 GMT\r\n", true, "x", false},
	    /* Max-Age goes before Expires; what is no number is no attribute */
	    {"Set-Cookie: J=x; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n", true, "x",
	     false},
	    {"Set-Cookie: J=x; Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT\r\n", true, "x",
	     true},
	    {"Set-Cookie: J=x; Max-Age=60; Max-Age=soon\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Max-Age=60; Max-Age=0\r\n", true, "x", true},
	    {"Set-Cookie: J=x; Max-Age=\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Max-Age=0x\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Expires=0\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Expires=\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Expires=99999999999 99999 12:00:00:00 1 2\r\n", true, "x", false},
	    {"Set-Cookie: J=x; Path=/; Comment=Max-Age=0\r\n", true, "x", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		request_with(rows[i].fields);
		struct slice value = SLICE_NONE;
		bool deleted = false;
		bool found = set_cookie_find(&head, SLICE("J"), &value, &deleted);
		if (found != rows[i].found || deleted != rows[i].deleted)
			fail_msg("%s", rows[i].fields);
		if (found)
			assert_slice(value, rows[i].value);
	}
}

/* A name is a token: no blank, no separator, no byte above ASCII. */
static void
checks_names(void **state)
{
	(void)state;
	assert_true(cookie_name_valid(SLICE("JSESSIONID")));
	assert_true(cookie_name_valid(SLICE("__Host-a.b_c~9|!#$%&'*+^`")));
	assert_false(cookie_name_valid(SLICE("")));
	for (int c = 0; c < 256; c++) {
		char name[3] = {'a', (char)c, 'b'};
		bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') ||
			     (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
		assert_int_equal(cookie_name_valid((struct slice){name, 3}), token);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_and_cuts),
	    cmocka_unit_test(tells_different_values),
	    cmocka_unit_test(reads_cookie_lines_only),
	    cmocka_unit_test(reads_lines_beyond_the_mask),
	    cmocka_unit_test(stops_at_the_bound_of_cuts),
	    cmocka_unit_test(finds_all_names_at_once),
	    cmocka_unit_test(cutting_keeps_the_others),
	    cmocka_unit_test(reads_set_cookie),
	    cmocka_unit_test(checks_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
