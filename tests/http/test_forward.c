/*
 * test_forward.c: heads written anew, byte for byte, and read again by our own parser;
 * see test_request.c for the names.
 */
#include "http/forward.h"
#include "parsing.h"

static char written[4 * HTTP_HEAD_BYTES_MAX];
static struct writer out;

static void
parse_one_request(const char *text)
{
	if (request_of(slice_of(text)) != PARSE_OK)
		fail_msg("refused (%s): %s", why, text);
}

static void
parse_one_response(const char *text, enum http_method method)
{
	if (response_of(slice_of(text), method) != PARSE_OK)
		fail_msg("refused (%s): %s", why, text);
}

/* As an attempt writes it when it has nothing to add. */
static struct forward_request
plain_request(void)
{
	return (struct forward_request){
	    .head = &head,
	    .via = SLICE("1.1 holdfast"),
	    .framing = head.framing,
	    .content_length = head.content_length,
	};
}

static void
assert_written(const char *want)
{
	assert_false(out.overflow);
	assert_string_equal(writer_text(&out), want);
}

static void
check_request(const struct forward_request *r, const char *want)
{
	out = writer_on(written, sizeof(written));
	write_request_head(&out, r);
	assert_written(want);
}

static void
check_response(const struct forward_response *r, const char *want)
{
	out = writer_on(written, sizeof(written));
	write_response_head(&out, r);
	assert_written(want);
}

static void
forwards(const char *received, const char *want)
{
	parse_one_request(received);
	struct forward_request r = plain_request();
	check_request(&r, want);
}

/* ---- requests
 * ------------------------------------------------------------------------------------ */

/* 3, 18, 25, 28, 30: our version, Host first, all else as it came, Via behind it. */
static void
test_must_03_and_25_request(void **state)
{
	(void)state;
	forwards("GET /a?b HTTP/1.1\r\nX-One:  1 \r\nhOst:   a\r\nAuthorization: Basic eDp5\r\n"
		 "If-None-Match: \"x\"\r\n\r\n",
		 "GET /a?b HTTP/1.1\r\nHost: a\r\nX-One:  1 \r\nAuthorization: Basic eDp5\r\n"
		 "If-None-Match: \"x\"\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("GET / HTTP/1.0\r\nHost: a\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("GET / HTTP/1.1\r\nVia: 1.0 x\r\nHost: a\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 x\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\nVia: 1.1 holdfast\r\n\r\n");
}

/* 6, 7, 15 */
static void
test_must_06_targets(void **state)
{
	(void)state;
	forwards("GET http://b:81/%2e/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
		 "GET /%2e/x?y HTTP/1.1\r\nHost: b:81\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: b\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("GET http://b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n",
		 "GET /?x=1 HTTP/1.1\r\nHost: b\r\nVia: 1.1 holdfast\r\n\r\n");
	forwards("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n",
		 "OPTIONS * HTTP/1.1\r\nHost: b\r\nVia: 1.1 holdfast\r\n\r\n");
}

/* 22, 23: nothing of the client's connection goes on. */
static void
test_must_22_hop_by_hop_fields(void **state)
{
	(void)state;
	forwards("GET / HTTP/1.1\r\nX-A: 1\r\nHost: a\r\nX-B: 2\r\nConnection: x-a, keep-alive\r\n"
		 "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2\r\n"
		 "Holdfast-Session: f\r\nHoldfast-New: f\r\nHoldfast-Term: 3\r\nX-A: 3\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nX-B: 2\r\nHoldfast-Term: 3\r\n"
		 "Via: 1.1 holdfast\r\n\r\n");
}

/* 27, 51: TE and Upgrade are made anew, each with its option. */
static void
test_must_27_regenerated_fields(void **state)
{
	(void)state;
	forwards("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: te\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\nTE: trailers\r\n"
		 "Connection: te\r\n\r\n");
	forwards("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: x, Upgrade\r\n"
		 "Sec-WebSocket-Key: k\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nVia: 1.1 holdfast\r\n"
		 "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n");
	forwards("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: a\r\nUpgrade: b\r\nTE: trailers\r\n"
		 "Connection: Upgrade, te\r\n\r\n",
		 "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\nTE: trailers\r\nUpgrade: a\r\n"
		 "Upgrade: b\r\nConnection: upgrade, te\r\n\r\n");
}

/* 35, 36: one statement on the body, ours. */
static void
test_must_36_request_framing(void **state)
{
	(void)state;
	forwards("POST / HTTP/1.1\r\nContent-Length: 007\r\nHost: a\r\n\r\n",
		 "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\nContent-Length: 7\r\n\r\n");
	forwards("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		 "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\nContent-Length: 0\r\n\r\n");
	forwards("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nTrailer: X\r\n\r\n",
		 "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nVia: 1.1 holdfast\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n");
	parse_one_request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	struct forward_request r = plain_request();
	r.framing = BODY_LENGTH;
	r.content_length = UINT64_MAX;
	check_request(&r, "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 holdfast\r\n"
			  "Content-Length: 18446744073709551615\r\n\r\n");
}

/* 24: the decremented number in place of the client's. */
static void
test_must_24_max_forwards(void **state)
{
	(void)state;
	parse_one_request("TRACE / HTTP/1.1\r\nMax-Forwards: 10\r\nHost: a\r\n\r\n");
	struct forward_request r = plain_request();
	r.max_forwards = true;
	r.max_forwards_value = 9;
	check_request(&r, "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 9\r\n"
			  "Via: 1.1 holdfast\r\n\r\n");
}

struct cut_row {
	const char *fields; /* [ and ] around what is cut */
	const char *want;
};

/* Cuts in fields of `id`. */
static void
check_cuts(enum field_id id, const struct cut_row *row)
{
	char text[512];
	struct http_cut cuts[HTTP_CUTS_MAX];
	size_t count = 0;
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (const char *at = row->fields; *at != '\0'; at++) {
		if (*at == '[')
			cuts[count].at = (uint32_t)w.bytes;
		else if (*at == ']')
			cuts[count].bytes = (uint32_t)w.bytes - cuts[count].at;
		else
			write_char(&w, *at);
		count += *at == ']';
	}
	write_literal(&w, "Z: z\r\n\r\n");
	parse_one_request(writer_text(&w));
	struct forward_request r = plain_request();
	r.cuts = cuts;
	r.cut_count = count;
	r.cut_id = (uint8_t)id;
	char want[512];
	(void)snprintf(want, sizeof(want),
		       "GET / HTTP/1.1\r\nHost: a\r\n%sZ: z\r\nVia: 1.1 holdfast\r\n\r\n",
		       row->want);
	check_request(&r, want);
}

/* 54: our cookie is cut out, the others stay as they are; a line of which nothing is left goes. */
static void
test_must_54_cookie_cuts(void **state)
{
	(void)state;
	static const struct cut_row rows[] = {
	    {"Cookie: [H=x]\r\n", ""},
	    {"Cookie: [H=x; ]a=1\r\n", "Cookie: a=1\r\n"},
	    {"Cookie: a=1[; H=x]\r\n", "Cookie: a=1\r\n"},
	    {"cookie:a=1[; H=x]; b=2 \r\n", "cookie:a=1; b=2 \r\n"},
	    {"Cookie: [H=x; ]a=1[; H=y]; b=2\r\n", "Cookie: a=1; b=2\r\n"},
	    {"Cookie: a=1\r\nCookie: [H=x]\r\nCookie: b=2[; H=y]\r\n",
	     "Cookie: a=1\r\nCookie: b=2\r\n"},
	    {"Cookie: [H=x]\r\nX: y\r\nCookie: [H=x]\r\n", "X: y\r\n"},
	    {"Cookie: a=1\r\n", "Cookie: a=1\r\n"},
	    {"Cookie: a=1[~x]; a=2[~y]; b=3\r\nX: y\r\nCookie: a=4[~z]\r\n",
	     "Cookie: a=1; a=2; b=3\r\nX: y\r\nCookie: a=4\r\n"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		check_cuts(FIELD_COOKIE, &rows[i]);
}

/* A suffix is cut off any other field as well; one of a line that is not forwarded goes with it. */
static void
test_cuts_in_other_fields(void **state)
{
	(void)state;
	static const struct cut_row rows[] = {
	    {"X-Sid: abc[~x]\r\n", "X-Sid: abc\r\n"},
	    {"A: 1\r\nCookie: X-Sid=abc~x\r\nX-Sid:abc[~x] \r\nB: 2\r\nX-Sid: d[~y]\r\n",
	     "A: 1\r\nCookie: X-Sid=abc~x\r\nX-Sid:abc \r\nB: 2\r\nX-Sid: d\r\n"},
	    {"X-Sid: [~x]\r\nA: 1\r\n", "A: 1\r\n"},
	    {"Connection: x-sid\r\nX-Sid: abc[~x]\r\nA: 1\r\nY-Sid: d[~y]\r\n",
	     "A: 1\r\nY-Sid: d\r\n"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		check_cuts(FIELD_OTHER, &rows[i]);
}

/* The tag's own field goes, what Holdfast tells the member comes last. */
static void
test_added_and_dropped(void **state)
{
	(void)state;
	parse_one_request("GET / HTTP/1.1\r\nX-TAG: t\r\nHost: a\r\nX-Tag2: u\r\nx-tag: v\r\n\r\n");
	struct forward_request r = plain_request();
	r.drop_field = SLICE("X-Tag");
	r.added = SLICE("Holdfast-Rank: 1\r\nHoldfast-Primary: m\r\n");
	check_request(&r, "GET / HTTP/1.1\r\nHost: a\r\nX-Tag2: u\r\nVia: 1.1 holdfast\r\n"
			  "Holdfast-Rank: 1\r\nHoldfast-Primary: m\r\n\r\n");
}

/* ---- responses
 * ------------------------------------------------------------------------------------- */

/* 3, 18, 19, 29: our version, the lines in their order, Set-Cookie never joined. */
static void
test_must_19_response(void **state)
{
	(void)state;
	parse_one_response("HTTP/1.0 200 Fine\r\nSet-Cookie: a=1\r\nAllow: GET\r\nServer:x \r\n"
			   "Set-Cookie: b=2\r\nContent-Length: 05\r\nDate: d\r\n\r\n",
			   METHOD_GET);
	struct forward_response r = {
	    .head = &head,
	    .framing = BODY_LENGTH,
	    .length_known = true,
	    .content_length = 5,
	    .date = SLICE("ours"),
	    .added = SLICE("Set-Cookie: H=x\r\n"),
	};
	check_response(&r, "HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nAllow: GET\r\nServer:x \r\n"
			   "Set-Cookie: b=2\r\nDate: d\r\nContent-Length: 5\r\n"
			   "Set-Cookie: H=x\r\n\r\n");
}

static void
test_must_08_empty_reason(void **state)
{
	(void)state;
	static const char *const lines[] = {"HTTP/1.1 404 \r\n\r\n", "HTTP/1.1 404\r\n\r\n"};
	for (size_t i = 0; i < COUNT(lines); i++) {
		parse_one_response(lines[i], METHOD_GET);
		struct forward_response r = {.head = &head, .framing = BODY_CLOSE, .close = true};
		check_response(&r, "HTTP/1.1 404 \r\nConnection: close\r\n\r\n");
	}
}

/* 26 */
static void
test_must_26_date_is_added(void **state)
{
	(void)state;
	parse_one_response("HTTP/1.1 200 OK\r\nDate: theirs\r\nConnection: date\r\n\r\n",
			   METHOD_GET);
	struct forward_response r = {.head = &head, .framing = BODY_CHUNKED, .date = SLICE("ours")};
	check_response(&r, "HTTP/1.1 200 OK\r\nDate: ours\r\nTransfer-Encoding: chunked\r\n\r\n");
}

/* 36, 39, 40, 41: one statement on the body at most, and none where none may be. */
static void
test_must_39_response_framing(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		uint8_t framing;
		bool length_known;
		const char *want;
	} rows[] = {
	    {"HTTP/1.1 200 OK", BODY_LENGTH, true, "Content-Length: 7\r\n"},
	    {"HTTP/1.1 200 OK", BODY_CHUNKED, false, "Transfer-Encoding: chunked\r\n"},
	    {"HTTP/1.1 200 OK", BODY_CHUNKED, true, "Transfer-Encoding: chunked\r\n"},
	    {"HTTP/1.1 200 OK", BODY_CLOSE, false, ""},
	    {"HTTP/1.1 200 OK", BODY_NONE, true, "Content-Length: 7\r\n"},
	    {"HTTP/1.1 200 OK", BODY_NONE, false, ""},
	    {"HTTP/1.1 304 Not Modified", BODY_NONE, true, "Content-Length: 7\r\n"},
	    {"HTTP/1.1 204 No Content", BODY_NONE, true, ""},
	    {"HTTP/1.1 204 No Content", BODY_CHUNKED, false, ""},
	    {"HTTP/1.1 103 Early Hints", BODY_NONE, true, ""},
	    {"HTTP/1.1 103 Early Hints", BODY_CHUNKED, true, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "%s\r\nTransfer-Encoding: chunked\r\n\r\n",
			       rows[i].line);
		parse_one_response(text, METHOD_GET);
		struct forward_response r = {
		    .head = &head,
		    .framing = rows[i].framing,
		    .length_known = rows[i].length_known,
		    .content_length = 7,
		};
		(void)snprintf(text, sizeof(text), "%s\r\n%s\r\n", rows[i].line, rows[i].want);
		check_response(&r, text);
	}
}

/* 12, 22, 51: one Connection, ours; the member's and what it names are gone. */
static void
test_must_22_connection_of_responses(void **state)
{
	(void)state;
	const char *text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			   "Connection: Upgrade, X-A\r\nX-A: 1\r\nKeep-Alive: 5\r\n\r\n";
	parse_one_response(text, METHOD_GET);
	struct forward_response r = {.head = &head, .framing = BODY_NONE};
	check_response(&r, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
	r.upgrade = true;
	check_response(&r, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			   "Connection: upgrade\r\n\r\n");
	r.upgrade = false;
	r.close = true;
	check_response(&r, "HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\n\r\n");
	r.close = false;
	r.keep_alive = true;
	check_response(&r, "HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive\r\n\r\n");
}

static void
test_tag_in_a_response(void **state)
{
	(void)state;
	parse_one_response("HTTP/1.1 200 OK\r\nX-Tag: theirs\r\nCache-Control: public\r\n\r\n",
			   METHOD_GET);
	struct forward_response r = {
	    .head = &head,
	    .framing = BODY_CHUNKED,
	    .drop_field = SLICE("x-tag"),
	    .added = SLICE("x-tag: ours\r\n"),
	    .via = SLICE("1.1 holdfast"),
	    .tag_field = SLICE("x-tag"),
	};
	check_response(&r, "HTTP/1.1 200 OK\r\nCache-Control: public\r\n"
			   "Cache-Control: no-cache=\"x-tag\"\r\nVia: 1.1 holdfast\r\n"
			   "Transfer-Encoding: chunked\r\nx-tag: ours\r\n\r\n");
}

/* What is put into lines stands where it was asked for, beside what caches are told, and not in
 * lines that are left out. */
static void
test_inserts_in_a_response(void **state)
{
	(void)state;
	static const char text[] =
	    "HTTP/1.0 200 OK\r\nA: 1\r\nSet-Cookie: S=x; Path=/\r\n"
	    "Cache-Control: no-cache=\"b\"\r\nDrop: 1\r\nSet-Cookie: S=x\r\n\r\n";
	parse_one_response(text, METHOD_GET);
	uint32_t first = (uint32_t)(strstr(text, "; Path") - text);
	uint32_t dropped = (uint32_t)(strstr(text, "Drop: 1") - text) + 7;
	uint32_t last = (uint32_t)(strstr(text, "S=x\r\n\r\n") - text) + 3;
	const struct http_insert inserts[] = {
	    {first, SLICE("~1")}, {dropped, SLICE("~2")}, {last, SLICE("~3")}};
	struct forward_response r = {
	    .head = &head,
	    .framing = BODY_NONE,
	    .drop_field = SLICE("drop"),
	    .tag_field = SLICE("set-cookie"),
	    .inserts = inserts,
	    .insert_count = 3,
	};
	check_response(&r, "HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: S=x~1; Path=/\r\n"
			   "Cache-Control: no-cache=\"b, set-cookie\"\r\nSet-Cookie: S=x~3\r\n"
			   "\r\n");
}

/* ---- answers of our own
 * ---------------------------------------------------------------------------- */

static void
test_own_response(void **state)
{
	(void)state;
	struct own_response r = {
	    .status = 503,
	    .detail = SLICE("no_live_member"),
	    .date = SLICE("d"),
	    .retry_after_s = 5,
	    .close = true,
	};
	out = writer_on(written, sizeof(written));
	write_own_response(&out, &r);
	assert_written("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
		       "Cache-Control: no-store\r\nContent-Length: 40\r\nDate: d\r\n"
		       "Retry-After: 5\r\nConnection: close\r\n\r\n"
		       "503 Service Unavailable: no_live_member\n");
	r = (struct own_response){.status = 599,
				  .detail = SLICE("x"),
				  .added = SLICE("Allow: GET\r\n"),
				  .head_only = true};
	out = writer_on(written, sizeof(written));
	write_own_response(&out, &r);
	assert_written("HTTP/1.1 599 Unknown\r\nContent-Type: text/plain\r\n"
		       "Cache-Control: no-store\r\nContent-Length: 15\r\nAllow: GET\r\n\r\n");
}

/* Every status that a cause answers with has a text, and its answer is as long as it says. */
static void
test_own_response_of_every_cause(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		const struct cause_row *row = &cause_table[c];
		if (row->status == 0)
			continue;
		assert_string_not_equal(http_status_text(row->status), "Unknown");
		struct own_response r = {.status = row->status, .detail = slice_of(row->text)};
		out = writer_on(written, sizeof(written));
		write_own_response(&out, &r);
		assert_int_equal(response_of((struct slice){written, out.bytes}, METHOD_GET),
				 PARSE_OK);
		assert_int_equal(head.status, row->status);
		assert_int_equal(head.bytes + head.content_length, out.bytes);
	}
}

/* ---- bounds
 * ------------------------------------------------------------------------------------------ */

/* In memory that is too small nothing is written behind it, and it is said. */
static void
test_overflow_is_told(void **state)
{
	(void)state;
	parse_one_request("GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\nKeep-Alive: x\r\nY: 2\r\n"
			  "Content-Length: 5\r\n\r\n");
	struct forward_request r = plain_request();
	out = writer_on(written, sizeof(written));
	write_request_head(&out, &r);
	size_t whole = out.bytes;
	for (size_t room = 0; room <= whole; room++) {
		char *small = malloc(room + 1);
		assert_non_null(small);
		struct writer w = writer_on(small, room);
		write_request_head(&w, &r);
		assert_int_equal(w.overflow, room < whole);
		assert_in_range(w.bytes, 0, room);
		free(small);
	}
}

/* ---- property: what we write, our own parser takes, and reads the same
 * --------------------------------- */

static uint64_t seed_state;

static uint32_t
draw(uint32_t below)
{
	seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed_state >> 33) % below;
}

static const char *const lines[] = {"Connection: close",
				    "Connection: x-a, Upgrade",
				    "Connection: te",
				    "X-A: 1",
				    "x-b:",
				    "TE: trailers",
				    "Upgrade: websocket",
				    "Keep-Alive: 5",
				    "Cookie: a=1; H=2",
				    "Cookie: H=3",
				    "Date: d",
				    "Via: 1.0 y, 1.1 z",
				    "Content-Length: 5",
				    "Content-Length: 0",
				    "Transfer-Encoding: chunked",
				    "Holdfast-Rank: 1",
				    "Holdfast-X: 1",
				    "Max-Forwards: 3",
				    "Expect: 100-continue",
				    "Set-Cookie: a=b",
				    "Trailer: X-Sum",
				    "X-C: \xff \t :",
				    "Proxy-Connection: close",
				    "Host: b"};

/* The fields that are forwarded, one line each, without Via, which grows. */
static void
list_forwarded(struct writer *w)
{
	for (size_t i = 0; i < head.field_count; i++) {
		const struct http_field *field = &head.field[i];
		if (field->drop || field->id == FIELD_VIA)
			continue;
		write_slice(w, http_field_name(&head, field));
		write_literal(w, ":");
		write_slice(w, http_field_value(&head, field));
		write_literal(w, "\n");
	}
}

static void
test_requests_are_read_again(void **state)
{
	(void)state;
	static const char *const starts[] = {"GET /a?b HTTP/1.1",  "POST http://c/x HTTP/1.1",
					     "OPTIONS * HTTP/1.1", "HEAD http://c HTTP/1.1",
					     "PUT / HTTP/1.0",     "OPTIONS http://c HTTP/1.1"};
	seed_state = 7;
	size_t written_count = 0;
	for (int round = 0; round < 20000; round++) {
		char text[2048];
		struct writer w = writer_on(text, sizeof(text));
		write_text(&w, starts[draw(COUNT(starts))]);
		write_literal(&w, "\r\nHost: a\r\n");
		for (uint32_t left = draw(8); left > 0; left--) {
			write_text(&w, lines[draw(COUNT(lines))]);
			write_literal(&w, "\r\n");
		}
		write_literal(&w, "\r\n");
		if (request_of((struct slice){text, w.bytes}) != PARSE_OK)
			continue;
		written_count++;
		struct http_head before = head;
		char fields[2][2048];
		struct writer list[2] = {writer_on(fields[0], 2048), writer_on(fields[1], 2048)};
		list_forwarded(&list[0]);
		struct forward_request r = plain_request();
		r.head = &before;
		out = writer_on(written, sizeof(written));
		write_request_head(&out, &r);
		/* `before` borrows from `text` no more: `held` is replaced now. */
		char host[64];
		char path[64];
		(void)snprintf(host, sizeof(host), "%.*s", SLICE_ARG(before.host));
		(void)snprintf(path, sizeof(path), "%.*s", SLICE_ARG(before.path));
		if (request_of((struct slice){written, out.bytes}) != PARSE_OK)
			fail_msg("refused (%s): %.*s", why, (int)out.bytes, written);
		assert_int_equal(head.bytes, out.bytes);
		assert_int_equal(head.method, before.method);
		assert_slice(head.host, host);
		assert_slice(head.path, path);
		assert_int_equal(head.framing, before.framing);
		assert_int_equal(head.content_length, before.content_length);
		assert_int_equal(head.upgrade, before.upgrade);
		assert_int_equal(head.te_trailers, before.te_trailers);
		assert_int_equal(head.expect_continue, before.expect_continue);
		assert_true(head.keep_alive && head.has_via && head.minor == 1);
		list_forwarded(&list[1]);
		assert_string_equal(writer_text(&list[0]), writer_text(&list[1]));
	}
	assert_in_range(written_count, 2000, 20000);
}

static void
test_responses_are_read_again(void **state)
{
	(void)state;
	static const char *const starts[] = {"HTTP/1.1 200 OK", "HTTP/1.0 404 ", "HTTP/1.1 204 x",
					     "HTTP/1.1 304 x",  "HTTP/1.1 103",  "HTTP/1.1 500 x"};
	seed_state = 8;
	size_t written_count = 0;
	for (int round = 0; round < 20000; round++) {
		char text[2048];
		struct writer w = writer_on(text, sizeof(text));
		write_text(&w, starts[draw(COUNT(starts))]);
		write_literal(&w, "\r\n");
		for (uint32_t left = draw(8); left > 0; left--) {
			write_text(&w, lines[draw(COUNT(lines))]);
			write_literal(&w, "\r\n");
		}
		write_literal(&w, "\r\n");
		enum http_method method = draw(2) == 0 ? METHOD_GET : METHOD_HEAD;
		if (response_of((struct slice){text, w.bytes}, method) != PARSE_OK)
			continue;
		written_count++;
		struct http_head before = head;
		char fields[2][2048];
		struct writer list[2] = {writer_on(fields[0], 2048), writer_on(fields[1], 2048)};
		list_forwarded(&list[0]);
		struct forward_response r = {
		    .head = &before,
		    .framing = before.framing,
		    .length_known = before.has_length,
		    .content_length = before.content_length,
		    .close = before.framing == BODY_CLOSE,
		};
		out = writer_on(written, sizeof(written));
		write_response_head(&out, &r);
		if (response_of((struct slice){written, out.bytes}, method) != PARSE_OK)
			fail_msg("refused (%s): %.*s", why, (int)out.bytes, written);
		assert_int_equal(head.bytes, out.bytes);
		assert_int_equal(head.status, before.status);
		assert_int_equal(head.framing, before.framing);
		assert_int_equal(head.has_length, before.has_length);
		assert_int_equal(head.content_length, before.content_length);
		assert_int_equal(head.keep_alive, before.framing != BODY_CLOSE);
		list_forwarded(&list[1]);
		assert_string_equal(writer_text(&list[0]), writer_text(&list[1]));
	}
	assert_in_range(written_count, 2000, 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_must_03_and_25_request),
	    cmocka_unit_test(test_must_06_targets),
	    cmocka_unit_test(test_must_22_hop_by_hop_fields),
	    cmocka_unit_test(test_must_27_regenerated_fields),
	    cmocka_unit_test(test_must_36_request_framing),
	    cmocka_unit_test(test_must_24_max_forwards),
	    cmocka_unit_test(test_must_54_cookie_cuts),
	    cmocka_unit_test(test_cuts_in_other_fields),
	    cmocka_unit_test(test_added_and_dropped),
	    cmocka_unit_test(test_must_19_response),
	    cmocka_unit_test(test_must_08_empty_reason),
	    cmocka_unit_test(test_must_26_date_is_added),
	    cmocka_unit_test(test_must_39_response_framing),
	    cmocka_unit_test(test_must_22_connection_of_responses),
	    cmocka_unit_test(test_tag_in_a_response),
	    cmocka_unit_test(test_inserts_in_a_response),
	    cmocka_unit_test(test_own_response),
	    cmocka_unit_test(test_own_response_of_every_cause),
	    cmocka_unit_test(test_overflow_is_told),
	    cmocka_unit_test(test_requests_are_read_again),
	    cmocka_unit_test(test_responses_are_read_again),
	};
	return cmocka_run_group_tests(tests, parser_up, parser_down);
}
