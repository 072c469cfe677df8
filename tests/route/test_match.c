/* test_match.c: hosts and paths to services. */
#include "route/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) ((char *)(uintptr_t)(literal)) /* the configuration owns mutable strings */
#define LIST(...)     ((char *[]){__VA_ARGS__})

/* Index and name: what each is for. */
enum { SHOP, SHOP_API, SHOP_API_V2, WILD, WILD_DEEP, V6, ALL_ADMIN, ALL };

static struct config_service services[] = {
    [SHOP] = {.hosts = LIST(TEXT("shop.example"), TEXT("store.example")), .host_count = 2},
    [SHOP_API] = {.hosts = LIST(TEXT("shop.example")),
		  .host_count = 1,
		  .paths = LIST(TEXT("/api")),
		  .path_count = 1},
    [SHOP_API_V2] = {.hosts = LIST(TEXT("shop.example")),
		     .host_count = 1,
		     .paths = LIST(TEXT("/api/v2/"), TEXT("/beta")),
		     .path_count = 2},
    [WILD] = {.hosts = LIST(TEXT("*.example")), .host_count = 1},
    [WILD_DEEP] = {.hosts = LIST(TEXT("*.eu.example")),
		   .host_count = 1,
		   .paths = LIST(TEXT("/x")),
		   .path_count = 1},
    [V6] = {.hosts = LIST(TEXT("[::1]")), .host_count = 1},
    [ALL_ADMIN] = {.paths = LIST(TEXT("/admin")), .path_count = 1},
    [ALL] = {.paths = LIST(TEXT("/")), .path_count = 1},
};

static const struct {
	const char *host;
	const char *path;
	size_t service;
} rows[] = {
    /* the exact host */
    {"shop.example", "/", SHOP},
    {"store.example", "/api", SHOP},
    {"SHOP.Example", "/", SHOP},
    {"shop.example:8080", "/", SHOP},
    {"shop.example.", "/", SHOP},
    {"shop.example.:80", "/", SHOP},
    {"[::1]", "/", V6},
    {"[::1]:8080", "/", V6},
    /* the longest path, at segment boundaries */
    {"shop.example", "/api", SHOP_API},
    {"shop.example", "/api/", SHOP_API},
    {"shop.example", "/api/v1", SHOP_API},
    {"shop.example", "/api?v2", SHOP_API},
    {"shop.example", "/apis", SHOP},
    {"shop.example", "/API", SHOP},
    {"shop.example", "/api/v2", SHOP_API_V2},
    {"shop.example", "/api/v2?x=1", SHOP_API_V2},
    {"shop.example", "/api/v2/orders", SHOP_API_V2},
    {"shop.example", "/api/v22", SHOP_API},
    {"shop.example", "/beta", SHOP_API_V2},
    {"shop.example", "/bet", SHOP},
    {"shop.example", "*", SHOP},
    /* wildcards: one label or more, the longest wins */
    {"a.example", "/", WILD},
    {"a.b.example", "/api", WILD},
    {"shop.example.example", "/", WILD},
    {"a.eu.example", "/x/y", WILD_DEEP},
    {"a.b.eu.example", "/x", WILD_DEEP},
    {"eu.example", "/x", WILD},
    {"a.eu.example", "/y", WILD}, /* the longer one has no such path */
    {"example", "/", ALL},
    {".example", "/", ALL},
    {"badexample", "/", ALL},
    /* no host of its own */
    {"other.test", "/", ALL},
    {"other.test", "/admin/x", ALL_ADMIN},
    {"other.test", "/administer", ALL},
    {"", "/admin", ALL_ADMIN},
    {"", "*", ALL},
    {".", "/", ALL},
    {"[::2]", "/", ALL},
    {"[::1", "/", ALL},
    {"shop.example..", "/", ALL}, /* no name at all */
};

static struct matcher *
build(const struct config_service *list, size_t count)
{
	struct matcher *m;
	struct config config = {.services = (struct config_service *)(uintptr_t)list,
				.service_count = count};
	assert_int_equal(matcher_create(&config, &m), RESULT_OK);
	return m;
}

static size_t
find(const struct matcher *m, const char *host, const char *path)
{
	return matcher_find(m, slice_of(host), slice_of(path));
}

/* The most specific host that has the path, then the longest path. */
static void
most_specific_wins(void **state)
{
	(void)state;
	struct matcher *m = build(services, COUNT(services));
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t got = find(m, rows[i].host, rows[i].path);
		if (got != rows[i].service)
			fail_msg("%s %s: %zu, not %zu", rows[i].host, rows[i].path, got,
				 rows[i].service);
	}
	matcher_free(&m);
	assert_null(m);
}

/* The sequence in the file does not matter. */
static void
sequence_does_not_matter(void **state)
{
	(void)state;
	struct config_service reversed[COUNT(services)];
	for (size_t i = 0; i < COUNT(services); i++)
		reversed[i] = services[COUNT(services) - 1 - i];
	struct matcher *m = build(reversed, COUNT(reversed));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(find(m, rows[i].host, rows[i].path),
				 COUNT(services) - 1 - rows[i].service);
	matcher_free(&m);
}

/* Without a service for all hosts, strangers get none. */
static void
strangers_match_nothing(void **state)
{
	(void)state;
	struct matcher *m = build(services, V6);
	assert_int_equal(find(m, "other.test", "/"), MATCH_NONE);
	assert_int_equal(find(m, "", "/"), MATCH_NONE);
	assert_int_equal(find(m, "example", "/"), MATCH_NONE);
	assert_int_equal(find(m, "a.example", "/"), WILD);
	matcher_free(&m);
	m = build(&services[ALL_ADMIN], 1);
	assert_int_equal(find(m, "shop.example", "/"), MATCH_NONE);
	assert_int_equal(find(m, "shop.example", "/admin"), 0);
	matcher_free(&m);
	m = build(services, 0);
	assert_int_equal(find(m, "shop.example", "/"), MATCH_NONE);
	matcher_free(&m);
}

/* Hosts as long as a client likes. */
static void
long_hosts(void **state)
{
	(void)state;
	char host[4096];
	struct matcher *m = build(services, COUNT(services));
	memset(host, 'a', sizeof(host));
	const struct slice end = SLICE(".example");
	memcpy(host + sizeof(host) - end.bytes, end.at, end.bytes);
	assert_int_equal(matcher_find(m, (struct slice){host, sizeof(host)}, SLICE("/")), ALL);
	size_t most = MATCH_HOST_BYTES_MAX;
	struct slice longest = {host + sizeof(host) - most, most};
	assert_int_equal(matcher_find(m, longest, SLICE("/")), WILD);
	longest.at--;
	longest.bytes++;
	assert_int_equal(matcher_find(m, longest, SLICE("/")), ALL);
	memset(host, '.', sizeof(host));
	assert_int_equal(matcher_find(m, (struct slice){host, sizeof(host)}, SLICE("/")), ALL);
	matcher_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(most_specific_wins),
	    cmocka_unit_test(sequence_does_not_matter),
	    cmocka_unit_test(strangers_match_nothing),
	    cmocka_unit_test(long_hosts),
	};
	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
