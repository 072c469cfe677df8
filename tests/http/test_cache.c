/* test_cache.c: what Cache-Control becomes in an answer that sets a tag. */
#include "http/cache.h"

#include "parsing.h"

#define LINE "+" /* a line of its own is wanted */

/* The head as it would be forwarded, without its start line; a line of its own is shown as LINE. */
static struct slice
edited(const struct cache_edit *edit)
{
	static char text[4096];
	struct writer w = writer_on(text, sizeof(text));
	size_t next = 0;
	for (uint32_t at = 0; at < head.bytes; at++) {
		for (; next < edit->insert_count && edit->insert[next].at == at; next++)
			write_slice(&w, edit->insert[next].text);
		write_char(&w, head.base[at]);
	}
	assert_int_equal(next, edit->insert_count);
	if (edit->line)
		write_literal(&w, LINE);
	assert_false(w.overflow);
	return (struct slice){text, w.bytes};
}

/* `fields` in an answer that sets the field `name`; want: what they become. */
static void
assert_edit(const char *fields, const char *name, const char *want)
{
	char text[1024];
	char full[1024];
	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", fields);
	const char *end = strstr(want, LINE);
	int bytes = end != NULL ? (int)(end - want) : (int)strlen(want);
	(void)snprintf(full, sizeof(full), "HTTP/1.1 200 OK\r\n%.*s\r\n%s", bytes, want,
		       end != NULL ? LINE : "");
	if (response_of(slice_of(text), METHOD_GET) != PARSE_OK)
		fail_msg("refused (%s): %s", why, text);
	struct cache_edit edit;
	cache_protect(&head, slice_of(name), &edit);
	struct slice got = edited(&edit);
	if (!slice_equal(got, slice_of(full)))
		fail_msg("%s\nbecomes\n%.*s\nnot\n%s", text, SLICE_ARG(got), full);
}

#define CC "Cache-Control: "

/* What says nothing of the kind gets a line; what it said stays. */
static void
adds_a_line(void **state)
{
	(void)state;
	static const char *const fields[] = {
	    "",
	    "A: no-store\r\n",
	    CC "\r\n",
	    CC "public\r\n",
	    CC "max-age=60, public\r\n",
	    CC "max-age=60\r\n" CC "s-maxage=600\r\n",
	    CC "private=\"x-other\"\r\n",
	    CC "must-revalidate, proxy-revalidate, immutable\r\n",
	    CC "no-transform\r\n",
	    CC "x=\"no-store\"\r\n",
	    CC "x=\"a, no-cache, b\"\r\n",
	    CC "x=\"\\\", no-store, \\\"\"\r\n",
	    CC "no-store-please, xno-cache\r\n",
	    CC ", ,public,\r\n",
	    CC "stale-while-revalidate=30\r\n",
	    "Connection: cache-control\r\n" CC "no-store\r\n",
	};
	for (size_t i = 0; i < COUNT(fields); i++) {
		char want[512];
		(void)snprintf(want, sizeof(want), "%s" LINE, fields[i]);
		assert_edit(fields[i], "set-cookie", want);
	}
}

/* What says as much or more is left as it is. */
static void
adds_nothing_to_more(void **state)
{
	(void)state;
	static const char *const fields[] = {
	    CC "no-store\r\n",
	    CC "No-Store\r\n",
	    CC "private\r\n",
	    CC "no-cache\r\n",
	    CC "max-age=0, no-cache , must-revalidate\r\n",
	    CC "public\r\n" CC "no-store\r\n",
	    CC "no-cache=\"set-cookie\"\r\n",
	    CC "no-cache=\"x, Set-Cookie, y\"\r\n",
	    CC "no-cache=Set-Cookie\r\n",
	    CC "private=\"SET-COOKIE\"\r\n",
	    CC "no-cache, no-store, no-cache\r\n",
	    CC "private, max-age=60, private\r\n",
	    CC "no-cache=\"x\", private\r\n",
	    CC "no-cache=\"x\", no-store\r\n",
	    CC "no-cache=\"x\", private=\"set-cookie\"\r\n",
	};
	for (size_t i = 0; i < COUNT(fields); i++)
		assert_edit(fields[i], "set-cookie", fields[i]);
}

/* A list that has other fields gets one more, whatever its form. */
static void
joins_a_list(void **state)
{
	(void)state;
	assert_edit(CC "no-cache=\"x\"\r\n", "set-cookie", CC "no-cache=\"x, set-cookie\"\r\n");
	assert_edit(CC "no-cache=\"\"\r\n", "set-cookie", CC "no-cache=\"set-cookie\"\r\n");
	assert_edit(CC "no-cache=\"x, y\", max-age=60\r\n", "X-Tag",
		    CC "no-cache=\"x, y, X-Tag\", max-age=60\r\n");
	assert_edit(CC "no-cache=x\r\n", "set-cookie", CC "no-cache=\"x, set-cookie\"\r\n");
	assert_edit(CC "no-cache=x,public\r\n", "set-cookie",
		    CC "no-cache=\"x, set-cookie\",public\r\n");
	assert_edit(CC "public\r\nA: 1\r\n" CC "NO-CACHE=\"set-cookie2\"\r\n", "set-cookie",
		    CC "public\r\nA: 1\r\n" CC "NO-CACHE=\"set-cookie2, set-cookie\"\r\n");
	assert_edit(CC "no-cache=\"set-cookie\"\r\n", "X-Tag",
		    CC "no-cache=\"set-cookie, X-Tag\"\r\n");
}

/* What cannot be read might mean anything to a cache: it is told to keep nothing, first. */
static void
says_no_store_before_what_is_malformed(void **state)
{
	(void)state;
	static const char *const values[] = {
	    "max-age=60, x=\"open",
	    "\"no-store\"",
	    "max-age=60; public",
	    "max-age=",
	    "max-age = 60",
	    "=60",
	    "x=\"a\"b",
	    "x=\"a\\\"",
	    "public max-age=60",
	    "no-cache=\"x\", no-cache=\"y\"",
	    "no-cache=\"x\", no-cache",
	    "private, private=\"x\"",
	    "x=\"\\",
	    "no-store, @",
	};
	for (size_t i = 0; i < COUNT(values); i++) {
		char fields[256];
		char want[256];
		(void)snprintf(fields, sizeof(fields), "A: 1\r\n" CC "%s\r\n", values[i]);
		(void)snprintf(want, sizeof(want), "A: 1\r\n" CC "no-store, %s\r\n", values[i]);
		assert_edit(fields, "set-cookie", want);
	}
	assert_edit("Connection: Cache-Control\r\n" CC "x=\"\r\n", "set-cookie",
		    "Connection: Cache-Control\r\n" CC "x=\"\r\n" LINE);
	assert_edit(CC "public\r\n" CC "x=\"\r\n", "set-cookie",
		    CC "no-store, public\r\n" CC "x=\"\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(adds_a_line),
	    cmocka_unit_test(adds_nothing_to_more),
	    cmocka_unit_test(joins_a_list),
	    cmocka_unit_test(says_no_store_before_what_is_malformed),
	};
	return cmocka_run_group_tests(tests, parser_up, parser_down);
}
