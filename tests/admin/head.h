/* head.h: a request's head from its text, as the admin listener parses it. */
#ifndef HOLDFAST_TESTS_ADMIN_HEAD_H
#define HOLDFAST_TESTS_ADMIN_HEAD_H

#include "http/parse.h"

#include <stdio.h>

static struct http_head the_head;
static char head_text[20000];

/* "GET /status" and further lines, each with its "\r\n". */
static inline const struct http_head *
head_of(const char *start, const char *lines)
{
	static const struct parse_limits limits = {HTTP_HEAD_BYTES_MAX, 8192, 100};
	struct parser *parser = parser_create();
	size_t skipped;
	enum cause cause;
	const char *why = "";
	int bytes = snprintf(head_text, sizeof(head_text), "%s HTTP/1.1\r\n%s\r\n", start, lines);
	enum parse_outcome outcome = parse_request(parser, head_text, (size_t)bytes, &limits,
						   &the_head, &skipped, &cause, &why);
	parser_free(&parser);
	if (outcome != PARSE_OK)
		fail_msg("%s: %s", start, why);
	return &the_head;
}

#endif
