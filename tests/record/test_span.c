/* test_span.c: OTLP's JSON, read again by another. */
#include "record/span.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

static json_t *
written(const struct span *spans, size_t count)
{
	struct grow to;
	json_error_t error;
	grow_init(&to, 1 << 20);
	write_spans(&to, "n1", spans, count);
	assert_false(to.failed);
	json_t *j = json_loadb(to.at, to.bytes, JSON_REJECT_DUPLICATES, &error);
	if (j == NULL)
		fail_msg("%s in %.*s", error.text, (int)to.bytes, to.at);
	grow_deinit(&to);
	return j;
}

static json_t *
at(json_t *j, const char *key)
{
	json_t *found = json_object_get(j, key);
	if (found == NULL)
		fail_msg("no %s", key);
	return json_is_array(found) ? json_array_get(found, 0) : found;
}

static json_t *
spans_of(json_t *j)
{
	return json_object_get(at(at(j, "resourceSpans"), "scopeSpans"), "spans");
}

/* Its text, or the text of its number; NULL: it has none. */
static const char *
attribute(json_t *span, const char *key)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(span, "attributes"), i, one)
	{
		json_t *value = json_object_get(one, "value");
		if (strcmp(json_string_value(json_object_get(one, "key")), key) != 0)
			continue;
		json_t *text = json_object_get(value, "stringValue");
		return json_string_value(text != NULL ? text : json_object_get(value, "intValue"));
	}
	return NULL;
}

static void
fills_the_form(void **state)
{
	(void)state;
	struct span spans[2] = {
	    {.kind = SPAN_SERVER,
	     .begun_us = 1700000000000001,
	     .ended_us = 1700000000000002,
	     .status = 200,
	     .affinity = AFFINITY_FAILOVER,
	     .major = 2,
	     .id = {{0xab}, {0xcd}, 1},
	     .method = "GET",
	     .path = "/\"\x1b<\\",
	     .state = "a=1,b=2",
	     .member = "b"},
	    {.kind = SPAN_CLIENT,
	     .failed = REASON_CONNECT_REFUSED,
	     .has_parent = true,
	     .parent = {0xcd},
	     .attempt = 2,
	     .rank = 1,
	     .method = "GET"},
	};
	json_t *j = written(spans, 2);
	json_t *first = json_array_get(spans_of(j), 0);
	json_t *second = json_array_get(spans_of(j), 1);
	assert_int_equal(json_array_size(spans_of(j)), 2);
	assert_string_equal(json_string_value(at(first, "traceId")),
			    "ab000000000000000000000000000000");
	assert_string_equal(json_string_value(at(first, "spanId")), "cd00000000000000");
	assert_null(json_object_get(first, "parentSpanId"));
	assert_string_equal(json_string_value(at(first, "startTimeUnixNano")),
			    "1700000000000001000");
	assert_string_equal(json_string_value(at(first, "traceState")), "a=1,b=2");
	assert_string_equal(attribute(first, "url.path"), "/\"\x1b<\\");
	assert_string_equal(attribute(first, "network.protocol.version"), "2");
	assert_string_equal(attribute(first, "holdfast.affinity"), "failover");
	assert_string_equal(attribute(first, "http.response.status_code"), "200");
	assert_null(attribute(first, "error.type"));
	assert_int_equal(json_object_size(at(first, "status")), 0);
	assert_string_equal(json_string_value(at(second, "parentSpanId")), "cd00000000000000");
	assert_string_equal(attribute(second, "error.type"), "connect_refused");
	assert_string_equal(attribute(second, "holdfast.rank"), "1");
	assert_string_equal(attribute(second, "http.request.resend_count"), "1");
	assert_null(attribute(second, "http.response.status_code"));
	assert_int_equal(json_integer_value(at(at(second, "status"), "code")), 2);
	json_decref(j);
}

/* What a client sends fills its place and no other. */
static void
texts_are_cut(void **state)
{
	(void)state;
	struct span span = {.kind = SPAN_SERVER, .cause = CAUSE_MEMBER_FIRST_BYTE, .status = 504};
	char longer[2 * SPAN_PATH_BYTES];
	memset(longer, '\xff', sizeof(longer));
	span_text(span.path, sizeof(span.path), (struct slice){longer, sizeof(longer)});
	span_text(span.method, sizeof(span.method), SLICE("ALONGERMETHODTHANANY"));
	assert_int_equal(strlen(span.path), SPAN_PATH_BYTES - 1);
	json_t *j = written(&span, 1);
	json_t *one = json_array_get(spans_of(j), 0);
	assert_int_equal(strlen(json_string_value(at(one, "name"))), SPAN_METHOD_BYTES - 1);
	assert_string_equal(attribute(one, "error.type"), "member_first_byte");
	json_decref(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fills_the_form),
	    cmocka_unit_test(texts_are_cut),
	};
	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
