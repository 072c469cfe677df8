/* test_forwarded.c: what proxies say of whom they ask for: read, judged, written. */
#include "http/forwarded.h"
#include "parsing.h"

static struct forwarded f;
static char said[4096];

/* A request with these lines. */
static bool
reads(enum forwarded_family family, const char *lines)
{
	char text[8192];
	int bytes = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
	assert_int_equal(request_of((struct slice){text, (size_t)bytes}), PARSE_OK);
	return forwarded_read(&head, family, &f);
}

static bool
reads_rfc7239(const char *value)
{
	char lines[8192];
	(void)snprintf(lines, sizeof(lines), "Forwarded: %s\r\n", value);
	return reads(FORWARDED_BY_RFC7239, lines);
}

static bool
reads_x(const char *value)
{
	char lines[8192];
	(void)snprintf(lines, sizeof(lines), "X-Forwarded-For: %s\r\n", value);
	return reads(FORWARDED_BY_X, lines);
}

/* The addresses, "-" for an unknown one. */
static const char *
chain(void)
{
	struct writer w = writer_on(said, sizeof(said));
	for (size_t i = 0; i < f.count; i++) {
		if (i > 0)
			write_char(&w, ' ');
		write_addr_ip(&w, &f.hop[i].client);
	}
	return writer_text(&w);
}

static void
reads_forwarded(void **state)
{
	static const char *const good[][2] = {
	    {"for=192.0.2.43", "192.0.2.43"},
	    {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"},
	    {"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"},
	    {"for=192.0.2.43, for=198.51.100.17", "192.0.2.43 198.51.100.17"},
	    {"for=_gazonk", "-"},
	    {"for=\"_gazonk:_obf\"", "-"},
	    {"for=unknown", "-"},
	    {"for=\"unknown:80\"", "-"},
	    {"for=\"192.0.2.43:47011\"", "192.0.2.43"},
	    {"for=\"[::ffff:192.0.2.9]\"", "192.0.2.9"},
	    {"by=_proxy", "-"},
	    {"proto=https;host=\"a.example:81\" ,for=10.0.0.1", "- 10.0.0.1"},
	    {"for=10.0.0.1;secret=\"a \\\"b, for=10.0.0.2\"", "10.0.0.1"},
	    {";for=10.0.0.1;", "10.0.0.1"},
	    {", ,for=10.0.0.1,,", "10.0.0.1"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(reads_rfc7239(good[i][0]));
		assert_string_equal(chain(), good[i][1]);
	}
	assert_true(reads(FORWARDED_BY_RFC7239,
			  "Forwarded: for=10.0.0.1\r\nX-Forwarded-For: bad\r\n"
			  "Forwarded: for=10.0.0.2;proto=https\r\n"));
	assert_string_equal(chain(), "10.0.0.1 10.0.0.2");
	assert_true(slice_equal(f.hop[1].proto, SLICE("https")));
	assert_true(slice_equal(f.hop[1].text, SLICE("for=10.0.0.2;proto=https")));
}

static void
refuses_forwarded(void **state)
{
	static const char *const bad[] = {
	    "for=[2001:db8::1]",   /* not a token */
	    "for=192.0.2.43:80",   /* nor this */
	    "for=\"2001:db8::1\"", /* brackets */
	    "for=\"[2001:db8::1\"",
	    "for=\"[192.0.2.1]\"",
	    "for=\"[fe80::1%25eth0]\"",
	    "for=\"192.0.2.1:\"",
	    "for=\"192.0.2.1:65536\"",
	    "for=192.0.2.1.5",
	    "for=192.0.2",
	    "for=hidden", /* neither an address nor _hidden */
	    "for=_",
	    "for=\"_a b\"",
	    "for=",
	    "for",
	    "for=\"\"",
	    "for=\"192.0.2.1",
	    "for=\"192.0.2.1\\",
	    "for=\"192.0.2.\\1\"",
	    "for =192.0.2.1",
	    "for=192.0.2.1 ;proto=http", /* no blanks around ';' */
	    "for=192.0.2.1; proto=http",
	    "for=192.0.2.1 for=192.0.2.2",
	    "for=192.0.2.1;for=192.0.2.2", /* once an element */
	    "proto=http;for=10.0.0.1;PROTO=https",
	    "proto=\"ht tp\"",
	    "host=\"a,b\"",
	    "host=\"a/b\"",
	    "by=nobody",
	    "=x",
	    "for=10.0.0.1, x",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (reads_rfc7239(bad[i]))
			fail_msg("%s was read", bad[i]);
	}
}

static void
reads_x_forwarded(void **state)
{
	static const char *const good[][2] = {
	    {"192.0.2.43", "192.0.2.43"},
	    {"192.0.2.43, 2001:db8::17", "192.0.2.43 2001:db8::17"},
	    {"192.0.2.43:80,[2001:db8::17]:443 , [::1]", "192.0.2.43 2001:db8::17 ::1"},
	    {"unknown, _x, 10.0.0.1", "- - 10.0.0.1"},
	    {"::ffff:10.0.0.1", "10.0.0.1"},
	    {",10.0.0.1,", "10.0.0.1"},
	};
	static const char *const bad[] = {
	    "x",          "10.0.0.1 10.0.0.2", "10.0.0.1,x", "\"::1\"", "2001:db8::1:80:x",
	    "10.0.0.300", "10.0.0.1:99999",    "[::1",       "[::1]x",  "for=10.0.0.1"};
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(reads_x(good[i][0]));
		assert_string_equal(chain(), good[i][1]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (reads_x(bad[i]))
			fail_msg("%s was read", bad[i]);
	}
	assert_true(reads(FORWARDED_BY_X,
			  "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n"
			  "Forwarded: for=bad\r\nX-Forwarded-Proto: https\r\n"
			  "X-Forwarded-Host: a.example:81, b\r\n"));
	assert_string_equal(chain(), "10.0.0.1 10.0.0.2");
	assert_true(slice_equal(f.proto, SLICE("https")));
	assert_true(slice_equal(f.host, SLICE("a.example:81, b")));
	assert_false(
	    reads(FORWARDED_BY_X, "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"));
	assert_false(reads(FORWARDED_BY_X, "X-Forwarded-Proto: a b\r\n"));
	assert_false(reads(FORWARDED_BY_X, "X-Forwarded-Host: a\"b\r\n"));
	assert_false(reads(FORWARDED_BY_X, "X-Forwarded-Host: ,\r\n"));
}

static void
keeps_its_bounds(void **state)
{
	char value[8192];
	struct writer w = writer_on(value, sizeof(value));
	(void)state;
	for (size_t i = 0; i < FORWARDED_HOPS_MAX; i++)
		write_text(&w, i == 0 ? "10.0.0.1" : ",10.0.0.1");
	assert_true(reads_x(writer_text(&w)));
	assert_int_equal(f.count, FORWARDED_HOPS_MAX);
	write_literal(&w, ",10.0.0.1");
	assert_false(reads_x(writer_text(&w)));
	w = writer_on(value, sizeof(value));
	for (size_t i = 0; i < FORWARDED_PAIRS_MAX; i++)
		write_text(&w, i == 0 ? "a=b" : ";a=b");
	assert_true(reads_rfc7239(writer_text(&w)));
	write_literal(&w, ";a=b");
	assert_false(reads_rfc7239(writer_text(&w)));
	w = writer_on(value, sizeof(value));
	for (size_t i = 0; i < FORWARDED_BYTES_MAX / 8; i++)
		write_literal(&w, "a=bcdef,");
	assert_false(reads_rfc7239(writer_text(&w)));
}

static const char *
client_of(const char *list)
{
	struct network trusted[2];
	struct addr peer;
	struct problem p;
	assert_int_equal(network_parse(SLICE("10.0.0.0/8"), &trusted[0], &p), RESULT_OK);
	assert_int_equal(network_parse(SLICE("2001:db8::/32"), &trusted[1], &p), RESULT_OK);
	assert_true(addr_parse_ip(SLICE("10.9.9.9"), &peer));
	assert_true(reads_x(list));
	struct addr client = forwarded_client(&f, trusted, 2, &peer);
	struct writer w = writer_on(said, sizeof(said));
	write_addr_ip(&w, &client);
	write_format(&w, " %zu", f.home);
	return writer_text(&w);
}

static void
finds_the_client(void **state)
{
	(void)state;
	assert_string_equal(client_of("192.0.2.1"), "192.0.2.1 0");
	assert_string_equal(client_of("192.0.2.1, 10.0.0.1, 2001:db8::5"), "192.0.2.1 0");
	assert_string_equal(client_of("6.6.6.6, 192.0.2.1, 10.0.0.1"), "192.0.2.1 1");
	assert_string_equal(client_of("10.0.0.2, 10.0.0.1"), "10.0.0.2 0");
	assert_string_equal(client_of("6.6.6.6, unknown, 10.0.0.1"), "10.0.0.1 1");
	assert_string_equal(client_of("6.6.6.6, _x"), "10.9.9.9 1");
	assert_string_equal(client_of(","), "10.9.9.9 0");
}

static const char *
written(unsigned write, bool came, const char *ip, const char *host)
{
	struct addr peer = {.family = 0};
	struct forwarded_self self = {&peer, SLICE("http"), slice_of(host)};
	struct writer w = writer_on(said, sizeof(said));
	if (!addr_parse_ip(slice_of(ip), &peer))
		peer.family = 0;
	forwarded_write(&w, write, came ? &f : NULL, &self);
	return writer_text(&w);
}

static void
writes_anew(void **state)
{
	(void)state;
	assert_string_equal(written(FORWARDED_WRITE_X, false, "192.0.2.1", "h:81"),
			    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
			    "X-Forwarded-Host: h:81\r\n");
	assert_string_equal(written(FORWARDED_WRITE_RFC7239, false, "2001:db8::1", "h:81"),
			    "Forwarded: for=\"[2001:db8::1]\";proto=http;host=\"h:81\"\r\n");
	assert_string_equal(written(FORWARDED_WRITE_RFC7239, false, "192.0.2.1", ""),
			    "Forwarded: for=192.0.2.1;proto=http\r\n");
	assert_string_equal(written(FORWARDED_WRITE_X | FORWARDED_WRITE_RFC7239, false, "-", "h"),
			    "X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\n"
			    "X-Forwarded-Host: h\r\nForwarded: for=unknown;proto=http;host=h\r\n");
}

static void
extends_what_came(void **state)
{
	(void)state;
	assert_true(reads_rfc7239("for=192.0.2.1;proto=https;host=www;x=\"a,b\",for=_y"));
	f.home = 0;
	assert_string_equal(written(FORWARDED_WRITE_RFC7239, true, "10.0.0.1", "h"),
			    "Forwarded: for=192.0.2.1;proto=https;host=www;x=\"a,b\", for=_y, "
			    "for=10.0.0.1;proto=http;host=h\r\n");
	assert_string_equal(written(FORWARDED_WRITE_X, true, "10.0.0.1", "h"),
			    "X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.1\r\n"
			    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: www\r\n");
	assert_true(reads(FORWARDED_BY_X, "X-Forwarded-For: _y, [2001:db8::1]:5\r\n"
					  "X-Forwarded-Proto: https, http\r\n"
					  "X-Forwarded-Host: www:1\r\n"));
	f.home = 1;
	assert_string_equal(written(FORWARDED_WRITE_X, true, "10.0.0.1", "h"),
			    "X-Forwarded-For: _y, [2001:db8::1]:5, 10.0.0.1\r\n"
			    "X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: www:1\r\n");
	assert_string_equal(written(FORWARDED_WRITE_RFC7239, true, "10.0.0.1", "h"),
			    "Forwarded: for=unknown, for=\"[2001:db8::1]\";proto=https;"
			    "host=\"www:1\", for=10.0.0.1;proto=http;host=h\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_forwarded),   cmocka_unit_test(refuses_forwarded),
	    cmocka_unit_test(reads_x_forwarded), cmocka_unit_test(keeps_its_bounds),
	    cmocka_unit_test(finds_the_client),  cmocka_unit_test(writes_anew),
	    cmocka_unit_test(extends_what_came),
	};
	return cmocka_run_group_tests(tests, parser_up, parser_down);
}
