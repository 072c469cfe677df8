/*
 * test_request.c: request heads from friendly and hostile hands. A test that stands for
 * a requirement of RFC 9112 or 9110 that a gateway must keep is named test_must_NN.
 */
#include "parsing.h"

/* A whole request with these fields; Host is there already. */
static struct slice
with_fields(const char *start, const char *fields)
{
	static char text[2 * HTTP_HEAD_BYTES_MAX];
	int bytes = snprintf(text, sizeof(text), "%s\r\nHost: a\r\n%s\r\n", start, fields);
	assert_in_range(bytes, 1, sizeof(text) - 1);
	return (struct slice){text, (size_t)bytes};
}

static void
accept_whole(struct slice text)
{
	if (request_of(text) != PARSE_OK)
		fail_msg("refused (%s): %.*s", why, SLICE_ARG(text));
	assert_int_equal(skipped + head.bytes, text.bytes);
}

static void
accept(const char *text)
{
	accept_whole(slice_of(text));
}

static void
accept_fields(const char *fields)
{
	accept_whole(with_fields("POST / HTTP/1.1", fields));
}

static void
refuse_whole(struct slice text, enum cause want)
{
	enum parse_outcome outcome = request_of(text);
	if (outcome != PARSE_BAD || cause != want)
		fail_msg("outcome %d, cause %s, why %s: %.*s", (int)outcome,
			 cause_table[cause].text, why, SLICE_ARG(text));
	assert_true(why[0] != '\0');
}

static void
refuse(const char *text, enum cause want)
{
	refuse_whole(slice_of(text), want);
}

static void
refuse_fields(const char *fields, enum cause want)
{
	refuse_whole(with_fields("POST / HTTP/1.1", fields), want);
}

/* ---- connections, versions, routing
 * -------------------------------------------------------------- */

/* A usual request, all of what is concluded from it. */
static void
test_plain_request(void **state)
{
	(void)state;
	accept("GET /a/b?c=d HTTP/1.1\r\nHost: shop.example:8080\r\nAccept:*/*\r\n"
	       "Cookie:  a=1; b=2 \t\r\nX-Empty:\r\n\r\n");
	assert_int_equal(head.method, METHOD_GET);
	assert_slice(head.method_text, "GET");
	assert_slice(head.target, "/a/b?c=d");
	assert_slice(head.path, "/a/b?c=d");
	assert_slice(head.host, "shop.example:8080");
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.framing, BODY_NONE);
	assert_true(head.keep_alive);
	assert_false(head.chunked || head.has_length || head.expect_continue || head.upgrade ||
		     head.te_trailers || head.has_date || head.has_via || head.cookie_more);
	assert_int_equal(head.field_count, 4);
	assert_int_equal(head.cookie_fields, 1 << 2);
	assert_slice(http_field_name(&head, &head.field[2]), "Cookie");
	assert_slice(http_field_value(&head, &head.field[2]), "a=1; b=2");
	assert_slice(http_field_line(&head, &head.field[2]), "Cookie:  a=1; b=2 \t\r\n");
	assert_slice(http_field_value(&head, &head.field[1]), "*/*");
	assert_int_equal(head.field[3].value_bytes, 0);
	assert_true(head.field[0].drop); /* Host is written anew */
	assert_false(head.field[1].drop || head.field[2].drop || head.field[3].drop);
	assert_false(http_request_has_body(&head));
}

/* Fields lie one behind the other, from the start line to the empty line: forwarding copies runs.
 */
static void
test_lines_are_contiguous(void **state)
{
	(void)state;
	accept("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB:\t2\t\r\nConnection: b\r\n\r\n");
	size_t at = strlen("GET / HTTP/1.1\r\n");
	for (size_t i = 0; i < head.field_count; i++) {
		assert_int_equal(head.field[i].name_at, at);
		at += head.field[i].line_bytes;
	}
	assert_int_equal(at + 2, head.bytes);
}

static void
test_methods(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum http_method method;
		bool idempotent;
	} rows[] = {
	    {"GET", METHOD_GET, true},
	    {"HEAD", METHOD_HEAD, true},
	    {"POST", METHOD_POST, false},
	    {"PUT", METHOD_PUT, true},
	    {"DELETE", METHOD_DELETE, true},
	    {"OPTIONS", METHOD_OPTIONS, true},
	    {"TRACE", METHOD_TRACE, true},
	    {"PATCH", METHOD_PATCH, false},
	    {"PROPFIND", METHOD_OTHER_SAFE, true},
	    {"REPORT", METHOD_OTHER_SAFE, true},
	    {"SEARCH", METHOD_OTHER_SAFE, true},
	    {"LOCK", METHOD_OTHER, false},
	    {"M-SEARCH", METHOD_OTHER, false},
	    {"SOURCE", METHOD_OTHER, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char start[64];
		(void)snprintf(start, sizeof(start), "%s / HTTP/1.1", rows[i].text);
		accept_whole(with_fields(start, ""));
		assert_int_equal(head.method, rows[i].method);
		assert_int_equal(http_method_idempotent(head.method), rows[i].idempotent);
	}
	static const char *const unknown[] = {"BREW",     "get",  "GETS",  "GE",
					      "DESCRIBE", "PLAY", "FLUSH", "PRI"};
	for (size_t i = 0; i < COUNT(unknown); i++) {
		char start[64];
		(void)snprintf(start, sizeof(start), "%s / HTTP/1.1", unknown[i]);
		refuse_whole(with_fields(start, ""), CAUSE_CLIENT_METHOD);
	}
	static const char *const malformed[] = {" / HTTP/1.1",
						"G@T / HTTP/1.1",
						"GET\t/ HTTP/1.1",
						"GET",
						"GET ",
						"GET / ",
						"GET /",
						"GET  / HTTP/1.1",
						":GET / HTTP/1.1",
						"GET / HTTP/1.1 ",
						"GET /  HTTP/1.1",
						"GET / HTTP /1.1",
						"\x80 / HTTP/1.1"};
	for (size_t i = 0; i < COUNT(malformed); i++)
		refuse_whole(with_fields(malformed[i], ""), CAUSE_CLIENT_BAD_REQUEST);
}

/* 53, first half: no tunnel to elsewhere. */
static void
test_must_53_connect_is_refused(void **state)
{
	(void)state;
	refuse("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", CAUSE_CLIENT_METHOD);
	refuse("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", CAUSE_CLIENT_METHOD);
}

/* 1: octets; a CR without LF is never a line's end, an LF without CR neither. */
static void
test_must_01_bare_cr_and_lf(void **state)
{
	(void)state;
	static const char *const rows[] = {
	    "GET / HTTP/1.1\nHost: a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\n\n",
	    "GET / HTTP/1.1\n\nHost: a\r\n\r\n",
	    "GET / HTTP/1.1\rHost: a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
	    "GET / HTTP/1.1\r\nX: \rTransfer-Encoding: chunked\r\nHost: a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\n\rX",
	    "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
	    "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	    "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		refuse(rows[i], CAUSE_CLIENT_BAD_REQUEST);
}

static void
test_must_02_white_space_before_the_first_field(void **state)
{
	(void)state;
	refuse("GET / HTTP/1.1\r\n Host: a\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	assert_string_equal(why, "white space before the first field");
	refuse("GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
}

/* Only 1.0 and 1.1 are spoken, and only spelled as they are. */
static void
test_versions(void **state)
{
	(void)state;
	accept_whole(with_fields("GET / HTTP/1.0", ""));
	assert_int_equal(head.minor, 0);
	static const char *const others[] = {"HTTP/1.2", "HTTP/1.9", "HTTP/2.0",
					     "HTTP/0.9", "HTTP/3.0", "HTTP/9.1"};
	for (size_t i = 0; i < COUNT(others); i++) {
		char start[64];
		(void)snprintf(start, sizeof(start), "GET / %s", others[i]);
		refuse_whole(with_fields(start, ""), CAUSE_CLIENT_VERSION);
	}
	static const char *const malformed[] = {"http/1.1",  "HTTP/1,1", "HTTP/11",  "HTTP/1.10",
						"HTTP/1.",   "HTTP/.1",  "HTTP/1.x", "HTTP/+1.1",
						"HTTP/01.1", "ICE/1.0",  "RTSP/1.0", "HTTP/2"};
	for (size_t i = 0; i < COUNT(malformed); i++) {
		char start[64];
		(void)snprintf(start, sizeof(start), "GET / %s", malformed[i]);
		refuse_whole(with_fields(start, ""), CAUSE_CLIENT_BAD_REQUEST);
	}
	refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CAUSE_CLIENT_VERSION);
	refuse("GET /\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
}

/* 4: at the bound it passes, a byte more and it is 414, whether the head is complete or not. */
static void
test_must_04_long_target(void **state)
{
	(void)state;
	struct parse_limits before = limits;
	limits.target_bytes_max = 20;
	accept_whole(with_fields("GET /234567890123456789? HTTP/1.1", ""));
	assert_int_equal(head.target.bytes, 20);
	refuse_whole(with_fields("GET /234567890123456789?1 HTTP/1.1", ""),
		     CAUSE_CLIENT_TARGET_TOO_LONG);
	limits.head_bytes_max = 64;
	refuse_whole(with_fields("GET /23456789012345678901234567890123456789012345678901234567 "
				 "HTTP/1.1",
				 ""),
		     CAUSE_CLIENT_TARGET_TOO_LONG);
	limits = before;
	assert_int_equal(cause_table[CAUSE_CLIENT_TARGET_TOO_LONG].status, 414);
}

/* 5: missing, repeated, invalid. */
static void
test_must_05_host(void **state)
{
	(void)state;
	refuse("GET / HTTP/1.1\r\nX: y\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET / HTTP/1.1\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	accept("GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(head.host.bytes, 0);

	static const struct {
		const char *host;
		bool valid;
	} rows[] = {
	    {"a", true},
	    {"a.example", true},
	    {"A-b_c~d.example.", true},
	    {"a:80", true},
	    {"a:", true},
	    {"a:65535", true},
	    {"a:0080", true},
	    {"192.0.2.1:8080", true},
	    {"[::1]", true},
	    {"[2001:db8::1]:443", true},
	    {"[::ffff:192.0.2.1]", true},
	    /* the longest there is, and one more */
	    {"[0000:0000:0000:0000:0000:ffff:255.255.255.255]", true},
	    {"[00000:0000:0000:0000:0000:ffff:255.255.255.255]", false},
	    {"a%20b", true},
	    {"", true}, /* an authority may be empty */
	    {"a:65536", false},
	    {"a:99999999999999999999", false},
	    {"a:8x", false},
	    {"a:-1", false},
	    {"a:80:80", false},
	    {":80", false},
	    {"a b", false},
	    {"a/b", false},
	    {"a@b", false},
	    {"a?b", false},
	    {"a#b", false},
	    {"a\\b", false},
	    {"a\"b", false},
	    {"<a>", false},
	    {"a\xc3\xa9", false},
	    {"a%2", false},
	    {"a%zz", false},
	    {"%", false},
	    {"[::1", false},
	    {"[::1]x", false},
	    {"[::1]:x", false},
	    {"[]", false},
	    {"[", false},
	    {"[1.2.3.4]", false},
	    {"[::1%25eth0]", false},
	    {"[v1.a]", false},
	    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", false},
	    {"::1", false},
	    {"a]", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
			       rows[i].host);
		if (rows[i].valid) {
			accept(text);
			assert_slice(head.host, rows[i].host);
		} else {
			refuse(text, CAUSE_CLIENT_BAD_REQUEST);
		}
	}
}

/* 6: the authority of an absolute target is the host, whatever the field says. */
static void
test_must_06_absolute_target(void **state)
{
	(void)state;
	static const struct {
		const char *target;
		const char *host; /* NULL: refused */
		const char *path;
	} rows[] = {
	    {"http://b/x?y", "b", "/x?y"},
	    {"http://b:81/", "b:81", "/"},
	    {"HTTPS://b/x", "b", "/x"},
	    {"http://b", "b", "/"},
	    {"http://[::1]:80/x", "[::1]:80", "/x"},
	    {"http://b//x", "b", "//x"},
	    {"http://b?x", "b", "?x"}, /* sent as "/?x" */
	    {"http://", NULL, NULL},
	    {"http:///x", NULL, NULL},
	    {"http:/b/x", NULL, NULL},
	    {"http:b", NULL, NULL},
	    {"http://u@b/x", NULL, NULL},
	    {"http://u:p@b/x", NULL, NULL},
	    {"http://b:x/", NULL, NULL},
	    {"http://b:99999/", NULL, NULL},
	    {"ftp://b/x", NULL, NULL},
	    {"javascript:x", NULL, NULL},
	    {"b/x", NULL, NULL},
	    {"b:80", NULL, NULL},
	    {"?x", NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
			       rows[i].target);
		if (rows[i].host == NULL) {
			refuse(text, CAUSE_CLIENT_BAD_REQUEST);
			continue;
		}
		accept(text);
		assert_slice(head.host, rows[i].host);
		assert_slice(head.path, rows[i].path);
		assert_slice(head.target, rows[i].target);
	}
	/* The field must be there and be valid all the same. */
	refuse("GET http://b/ HTTP/1.1\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse("GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	accept("GET http://b/ HTTP/1.0\r\n\r\n");
	assert_slice(head.host, "b");
}

static void
test_must_07_options_of_the_whole_server(void **state)
{
	(void)state;
	accept_whole(with_fields("OPTIONS * HTTP/1.1", ""));
	assert_slice(head.path, "*");
	accept_whole(with_fields("OPTIONS http://b HTTP/1.1", ""));
	assert_slice(head.path, "*");
	assert_slice(head.host, "b");
	accept_whole(with_fields("OPTIONS http://b/ HTTP/1.1", ""));
	assert_slice(head.path, "/");
	refuse_whole(with_fields("GET * HTTP/1.1", ""), CAUSE_CLIENT_BAD_REQUEST);
	refuse_whole(with_fields("OPTIONS ** HTTP/1.1", ""), CAUSE_CLIENT_BAD_REQUEST);
}

/* 10 and 12: who may send another request behind this one. */
static void
test_must_10_no_persistence_with_http_1_0(void **state)
{
	(void)state;
	static const struct {
		const char *start;
		const char *fields;
		bool keep_alive;
	} rows[] = {
	    {"GET / HTTP/1.1", "", true},
	    {"GET / HTTP/1.1", "Connection: keep-alive\r\n", true},
	    {"GET / HTTP/1.1", "Connection: close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: foo, CLOSE\r\n", false},
	    {"GET / HTTP/1.1", "Connection: foo\r\nConnection: close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: keep-alive, close\r\n", false},
	    {"GET / HTTP/1.1", "Proxy-Connection: close\r\n", true},
	    {"GET / HTTP/1.0", "", false},
	    {"GET / HTTP/1.0", "Connection: keep-alive\r\n", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		accept_whole(with_fields(rows[i].start, rows[i].fields));
		assert_int_equal(head.keep_alive, rows[i].keep_alive);
	}
}

/* 15: byte for byte; what a target never holds is refused. */
static void
test_must_15_target_is_not_touched(void **state)
{
	(void)state;
	static const char *const kept[] = {
	    "/%2e%2E/..//a;b=c/./", "/a?b?c=%00&d=e|f^g\"h{}<>\\`", "/?", "//", "/*",
	    "/:@!$&'()*+,;=-._~"};
	for (size_t i = 0; i < COUNT(kept); i++) {
		char start[128];
		(void)snprintf(start, sizeof(start), "GET %s HTTP/1.1", kept[i]);
		accept_whole(with_fields(start, ""));
		assert_slice(head.path, kept[i]);
	}
	for (int c = 0; c < 256; c++) {
		char text[] = "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n";
		text[5] = (char)c;
		bool good = c > ' ' && c < 0x7f && c != '#';
		if (good)
			accept_whole((struct slice){text, sizeof(text) - 1});
		else
			refuse_whole((struct slice){text, sizeof(text) - 1},
				     CAUSE_CLIENT_BAD_REQUEST);
	}
}

/* ---- fields
 * -------------------------------------------------------------------------------------- */

static void
test_must_16_space_before_colon(void **state)
{
	(void)state;
	refuse_fields("X : y\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X\t: y\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Content-Length : 5\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Transfer-Encoding : chunked\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X Y: z\r\n", CAUSE_CLIENT_BAD_REQUEST);
}

static void
test_must_17_folded_lines(void **state)
{
	(void)state;
	refuse_fields("X: y\r\n z\r\n", CAUSE_CLIENT_BAD_REQUEST);
	assert_string_equal(why, "folded line");
	refuse_fields("X: y\r\n\tTransfer-Encoding: chunked\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X:\r\n y\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X: y\r\n \r\n", CAUSE_CLIENT_BAD_REQUEST);
}

/* A name is a token; an empty one ended the list of fields for others once. */
static void
test_field_names(void **state)
{
	(void)state;
	refuse_fields(": x\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("X;Y: z\r\n", CAUSE_CLIENT_BAD_REQUEST);
	for (int c = 1; c < 256; c++) {
		char line[] = "aXb: v\r\n";
		line[1] = (char)c;
		bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || strchr("!#$%&'*+-.^_`|~", c) != NULL;
		if (token || c == ':')
			accept_fields(line);
		else
			refuse_fields(line, CAUSE_CLIENT_BAD_REQUEST);
	}
}

/* 20: no control in a value but HTAB, at any place of any block; bytes above ASCII are kept. */
static void
test_must_20_controls_in_values(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t place = 0; place < 40; place++) {
			char text[] = "GET / HTTP/1.1\r\nHost: a\r\n"
				      "X: 0123456789012345678901234567890123456789\r\n\r\n";
			char *at = strstr(text, "X: ") + 3 + place;
			*at = (char)c;
			bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
			struct slice whole = {text, sizeof(text) - 1};
			if (good)
				accept_whole(whole);
			else
				refuse_whole(whole, CAUSE_CLIENT_BAD_REQUEST);
		}
	}
	accept_fields("X: \xff\x80\r\n");
	assert_slice(http_field_value(&head, field_named("x")), "\xff\x80");
}

/* 21: bytes and number of fields, each at its bound and one above. */
static void
test_must_21_too_large(void **state)
{
	(void)state;
	struct parse_limits before = limits;
	struct slice text = with_fields("GET / HTTP/1.1", "A: 1\r\nB: 2\r\n");
	limits.head_bytes_max = (uint32_t)text.bytes;
	accept_whole(text);
	limits.head_bytes_max--;
	refuse_whole(text, CAUSE_CLIENT_HEAD_TOO_LARGE);
	limits = before;
	limits.fields_max = 3;
	accept_whole(text);
	limits.fields_max = 2;
	refuse_whole(text, CAUSE_CLIENT_HEAD_TOO_LARGE);
	limits = before;
	assert_int_equal(cause_table[CAUSE_CLIENT_HEAD_TOO_LARGE].status, 431);

	/* The compile-time bounds hold what they promise. */
	limits.fields_max = HTTP_FIELDS_MAX;
	static char many[HTTP_HEAD_BYTES_MAX + 64];
	struct writer w = writer_on(many, sizeof(many));
	write_literal(&w, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (size_t i = 1; i < HTTP_FIELDS_MAX; i++)
		write_literal(&w, "X: y\r\n");
	struct writer more = w;
	write_literal(&w, "\r\n");
	accept_whole((struct slice){many, w.bytes});
	assert_int_equal(head.field_count, HTTP_FIELDS_MAX);
	write_literal(&more, "X: y\r\n\r\n");
	refuse_whole((struct slice){many, more.bytes}, CAUSE_CLIENT_HEAD_TOO_LARGE);
	limits = before;

	w = writer_on(many, sizeof(many));
	write_literal(&w, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	while (w.bytes < HTTP_HEAD_BYTES_MAX - 4)
		write_char(&w, 'x');
	more = w;
	write_literal(&w, "\r\n\r\n");
	accept_whole((struct slice){many, HTTP_HEAD_BYTES_MAX});
	/* Not complete at the bound: no more is waited for, one byte before it is. */
	assert_int_equal(request_of((struct slice){many, HTTP_HEAD_BYTES_MAX - 1}), PARSE_MORE);
	write_literal(&more, "xxxxxxxx\r\n\r\n");
	refuse_whole((struct slice){many, HTTP_HEAD_BYTES_MAX}, CAUSE_CLIENT_HEAD_TOO_LARGE);
	refuse_whole((struct slice){many, more.bytes}, CAUSE_CLIENT_HEAD_TOO_LARGE);
}

/* 22: every field that Connection names goes, however it is spelled and wherever it stands. */
static void
test_must_22_nominated_fields(void **state)
{
	(void)state;
	accept_fields("X-One: 1\r\nConnection: x-ONE , close,,x-two\r\nX-Two: 2\r\nX-Three: 3\r\n"
		      "Connection: X-Four\r\nX-Four: 4\r\nx-one: 5\r\n");
	assert_true(field_named("x-one")->drop);
	assert_true(field_named("x-two")->drop);
	assert_true(field_named("x-four")->drop);
	assert_true(field_named("connection")->drop);
	assert_true(head.field[head.field_count - 1].drop);
	assert_false(field_named("x-three")->drop);

	static const char *const never[] = {"Host",
					    "cookie",
					    "CONTENT-LENGTH",
					    "Transfer-Encoding",
					    "content-Encoding",
					    "Holdfast-Session",
					    "holdfast-hop",
					    "Holdfast-New"};
	for (size_t i = 0; i < COUNT(never); i++) {
		char fields[128];
		(void)snprintf(fields, sizeof(fields), "Connection: close, %s\r\n", never[i]);
		refuse_fields(fields, CAUSE_CLIENT_BAD_REQUEST);
	}
	refuse_fields("Connection: a b\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Connection: \"close\"\r\n", CAUSE_CLIENT_BAD_REQUEST);
}

/* A long list in Connection is not walked against every field. */
static void
test_connection_is_bounded(void **state)
{
	(void)state;
	char fields[256];
	struct writer w = writer_on(fields, sizeof(fields));
	write_literal(&w, "Connection: a");
	for (int i = 1; i < 32; i++)
		write_literal(&w, ",a");
	struct writer more = w;
	write_literal(&w, "\r\n");
	accept_fields(writer_text(&w));
	write_literal(&more, ",a\r\n");
	refuse_fields(writer_text(&more), CAUSE_CLIENT_BAD_REQUEST);
}

/* 23, 18: hop-by-hop fields are not forwarded, nor is what belongs to Holdfast; all others are. */
static void
test_must_23_what_is_dropped(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool drop;
	} rows[] = {
	    {"Connection: keep-alive", true},
	    {"Keep-Alive: timeout=5", true},
	    {"Proxy-Connection: keep-alive", true},
	    {"TE: gzip", true},
	    {"Upgrade: websocket", true},
	    {"Transfer-Encoding: chunked", true},
	    {"Content-Length: 5", true},
	    {"Holdfast-Session: x", true},
	    {"HOLDFAST-HOP: x", true},
	    {"Holdfast-Unknown: x", true},
	    {"holdfast-x: x", true},
	    {"Holdfast-Term: 7", false},
	    {"Holdfast: x", false},
	    {"Holdfast-: x", false},
	    {"HoldfastX-Y: x", false},
	    {"Trailer: X-Sum", false},
	    {"Authorization: Basic eDp5", false},
	    {"Proxy-Authorization: Basic eDp5", false},
	    {"X-Unknown: x", false},
	    {"If-None-Match: \"x\"", false},
	    {"Forwarded: for=a", false},
	    {"Via: 1.0 x", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char fields[128];
		(void)snprintf(fields, sizeof(fields), "%s\r\n", rows[i].line);
		accept_fields(fields);
		if (head.field[1].drop != rows[i].drop)
			fail_msg("%s", rows[i].line);
	}
}

/* 24: Max-Forwards counts on TRACE and OPTIONS, and there it must be one number. */
static void
test_must_24_max_forwards(void **state)
{
	(void)state;
	static const char *const starts[] = {"TRACE / HTTP/1.1", "OPTIONS * HTTP/1.1"};
	for (size_t i = 0; i < COUNT(starts); i++) {
		accept_whole(with_fields(starts[i], "Max-Forwards: 0\r\n"));
		accept_whole(with_fields(starts[i], "Max-Forwards: 10\r\n"));
		static const char *const bad[] = {"Max-Forwards: x\r\n",
						  "Max-Forwards: -1\r\n",
						  "Max-Forwards:\r\n",
						  "Max-Forwards: 1, 2\r\n",
						  "Max-Forwards: 99999999999999999999\r\n",
						  "Max-Forwards: 1\r\nMax-Forwards: 1\r\n"};
		for (size_t k = 0; k < COUNT(bad); k++)
			refuse_whole(with_fields(starts[i], bad[k]), CAUSE_CLIENT_BAD_REQUEST);
	}
	accept_whole(with_fields("GET / HTTP/1.1", "Max-Forwards: x\r\n"));
}

/* 27: TE counts with its connection option only. */
static void
test_must_27_te(void **state)
{
	(void)state;
	static const struct {
		const char *start;
		const char *fields;
		bool trailers;
	} rows[] = {
	    {"GET / HTTP/1.1", "TE: trailers\r\nConnection: TE\r\n", true},
	    {"GET / HTTP/1.1", "TE: gzip, Trailers\r\nConnection: close, te\r\n", true},
	    {"GET / HTTP/1.1", "TE: trailers\r\n", false},
	    {"GET / HTTP/1.1", "TE: gzip\r\nConnection: TE\r\n", false},
	    {"GET / HTTP/1.1", "Connection: TE\r\n", false},
	    {"GET / HTTP/1.0", "TE: trailers\r\nConnection: TE\r\n", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		accept_whole(with_fields(rows[i].start, rows[i].fields));
		assert_int_equal(head.te_trailers, rows[i].trailers);
	}
}

static void
test_flags_of_fields(void **state)
{
	(void)state;
	accept_fields("Date: x\r\nVia: 1.1 a\r\n");
	assert_true(head.has_date && head.has_via);
	assert_int_equal(head.ids, UINT64_C(1) << FIELD_HOST | UINT64_C(1) << FIELD_DATE |
				       UINT64_C(1) << FIELD_VIA);
	assert_true(http_head_has(&head, FIELD_VIA) && !http_head_has(&head, FIELD_COOKIE));
	char fields[1024];
	struct writer w = writer_on(fields, sizeof(fields));
	for (int i = 1; i < 64; i++)
		write_text(&w, i == 63 ? "Cookie: a=b\r\n" : "X: y\r\n");
	struct writer more = w;
	accept_fields(writer_text(&w));
	assert_int_equal(head.cookie_fields, UINT64_C(1) << 63);
	assert_false(head.cookie_more);
	write_literal(&more, "Cookie: c=d\r\n");
	accept_fields(writer_text(&more));
	assert_int_equal(head.cookie_fields, UINT64_C(1) << 63);
	assert_true(head.cookie_more);
}

/* ---- framing
 * ------------------------------------------------------------------------------------- */

static void
test_must_31_chunked(void **state)
{
	(void)state;
	accept_fields("Transfer-Encoding: chunked\r\n");
	assert_true(head.chunked && http_request_has_body(&head));
	assert_int_equal(head.framing, BODY_CHUNKED);
	accept_fields("transfer-encoding:\tCHUNKED \r\n");
	assert_int_equal(head.framing, BODY_CHUNKED);
}

/* 31, 34: anything but one "chunked" alone; 501 where a coding is unknown or not done here. */
static void
test_must_34_other_codings(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		enum cause cause;
	} rows[] = {
	    {"Transfer-Encoding: chunked, chunked\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	     CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked, gzip\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked, foo\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
	     CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: gzip\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: identity\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding:\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: ,chunked\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked,\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chunked;x=y\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: \"chunked\"\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: chun ked\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: foo\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: xchunked\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: gzip, foo\r\n", CAUSE_CLIENT_BAD_REQUEST},
	    {"Transfer-Encoding: foo, chunked\r\n", CAUSE_CLIENT_METHOD},
	    {"Transfer-Encoding: gzip, chunked\r\n", CAUSE_CLIENT_METHOD},
	    {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", CAUSE_CLIENT_METHOD},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		refuse_fields(rows[i].fields, rows[i].cause);
	assert_int_equal(cause_table[CAUSE_CLIENT_METHOD].status, 501);
}

static void
test_must_32_length_beside_coding(void **state)
{
	(void)state;
	refuse_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		      CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
		      CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Transfer-Encoding: foo\r\nContent-Length: 5\r\n", CAUSE_CLIENT_BAD_REQUEST);
}

static void
test_must_33_coding_in_http_1_0(void **state)
{
	(void)state;
	refuse_whole(with_fields("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"),
		     CAUSE_CLIENT_BAD_REQUEST);
}

/* 37, 38: one number, bounded, said once. */
static void
test_must_37_content_length(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint64_t length;
	} good[] = {
	    {"0", 0}, {"5", 5}, {"0005", 5}, {"  5\t ", 5}, {"9223372036854775807", INT64_MAX},
	};
	for (size_t i = 0; i < COUNT(good); i++) {
		char fields[128];
		(void)snprintf(fields, sizeof(fields), "Content-Length: %s\r\n", good[i].value);
		accept_fields(fields);
		assert_true(head.has_length);
		assert_int_equal(head.framing, BODY_LENGTH);
		assert_int_equal(head.content_length, good[i].length);
		assert_int_equal(http_request_has_body(&head), good[i].length > 0);
	}
	static const char *const bad[] = {"",
					  "-1",
					  "+5",
					  "5 5",
					  "5,5",
					  "5, 5",
					  "5,",
					  ",5",
					  "0x5",
					  "5.0",
					  "5e1",
					  "a",
					  "\"5\"",
					  "5;",
					  "9223372036854775808",
					  "18446744073709551616",
					  "18446744073709551621",
					  "99999999999999999999999999"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		char fields[128];
		(void)snprintf(fields, sizeof(fields), "Content-Length: %s\r\n", bad[i]);
		refuse_fields(fields, CAUSE_CLIENT_BAD_REQUEST);
	}
}

static void
test_must_38_repeated_content_length(void **state)
{
	(void)state;
	refuse_fields("Content-Length: 5\r\nContent-Length: 5\r\n", CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Content-Length: 5\r\nX: y\r\ncontent-length: 6\r\n",
		      CAUSE_CLIENT_BAD_REQUEST);
}

/* ---- semantics
 * ------------------------------------------------------------------------------------ */

/* 49: known in 1.1 where content follows, ignored in 1.0, refused when it is something else. */
static void
test_must_49_expect(void **state)
{
	(void)state;
	accept_fields("Expect: 100-Continue\r\nContent-Length: 5\r\n");
	assert_true(head.expect_continue);
	assert_false(field_named("expect")->drop);
	accept_fields("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n");
	assert_true(head.expect_continue);
	accept_fields("Expect: 100-continue\r\nContent-Length: 0\r\n");
	assert_false(head.expect_continue);
	assert_true(field_named("expect")->drop);
	accept_whole(
	    with_fields("POST / HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
	assert_false(head.expect_continue);
	assert_true(field_named("expect")->drop);
	accept_whole(with_fields("POST / HTTP/1.0", "Expect: the impossible\r\n"));

	refuse_fields("Expect: the impossible\r\n", CAUSE_CLIENT_EXPECTATION);
	refuse_fields("Expect: 100-continue, x=y\r\n", CAUSE_CLIENT_EXPECTATION);
	refuse_fields("Expect:\r\n", CAUSE_CLIENT_EXPECTATION);
	refuse_fields("Expect: 100-continue\r\nExpect: x\r\n", CAUSE_CLIENT_EXPECTATION);
	assert_int_equal(cause_table[CAUSE_CLIENT_EXPECTATION].status, 417);
}

/* 51: with the connection option, in 1.1, without a body; never h2c. */
static void
test_must_51_upgrade(void **state)
{
	(void)state;
	static const struct {
		const char *start;
		const char *fields;
		bool upgrade;
	} rows[] = {
	    {"GET / HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\n", true},
	    {"GET / HTTP/1.1", "Connection: keep-alive, upgrade\r\nUpgrade: a, b/2\r\n", true},
	    {"GET / HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n",
	     true},
	    {"GET / HTTP/1.1", "Upgrade: websocket\r\n", false},
	    {"GET / HTTP/1.1", "Connection: Upgrade\r\n", false},
	    {"GET / HTTP/1.0", "Upgrade: websocket\r\nConnection: Upgrade\r\n", false},
	    {"GET / HTTP/1.1", "Upgrade: h2c\r\nConnection: Upgrade\r\n", false},
	    {"GET / HTTP/1.1", "Upgrade: websocket, H2C\r\nConnection: Upgrade\r\n", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		accept_whole(with_fields(rows[i].start, rows[i].fields));
		assert_int_equal(head.upgrade, rows[i].upgrade);
	}
	refuse_fields("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5\r\n",
		      CAUSE_CLIENT_BAD_REQUEST);
	refuse_fields("Upgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n",
		      CAUSE_CLIENT_BAD_REQUEST);
	accept_fields("Upgrade: websocket\r\nContent-Length: 5\r\n");
	assert_false(head.upgrade);
}

/* ---- input in pieces
 * -------------------------------------------------------------------------------- */

static const char *const corpus[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /a/b?c HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12345\r\nExpect: "
    "100-continue\r\n\r\n",
    "PUT http://b/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\nTE: trailers\r\nConnection: te, "
    "close\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: bench.example.org\r\nUser-Agent: load/1.0\r\nAccept: */*\r\n"
    "Cookie: HOLDFAST=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz012345\r\n\r\n",
};

/* Cut anywhere, a good head is incomplete, and nothing else, until its last byte. */
static void
test_every_prefix_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(corpus); i++) {
		struct slice text = slice_of(corpus[i]);
		for (size_t bytes = 0; bytes < text.bytes; bytes++) {
			if (request_of((struct slice){text.at, bytes}) != PARSE_MORE)
				fail_msg("%zu bytes of %s", bytes, text.at);
		}
		accept_whole(text);
	}
}

/* What stands behind a head changes nothing of it. */
static void
test_bytes_behind_are_not_touched(void **state)
{
	(void)state;
	static const struct slice behind[] = {
	    {"x", 1}, {"\0", 1}, {"\r\n", 2}, {" \r\nX: y\r\n", 9}, {"GET / HTTP/1.1\r\n\r\n", 18}};
	for (size_t i = 0; i < COUNT(corpus); i++) {
		accept(corpus[i]);
		struct http_head alone = head;
		for (size_t k = 0; k < COUNT(behind); k++) {
			char text[1024];
			struct writer w = writer_on(text, sizeof(text));
			write_text(&w, corpus[i]);
			write_slice(&w, behind[k]);
			assert_int_equal(request_of((struct slice){text, w.bytes}), PARSE_OK);
			assert_int_equal(head.bytes, alone.bytes);
			assert_int_equal(head.field_count, alone.field_count);
			assert_int_equal(head.framing, alone.framing);
		}
	}
}

/* One byte changed to any other: refused, incomplete, or a head that keeps the rules. */
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
				if (request_of((struct slice){text, bytes}) != PARSE_OK)
					continue;
				assert_in_range(skipped + head.bytes, 16, bytes);
				assert_true(head.path.bytes > 0);
				assert_false(head.chunked && head.has_length);
				assert_true(head.minor == 0 || field_named("host") != NULL);
			}
			text[at] = corpus[i][at];
		}
	}
}

/* Two empty lines before a request are forgiven, a third is not (RFC 9112 section 2.2). */
static void
test_leading_empty_lines(void **state)
{
	(void)state;
	accept("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(skipped, 2);
	assert_ptr_equal(head.base, held + 2);
	accept("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(skipped, 4);
	refuse("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", CAUSE_CLIENT_BAD_REQUEST);
	assert_int_equal(request_of(SLICE("")), PARSE_MORE);
}

/* The log says what was wrong. */
static void
test_reasons_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
	    {"GET / HTTP/1.1\n", "bare LF"},
	    {"GET / HTTP/1.1\rX", "bare CR"},
	    {"GET / HTTP/1.1\x01", "control character in the head"},
	    {"GET / HTTP/1.1\r\n: x\r\n", "empty field name"},
	    {"GET / HTTP/1.1\r\nX : y\r\n", "white space in or behind a field name"},
	    {"GET / HTTP/1.1\r\nX@: y\r\n", "malformed field name"},
	    {"GET / HTTP/1.1\r\nX: y\r\n\r\n", "no Host"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		refuse(rows[i].text, CAUSE_CLIENT_BAD_REQUEST);
		assert_string_equal(why, rows[i].why);
	}
}

/* What is no HTTP at all is refused at its first control byte, not waited for. */
static void
test_other_protocols(void **state)
{
	(void)state;
	refuse_whole(SLICE("\x16\x03\x01\x02"), CAUSE_CLIENT_BAD_REQUEST);
	refuse_whole(SLICE("SSH-2.0-x\n"), CAUSE_CLIENT_BAD_REQUEST);
	refuse_whole(SLICE("GET / HTTP/1.1\r\nX: \0"), CAUSE_CLIENT_BAD_REQUEST);
}

/* ---- names
 * ------------------------------------------------------------------------------------------ */

/* Every row of the table is found in any case, and nothing beside it. */
static void
test_field_lookup(void **state)
{
	(void)state;
	static const char *const texts[] = {
#define FIELD(name, text, action) text,
#include "tbl/fields.h"
#undef FIELD
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		char name[64];
		size_t bytes = strlen(texts[i]);
		memcpy(name, texts[i], bytes + 1);
		assert_int_equal(field_lookup((struct slice){name, bytes}), i + 1);
		assert_int_equal(field_lookup((struct slice){name, bytes - 1}), FIELD_OTHER);
		for (size_t k = 0; k < bytes; k++) {
			char kept = name[k];
			if (kept >= 'a' && kept <= 'z') {
				name[k] = (char)(kept - 'a' + 'A');
				assert_int_equal(field_lookup((struct slice){name, bytes}), i + 1);
			}
			name[k] = '0';
			assert_int_equal(field_lookup((struct slice){name, bytes}), FIELD_OTHER);
			name[k] = kept;
		}
	}
	assert_int_equal(field_lookup(SLICE("")), FIELD_OTHER);
	assert_int_equal(field_lookup(SLICE("x-very-long-name-of-a-field-that-is-not-known")),
			 FIELD_OTHER);
}

static void
test_finding_fields(void **state)
{
	(void)state;
	accept_fields("A: 1\r\nVia: x\r\na: 2\r\nVIA: y\r\n");
	size_t at = 0;
	assert_slice(http_field_value(&head, http_field_find(&head, SLICE("a"), &at)), "1");
	assert_slice(http_field_value(&head, http_field_find(&head, SLICE("A"), &at)), "2");
	assert_null(http_field_find(&head, SLICE("a"), &at));
	at = 0;
	assert_slice(http_field_value(&head, http_field_find_id(&head, FIELD_VIA, &at)), "x");
	assert_slice(http_field_value(&head, http_field_find_id(&head, FIELD_VIA, &at)), "y");
	assert_null(http_field_find_id(&head, FIELD_VIA, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_request),
	    cmocka_unit_test(test_lines_are_contiguous),
	    cmocka_unit_test(test_methods),
	    cmocka_unit_test(test_must_53_connect_is_refused),
	    cmocka_unit_test(test_must_01_bare_cr_and_lf),
	    cmocka_unit_test(test_must_02_white_space_before_the_first_field),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_must_04_long_target),
	    cmocka_unit_test(test_must_05_host),
	    cmocka_unit_test(test_must_06_absolute_target),
	    cmocka_unit_test(test_must_07_options_of_the_whole_server),
	    cmocka_unit_test(test_must_10_no_persistence_with_http_1_0),
	    cmocka_unit_test(test_must_15_target_is_not_touched),
	    cmocka_unit_test(test_must_16_space_before_colon),
	    cmocka_unit_test(test_must_17_folded_lines),
	    cmocka_unit_test(test_field_names),
	    cmocka_unit_test(test_must_20_controls_in_values),
	    cmocka_unit_test(test_must_21_too_large),
	    cmocka_unit_test(test_must_22_nominated_fields),
	    cmocka_unit_test(test_connection_is_bounded),
	    cmocka_unit_test(test_must_23_what_is_dropped),
	    cmocka_unit_test(test_must_24_max_forwards),
	    cmocka_unit_test(test_must_27_te),
	    cmocka_unit_test(test_flags_of_fields),
	    cmocka_unit_test(test_must_31_chunked),
	    cmocka_unit_test(test_must_34_other_codings),
	    cmocka_unit_test(test_must_32_length_beside_coding),
	    cmocka_unit_test(test_must_33_coding_in_http_1_0),
	    cmocka_unit_test(test_must_37_content_length),
	    cmocka_unit_test(test_must_38_repeated_content_length),
	    cmocka_unit_test(test_must_49_expect),
	    cmocka_unit_test(test_must_51_upgrade),
	    cmocka_unit_test(test_every_prefix_asks_for_more),
	    cmocka_unit_test(test_bytes_behind_are_not_touched),
	    cmocka_unit_test(test_every_byte_changed),
	    cmocka_unit_test(test_leading_empty_lines),
	    cmocka_unit_test(test_reasons_are_told),
	    cmocka_unit_test(test_other_protocols),
	    cmocka_unit_test(test_field_lookup),
	    cmocka_unit_test(test_finding_fields),
	};
	return cmocka_run_group_tests(tests, parser_up, parser_down);
}
