/*
 * fuzz_request.c: the input is what a client sends. What must hold: a shorter input never
 * says more than a longer one; llhttp takes the whole of every head that we take, and
 * reads the same framing; what is written for a member is taken by our own parser and
 * means the same.
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

static const struct parse_limits limits = {4096, 1024, 32};
static const struct parse_limits written_limits = {HTTP_HEAD_BYTES_MAX, 8192, HTTP_FIELDS_MAX};
static struct parser *parser;
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
	size_t skipped = 0;
	enum cause cause = CAUSES;
	const char *why = NULL;
	enum parse_outcome outcome = parse_request(parser, at, bytes, l, h, &skipped, &cause, &why);
	if (outcome == PARSE_BAD)
		CHECK(why != NULL && cause < CAUSES && cause_table[cause].side == SIDE_CLIENT);
	if (outcome == PARSE_OK)
		CHECK(h->base == at + skipped && skipped + h->bytes <= bytes);
	return outcome;
}

/* A part of the input, in memory of its own size. */
static void
check_part(const uint8_t *data, size_t part, size_t bytes, enum parse_outcome whole)
{
	char *copy = malloc(part + 1);
	CHECK(copy != NULL);
	memcpy(copy, data, part);
	enum parse_outcome outcome = parse(copy, part, &limits, &again);
	CHECK(outcome == PARSE_MORE || outcome == whole);
	if (outcome == PARSE_OK)
		CHECK(again.bytes == head.bytes && again.field_count == head.field_count);
	CHECK(part < bytes || outcome == whole);
	free(copy);
}

static int
pause_at_body(llhttp_t *g)
{
	(void)g;
	return HPE_PAUSED;
}

static size_t llhttp_fields;

static int
count_field(llhttp_t *g)
{
	(void)g;
	llhttp_fields++;
	return 0;
}

static void
check_whole_by_llhttp(void)
{
	static const llhttp_settings_t settings = {.on_headers_complete = pause_at_body,
						   .on_header_value_complete = count_field};
	llhttp_t g;
	llhttp_init(&g, HTTP_REQUEST, &settings);
	llhttp_fields = 0;
	llhttp_errno_t e = llhttp_execute(&g, head.base, head.bytes);
	/* It does not know that a tab may stand behind a number. */
	if (e == HPE_INVALID_CONTENT_LENGTH)
		return;
	CHECK(e == HPE_PAUSED);
	CHECK(llhttp_fields == head.field_count);
	CHECK(g.http_minor == head.minor);
	CHECK(((g.flags & F_CHUNKED) != 0) == head.chunked);
	CHECK(((g.flags & F_CONTENT_LENGTH) != 0) == head.has_length);
	CHECK(!head.has_length || g.content_length == head.content_length);
}

static void
check_conclusions(void)
{
	CHECK(!(head.chunked && head.has_length));
	CHECK(head.framing != BODY_CLOSE && head.path.bytes > 0);
	CHECK(!head.upgrade || !http_request_has_body(&head));
	CHECK(head.minor == 1 || !(head.keep_alive || head.upgrade || head.expect_continue));
	size_t at = head.field_count > 0 ? head.field[0].name_at : head.bytes - 2;
	for (size_t i = 0; i < head.field_count; i++) {
		const struct http_field *field = &head.field[i];
		CHECK(field->name_at == at);
		CHECK(field->value_at + field->value_bytes + 2 <= at + field->line_bytes);
		CHECK(field_lookup(http_field_name(&head, field)) == field->id);
		at += field->line_bytes;
	}
	CHECK(at + 2 == head.bytes);
}

static void
check_written(void)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct forward_request r = {
	    .head = &head,
	    .via = SLICE("1.1 holdfast"),
	    .framing = head.framing,
	    .content_length = head.content_length,
	};
	write_request_head(&w, &r);
	CHECK(!w.overflow);
	CHECK(parse(text, w.bytes, &written_limits, &again) == PARSE_OK);
	CHECK(again.bytes == w.bytes && again.minor == 1 && again.keep_alive && again.has_via);
	CHECK(again.method == head.method && again.framing == head.framing);
	CHECK(again.content_length == head.content_length);
	CHECK(again.upgrade == head.upgrade && again.te_trailers == head.te_trailers);
	CHECK(again.expect_continue == head.expect_continue);
	struct slice path = again.path;
	if (head.path.at[0] == '?') /* its path is empty, and "/" is sent */
		path = (struct slice){path.at + 1, path.bytes - 1};
	CHECK(slice_equal(again.host, head.host) && slice_equal(path, head.path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum parse_outcome whole = parse((const char *)data, bytes, &limits, &head);
	for (size_t part = 0; part <= bytes; part += 1 + bytes / 16)
		check_part(data, part, bytes, whole);
	if (whole != PARSE_OK)
		return 0;
	check_part(data, (size_t)(head.base - (const char *)data) + head.bytes - 1, bytes,
		   PARSE_MORE);
	check_whole_by_llhttp();
	check_conclusions();
	check_written();
	return 0;
}
