/* test_routes.c: methods and targets to routes; queries to values. */
#include "admin/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "head.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HOST         "Host: localhost\r\n"

static const struct {
	const char *start;
	enum admin_route want;
	const char *id; /* or what is allowed */
} asks[] = {
    {"GET /", ROUTE_page, ""},
    {"GET /?x=1", ROUTE_page, ""},
    {"GET http://localhost", ROUTE_page, ""},
    {"GET http://localhost?x", ROUTE_page, ""},
    {"HEAD /status", ROUTE_status, ""},
    {"GET /status?", ROUTE_status, ""},
    {"GET /metrics", ROUTE_metrics, ""},
    {"GET /events", ROUTE_events, ""},
    {"GET /explain?key=a", ROUTE_explain, ""},
    {"GET /health", ROUTE_health, ""},
    {"POST /reload", ROUTE_reload, ""},
    {"POST /members/a/drain", ROUTE_drain, "a"},
    {"POST /members/a-b.c:d_e/undrain?service=x", ROUTE_undrain, "a-b.c:d_e"},
    {"POST /members/%61%2Fb/maint", ROUTE_maint, "a/b"},
    {"POST /members/a+b/up", ROUTE_up, "a+b"},
    {"POST /members/drain/drain", ROUTE_drain, "drain"},
    {"GET /statu", ROUTE_NOT_FOUND, ""},
    {"GET /status/", ROUTE_NOT_FOUND, ""},
    {"GET /STATUS", ROUTE_NOT_FOUND, ""},
    {"GET //", ROUTE_NOT_FOUND, ""},
    {"GET /%73tatus", ROUTE_NOT_FOUND, ""},
    {"OPTIONS *", ROUTE_NOT_FOUND, ""},
    {"POST /members//drain", ROUTE_NOT_FOUND, ""},
    {"POST /members/a/b/drain", ROUTE_NOT_FOUND, ""},
    {"POST /members/drain", ROUTE_NOT_FOUND, ""},
    {"POST /members/a/drain/", ROUTE_NOT_FOUND, ""},
    {"POST /members/%6/drain", ROUTE_NOT_FOUND, ""},
    {"POST /members/%zz/drain", ROUTE_NOT_FOUND, ""},
    {"POST /status", ROUTE_NOT_ALLOWED, "GET, HEAD"},
    {"OPTIONS /status", ROUTE_NOT_ALLOWED, "GET, HEAD"},
    {"GET /reload", ROUTE_NOT_ALLOWED, "POST"},
    {"HEAD /members/a/up", ROUTE_NOT_ALLOWED, "POST"},
    {"PUT /members/a/up", ROUTE_NOT_ALLOWED, "POST"},
};

static void
each_finds_its_route(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(asks); i++) {
		struct admin_ask ask;
		route_find(head_of(asks[i].start, HOST), &ask);
		if (ask.route != asks[i].want)
			fail_msg("%s: %d, not %d", asks[i].start, (int)ask.route,
				 (int)asks[i].want);
		if (ask.route == ROUTE_NOT_ALLOWED) {
			assert_string_equal(ask.allowed, asks[i].id);
			continue;
		}
		assert_int_equal(ask.id.bytes, strlen(asks[i].id));
		assert_memory_equal(ask.id.at != NULL ? ask.id.at : "", asks[i].id, ask.id.bytes);
		assert_int_equal(ask.head_only, strncmp(asks[i].start, "HEAD", 4) == 0);
		assert_int_equal(ask.changes, ask.route < ADMIN_ROUTES &&
						  strncmp(asks[i].start, "POST", 4) == 0);
	}
}

/* An id longer than any member's is nobody's. */
static void
ids_are_bounded(void **state)
{
	(void)state;
	struct admin_ask ask;
	char start[128];
	(void)snprintf(start, sizeof(start), "POST /members/%0*d/up", ID_BYTES_MAX, 1);
	route_find(head_of(start, HOST), &ask);
	assert_int_equal(ask.route, ROUTE_up);
	(void)snprintf(start, sizeof(start), "POST /members/%0*d/up", ID_BYTES_MAX + 1, 1);
	route_find(head_of(start, HOST), &ask);
	assert_int_equal(ask.route, ROUTE_NOT_FOUND);
}

static const struct {
	const char *query;
	const char *want; /* of "key"; NULL: none; "!": bad */
} queries[] = {
    {"key=a", "a"},
    {"x=1&key=a", "a"},
    {"key=a&key=b", "a"},
    {"xkey=1&key", ""},
    {"key=", ""},
    {"&&key=a", "a"},
    {"key=a+b%20c%2B", "a b c+"},
    {"key=%c3%BC", "\xc3\xbc"},
    {"key==", "="},
    {"key=a=b", "a=b"},
    {"key=12345678", "12345678"},
    {"key=%31%32%33%34%35678", "12345678"},
    {"", NULL},
    {"keys=a", NULL},
    {"KEY=a", NULL},
    {"%6bey=a", NULL},
    {"key=%", "!"},
    {"key=%1", "!"},
    {"key=%g1", "!"},
    {"key=123456789", "!"},
};

static void
queries_have_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		char room[8];
		struct slice value = SLICE_NONE;
		bool bad = true;
		const char *want = queries[i].want;
		bool found = query_value(slice_of(queries[i].query), SLICE("key"), room,
					 sizeof(room), &value, &bad);
		assert_int_equal(bad, want != NULL && strcmp(want, "!") == 0);
		assert_int_equal(found, want != NULL && !bad);
		if (!found || want == NULL)
			continue;
		assert_int_equal(value.bytes, strlen(want));
		assert_memory_equal(value.at, want, value.bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_finds_its_route),
	    cmocka_unit_test(ids_are_bounded),
	    cmocka_unit_test(queries_have_values),
	};
	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
