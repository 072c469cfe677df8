/* test_proxy_header.c: PROXY headers whole, cut at every byte, and wrong: see edge/proxy_header.h.
 */
#include "edge/proxy_header.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SIGNATURE    "\r\n\r\n\0\r\nQUIT\n"

/* ---- helpers ----------------------------------------------------------------------------------
 */

struct bytes {
	size_t count;
	char at[PROXY_HEADER_BYTES_MAX + 64];
};

static void
put(struct bytes *b, const void *at, size_t count)
{
	assert_true(count <= sizeof(b->at) - b->count);
	memcpy(b->at + b->count, at, count);
	b->count += count;
}
#define PUT(b, literal) put((b), (literal), sizeof(literal) - 1)

/* The fixed part of a version 2 header that says `length`. */
static struct bytes
v2(unsigned command, unsigned family, size_t length)
{
	struct bytes b = {.count = 0};
	PUT(&b, SIGNATURE);
	char fixed[] = {(char)command, (char)family, (char)(length >> 8), (char)length};
	put(&b, fixed, sizeof(fixed));
	return b;
}

static const char v4_addresses[] = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb";

static enum proxy_outcome
parse(const struct bytes *b, struct proxy_header *h)
{
	const char *why = NULL;
	enum proxy_outcome outcome = proxy_header_parse(b->at, b->count, h, &why);
	assert_true((outcome == PROXY_BAD) == (why != NULL));
	return outcome;
}

static void
assert_client(const struct proxy_header *h, const char *want)
{
	char text[ADDR_TEXT_BYTES_MAX] = "-";
	struct writer w = writer_on(text, sizeof(text));
	if (h->client.family != 0) {
		write_addr(&w, &h->client);
		(void)writer_text(&w);
	}
	assert_string_equal(text, want);
}

/* The same whether bytes follow or not, and of each shorter part more is wanted. */
static void
assert_whole(const struct bytes *b, const char *client)
{
	struct proxy_header h;
	for (size_t cut = 0; cut < b->count; cut++) {
		struct bytes part = {.count = 0};
		put(&part, b->at, cut);
		assert_int_equal(parse(&part, &h), PROXY_MORE);
	}
	assert_int_equal(parse(b, &h), PROXY_DONE);
	assert_int_equal(h.bytes, b->count);
	assert_client(&h, client);
	struct bytes more = *b;
	PUT(&more, "GET / HTTP/1.1\r\n");
	assert_int_equal(parse(&more, &h), PROXY_DONE);
	assert_int_equal(h.bytes, b->count);
	assert_client(&h, client);
}

static struct bytes
line(const char *text)
{
	struct bytes b = {.count = 0};
	put(&b, text, strlen(text));
	return b;
}

/* ---- cases ------------------------------------------------------------------------------------
 */

static void
reads_lines(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *client;
	} cases[] = {
	    {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1:56324"},
	    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
	    {"PROXY TCP4 192.0.2.1 198.51.100.1 0 443\r\n", "192.0.2.1:0"},
	    {"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "[2001:db8::1]:1"},
	    {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1"},
	    {"PROXY UNKNOWN\r\n", "-"},
	    {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "-"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes b = line(cases[i].text);
		assert_whole(&b, cases[i].client);
	}
	/* The longest that the specification knows: 107 bytes. */
	struct bytes longest = line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
				    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
	assert_true(longest.count <= 107);
	while (longest.count < 107) {
		longest.count -= 2;
		PUT(&longest, " \r\n");
	}
	assert_whole(&longest, "-");
}

static void
refuses_lines(void **state)
{
	(void)state;
	static const char *const cases[] = {
	    "GET / HTTP/1.1\r\n",
	    "PROXZ",
	    "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
	    "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
	    "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.1  2\r\n",
	    "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
	    "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
	    "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
	    "PROXY TCP6 2001:db8::1 198.51.100.1 1 2\r\n",
	    "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
	    "PROXY TCP4\r\n",
	    "PROXY \r\n",
	    "PROXY UNKNOWNER\r\n",
	};
	struct proxy_header h;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes b = line(cases[i]);
		assert_int_equal(parse(&b, &h), PROXY_BAD);
		assert_int_equal(h.client.family, 0);
	}
	struct bytes zero = {.count = 0};
	PUT(&zero, "PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n");
	assert_int_equal(parse(&zero, &h), PROXY_BAD);
	struct bytes endless = {.count = 0};
	PUT(&endless, "PROXY UNKNOWN ");
	while (endless.count < 107) {
		assert_int_equal(parse(&endless, &h), PROXY_MORE);
		PUT(&endless, "a");
	}
	assert_int_equal(parse(&endless, &h), PROXY_BAD);
}

static void
reads_binary_headers(void **state)
{
	(void)state;
	struct bytes b = v2(0x21, 0x11, 12);
	put(&b, v4_addresses, 12);
	assert_whole(&b, "192.0.2.7:56324");
	b = v2(0x21, 0x21, 36);
	PUT(&b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
	PUT(&b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02");
	PUT(&b, "\x00\x01\x00\x02");
	assert_whole(&b, "[2001:db8::1]:1");
	/* TLVs of any type, an empty one too, are passed over. */
	b = v2(0x21, 0x11, 12 + 5 + 3 + 103);
	put(&b, v4_addresses, 12);
	PUT(&b, "\x01\x00\x02h2\xea\x00\x00\x20\x00\x64");
	for (int i = 0; i < 100; i++)
		PUT(&b, "x");
	assert_whole(&b, "192.0.2.7:56324");
}

/* The sender speaks for itself, or of what has no IP address: the connection's own address holds.
 */
static void
reads_headers_without_a_client(void **state)
{
	(void)state;
	struct bytes b = v2(0x20, 0x00, 0);
	assert_whole(&b, "-");
	b = v2(0x20, 0x11, 12); /* LOCAL: what it holds is skipped, and not looked at */
	PUT(&b, "nonsense 012");
	assert_whole(&b, "-");
	b = v2(0x21, 0x00, 7);
	PUT(&b, "unknown");
	assert_whole(&b, "-");
	b = v2(0x21, 0x12, 12); /* UDP */
	put(&b, v4_addresses, 12);
	assert_whole(&b, "-");
	b = v2(0x21, 0x31, 216);
	memset(b.at + b.count, 'u', 216);
	b.count += 216;
	assert_whole(&b, "-");
}

/* Computed by an implementation of another shape (shifting left), which gives e3069283 of
 * "123456789". */
static void
verifies_checksums(void **state)
{
	(void)state;
	struct bytes b = v2(0x21, 0x11, 24);
	put(&b, v4_addresses, 12);
	PUT(&b, "\x01\x00\x02h2\x03\x00\x04\x3c\xd5\x1d\xfe");
	assert_whole(&b, "192.0.2.7:56324");
	for (size_t i = 12; i < b.count; i++) {
		struct proxy_header h;
		struct bytes forged = b;
		forged.at[i] ^= 4;
		enum proxy_outcome outcome = parse(&forged, &h);
		/* Its own type and length aside, and a length that makes it a part. */
		if (i >= 16 && i != 33)
			assert_int_equal(outcome, PROXY_BAD);
	}
	b = v2(0x21, 0x11, 12 + 3 + 3);
	put(&b, v4_addresses, 12);
	PUT(&b, "\x03\x00\x03"
		"abc");
	struct proxy_header h;
	assert_int_equal(parse(&b, &h), PROXY_BAD);
}

static void
refuses_binary_headers(void **state)
{
	(void)state;
	static const struct {
		unsigned command;
		unsigned family;
		size_t length;
	} cases[] = {
	    {0x11, 0x11, 12},  /* version 1 */
	    {0x31, 0x11, 12},  /* version 3 */
	    {0x22, 0x11, 12},  /* no such command */
	    {0x21, 0x41, 12},  /* no such family */
	    {0x21, 0x13, 12},  /* no such protocol */
	    {0x21, 0x11, 11},  /* shorter than its addresses */
	    {0x21, 0x21, 35},  /* likewise */
	    {0x21, 0x31, 215}, /* likewise */
	    {0x21, 0x11, 13},  /* a part of a TLV */
	    {0x21, 0x11, 14},  /* likewise */
	    {0x21, 0x11, 0xffff}, {0x20, 0x00, PROXY_HEADER_BYTES_MAX - 16 + 1},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct proxy_header h;
		struct bytes b = v2(cases[i].command, cases[i].family, cases[i].length);
		for (size_t held = 0; held < cases[i].length && held < 300; held++)
			PUT(&b, "\x01");
		assert_int_equal(parse(&b, &h), PROXY_BAD);
		assert_int_equal(h.client.family, 0);
	}
	/* A TLV that says more than there is. */
	struct proxy_header h;
	struct bytes b = v2(0x21, 0x11, 12 + 4);
	put(&b, v4_addresses, 12);
	PUT(&b, "\x04\x00\x02x");
	assert_int_equal(parse(&b, &h), PROXY_BAD);
	b = line("\r\n\r\nGET /");
	assert_int_equal(parse(&b, &h), PROXY_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_lines),
	    cmocka_unit_test(refuses_lines),
	    cmocka_unit_test(reads_binary_headers),
	    cmocka_unit_test(reads_headers_without_a_client),
	    cmocka_unit_test(verifies_checksums),
	    cmocka_unit_test(refuses_binary_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
