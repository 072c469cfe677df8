/*
 * parse.c: the way in; see parse.h, and parsing.h for the way through. Nothing is kept
 * between two calls: a head that was incomplete is scanned again from its first byte.
 */
#include "http/parsing.h"

#include <stdlib.h>

struct parser *
parser_create(void)
{
	return calloc(1, sizeof(struct parser));
}

void
parser_free(struct parser **held)
{
	free(*held);
	*held = NULL;
}

static void
begin_head(struct parser *p, const char *base, struct http_head *head)
{
	p->seen = 0;
	p->repeated = 0;
	p->options = 0;
	/* All but the fields, of which those below field_count are written. */
	memset(head, 0, offsetof(struct http_head, field));
	head->base = base;
}

/* An incomplete head fills the bound: is it the target's fault? */
static void
refuse_too_large(struct parser *p, const char *at, size_t count, const struct parse_limits *limits)
{
	const char *line = memchr(at, '\r', count);
	struct slice rest = {at, line != NULL ? (size_t)(line - at) : count};
	size_t method = slice_find(rest, ' ');
	size_t target = 0;
	if (method < rest.bytes) {
		rest.at += method + 1;
		rest.bytes -= method + 1;
		target = slice_find(rest, ' ');
	}
	if (target > limits->target_bytes_max)
		(void)refuse(p, CAUSE_CLIENT_TARGET_TOO_LONG, "request target too long");
	else
		(void)refuse(p, CAUSE_CLIENT_HEAD_TOO_LARGE, "head too large");
}

enum parse_outcome
parse_request(struct parser *p, const char *bytes, size_t count, const struct parse_limits *limits,
	      struct http_head *head, size_t *skipped, enum cause *cause, const char **why)
{
	assert(limits->fields_max <= HTTP_FIELDS_MAX);
	bool full = count >= limits->head_bytes_max;
	const char *end = bytes + (full ? limits->head_bytes_max : count);
	const char *base = bytes;
	for (int i = 0; i < LEADING_CRLF_MAX && end - base >= 2 && memcmp(base, "\r\n", 2) == 0;
	     i++)
		base += 2;
	*skipped = (size_t)(base - bytes);
	begin_head(p, base, head);
	enum parse_outcome outcome = scan(p, base, end, limits, head);
	if (outcome == PARSE_MORE && full) {
		refuse_too_large(p, base, (size_t)(end - base), limits);
		outcome = PARSE_BAD;
	} else if (outcome == PARSE_OK && !check_request(p, head, limits)) {
		outcome = PARSE_BAD;
	}
	if (outcome == PARSE_BAD) {
		*cause = p->cause;
		*why = p->why;
	}
	return outcome;
}

enum parse_outcome
parse_response(struct parser *p, const char *bytes, size_t count, const struct parse_limits *limits,
	       enum http_method request_method, struct http_head *head, enum cause *cause,
	       const char **why)
{
	assert(limits->fields_max <= HTTP_FIELDS_MAX);
	bool full = count >= limits->head_bytes_max;
	const char *end = bytes + (full ? limits->head_bytes_max : count);
	begin_head(p, bytes, head);
	enum parse_outcome outcome = scan(p, bytes, end, limits, head);
	if (outcome == PARSE_MORE && full) {
		(void)malformed(p, "head too large");
		outcome = PARSE_BAD;
	} else if (outcome == PARSE_OK && !check_response(p, head, request_method)) {
		outcome = PARSE_BAD;
	}
	if (outcome == PARSE_BAD) {
		*cause = CAUSE_MEMBER_BAD_ANSWER;
		*why = p->why;
	}
	return outcome;
}
