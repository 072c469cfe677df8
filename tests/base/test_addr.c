/* test_addr.c: addresses from text, from the system, and back. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
assert_addr_text(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, a);
	assert_string_equal(writer_text(&w), want);
}

/* Texts that are addresses, and the one text that each is written as. */
static void
parses_good_texts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *written;
	} rows[] = {
	    {"127.0.0.1:8080", "127.0.0.1:8080"},
	    {"0.0.0.0:1", "0.0.0.0:1"},
	    {"255.255.255.255:65535", "255.255.255.255:65535"},
	    {"1.10.100.0:1", "1.10.100.0:1"},
	    {"127.0.0.1:00080", "127.0.0.1:80"},
	    {"[::1]:80", "[::1]:80"},
	    {"[::]:80", "[::]:80"},
	    {"[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443"},
	    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	    {"[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr a;
		assert_int_equal(addr_parse(slice_of(rows[i].text), false, &a, NULL), RESULT_OK);
		assert_addr_text(&a, rows[i].written);
		struct sockaddr_storage storage;
		struct addr again;
		socklen_t bytes = addr_to_sockaddr(&a, &storage);
		assert_int_equal(bytes, a.family == AF_INET ? sizeof(struct sockaddr_in)
							    : sizeof(struct sockaddr_in6));
		addr_from_sockaddr((const struct sockaddr *)&storage, &again);
		if (strstr(rows[i].text, "ffff:192") == NULL)
			assert_true(addr_equal(&a, &again));
	}
}

/* Texts that are none. */
static void
refuses_bad_texts(void **state)
{
	(void)state;
	static const struct {
		struct slice text;
		const char *says;
	} rows[] = {
#define ROW(literal, says) {{literal, sizeof(literal) - 1}, says}
	    ROW("", "not an address"),
	    ROW(":80", "not an address"),
	    ROW("127.0.0.1", "not an address"),
	    ROW("127.0.0.1:", "not a port"),
	    ROW("127.0.0.1:0", "not a port"),
	    ROW("127.0.0.1:65536", "not a port"),
	    ROW("127.0.0.1:000080", "not a port"),
	    ROW("127.0.0.1:-1", "not a port"),
	    ROW("127.0.0.1:80 ", "not a port"),
	    ROW("127.0.0.1:http", "not a port"),
	    ROW(" 127.0.0.1:80", "not an address"),
	    ROW("127.1:80", "not an address"),
	    ROW("127.0.0.01:80", "not an address"),
	    ROW("0x7f.0.0.1:80", "not an address"),
	    ROW("127.0.0.256:80", "not an address"),
	    ROW("localhost:80", "not an address"),
	    ROW("::1:80", "not an address"),
	    ROW("[::1]", "not an address"),
	    ROW("[::1]80", "not an address"),
	    ROW("[::1]:", "not a port"),
	    ROW("[]:80", "not an address"),
	    ROW("[:80", "not an address"),
	    ROW("[", "not an address"),
	    ROW("[::1", "not an address"),
	    ROW("[127.0.0.1]:80", "not an address"),
	    ROW("[fe80::1%eth0]:80", "zones (%eth0) are not supported"),
	    ROW("[:::1]:80", "not an address"),
	    ROW("[0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", "not an address"),
	    ROW("127.0.0.1\0:80", "not an address"),
	    ROW("[::1\0x]:80", "not an address"),
#undef ROW
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr a;
		struct problem p = {""};
		if (addr_parse(rows[i].text, false, &a, &p) != RESULT_INVALID)
			fail_msg("row %zu", i);
		if (strstr(p.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, p.text);
	}
	struct addr a;
	assert_int_equal(addr_parse(SLICE_NONE, false, &a, NULL), RESULT_INVALID);
	assert_int_equal(addr_parse(SLICE("127.0.0.1:0"), true, &a, NULL), RESULT_OK);
	assert_int_equal(a.port, 0);
}

/* A mapped address is its IPv4 one; another family is no address. */
static void
reads_the_systems_addresses(void **state)
{
	(void)state;
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
	struct addr a;
	addr_from_sockaddr((const struct sockaddr *)&mapped, &a);
	assert_addr_text(&a, "192.0.2.1:80");
	struct addr b;
	assert_int_equal(addr_parse(SLICE("192.0.2.1:80"), false, &b, NULL), RESULT_OK);
	assert_true(addr_equal(&a, &b));
	struct sockaddr other = {.sa_family = AF_UNIX};
	addr_from_sockaddr(&other, &a);
	assert_int_equal(a.family, AF_UNIX);
	assert_addr_text(&a, "unix:");
	other.sa_family = AF_PACKET;
	addr_from_sockaddr(&other, &a);
	assert_int_equal(a.family, 0);
	char text[8];
	struct writer w = writer_on(text, sizeof(text));
	write_addr_ip(&w, &a);
	assert_string_equal(writer_text(&w), "-");
}

/* Equal means family, port and all of the address; loopback and any are told in both families. */
static void
compares(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool loopback;
		bool any;
	} rows[] = {
	    {"127.0.0.1:80", true, false},  {"127.255.0.9:80", true, false},
	    {"128.0.0.1:80", false, false}, {"0.0.0.0:80", false, true},
	    {"127.0.0.1:81", true, false},  {"[::1]:80", true, false},
	    {"[::]:80", false, true},       {"[::2]:80", false, false},
	    {"[::1:0]:80", false, false},   {"[7f00::]:80", false, false},
	};
	struct addr all[COUNT(rows)];
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(addr_parse(slice_of(rows[i].text), false, &all[i], NULL),
				 RESULT_OK);
		assert_int_equal(addr_is_loopback(&all[i]), rows[i].loopback);
		assert_int_equal(addr_is_any(&all[i]), rows[i].any);
		for (size_t j = 0; j <= i; j++)
			assert_int_equal(addr_equal(&all[i], &all[j]), i == j);
	}
}

/* What stands for an address: written as it was read, equal when the text is, nowhere else allowed.
 */
static void
reads_other_forms(void **state)
{
	(void)state;
	static const unsigned all = ADDR_FORM_UNIX | ADDR_FORM_HANDED | ADDR_FORM_NAME;
	static const struct {
		const char *text;
		const char *written; /* NULL: refused */
		uint16_t family;
	} rows[] = {
	    {"unix:/run/a.sock", "unix:/run/a.sock", AF_UNIX},
	    {"unix:/b", "unix:/b", AF_UNIX},
	    {"fd:web.socket", "fd:web.socket", ADDR_HANDED},
	    {"App.Internal:8080", "app.internal:8080", ADDR_NAME},
	    {"localhost:1", "localhost:1", ADDR_NAME},
	    {"a_b-1.x1:65535", "a_b-1.x1:65535", ADDR_NAME},
	    {"10.0.0.1:80", "10.0.0.1:80", AF_INET},
	    {"[::1]:80", "[::1]:80", AF_INET6},
	    {"unix:run", NULL, 0},
	    {"unix:/", NULL, 0},
	    {"unix:", NULL, 0},
	    {"fd:", NULL, 0},
	    {"fd:a b", NULL, 0},
	    {"fd:a:b", NULL, 0},
	    {"app.internal", NULL, 0},
	    {"app.internal:0", NULL, 0},
	    {"app.internal:65536", NULL, 0},
	    {"app..internal:80", NULL, 0},
	    {".app:80", NULL, 0},
	    {"app.:80", NULL, 0},
	    {"a b:80", NULL, 0},
	    {"10.0.0.256:80", NULL, 0},
	    {"10.0.0:80", NULL, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr one;
		struct addr two;
		enum result r = addr_parse_form(slice_of(rows[i].text), all, &one, NULL);
		if ((r == RESULT_OK) != (rows[i].written != NULL))
			fail_msg("%s: %d", rows[i].text, r);
		if (rows[i].written == NULL)
			continue;
		assert_int_equal(one.family, rows[i].family);
		assert_addr_text(&one, rows[i].written);
		assert_int_equal(addr_parse_form(slice_of(rows[i].text), all, &two, NULL),
				 RESULT_OK);
		assert_true(addr_equal(&one, &two));
		assert_int_equal(addr_is_ip(&one), addr_parse(slice_of(rows[i].text), false, &two,
							      NULL) == RESULT_OK);
	}
	char path[ADDR_PATH_BYTES_MAX + 8] = "unix:/";
	memset(path + 6, 'x', ADDR_PATH_BYTES_MAX);
	struct addr one;
	path[5 + ADDR_PATH_BYTES_MAX] = '\0';
	assert_int_equal(addr_parse_form(slice_of(path), all, &one, NULL), RESULT_OK);
	struct sockaddr_storage name;
	assert_int_equal(addr_to_sockaddr(&one, &name),
			 offsetof(struct sockaddr_un, sun_path) + ADDR_PATH_BYTES_MAX + 1);
	assert_string_equal(((struct sockaddr_un *)&name)->sun_path, path + 5);
	path[5 + ADDR_PATH_BYTES_MAX] = 'x';
	assert_int_equal(addr_parse_form(slice_of(path), all, &one, NULL), RESULT_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_other_forms), cmocka_unit_test(parses_good_texts),
	    cmocka_unit_test(refuses_bad_texts), cmocka_unit_test(reads_the_systems_addresses),
	    cmocka_unit_test(compares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
