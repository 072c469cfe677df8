/*
 * parsing.h: heads parsed from memory of exactly their size, so that a sanitizer sees
 * a look at the byte behind. Include it in one file of a program.
 */
#ifndef HOLDFAST_TESTS_HTTP_PARSING_H
#define HOLDFAST_TESTS_HTTP_PARSING_H

#include "http/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct parser *parser;
static struct parse_limits limits = {HTTP_HEAD_BYTES_MAX, 8192, 100};
/* Of the last message. */
static struct http_head head;
static char *held;
static size_t skipped;
static enum cause cause;
static const char *why;

static inline int
parser_up(void **state)
{
	(void)state;
	parser = parser_create();
	return parser == NULL;
}

static inline int
parser_down(void **state)
{
	(void)state;
	free(held);
	held = NULL;
	parser_free(&parser);
	return parser != NULL;
}

static inline const char *
hold(struct slice text)
{
	free(held);
	held = malloc(text.bytes > 0 ? text.bytes : 1);
	assert_non_null(held);
	memcpy(held, text.at, text.bytes);
	why = "";
	return held;
}

static inline enum parse_outcome
request_of(struct slice text)
{
	cause = CAUSE_DONE;
	return parse_request(parser, hold(text), text.bytes, &limits, &head, &skipped, &cause,
			     &why);
}

static inline enum parse_outcome
response_of(struct slice text, enum http_method method)
{
	cause = CAUSE_DONE;
	return parse_response(parser, hold(text), text.bytes, &limits, method, &head, &cause, &why);
}

static inline void
assert_slice(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_of(want)))
		fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got), want);
}

/* The one field of that name. */
static inline const struct http_field *
field_named(const char *name)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(&head, slice_of(name), &at);
	if (field == NULL)
		fail_msg("no field %s", name);
	return field;
}

#endif
