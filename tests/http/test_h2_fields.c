/* test_h2_fields.c: lines as fields of HTTP/2 and fields as lines, at their bounds (RFC 9113
 * section 8.2); see http/h2_fields.h. */
#include "http/h2_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
name_is(const struct h2_fields *f, size_t at, const char *name, const char *value)
{
	const nghttp2_nv *nv = &f->list[at];
	return nv->namelen == strlen(name) && memcmp(nv->name, name, nv->namelen) == 0 &&
	       nv->valuelen == strlen(value) && memcmp(nv->value, value, nv->valuelen) == 0;
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;
		bool valid;
	} table[] = {
	    {"a", 1, true},        {"x-a", 3, true},   {"!#$%&'*+-.^_`|~09az", 19, true},
	    {"", 0, false},        {"X-a", 3, false},  {"x-A", 3, false},
	    {":status", 7, false}, {"x a", 3, false},  {"x:a", 3, false},
	    {"x\0a", 3, false},    {"x\r", 2, false},  {"x\n", 2, false},
	    {"\x7f", 1, false},    {"\x80", 1, false}, {"\xc3\xa4", 2, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct slice name = {table[i].name, table[i].bytes};
		if (h2_name_valid(name) != table[i].valid)
			fail_msg("name %zu", i);
	}
}

static void
test_values(void **state)
{
	static const struct {
		const char *value;
		size_t bytes;
		bool valid;
	} table[] = {
	    {"", 0, true},           {"a", 1, true},      {"a b\tc", 5, true},
	    {"\xff\x80", 2, true},   {" a", 2, false},    {"a ", 2, false},
	    {"\ta", 2, false},       {"a\t", 2, false},   {" ", 1, false},
	    {"a\rb", 3, false},      {"a\nb", 3, false},  {"a\0b", 3, false},
	    {"a\r\nb: c", 7, false}, {"a\x7f", 2, false}, {"a\x1b", 2, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct slice value = {table[i].value, table[i].bytes};
		if (h2_value_valid(value) != table[i].valid)
			fail_msg("value %zu", i);
	}
}

/* What does not fit leaves nothing that could be taken for a line. */
static void
test_lines_that_are_added(void **state)
{
	char room[16];
	struct writer w = writer_on(room, sizeof(room));
	(void)state;
	assert_true(h2_line_add(&w, SLICE("a"), SLICE("b")));
	assert_int_equal(w.bytes, 6);
	assert_memory_equal(room, "a: b\r\n", 6);
	assert_false(h2_line_add(&w, SLICE("A"), SLICE("b")));
	assert_false(h2_line_add(&w, SLICE("a"), SLICE("b\r\nx: y")));
	assert_int_equal(w.bytes, 6);
	assert_true(h2_line_add(&w, SLICE("cc"), SLICE("dddd")));
	assert_int_equal(w.bytes, 16);
	assert_false(h2_line_add(&w, SLICE("e"), SLICE("")));
}

static void
test_lines_become_fields(void **state)
{
	char text[] = "X-A: 1\r\nSet-Cookie:a=b\r\nX-Drop: x\r\nempty:\r\nX-B:  two words \r\n";
	struct h2_fields f = {.count = 0};
	(void)state;
	assert_true(h2_fields_add_lines(&f, text, sizeof(text) - 1, SLICE("x-drop")));
	assert_int_equal(f.count, 4);
	assert_true(name_is(&f, 0, "x-a", "1"));
	assert_true(name_is(&f, 1, "set-cookie", "a=b"));
	assert_true(name_is(&f, 2, "empty", ""));
	assert_true(name_is(&f, 3, "x-b", "two words"));
}

static void
test_what_is_no_line(void **state)
{
	static const char *const table[] = {"a", "a b\r\n", "a: b\r\nno colon\r\n", "a: b", "\r\n"};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[32];
		struct h2_fields f = {.count = 0};
		(void)snprintf(text, sizeof(text), "%s", table[i]);
		if (h2_fields_add_lines(&f, text, strlen(text), SLICE_NONE))
			fail_msg("line %zu", i);
	}
}

static void
test_no_more_than_there_is_room_for(void **state)
{
	struct h2_fields f;
	(void)state;
	h2_fields_begin(&f, 418);
	assert_true(name_is(&f, 0, ":status", "") == false);
	assert_memory_equal(f.list[0].value, "418", 3);
	for (size_t i = 1; i < H2_LINES_MAX; i++)
		assert_true(h2_fields_add(&f, SLICE("a"), SLICE("b")));
	assert_false(h2_fields_add(&f, SLICE("a"), SLICE("b")));
	assert_int_equal(f.count, H2_LINES_MAX);
	char text[] = "a: b\r\n";
	assert_false(h2_fields_add_lines(&f, text, sizeof(text) - 1, SLICE_NONE));
}

static void
test_start_lines(void **state)
{
	char good[] = "POST /x?y=1 HTTP/1.1\r\nHost: h\r\n";
	char *at = good;
	struct slice method;
	struct slice path;
	(void)state;
	assert_true(h2_next_start(&at, good + sizeof(good) - 1, &method, &path));
	assert_true(slice_equal(method, SLICE("POST")) && slice_equal(path, SLICE("/x?y=1")));
	assert_ptr_equal(at, good + 22);
	char none[] = "POST\r\n";
	at = none;
	assert_false(h2_next_start(&at, none + sizeof(none) - 1, &method, &path));
	char endless[] = "GET / HTTP/1.1";
	at = endless;
	assert_false(h2_next_start(&at, endless + sizeof(endless) - 1, &method, &path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_lines_that_are_added),
	    cmocka_unit_test(test_lines_become_fields),
	    cmocka_unit_test(test_what_is_no_line),
	    cmocka_unit_test(test_no_more_than_there_is_room_for),
	    cmocka_unit_test(test_start_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
