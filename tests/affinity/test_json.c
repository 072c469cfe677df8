/* test_json.c: one member of a JSON object, from texts that are well-formed and ones that are not.
 */
#include "affinity/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char space[4096];

/* NULL: there is no such value. */
static void
assert_member(struct slice text, const char *name, const char *want)
{
	struct writer out = writer_on(space, sizeof(space));
	bool found = json_member(text, slice_of(name), &out);
	if (found != (want != NULL))
		fail_msg("%.*s: %s", SLICE_ARG(text), found ? "found" : "not found");
	if (found && want != NULL &&
	    !slice_equal((struct slice){out.at, out.bytes}, slice_of(want)))
		fail_msg("%.*s: \"%.*s\"", SLICE_ARG(text), (int)out.bytes, out.at);
}

/* Texts and whole numbers, wherever the member stands and whatever stands around it. */
static void
finds_values(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *value;
	} rows[] = {
	    {"{\"sub\":\"ann\"}", "ann"},
	    {" \t\r\n{ \"sub\" : \"ann\" } \n", "ann"},
	    {"{\"a\":1,\"sub\":\"ann\",\"z\":null}", "ann"},
	    {"{\"a\":{\"sub\":\"x\"},\"sub\":\"ann\"}", "ann"},
	    {"{\"a\":[{\"sub\":[]},[[]],{},\"}\"],\"sub\":\"ann\"}", "ann"},
	    {"{\"sub\":\"ann\",\"b\":[true,false,null,-1.5e+3,0,\"\\\\\"]}", "ann"},
	    {"{\"sub\":\"\"}", ""},
	    {"{\"sub\":42}", "42"},
	    {"{\"sub\":-7}", "-7"},
	    {"{\"sub\":0}", "0"},
	    {"{\"sub\":123456789012345678901234567890}", "123456789012345678901234567890"},
	    {"{\"s\\u0075b\":\"ann\"}", "ann"},
	    {"{\"sub\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
	    {"{\"sub\":\"\\u00e4\\u20ac\\ud83d\\ude00\\u004A\"}",
	     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80J"},
	    {"{\"sub\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}",
	     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"{\"Sub\":\"x\",\"subs\":\"y\",\"su\":\"z\",\"sub\":\"ann\"}", "ann"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_member(slice_of(rows[i].text), "sub", rows[i].value);
	assert_member(SLICE("{\"https://x/y z\":\"ann\"}"), "https://x/y z", "ann");
}

/* No such member, twice the same, or of a type that is no key. */
static void
finds_nothing_else(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "{}",
	    "{\"a\":\"ann\"}",
	    "{\"SUB\":\"ann\"}",
	    "{\"a\":{\"sub\":\"ann\"}}",
	    "{\"sub\":true}",
	    "{\"sub\":null}",
	    "{\"sub\":1.5}",
	    "{\"sub\":1.0}",
	    "{\"sub\":1e3}",
	    "{\"sub\":1E0}",
	    "{\"sub\":[\"ann\"]}",
	    "{\"sub\":{\"x\":\"ann\"}}",
	    "{\"sub\":\"ann\",\"sub\":\"ann\"}",
	    "{\"sub\":\"ann\",\"s\\u0075b\":\"bob\"}",
	    "[\"sub\",\"ann\"]",
	    "\"sub\"",
	    "17",
	};
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_member(slice_of(texts[i]), "sub", NULL);
}

/* A text that is malformed anywhere has no members, not even those before the fault. */
static void
refuses_malformed_texts(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "",
	    " ",
	    "{",
	    "}",
	    "{\"sub\"",
	    "{\"sub\":",
	    "{\"sub\":\"ann",
	    "{\"sub\":\"ann\"",
	    "{\"sub\":\"ann\"}}",
	    "{\"sub\":\"ann\"} x",
	    "{\"sub\":\"ann\"}{}",
	    "{\"sub\":\"ann\",}",
	    "{,\"sub\":\"ann\"}",
	    "{\"sub\" \"ann\"}",
	    "{\"sub\"=\"ann\"}",
	    "{sub:\"ann\"}",
	    "{'sub':'ann'}",
	    "{\"sub\":\"ann\" \"b\":1}",
	    "{\"sub\":\"ann\",\"b\"}",
	    "{\"sub\":\"ann\",\"b\":}",
	    "{\"sub\":\"ann\",\"b\":[1,]}",
	    "{\"sub\":\"ann\",\"b\":[,1]}",
	    "{\"sub\":\"ann\",\"b\":[1 2]}",
	    "{\"sub\":\"ann\",\"b\":[1}",
	    "{\"sub\":\"ann\",\"b\":{1}}",
	    "{\"sub\":\"ann\",\"b\":{\"c\":1]}",
	    "{\"sub\":\"ann\",\"b\":{\"c\":1,}}",
	    "{\"sub\":\"ann\",\"b\":tru}",
	    "{\"sub\":\"ann\",\"b\":True}",
	    "{\"sub\":\"ann\",\"b\":nul}",
	    "{\"sub\":\"ann\",\"b\":01}",
	    "{\"sub\":\"ann\",\"b\":-}",
	    "{\"sub\":\"ann\",\"b\":+1}",
	    "{\"sub\":\"ann\",\"b\":.5}",
	    "{\"sub\":\"ann\",\"b\":1.}",
	    "{\"sub\":\"ann\",\"b\":1e}",
	    "{\"sub\":\"ann\",\"b\":1e+}",
	    "{\"sub\":\"ann\",\"b\":0x1}",
	    "{\"sub\":\"ann\",\"b\":NaN}",
	    "{\"sub\":01}",
	    "{\"sub\":\"ann\"//\n}",
	    /* strings */
	    "{\"sub\":\"a\tb\"}",
	    "{\"sub\":\"a\nb\"}",
	    "{\"sub\":\"\\x41\"}",
	    "{\"sub\":\"\\\"}",
	    "{\"sub\":\"\\u12\"}",
	    "{\"sub\":\"\\u12g4\"}",
	    "{\"sub\":\"\\U0041\"}",
	    "{\"sub\":\"\\ud800\"}",
	    "{\"sub\":\"\\ud800x\"}",
	    "{\"sub\":\"\\udc00\"}",
	    "{\"sub\":\"\\ud800\\u0041\"}",
	    "{\"sub\":\"\\ud800\\ud800\"}",
	    "{\"sub\":\"\\ud83d\\\"}",
	    /* UTF-8: alone, cut, longer than need be, a surrogate, above U+10FFFF */
	    "{\"sub\":\"\x80\"}",
	    "{\"sub\":\"\xc3\"}",
	    "{\"sub\":\"\xc3(\"}",
	    "{\"sub\":\"\xc0\xaf\"}",
	    "{\"sub\":\"\xe0\x80\xaf\"}",
	    "{\"sub\":\"\xe2\x82\"}",
	    "{\"sub\":\"\xed\xa0\x80\"}",
	    "{\"sub\":\"\xf0\x80\x80\x80\"}",
	    "{\"sub\":\"\xf4\x90\x80\x80\"}",
	    "{\"sub\":\"\xf5\x80\x80\x80\"}",
	    "{\"sub\":\"\xff\"}",
	    "{\"sub\":\"ann\",\"b\":\"\xfe\"}",
	    "{\"sub\":\"ann\",\"\xff\":1}",
	    "\xef\xbb\xbf{\"sub\":\"ann\"}",
	};
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_member(slice_of(texts[i]), "sub", NULL);
	assert_member(SLICE("{\"sub\":\"a\0b\"}"), "sub", NULL);
	assert_member(SLICE("{\"sub\":\"ann\"}\0"), "sub", NULL);
}

/* Every text that is cut short, at every place, has no members. */
static void
refuses_every_prefix(void **state)
{
	(void)state;
	static const char whole[] = "{\"a\":[1,{\"b\":null}],\"sub\":\"\\u00e4nn\",\"z\":-1.5e2}";
	for (size_t bytes = 0; bytes + 1 < sizeof(whole); bytes++)
		assert_member((struct slice){whole, bytes}, "sub", NULL);
	assert_member((struct slice){whole, sizeof(whole) - 1}, "sub", "\xc3\xa4nn");
}

/* "{"sub":"ann","b":[[[...]]]}", so many deep. */
static void
nested(struct writer *w, size_t depth, bool closed)
{
	write_literal(w, "{\"sub\":\"ann\",\"b\":");
	for (size_t i = 0; i < depth; i++)
		write_text(w, i % 2 == 0 ? "[" : "{\"c\":");
	write_literal(w, "1");
	for (size_t i = depth; closed && i-- > 0;)
		write_text(w, i % 2 == 0 ? "]" : "}");
	write_literal(w, "}");
}

/* Nesting ends somewhere. */
static void
bounds_the_depth(void **state)
{
	(void)state;
	static char text[65536];
	for (size_t over = 0; over < 2; over++) {
		struct writer w = writer_on(text, sizeof(text));
		nested(&w, JSON_DEPTH_MAX + over, true);
		assert_member((struct slice){text, w.bytes}, "sub", over == 0 ? "ann" : NULL);
	}
	struct writer w = writer_on(text, sizeof(text));
	nested(&w, 10000, false);
	assert_false(w.overflow);
	assert_member((struct slice){text, w.bytes}, "sub", NULL);
}

/* A value that does not fit is none, and nothing is written behind the end; a name of any length
 * is. */
static void
bounds_what_is_written(void **state)
{
	(void)state;
	char small[5] = "....";
	struct writer out = writer_on(small, 3);
	assert_true(json_member(SLICE("{\"sub\":\"ann\"}"), SLICE("sub"), &out));
	assert_memory_equal(small, "ann.", 5);
	static const char *const texts[] = {"{\"sub\":\"anna\"}", "{\"sub\":1234}",
					    "{\"sub\":\"an\\u00e4\"}"};
	for (size_t i = 0; i < COUNT(texts); i++) {
		out = writer_on(small, 3);
		assert_false(json_member(slice_of(texts[i]), SLICE("sub"), &out));
		assert_memory_equal(small + 3, ".", 2);
	}
	static char text[2 * JSON_NAME_BYTES_MAX];
	for (size_t over = 0; over < 2; over++) {
		char name[JSON_NAME_BYTES_MAX + 1];
		memset(name, 'n', sizeof(name));
		struct slice asked = {name, JSON_NAME_BYTES_MAX + over};
		struct writer w = writer_on(text, sizeof(text));
		write_literal(&w, "{\"");
		write_slice(&w, asked);
		write_literal(&w, "\":\"ann\",\"sub\":\"x\"}");
		out = writer_on(space, sizeof(space));
		assert_int_equal(json_member((struct slice){text, w.bytes}, asked, &out),
				 over == 0);
		assert_member((struct slice){text, w.bytes}, "sub", "x");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_values),
	    cmocka_unit_test(finds_nothing_else),
	    cmocka_unit_test(refuses_malformed_texts),
	    cmocka_unit_test(refuses_every_prefix),
	    cmocka_unit_test(bounds_the_depth),
	    cmocka_unit_test(bounds_what_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
