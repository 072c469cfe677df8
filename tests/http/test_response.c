/* test_response.c: answers of members, well- and ill-behaved; see test_request.c for the names. */
#include "parsing.h"

static struct slice
with_fields(const char *start, const char *fields)
{
	static char text[2048];
	int bytes = snprintf(text, sizeof(text), "%s\r\n%s\r\n", start, fields);
	assert_in_range(bytes, 1, sizeof(text) - 1);
	return (struct slice){text, (size_t)bytes};
}

static void
accept_to(struct slice text, enum http_method method)
{
	if (response_of(text, method) != PARSE_OK)
		fail_msg("refused (%s): %.*s", why, SLICE_ARG(text));
	assert_int_equal(head.bytes, text.bytes);
}

static void
accept(const char *start, const char *fields)
{
	accept_to(with_fields(start, fields), METHOD_GET);
}

static void
refuse_whole(struct slice text)
{
	enum parse_outcome outcome = response_of(text, METHOD_GET);
	if (outcome != PARSE_BAD || cause != CAUSE_MEMBER_BAD_ANSWER)
		fail_msg("outcome %d: %.*s", (int)outcome, SLICE_ARG(text));
	assert_true(why[0] != '\0');
}

static void
refuse(const char *start, const char *fields)
{
	refuse_whole(with_fields(start, fields));
}

/* ---- status line
 * --------------------------------------------------------------------------------- */

static void
test_plain_answer(void **state)
{
	(void)state;
	accept("HTTP/1.1 200 OK",
	       "Date: x\r\nServer: y\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n");
	assert_int_equal(head.status, 200);
	assert_int_equal(head.minor, 1);
	assert_slice(head.reason, "OK");
	assert_int_equal(head.framing, BODY_LENGTH);
	assert_int_equal(head.content_length, 5);
	assert_int_equal(head.cookie_fields, 1 << 2);
	assert_true(head.keep_alive && head.has_date && head.has_length);
	assert_false(head.has_via || head.upgrade || head.chunked);
	assert_false(head.field[0].drop || head.field[1].drop || head.field[2].drop);
	assert_true(head.field[3].drop);
}

static void
test_status_lines(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		uint16_t status;
		const char *reason;
	} rows[] = {
	    {"HTTP/1.1 200 OK", 200, "OK"},
	    {"HTTP/1.1 200 ", 200, ""},
	    {"HTTP/1.1 200", 200, ""},
	    {"HTTP/1.0 404 Not  Found at\tall", 404, "Not  Found at\tall"},
	    {"HTTP/1.1 999 \xc3\xa9", 999, "\xc3\xa9"},
	    {"HTTP/1.1 100 Continue", 100, "Continue"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		accept(rows[i].line, "Content-Length: 0\r\n");
		assert_int_equal(head.status, rows[i].status);
		assert_slice(head.reason, rows[i].reason);
	}
	static const char *const bad[] = {"HTTP/1.1 099 x",
					  "HTTP/1.1 20 OK",
					  "HTTP/1.1 2000 OK",
					  "HTTP/1.1 20x OK",
					  "HTTP/1.1  200 OK",
					  "HTTP/1.1\t200 OK",
					  "HTTP/1.1 200OK",
					  "HTTP/1.1 -20 OK",
					  "HTTP/1.2 200 OK",
					  "HTTP/2.0 200 OK",
					  "HTTP/0.9 200 OK",
					  "http/1.1 200 OK",
					  "ICY 200 OK",
					  " HTTP/1.1 200 OK",
					  "HTTP/1.1",
					  "HTTP/1.1 ",
					  "",
					  "GET / HTTP/1.1",
					  "HTTP/1.1 200\tOK",
					  "HTTP/1.1 +20 OK",
					  "HTTP/1.1 2x0 OK",
					  "HTTP/1.1 :00 OK"};
	for (size_t i = 0; i < COUNT(bad); i++)
		refuse(bad[i], "Content-Length: 0\r\n");
}

/* ---- fields
 * --------------------------------------------------------------------------------------- */

/* 16, 17, 20 and 1: 502, and the member is asked nothing more. */
static void
test_must_17_malformed_fields(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "X : y\r\n",      " X: y\r\n",   "X: y\r\n z\r\n", "X: y\r\n\tz\r\n",
	    ": y\r\n",        "X\r\n",       "X: a\rb\r\n",    "X: a\nb\r\n",
	    "X: \x01\r\n",    "X: \x7f\r\n", "X@Y: z\r\n",     "Content-Length : 5\r\n",
	    "X: y\r\n\r\r\n",
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		refuse("HTTP/1.1 200 OK", bad[i]);
	refuse_whole(SLICE("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"));
	refuse_whole(SLICE("HTTP/1.1 200 OK\nX: a\r\n\r\n"));
	refuse_whole(SLICE("\r\nHTTP/1.1 200 OK\r\nX: a\r\n\r\n"));
	assert_int_equal(cause_table[CAUSE_MEMBER_BAD_ANSWER].status, 502);
}

static void
mends_to(const char *text, const char *want)
{
	char bytes[256];
	size_t count = strlen(text);
	assert_true(count < sizeof(bytes));
	memcpy(bytes, text, count + 1);
	assert_int_equal(parse_mend_names(bytes, count), want != NULL);
	assert_string_equal(bytes, want != NULL ? want : text);
	assert_false(parse_mend_names(bytes, count));
}

static void
test_must_16_names_are_mended(void **state)
{
	(void)state;
	mends_to("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX:  y\r\n\r\n");
	mends_to("HTTP/1.1 200 OK\r\nX\t :y\r\nZ: 1\r\nA :\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nX:  y\r\nZ: 1\r\nA: \r\n\r\n");
	/* What is behind the head is somebody's body; half a line is not there yet. */
	mends_to("HTTP/1.1 200 OK\r\nX: y\r\n\r\nA : b\r\n", NULL);
	mends_to("HTTP/1.1 200 OK\r\nX : y", NULL);
	mends_to("HTTP/1.1 200 OK\r\nX : y\r\nA : ", "HTTP/1.1 200 OK\r\nX:  y\r\nA : ");
	/* Bad in other ways, and stays so. */
	mends_to("HTTP/1.1 200 OK\r\n : y\r\nX Y: z\r\nX Y : z\r\nX \r\n X : y\r\n\r\n", NULL);
	mends_to("", NULL);
}

/* 22, 23: Connection of an answer is the member's word about the connection to it. */
static void
test_must_22_hop_by_hop_fields(void **state)
{
	(void)state;
	accept("HTTP/1.1 200 OK",
	       "Connection: X-One, keep-alive\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: 5\r\n"
	       "Upgrade: h2\r\nTransfer-Encoding: chunked\r\nHoldfast-Pass: 1\r\n"
	       "Holdfast-Whatever: 1\r\nHoldfast-Term: 1\r\nProxy-Authenticate: x\r\n");
	static const struct {
		const char *name;
		bool drop;
	} rows[] = {
	    {"connection", true},        {"x-one", true},          {"x-two", false},
	    {"keep-alive", true},        {"upgrade", true},        {"transfer-encoding", true},
	    {"holdfast-pass", true},     {"holdfast-term", false}, {"proxy-authenticate", false},
	    {"holdfast-whatever", true},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(field_named(rows[i].name)->drop, rows[i].drop);
}

/* 26: a Date that is not forwarded is a missing one. */
static void
test_must_26_date(void **state)
{
	(void)state;
	accept("HTTP/1.1 200 OK", "X: y\r\n");
	assert_false(head.has_date);
	accept("HTTP/1.1 200 OK", "Date: x\r\nConnection: date\r\n");
	assert_false(head.has_date);
}

static void
test_persistence(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *fields;
		bool keep_alive;
	} rows[] = {
	    {"HTTP/1.1 200 OK", "", true},
	    {"HTTP/1.1 200 OK", "Connection: close\r\n", false},
	    {"HTTP/1.1 200 OK", "Connection: x\r\nConnection: y, Close\r\n", false},
	    {"HTTP/1.0 200 OK", "", false},
	    {"HTTP/1.0 200 OK", "Connection: Keep-Alive\r\n", true},
	    {"HTTP/1.0 200 OK", "Connection: keep-alive, close\r\n", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char fields[128];
		(void)snprintf(fields, sizeof(fields), "Content-Length: 1\r\n%s", rows[i].fields);
		accept(rows[i].line, fields);
		assert_int_equal(head.keep_alive, rows[i].keep_alive);
	}
}

static void
test_upgrade(void **state)
{
	(void)state;
	const char *line = "HTTP/1.1 101 Switching Protocols";
	accept(line, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
	assert_true(head.upgrade);
	assert_int_equal(head.framing, BODY_NONE);
	accept(line, "Upgrade: websocket\r\n");
	assert_false(head.upgrade);
	accept(line, "Connection: Upgrade\r\n");
	assert_false(head.upgrade);
	accept("HTTP/1.0 101 x", "Upgrade: websocket\r\nConnection: Upgrade\r\n");
	assert_false(head.upgrade);
}

/* ---- framing
 * --------------------------------------------------------------------------------------- */

/* RFC 9112 section 6.3: what the fields say, where they count. */
static void
test_framing(void **state)
{
	(void)state;
	accept("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked\r\n");
	assert_int_equal(head.framing, BODY_CHUNKED);
	assert_true(head.keep_alive);
	accept("HTTP/1.1 200 OK", "Content-Length: 0\r\n");
	assert_int_equal(head.framing, BODY_LENGTH);
	accept("HTTP/1.1 200 OK", "");
	assert_int_equal(head.framing, BODY_CLOSE);
	assert_false(head.keep_alive);
	accept("HTTP/1.0 200 OK", "Connection: keep-alive\r\n");
	assert_int_equal(head.framing, BODY_CLOSE);
	assert_false(head.keep_alive);
}

/* 32, 35: the length counts for nothing, and the connection is not used again. */
static void
test_must_32_length_beside_coding(void **state)
{
	(void)state;
	static const char *const rows[] = {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
					   "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"};
	for (size_t i = 0; i < COUNT(rows); i++) {
		accept("HTTP/1.1 200 OK", rows[i]);
		assert_int_equal(head.framing, BODY_CHUNKED);
		assert_false(head.has_length || head.keep_alive);
	}
	refuse("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: x\r\n");
}

static void
test_must_33_coding_in_http_1_0(void **state)
{
	(void)state;
	accept("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n");
	assert_int_equal(head.framing, BODY_CHUNKED);
	assert_false(head.keep_alive);
}

/* We ask for no coding but chunked, and could not pass another on. */
static void
test_must_34_other_codings(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "Transfer-Encoding: gzip\r\n",
	    "Transfer-Encoding: gzip, chunked\r\n",
	    "Transfer-Encoding: chunked, gzip\r\n",
	    "Transfer-Encoding: chunked, chunked\r\n",
	    "Transfer-Encoding: identity\r\n",
	    "Transfer-Encoding:\r\n",
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"};
	for (size_t i = 0; i < COUNT(bad); i++)
		refuse("HTTP/1.1 200 OK", bad[i]);
}

/* 37, 38 */
static void
test_must_37_invalid_length(void **state)
{
	(void)state;
	static const char *const bad[] = {"Content-Length: x\r\n",
					  "Content-Length: -1\r\n",
					  "Content-Length:\r\n",
					  "Content-Length: 5, 5\r\n",
					  "Content-Length: 5 5\r\n",
					  "Content-Length: 9223372036854775808\r\n",
					  "Content-Length: 18446744073709551621\r\n",
					  "Content-Length: 5\r\nContent-Length: 5\r\n",
					  "Content-Length: 5\r\nContent-Length: 6\r\n"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		refuse("HTTP/1.1 200 OK", bad[i]);
		refuse("HTTP/1.1 304 Not Modified", bad[i]);
	}
}

/* 39: neither field counts there; a member that sends one is not trusted with another request. */
static void
test_must_39_no_framing_in_1xx_and_204(void **state)
{
	(void)state;
	static const char *const lines[] = {"HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints",
					    "HTTP/1.1 204 No Content"};
	for (size_t i = 0; i < COUNT(lines); i++) {
		accept(lines[i], "Transfer-Encoding: chunked\r\n");
		assert_false(head.chunked || head.keep_alive);
		assert_int_equal(head.framing, BODY_NONE);
		accept(lines[i], "Content-Length: 5\r\n");
		assert_false(head.has_length || head.keep_alive);
		assert_int_equal(head.framing, BODY_NONE);
		accept(lines[i], "Content-Length: 0\r\n");
		assert_false(head.has_length);
		assert_true(head.keep_alive);
	}
}

/* 40, 48: no body whatever the fields say; what they say is kept where it may be told. */
static void
test_must_40_no_body(void **state)
{
	(void)state;
	accept_to(with_fields("HTTP/1.1 200 OK", "Content-Length: 5\r\n"), METHOD_HEAD);
	assert_int_equal(head.framing, BODY_NONE);
	assert_true(head.has_length && head.keep_alive);
	assert_int_equal(head.content_length, 5);
	accept_to(with_fields("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n"), METHOD_HEAD);
	assert_int_equal(head.framing, BODY_NONE);
	accept_to(with_fields("HTTP/1.1 200 OK", ""), METHOD_HEAD);
	assert_int_equal(head.framing, BODY_NONE);
	assert_true(head.keep_alive);
	accept("HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n");
	assert_int_equal(head.framing, BODY_NONE);
	assert_true(head.has_length && head.keep_alive);
	accept("HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked\r\n");
	assert_int_equal(head.framing, BODY_NONE);
}

/* ---- limits and pieces
 * ------------------------------------------------------------------------------- */

static void
test_limits(void **state)
{
	(void)state;
	struct parse_limits before = limits;
	struct slice text = with_fields("HTTP/1.1 200 OK", "A: 1\r\nB: 2\r\n");
	limits.head_bytes_max = (uint32_t)text.bytes;
	accept_to(text, METHOD_GET);
	limits.head_bytes_max--;
	refuse_whole(text);
	limits = before;
	limits.fields_max = 2;
	accept_to(text, METHOD_GET);
	limits.fields_max = 1;
	refuse_whole(text);
	limits = before;
}

static const char *const corpus[] = {
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200\r\nContent-Length: 12345\r\n\r\n",
    "HTTP/1.0 302 Found\r\nLocation: /\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
};

static void
test_every_prefix_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(corpus); i++) {
		struct slice text = slice_of(corpus[i]);
		for (size_t bytes = 0; bytes < text.bytes; bytes++) {
			if (response_of((struct slice){text.at, bytes}, METHOD_GET) != PARSE_MORE)
				fail_msg("%zu bytes of %s", bytes, text.at);
		}
		accept_to(text, METHOD_GET);
	}
}

/* 46: what follows is not looked at. */
static void
test_must_46_bytes_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(corpus); i++) {
		char text[1024];
		struct writer w = writer_on(text, sizeof(text));
		write_text(&w, corpus[i]);
		size_t bytes = w.bytes;
		write_literal(&w, "\r\n\0 HTTP/1.1 500 No\r\n\r\n");
		assert_int_equal(response_of((struct slice){text, w.bytes}, METHOD_GET), PARSE_OK);
		assert_int_equal(head.bytes, bytes);
	}
}

static void
test_every_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(corpus); i++) {
		char text[512];
		size_t bytes = strlen(corpus[i]);
		memcpy(text, corpus[i], bytes);
		for (size_t at = 0; at < bytes; at++) {
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				struct slice whole = {text, bytes};
				if (response_of(whole, METHOD_GET) != PARSE_OK)
					continue;
				assert_in_range(head.bytes, 16, bytes);
				assert_in_range(head.status, 100, 999);
				assert_false(head.chunked && head.has_length);
				assert_true(head.framing != BODY_CLOSE || !head.keep_alive);
			}
			text[at] = corpus[i][at];
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_answer),
	    cmocka_unit_test(test_status_lines),
	    cmocka_unit_test(test_must_17_malformed_fields),
	    cmocka_unit_test(test_must_16_names_are_mended),
	    cmocka_unit_test(test_must_22_hop_by_hop_fields),
	    cmocka_unit_test(test_must_26_date),
	    cmocka_unit_test(test_persistence),
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_framing),
	    cmocka_unit_test(test_must_32_length_beside_coding),
	    cmocka_unit_test(test_must_33_coding_in_http_1_0),
	    cmocka_unit_test(test_must_34_other_codings),
	    cmocka_unit_test(test_must_37_invalid_length),
	    cmocka_unit_test(test_must_39_no_framing_in_1xx_and_204),
	    cmocka_unit_test(test_must_40_no_body),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_every_prefix_asks_for_more),
	    cmocka_unit_test(test_must_46_bytes_behind),
	    cmocka_unit_test(test_every_byte_changed),
	};
	return cmocka_run_group_tests(tests, parser_up, parser_down);
}
