/* test_h2_request.c: a request's head as fields: pseudo-fields first and in order, nothing of one
 * hop, tunnels (RFC 9113 section 8.3.1, RFC 8441); see http/h2_request.h. */
#include "http/h2_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct h2_request r;
static char head[16384];

static bool
read_head(const char *text)
{
	(void)snprintf(head, sizeof(head), "%s", text);
	return h2_request_read(&r, head, strlen(head));
}

/* "name=value;" of all that is sent. */
static const char *
sent(bool secure, bool tunnel)
{
	static char text[4096];
	size_t bytes = 0;
	h2_request_begin(&r, secure, tunnel);
	for (size_t i = r.begin; i < r.fields.count; i++) {
		const nghttp2_nv *nv = &r.fields.list[i];
		bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%.*s=%.*s;",
					  (int)nv->namelen, (const char *)nv->name,
					  (int)nv->valuelen, (const char *)nv->value);
	}
	return text;
}

static void
test_pseudo_fields_come_first(void **state)
{
	(void)state;
	assert_true(read_head("GET /a?b HTTP/1.1\r\nX-One: 1\r\nHost: h:80\r\nX-Two: 2\r\n\r\n"));
	assert_int_equal(r.framing, BODY_NONE);
	assert_false(r.websocket);
	assert_string_equal(sent(false, false),
			    ":method=GET;:scheme=http;:path=/a?b;:authority=h:80;x-one=1;x-two=2;");
	assert_string_equal(
	    sent(true, false),
	    ":method=GET;:scheme=https;:path=/a?b;:authority=h:80;x-one=1;x-two=2;");
}

static void
test_without_a_host(void **state)
{
	(void)state;
	assert_true(read_head("OPTIONS * HTTP/1.1\r\nX: 1\r\n\r\n"));
	assert_string_equal(sent(false, false), ":method=OPTIONS;:scheme=http;:path=*;x=1;");
	assert_true(read_head("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
	assert_string_equal(sent(false, false), ":method=GET;:scheme=http;:path=/;");
}

static void
test_fields_of_one_hop_stay(void **state)
{
	(void)state;
	assert_true(read_head("POST / HTTP/1.1\r\nHost: h\r\nConnection: te\r\nTE: trailers\r\n"
			      "Transfer-Encoding: chunked\r\nUpgrade: h2c\r\n\r\n"));
	assert_int_equal(r.framing, BODY_CHUNKED);
	assert_false(r.websocket);
	assert_string_equal(sent(false, false),
			    ":method=POST;:scheme=http;:path=/;:authority=h;te=trailers;");
}

static void
test_lengths(void **state)
{
	(void)state;
	assert_true(read_head("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 17\r\n\r\n"));
	assert_int_equal(r.framing, BODY_LENGTH);
	assert_int_equal(r.content_length, 17);
	assert_string_equal(sent(false, false),
			    ":method=POST;:scheme=http;:path=/;:authority=h;content-length=17;");
	assert_true(read_head("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
	assert_int_equal(r.content_length, 0);
	assert_false(read_head("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"));
	assert_false(read_head("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"));
}

/* The key is not told to the member. */
static void
test_a_websocket_is_a_tunnel(void **state)
{
	(void)state;
	assert_true(read_head("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
			      "Upgrade: echo, WebSocket\r\nSec-WebSocket-Key: abc\r\n"
			      "Sec-WebSocket-Version: 13\r\n\r\n"));
	assert_true(r.websocket);
	assert_true(slice_equal(r.key, SLICE("abc")));
	assert_string_equal(sent(true, true),
			    ":method=CONNECT;:scheme=https;:path=/chat;:authority=h;"
			    ":protocol=websocket;sec-websocket-version=13;");
}

/* Whom no handshake could be proved to asks for none. */
static void
test_without_a_key_it_is_none(void **state)
{
	(void)state;
	assert_true(read_head("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"));
	assert_false(r.websocket);
	assert_true(read_head("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
			      "Sec-WebSocket-Key:\r\n\r\n"));
	assert_false(r.websocket);
	assert_true(read_head("GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: abc\r\n\r\n"));
	assert_false(r.websocket);
}

static void
test_what_is_no_head(void **state)
{
	(void)state;
	assert_false(read_head(""));
	assert_false(read_head("\r\n"));
	assert_false(read_head("GET\r\n\r\n"));
	assert_false(read_head("GET / HTTP/1.1\r\nno line\r\n\r\n"));
}

/* Full to the last place, and one more. */
static void
test_as_many_fields_as_fit(void **state)
{
	size_t most = H2_LINES_MAX - H2_PSEUDOS_MAX;
	(void)state;
	for (size_t fields = most; fields <= most + 1; fields++) {
		struct writer w = writer_on(head, sizeof(head));
		write_literal(&w, "GET / HTTP/1.1\r\nHost: h\r\n");
		for (size_t i = 0; i < fields; i++)
			write_literal(&w, "a: b\r\n");
		write_literal(&w, "\r\n");
		assert_false(w.overflow);
		assert_int_equal(h2_request_read(&r, head, w.bytes), fields == most);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pseudo_fields_come_first),
	    cmocka_unit_test(test_without_a_host),
	    cmocka_unit_test(test_fields_of_one_hop_stay),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_a_websocket_is_a_tunnel),
	    cmocka_unit_test(test_without_a_key_it_is_none),
	    cmocka_unit_test(test_what_is_no_head),
	    cmocka_unit_test(test_as_many_fields_as_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
