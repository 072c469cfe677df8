/* test_h2_head.c: fields of HTTP/2 as a head of HTTP/1.1; see edge/h2_head.h. */
#include "edge/h2_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct parse_limits limits = {
    .head_bytes_max = 4096, .target_bytes_max = 100, .fields_max = 20};
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static char memory[HTTP_HEAD_BYTES_MAX];

struct field {
	const char *name;
	const char *value;
};

#define HEAD                                    \
	":method", "GET"                        \
	}                                       \
	, {":scheme", "http"}, {":path", "/x"}, \
	{                                       \
		":authority", "shop.example"
#define FIELDS(...) ((const struct field[]){__VA_ARGS__, {NULL, NULL}})

static struct h2_head
make(const struct field *fields, bool ended)
{
	struct h2_head h;
	h2_head_init(&h, memory, &limits);
	for (; fields->name != NULL; fields++)
		(void)h2_head_add(&h, slice_of(fields->name), slice_of(fields->value));
	(void)h2_head_end(&h, ended, key);
	return h;
}

static void
makes(const struct field *fields, bool ended, const char *text)
{
	struct h2_head h = make(fields, ended);
	assert_int_equal(h.verdict, H2_HEAD_GOOD);
	assert_true(slice_equal((struct slice){h.text.at, h.text.bytes}, slice_of(text)));
}

static void
is(const struct field *fields, enum h2_verdict verdict)
{
	struct h2_head h = make(fields, true);
	assert_int_equal(h.verdict, verdict);
	assert_non_null(h.why);
}

static void
test_heads(void **state)
{
	(void)state;
	makes(FIELDS({HEAD}), true, "GET /x HTTP/1.1\r\nhost: shop.example\r\n\r\n");
	makes(FIELDS({HEAD}, {"accept", "*/*"}, {"x-empty", ""}), true,
	      "GET /x HTTP/1.1\r\nhost: shop.example\r\naccept: */*\r\nx-empty: \r\n\r\n");
	makes(FIELDS({":path", "*"}, {":method", "OPTIONS"}, {":scheme", "https"}, {"host", "h"}),
	      true, "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n");
	makes(FIELDS({HEAD}, {"host", "SHOP.example"}), true,
	      "GET /x HTTP/1.1\r\nhost: shop.example\r\n\r\n");
}

static void
test_framing(void **state)
{
	(void)state;
	makes(FIELDS({HEAD}), false,
	      "GET /x HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n");
	makes(FIELDS({HEAD}, {"content-length", "7"}), false,
	      "GET /x HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 7\r\n\r\n");
	makes(FIELDS({":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}),
	      true, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
}

static void
test_cookie_crumbs(void **state)
{
	(void)state;
	makes(
	    FIELDS({HEAD}, {"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"z", "z"},
		   {"cookie", ""}),
	    true,
	    "GET /x HTTP/1.1\r\nhost: shop.example\r\ncookie: a=1; b=2; \r\nx: y\r\nz: z\r\n\r\n");
}

static void
test_connection_fields(void **state)
{
	(void)state;
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
					    "transfer-encoding", "upgrade"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is(FIELDS({HEAD}, {names[i], "x"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"te", "gzip"}), H2_HEAD_MALFORMED);
	makes(FIELDS({HEAD}, {"te", "trailers"}), true,
	      "GET /x HTTP/1.1\r\nhost: shop.example\r\nte: trailers\r\nconnection: te\r\n\r\n");
}

static void
test_malformed_heads(void **state)
{
	(void)state;
	is(FIELDS({HEAD}, {"Upper", "x"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"", "x"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"a b", "x"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"x", " y"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"x", "y\t"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {":path", "/again"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {"x", "y"}, {":protocol", "websocket"}), H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {":status", "200"}), H2_HEAD_MALFORMED);
	is(FIELDS({":scheme", "http"}, {":path", "/"}), H2_HEAD_MALFORMED);
	is(FIELDS({":method", "GET"}, {":path", "/"}), H2_HEAD_MALFORMED);
	is(FIELDS({":method", "GET"}, {":scheme", "http"}), H2_HEAD_MALFORMED);
	is(FIELDS({":method", "GET"}, {":scheme", "http"}, {":path", ""}), H2_HEAD_MALFORMED);
	is(FIELDS({":method", "GET"}, {":scheme", "http"}, {":path", "http://other/"}),
	   H2_HEAD_MALFORMED);
	is(FIELDS({HEAD}, {":protocol", "websocket"}), H2_HEAD_MALFORMED);
}

/* HTTP/2 carries any byte; lines of HTTP/1.1 end where some of them stand. */
static void
test_must_58_nothing_that_came_ends_a_line(void **state)
{
	(void)state;
	static const char bad[] = "\r\n\0\x01\x1f\x7f";
	static const char *const names[] = {":method", ":scheme", ":authority", ":path", "x-field"};
	static const char *const good[] = {"GET", "http", "h", "/"};
	for (size_t which = 0; which < sizeof(names) / sizeof(names[0]); which++) {
		for (size_t i = 0; i < sizeof(bad) - 1; i++) {
			struct h2_head h;
			const char value[] = {'/', bad[i], 'x'};
			h2_head_init(&h, memory, &limits);
			for (size_t j = 0; j < 4; j++)
				(void)h2_head_add(&h, slice_of(names[j]),
						  j == which ? (struct slice){value, 3}
							     : slice_of(good[j]));
			if (which == 4)
				(void)h2_head_add(&h, SLICE("x-field"), (struct slice){value, 3});
			assert_int_equal(h2_head_end(&h, true, key), H2_HEAD_MALFORMED);
		}
	}
}

static void
test_what_is_refused(void **state)
{
	(void)state;
	struct h2_head h = make(FIELDS({HEAD}, {"host", "other.example"}), true);
	assert_int_equal(h.cause, CAUSE_CLIENT_BAD_REQUEST);
	h = make(FIELDS({":method", "CONNECT"}, {":authority", "x:1"}), true);
	assert_int_equal(h.cause, CAUSE_CLIENT_METHOD);
	h = make(FIELDS({":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}), true);
	assert_int_equal(h.cause, CAUSE_CLIENT_BAD_REQUEST);
	char path[120];
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	h = make(FIELDS({":method", "GET"}, {":scheme", "http"}, {":path", path}), true);
	assert_int_equal(h.cause, CAUSE_CLIENT_TARGET_TOO_LONG);
}

static void
test_tunnels(void **state)
{
	(void)state;
#define WS                                                                                         \
	{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/c"}, \
	    {":authority", "h"}
	makes(FIELDS(WS, {"sec-websocket-version", "13"}), false,
	      "GET /c HTTP/1.1\r\nhost: h\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\n"
	      "upgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	is(FIELDS(WS), H2_HEAD_MALFORMED); /* it ends at once */
	is(FIELDS(WS, {"content-length", "1"}), H2_HEAD_MALFORMED);
}

static void
test_bounds(void **state)
{
	(void)state;
	struct h2_head h;
	const char value[100] = "v";
	h2_head_init(&h, memory, &limits);
	(void)h2_head_add(&h, SLICE(":method"), SLICE("GET"));
	(void)h2_head_add(&h, SLICE(":scheme"), SLICE("http"));
	(void)h2_head_add(&h, SLICE(":path"), SLICE("/"));
	enum h2_verdict verdict = H2_HEAD_GOOD;
	unsigned crumbs = 0;
	while (verdict == H2_HEAD_GOOD && ++crumbs < 100)
		verdict = h2_head_add(&h, SLICE("cookie"), SLICE("c"));
	assert_int_equal(verdict, H2_HEAD_REFUSED);
	assert_int_equal(h.cause, CAUSE_CLIENT_HEAD_TOO_LARGE);
	assert_true(crumbs <= limits.fields_max + H2_PSEUDOS);
	for (size_t i = 0; i < H2_HEAD_BYTES_MAX / sizeof(value); i++)
		verdict = h2_head_add(&h, SLICE("x"), (struct slice){value, sizeof(value)});
	assert_int_equal(verdict, H2_HEAD_BOMB);
	assert_true(h.text.bytes <= limits.head_bytes_max);
	h2_head_init(&h, memory, &limits);
	for (size_t i = 0; i <= H2_HEAD_FIELDS_MAX; i++)
		verdict = h2_head_add(&h, SLICE("x"), SLICE(""));
	assert_int_equal(verdict, H2_HEAD_BOMB);
}

static void
test_trailers(void **state)
{
	(void)state;
	char text[20];
	struct writer w = writer_on(text, sizeof(text));
	assert_true(h2_line_add(&w, SLICE("a"), SLICE("1")));
	assert_false(h2_line_add(&w, SLICE(":path"), SLICE("/")));
	assert_false(h2_line_add(&w, SLICE("b"), SLICE("1\r\nc: 2")));
	assert_int_equal(w.bytes, 6);
	assert_false(h2_line_add(&w, SLICE("long"), SLICE("0123456789abcdef")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_heads),
	    cmocka_unit_test(test_framing),
	    cmocka_unit_test(test_cookie_crumbs),
	    cmocka_unit_test(test_connection_fields),
	    cmocka_unit_test(test_malformed_heads),
	    cmocka_unit_test(test_must_58_nothing_that_came_ends_a_line),
	    cmocka_unit_test(test_what_is_refused),
	    cmocka_unit_test(test_tunnels),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_trailers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
