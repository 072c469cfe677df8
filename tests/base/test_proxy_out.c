/* test_proxy_out.c: what members are told is read again as it was meant, in both versions. */
#include "base/proxy_out.h"
#include "edge/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct proxy_header header;

static const char *
told(enum proxy_out version, const char *client, const char *at)
{
	static char text[ADDR_TEXT_BYTES_MAX];
	char bytes[PROXY_OUT_BYTES_MAX];
	struct addr from = {.family = AF_UNIX};
	struct addr to = {.family = 0};
	const char *why;
	if (client != NULL && strcmp(client, "unix") != 0)
		assert_int_equal(addr_parse(slice_of(client), true, &from, NULL), RESULT_OK);
	if (at != NULL)
		assert_int_equal(addr_parse(slice_of(at), true, &to, NULL), RESULT_OK);
	struct writer w = writer_on(bytes, sizeof(bytes));
	proxy_out_write(&w, version, client == NULL ? NULL : &from, &to);
	assert_false(w.overflow);
	assert_int_equal(proxy_header_parse(bytes, w.bytes, &header, &why), PROXY_DONE);
	assert_int_equal(header.bytes, w.bytes);
	w = writer_on(text, sizeof(text));
	write_addr(&w, &header.client);
	return writer_text(&w);
}

static void
is_read_again(void **state)
{
	static const enum proxy_out versions[] = {PROXY_OUT_V1, PROXY_OUT_V2};
	static const char longest[] = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		enum proxy_out v = versions[i];
		assert_string_equal(told(v, "192.0.2.7:4711", "10.0.0.1:80"), "192.0.2.7:4711");
		assert_string_equal(told(v, "[2001:db8::7]:4711", "[::1]:80"),
				    "[2001:db8::7]:4711");
		assert_string_equal(told(v, "192.0.2.7:0", "[2001:db8::1]:443"), "192.0.2.7:0");
		assert_string_equal(told(v, "[2001:db8::7]:1", "10.0.0.1:80"), "[2001:db8::7]:1");
		assert_string_equal(told(v, "192.0.2.7:4711", NULL), "192.0.2.7:4711");
		assert_string_equal(told(v, longest, longest), longest);
		assert_string_equal(told(v, NULL, NULL), "-:0");
		assert_string_equal(told(v, "unix", NULL), "-:0");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_read_again)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
