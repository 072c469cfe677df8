/*
 * fuzz_response.c: the first byte says whether the request was HEAD, the rest is what a
 * member answers. What must hold is what holds in fuzz_request.c, towards the client.
 */
#include "http/forward.h"
#include "http/parse.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct parse_limits limits = {4096, 4096, 32};
static const struct parse_limits written_limits = {HTTP_HEAD_BYTES_MAX, 8192, HTTP_FIELDS_MAX};
static struct parser *parser;
static enum http_method method; /* of the request */
static struct http_head head;
static struct http_head again;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	parser = parser_create();
	CHECK(parser != NULL);
	return 0;
}

static enum parse_outcome
parse(const char *at, size_t bytes, const struct parse_limits *l, struct http_head *h)
{
	enum cause cause = CAUSES;
	const char *why = NULL;
	enum parse_outcome outcome = parse_response(parser, at, bytes, l, method, h, &cause, &why);
	if (outcome == PARSE_BAD)
		CHECK(why != NULL && cause == CAUSE_MEMBER_BAD_ANSWER);
	if (outcome == PARSE_OK)
		CHECK(h->base == at && h->bytes <= bytes);
	return outcome;
}

/* A part of the input, in memory of its own size. */
static void
check_part(const uint8_t *data, size_t part, enum parse_outcome whole)
{
	char *copy = malloc(part + 1);
	CHECK(copy != NULL);
	memcpy(copy, data, part);
	enum parse_outcome outcome = parse(copy, part, &limits, &again);
	CHECK(outcome == PARSE_MORE || outcome == whole);
	free(copy);
}

static int
pause_at_body(llhttp_t *g)
{
	(void)g;
	return HPE_PAUSED;
}

/* Where both fields stand we say more than it does: the length counts for nothing. */
static void
check_whole_by_llhttp(void)
{
	static const llhttp_settings_t settings = {.on_headers_complete = pause_at_body};
	llhttp_t g;
	llhttp_init(&g, HTTP_RESPONSE, &settings);
	llhttp_errno_t e = llhttp_execute(&g, head.base, head.bytes);
	if (e == HPE_INVALID_CONTENT_LENGTH || e == HPE_UNEXPECTED_CONTENT_LENGTH)
		return;
	CHECK(e == HPE_PAUSED);
	CHECK(g.http_minor == head.minor && g.status_code == head.status);
	if (head.status >= 200 && head.status != 204) {
		CHECK(((g.flags & F_CHUNKED) != 0) == head.chunked);
		CHECK(((g.flags & F_CONTENT_LENGTH) != 0) == head.has_length);
		CHECK(!head.has_length || g.content_length == head.content_length);
	}
}

static void
check_conclusions(void)
{
	bool empty =
	    head.status < 200 || head.status == 204 || head.status == 304 || method == METHOD_HEAD;
	CHECK(!(head.chunked && head.has_length));
	CHECK(empty == (head.framing == BODY_NONE));
	CHECK(head.framing != BODY_CLOSE || !head.keep_alive);
	CHECK(head.has_length || head.content_length == 0);
	CHECK((head.status >= 200 && head.status != 204) || !(head.has_length || head.chunked));
}

static void
check_written(void)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct forward_response r = {
	    .head = &head,
	    .framing = head.framing,
	    .length_known = head.has_length,
	    .content_length = head.content_length,
	    .date = SLICE("Thu, 01 Jan 2026 00:00:00 GMT"),
	    .close = head.framing == BODY_CLOSE,
	    .upgrade = head.status == 101 && head.upgrade,
	};
	write_response_head(&w, &r);
	CHECK(!w.overflow);
	CHECK(parse(text, w.bytes, &written_limits, &again) == PARSE_OK);
	CHECK(again.bytes == w.bytes && again.minor == 1 && again.has_date);
	CHECK(again.status == head.status && again.framing == head.framing);
	CHECK(again.has_length == head.has_length && again.content_length == head.content_length);
	CHECK(again.keep_alive == (head.framing != BODY_CLOSE));
	CHECK(again.upgrade == r.upgrade && slice_equal(again.reason, head.reason));
}

/* An answer that sets a tag says so to caches, once: what was written needs nothing more, or keeps
 * caches off by its first word. */
static void
check_protected(void)
{
	static char text[2 * HTTP_HEAD_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct forward_response r = {
	    .head = &head, .framing = BODY_NONE, .tag_field = SLICE("x-tag")};
	write_response_head(&w, &r);
	CHECK(!w.overflow);
	if (parse(text, w.bytes, &written_limits, &again) != PARSE_OK)
		return; /* more bytes or fields than a head may have */
	struct cache_edit edit;
	cache_protect(&again, SLICE("x-tag"), &edit);
	size_t at = 0;
	const struct http_field *field = http_field_find_id(&again, FIELD_CACHE_CONTROL, &at);
	CHECK(!edit.line && field != NULL);
	CHECK(edit.insert_count == 0 ||
	      slice_has_prefix(http_field_value(&again, field), SLICE("no-store,")));
}

/* What had white space before colons is bad for another reason, or good, and never has any again.
 */
static void
check_mended(const uint8_t *data, size_t bytes)
{
	char *copy = malloc(bytes + 1);
	CHECK(copy != NULL);
	memcpy(copy, data, bytes);
	if (parse_mend_names(copy, bytes)) {
		CHECK(!parse_mend_names(copy, bytes));
		(void)parse(copy, bytes, &limits, &again);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	method = (data[0] & 1) != 0 ? METHOD_HEAD : METHOD_GET;
	data++;
	bytes--;
	enum parse_outcome whole = parse((const char *)data, bytes, &limits, &head);
	for (size_t part = 0; part < bytes; part += 1 + bytes / 16)
		check_part(data, part, whole);
	check_part(data, bytes, whole);
	check_mended(data, bytes);
	if (whole != PARSE_OK)
		return 0;
	check_part(data, head.bytes - 1, PARSE_MORE);
	check_whole_by_llhttp();
	check_conclusions();
	check_written();
	check_protected();
	return 0;
}
