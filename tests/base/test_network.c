/* test_network.c: ranges of addresses: see base/network.h. */
#include "base/network.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
tells_who_is_in(void **state)
{
	(void)state;
	static const struct {
		const char *network;
		const char *address;
		bool in;
	} cases[] = {
	    {"10.0.0.0/8", "10.255.1.2", true},
	    {"10.0.0.0/8", "11.0.0.0", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.0/31", "192.0.2.1", true},
	    {"192.0.2.0/31", "192.0.2.2", false},
	    {"172.16.0.0/12", "172.31.0.1", true},
	    {"172.16.0.0/12", "172.32.0.1", false},
	    {"0.0.0.0/0", "203.0.113.9", true},
	    {"0.0.0.0/0", "::1", false},
	    {"::/0", "2001:db8::1", true},
	    {"2001:db8::/33", "2001:db8:7fff::", true},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"::1", "::1", true},
	    {"::1/128", "::2", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct network n;
		struct addr a;
		assert_int_equal(network_parse(slice_of(cases[i].network), &n, NULL), RESULT_OK);
		assert_true(addr_parse_ip(slice_of(cases[i].address), &a));
		assert_int_equal(network_has(&n, &a), cases[i].in);
		assert_int_equal(networks_have(&n, 1, &a), cases[i].in);
		assert_false(networks_have(&n, 0, &a));
	}
}

static void
refuses_what_is_none(void **state)
{
	(void)state;
	static const char *const cases[] = {
	    "",         "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0.0/8/",
	    "10.0.0/8", "::/129",    "::1/64",      "example",     "/8",         "10.0.0.0:80"};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct network n;
		struct problem p = {""};
		assert_int_equal(network_parse(slice_of(cases[i]), &n, &p), RESULT_INVALID);
		assert_string_not_equal(p.text, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_who_is_in),
	    cmocka_unit_test(refuses_what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
