/* test_suffix.c: the tag behind the application's own session id: taken apart, and put there. */
#include "affinity/suffix.h"

#include "head_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TAG          "AbcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_____"

static_assert(sizeof(TAG) - 1 == TAG_TEXT_BYTES, "as long as a tag");

static const struct suffix_carrier cookie = {{"SID", 3}, true};
static const struct suffix_carrier header = {{"X-Sid", 5}, false};
static struct http_head head;

/* Values with a suffix, and their ids. */
static void
takes_values_apart(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *id;
		bool quoted;
	} rows[] = {
	    {"abc~" TAG, "abc", false},         {"~" TAG, "", false},
	    {"a~b~" TAG, "a~b", false},         {"abc~" TAG "~" TAG, "abc~" TAG, false},
	    {"\"abc~" TAG "\"", "\"abc", true}, {"\"~" TAG "\"", "\"", true},
	    {"abc\"~" TAG, "abc\"", false},     {"\"~" TAG, "\"", false},
	    {"a b=c~" TAG, "a b=c", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct suffix_split split = suffix_split(slice_of(rows[i].value));
		if (!slice_equal(split.tag, SLICE(TAG)) ||
		    !slice_equal(split.id, slice_of(rows[i].id)))
			fail_msg("%s: \"%.*s\"", rows[i].value, SLICE_ARG(split.id));
		assert_int_equal(split.quoted, rows[i].quoted);
	}
}

/* What is no suffix belongs to the application: shorter, longer, another mark, other letters. */
static void
leaves_other_values(void **state)
{
	(void)state;
	static const char *const values[] = {
	    "",          "abc",       "abc~",         "~",        "abc~def",      "a~b~c",
	    TAG,         "abc~A" TAG, "abc~" TAG "A", "abc-" TAG, "abc~" TAG " ", "abc~" TAG "=",
	    "abc~." TAG, "abc" TAG,   "abc~" TAG "~", "~~~~",     "\"abc~" TAG,
	};
	for (size_t i = 0; i < COUNT(values); i++) {
		struct suffix_split split = suffix_split(slice_of(values[i]));
		bool lone_quote = values[i][0] == '"';
		if (split.tag.bytes != 0 && !lone_quote)
			fail_msg("%s has a suffix", values[i]);
	}
	/* cut by a character anywhere, or with another letter in it, it is none */
	for (size_t at = 0; at < TAG_TEXT_BYTES; at++) {
		char text[4 + TAG_TEXT_BYTES + 1] = "abc~" TAG;
		text[4 + at] = '.';
		assert_int_equal(suffix_split(slice_of(text)).tag.bytes, 0);
		struct slice shorter = {"abc~" TAG, 4 + at};
		assert_int_equal(suffix_split(shorter).tag.bytes, 0);
	}
	struct suffix_split quoted = suffix_split(SLICE("\"abc\""));
	assert_true(quoted.quoted && quoted.tag.bytes == 0 &&
		    slice_equal(quoted.id, SLICE("\"abc")));
}

/* The values of a request, in its order; fields that are not forwarded are passed over. */
static void
finds_all_values(void **state)
{
	(void)state;
	head_split(SLICE("GET / HTTP/1.1\r\nCookie: SID=1; a=b;SID=2\r\nX-Sid: h1\r\n"
			 "Cookie: SIDE=3;  SID= 4 \r\nx-sid:h2\r\nX-Sid: h3\r\n\r\n"),
		   &head);
	head.field[3].drop = true;
	static const char *const cookies[] = {"1", "2", "4"};
	static const char *const headers[] = {"h1", "h3"};
	struct suffix_cursor cursor = {{0, 0}, 0};
	struct slice value;
	for (size_t i = 0; i < COUNT(cookies); i++) {
		assert_true(suffix_next(&cookie, &head, &cursor, &value));
		assert_true(slice_equal(value, slice_of(cookies[i])));
	}
	assert_false(suffix_next(&cookie, &head, &cursor, &value));
	assert_false(suffix_next(&cookie, &head, &cursor, &value));
	cursor = (struct suffix_cursor){{0, 0}, 0};
	for (size_t i = 0; i < COUNT(headers); i++) {
		assert_true(suffix_next(&header, &head, &cursor, &value));
		assert_true(slice_equal(value, slice_of(headers[i])));
	}
	assert_false(suffix_next(&header, &head, &cursor, &value));
}

/* The head with a '*' at each place. */
static const char *
marked(const struct suffix_places *places)
{
	static char text[2048];
	struct writer w = writer_on(text, sizeof(text));
	size_t next = 0;
	for (uint32_t at = 0; at < head.bytes; at++) {
		if (next < places->count && places->at[next] == at) {
			write_char(&w, '*');
			next++;
		}
		write_char(&w, head.base[at]);
	}
	assert_int_equal(next, places->count);
	return writer_text(&w);
}

static void
assert_places(const struct suffix_carrier *carrier, const char *fields, enum suffix_answer answer,
	      const char *want)
{
	char text[1024];
	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", fields);
	head_split(slice_of(text), &head);
	struct suffix_places places;
	if (suffix_find_places(carrier, &head, &places) != answer)
		fail_msg("%s: not %d", fields, (int)answer);
	char full[1024];
	(void)snprintf(full, sizeof(full), "HTTP/1.1 200 OK\r\n%s\r\n", want);
	if (answer == SUFFIX_ISSUED)
		assert_string_equal(marked(&places), full);
	else
		assert_int_equal(places.count, 0);
}

#define SC "Set-Cookie: "

static void
finds_places_in_cookies(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		enum suffix_answer answer;
		const char *want;
	} rows[] = {
	    {SC "SID=abc\r\n", SUFFIX_ISSUED, SC "SID=abc*\r\n"},
	    {SC "SID=abc; Path=/x; HttpOnly\r\n", SUFFIX_ISSUED,
	     SC "SID=abc*; Path=/x; HttpOnly\r\n"},
	    {SC " SID = abc  ;Path=/\r\n", SUFFIX_ISSUED, SC " SID = abc*  ;Path=/\r\n"},
	    {SC "SID=\"abc\"; Path=/\r\n", SUFFIX_ISSUED, SC "SID=\"abc*\"; Path=/\r\n"},
	    {SC "SID=\"\"\r\n", SUFFIX_ISSUED, SC "SID=\"*\"\r\n"},
	    {SC "SID=\"\r\n", SUFFIX_ISSUED, SC "SID=\"*\r\n"},
	    {SC "A=1\r\n" SC "SID=abc\r\n" SC "B=2\r\n", SUFFIX_ISSUED,
	     SC "A=1\r\n" SC "SID=abc*\r\n" SC "B=2\r\n"},
	    /* each that sets the same one; not the one that another overwrites */
	    {SC "SID=abc; Path=/a\r\n" SC "SID=abc; Path=/b\r\n", SUFFIX_ISSUED,
	     SC "SID=abc*; Path=/a\r\n" SC "SID=abc*; Path=/b\r\n"},
	    {SC "SID=old\r\n" SC "SID=new\r\n", SUFFIX_ISSUED, SC "SID=old\r\n" SC "SID=new*\r\n"},
	    {SC "SID=; Max-Age=0\r\n" SC "SID=new\r\n", SUFFIX_ISSUED,
	     SC "SID=; Max-Age=0\r\n" SC "SID=new*\r\n"},
	    {SC "SID=a\r\n" SC "SID=a;1\r\n" SC "SID=a;2\r\n" SC "SID=a;3\r\n" SC "SID=a;4\r\n",
	     SUFFIX_ISSUED,
	     SC "SID=a\r\n" SC "SID=a*;1\r\n" SC "SID=a*;2\r\n" SC "SID=a*;3\r\n" SC
		"SID=a*;4\r\n"},
	    {SC "SID=\r\n", SUFFIX_ENDED, ""},
	    {SC "SID=abc; Max-Age=0\r\n", SUFFIX_ENDED, ""},
	    {SC "SID=abc\r\n" SC "SID=; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n", SUFFIX_ENDED,
	     ""},
	    {"", SUFFIX_SILENT, ""},
	    {SC "SIDE=abc\r\n" SC "sid=abc\r\nX-Sid: abc\r\n", SUFFIX_SILENT, ""},
	};
	static_assert(HTTP_INSERTS_MAX == 4, "one more line than that");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_places(&cookie, rows[i].fields, rows[i].answer, rows[i].want);
}

static void
finds_places_in_fields(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		enum suffix_answer answer;
		const char *want;
	} rows[] = {
	    {"X-Sid: abc\r\n", SUFFIX_ISSUED, "X-Sid: abc*\r\n"},
	    {"A: 1\r\nx-SID:abc \t\r\nB: 2\r\n", SUFFIX_ISSUED,
	     "A: 1\r\nx-SID:abc* \t\r\nB: 2\r\n"},
	    {"X-Sid: abc\r\nX-Sid: def\r\nX-Sid: abc\r\n", SUFFIX_ISSUED,
	     "X-Sid: abc*\r\nX-Sid: def\r\nX-Sid: abc*\r\n"},
	    {"X-Sid:\r\n", SUFFIX_ENDED, ""},
	    {"", SUFFIX_SILENT, ""},
	    {SC "X-Sid=abc\r\nX-Side: abc\r\n", SUFFIX_SILENT, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_places(&header, rows[i].fields, rows[i].answer, rows[i].want);
	/* what is not forwarded was not issued */
	head_split(SLICE("HTTP/1.1 200 OK\r\nX-Sid: abc\r\n\r\n"), &head);
	head.field[0].drop = true;
	struct suffix_places places;
	assert_int_equal(suffix_find_places(&header, &head, &places), SUFFIX_SILENT);
}

/* An id that browsers would throw away with the tag behind it goes without. */
static void
leaves_what_would_grow_too_long(void **state)
{
	(void)state;
	static char text[SUFFIXED_BYTES_MAX + 100];
	for (size_t over = 0; over < 2; over++) {
		struct writer w = writer_on(text, sizeof(text));
		write_literal(&w, "HTTP/1.1 200 OK\r\nSet-Cookie: SID=");
		size_t from = w.bytes;
		for (size_t i = 0; i < SUFFIXED_BYTES_MAX - 3 - 1 - SUFFIX_BYTES + over; i++)
			write_char(&w, 'a');
		struct slice id = {text + from, w.bytes - from};
		assert_int_equal(suffix_fits(&cookie, id), over == 0);
		write_literal(&w, "\r\n\r\n");
		head_split((struct slice){text, w.bytes}, &head);
		struct suffix_places places;
		assert_int_equal(suffix_find_places(&cookie, &head, &places), SUFFIX_ISSUED);
		assert_int_equal(places.count, over == 0);
	}
	assert_false(suffix_fits(&cookie, SLICE_NONE));
}

/* Whatever is issued comes back, with the tag put where it belongs. */
static void
gives_back_what_was_issued(void **state)
{
	(void)state;
	static const char *const ids[] = {
	    "abc", "a~b", "abc~" TAG, "\"abc\"",          "\"\"",         "\"",  "\"a",
	    "a\"", "~",   TAG,        "abc~" TAG "~" TAG, "\"~" TAG "\"", "a=b", "a b"};
	for (size_t i = 0; i < COUNT(ids); i++) {
		char fields[512];
		(void)snprintf(fields, sizeof(fields), "HTTP/1.1 200 OK\r\nX-Sid: %s\r\n\r\n",
			       ids[i]);
		head_split(slice_of(fields), &head);
		struct suffix_places places;
		assert_int_equal(suffix_find_places(&header, &head, &places), SUFFIX_ISSUED);
		assert_int_equal(places.count, 1);
		struct slice value = http_field_value(&head, &head.field[0]);
		size_t before = places.at[0] - head.field[0].value_at;
		char sent[512];
		(void)snprintf(sent, sizeof(sent), "%.*s~" TAG "%s", (int)before, value.at,
			       value.at[before] == '"' ? "\"" : "");
		struct suffix_split split = suffix_split(slice_of(sent));
		assert_true(slice_equal(split.tag, SLICE(TAG)));
		char back[512];
		(void)snprintf(back, sizeof(back), "%.*s%s", SLICE_ARG(split.id),
			       split.quoted ? "\"" : "");
		assert_string_equal(back, ids[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_values_apart),
	    cmocka_unit_test(leaves_other_values),
	    cmocka_unit_test(finds_all_values),
	    cmocka_unit_test(finds_places_in_cookies),
	    cmocka_unit_test(finds_places_in_fields),
	    cmocka_unit_test(leaves_what_would_grow_too_long),
	    cmocka_unit_test(gives_back_what_was_issued),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
