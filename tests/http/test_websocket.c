/* test_websocket.c: which answers agree to a WebSocket; the vector of RFC 6455 section 1.3. */
#include "http/parse.h"
#include "http/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEY    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UP     "Connection: Upgrade\r\nUpgrade: websocket\r\n"

static bool
agreed(const char *request_fields, const char *answer_fields)
{
	static const struct parse_limits limits = {16384, 8192, 100};
	static struct http_head request;
	static struct http_head answer;
	char asked[1024];
	char told[1024];
	struct writer w = writer_on(asked, sizeof(asked));
	write_text(&w, "GET / HTTP/1.1\r\nHost: x\r\n" UP);
	write_text(&w, request_fields);
	write_text(&w, "\r\n");
	size_t asked_bytes = w.bytes;
	w = writer_on(told, sizeof(told));
	write_text(&w, "HTTP/1.1 101 Switching Protocols\r\n");
	write_text(&w, answer_fields);
	write_text(&w, "\r\n");
	struct parser *parser = parser_create();
	size_t skipped;
	enum cause cause;
	const char *why;
	assert_int_equal(
	    parse_request(parser, asked, asked_bytes, &limits, &request, &skipped, &cause, &why),
	    PARSE_OK);
	assert_int_equal(
	    parse_response(parser, told, w.bytes, &limits, METHOD_GET, &answer, &cause, &why),
	    PARSE_OK);
	bool result = websocket_agreed(&request, &answer);
	parser_free(&parser);
	return result;
}

static void
takes_the_right_answer(void **state)
{
	(void)state;
	assert_true(agreed(KEY, UP ACCEPT));
	assert_true(agreed(KEY, "Connection: upgrade\r\nupgrade: WebSocket\r\n"
				"sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"));
}

static void
refuses_every_other(void **state)
{
	(void)state;
	assert_false(agreed(KEY, UP));
	assert_false(agreed(KEY, UP "Sec-WebSocket-Accept: \r\n"));
	assert_false(agreed(KEY, UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n"));
	assert_false(agreed(KEY, UP "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_false(agreed(KEY, UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n"));
	assert_false(agreed(KEY, UP ACCEPT ACCEPT));
	assert_false(agreed(KEY, "Connection: Upgrade\r\n" ACCEPT));
	assert_false(agreed(KEY, "Connection: Upgrade\r\nUpgrade: h2c\r\n" ACCEPT));
	assert_false(agreed(KEY, "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" ACCEPT));
	assert_false(agreed("", UP ACCEPT));
	assert_false(agreed(KEY KEY, UP ACCEPT));
	assert_false(agreed("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", UP ACCEPT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_right_answer),
	    cmocka_unit_test(refuses_every_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
