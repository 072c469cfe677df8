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
	proxy_out_write(&w, version, client == NULL ? NULL : &from, &to, NULL);
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

/* Of "192.0.2.7:4711" at "10.0.0.1:443": what stands behind the addresses. */
static struct slice
behind(enum proxy_out version, const struct proxy_about *about)
{
	static char bytes[PROXY_OUT_BYTES_MAX];
	struct addr from;
	struct addr to;
	const char *why = "";
	assert_int_equal(addr_parse(SLICE("192.0.2.7:4711"), true, &from, NULL), RESULT_OK);
	assert_int_equal(addr_parse(SLICE("10.0.0.1:443"), true, &to, NULL), RESULT_OK);
	struct writer w = writer_on(bytes, sizeof(bytes));
	proxy_out_write(&w, version, &from, &to, about);
	assert_false(w.overflow);
	if (proxy_header_parse(bytes, w.bytes, &header, &why) != PROXY_DONE)
		fail_msg("%s", why);
	assert_int_equal(header.bytes, w.bytes);
	return (struct slice){bytes + 28, w.bytes - 28};
}

static void
assert_behind(const struct proxy_about *about, struct slice wanted)
{
	struct slice got = behind(PROXY_OUT_V2_TLS, about);
	assert_int_equal(got.bytes, wanted.bytes);
	assert_memory_equal(got.at, wanted.at, wanted.bytes);
}

/* Byte for byte as sections 2.2.1 to 2.2.6 have it. */
static void
tells_of_tls(void **state)
{
	struct proxy_about about = {.unique_id = SLICE("id")};
	(void)state;
	assert_behind(&about, SLICE("\x05\0\2id"));
	about.tls = true;
	about.version = SLICE("TLSv1.3");
	assert_behind(&about, SLICE("\x05\0\2id\x20\0\x0f\1\0\0\0\1\x21\0\7TLSv1.3"));
	about =
	    (struct proxy_about){.tls = true, .certified = true, .common_name = SLICE("\xc3\xa9")};
	assert_behind(&about, SLICE("\x20\0\x0a\7\0\0\0\0\x22\0\2\xc3\xa9"));
	about.resumed = true;
	assert_behind(&about, SLICE("\x20\0\x0a\5\0\0\0\0\x22\0\2\xc3\xa9"));
	about = (struct proxy_about){.tls = true,
				     .alpn = SLICE("h2"),
				     .authority = SLICE("s.x"),
				     .cipher = SLICE("C"),
				     .sig_alg = SLICE("S"),
				     .key_alg = SLICE("EC256")};
	assert_behind(&about, SLICE("\1\0\2h2\2\0\3s.x\x20\0\x15\1\0\0\0\1\x23\0\1C\x24\0\1S"
				    "\x25\0\5EC256"));
}

static void
versions_before_tell_addresses_alone(void **state)
{
	const struct proxy_about about = {.unique_id = SLICE("id"), .tls = true};
	(void)state;
	assert_int_equal(behind(PROXY_OUT_V2, &about).bytes, 0);
	assert_int_equal(behind(PROXY_OUT_V2_TLS, NULL).bytes, 0);
}

static void
holds_the_longest_and_leaves_out_longer(void **state)
{
	char text[PROXY_OUT_TEXT_BYTES_MAX + 1];
	struct slice most = {text, PROXY_OUT_TEXT_BYTES_MAX};
	struct proxy_about about = {most, true, most, most, most, most,
				    most, most, most, true, false};
	(void)state;
	memset(text, 'x', sizeof(text));
	struct slice got = behind(PROXY_OUT_V2_TLS, &about);
	assert_int_equal(got.bytes, 8 + 8 * (3 + PROXY_OUT_TEXT_BYTES_MAX));
	about = (struct proxy_about){.unique_id = {text, sizeof(text)}};
	assert_int_equal(behind(PROXY_OUT_V2_TLS, &about).bytes, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_read_again),
	    cmocka_unit_test(tells_of_tls),
	    cmocka_unit_test(versions_before_tell_addresses_alone),
	    cmocka_unit_test(holds_the_longest_and_leaves_out_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
