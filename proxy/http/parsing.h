/*
 * parsing.h: what the files behind parse.h share.
 *
 *   bytes -> scan.c -> grammar.c -> request.c or response.c -> head
 *            lines,     llhttp:      framing, connection, host,
 *            names,     start line   what is dropped
 *            values                  (conclude.c: for both)
 *
 * The odd decision: llhttp is shown the start line and a Transfer-Encoding, where a
 * second opinion is worth having, not the other fields. All that it would say of those
 * is that a name is a token, that a value has no control in it and that a length is
 * digits: the scan and the conclusions have said so already, more strictly and at a
 * sixth of the price. That it agrees on whole heads as well is what the fuzz targets
 * look for.
 */
#ifndef HOLDFAST_HTTP_PARSING_H
#define HOLDFAST_HTTP_PARSING_H

#include "http/parse.h"

#include <assert.h>
#include <llhttp.h>

#define LEADING_CRLF_MAX   2         /* empty lines before a request line */
#define CONNECTION_MAX     32        /* elements of all Connection fields of one head */
#define CONTENT_LENGTH_MAX INT64_MAX /* what every file offset can hold */
#define PORT_MAX           65535     /* in Host */
#define VERSION_BYTES      8         /* "HTTP/1.1" */
#define STATUS_BYTES       3         /* "200" */
#define COOKIE_MASK_BITS   64        /* places that cookie_fields can tell */

/* Initialises a slice in a static table. */
#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

#define ID_BIT(id) (UINT64_C(1) << (id))
static_assert(FIELD_IDS <= 64, "every field id has a bit");

/* Options that Connection may name; all else it names is a field to be dropped. */
enum connection_option {
	OPTION_CLOSE = 1,
	OPTION_KEEP_ALIVE = 2,
	OPTION_UPGRADE = 4,
	OPTION_TE = 8,
};

/* Of one head, while it is parsed. */
struct parser {
	llhttp_t grammar;
	struct slice start;        /* start line without its CRLF */
	uint64_t seen;             /* ID_BIT: a field of that id is in the head */
	uint64_t repeated;         /* ID_BIT: ... on more than one line */
	uint16_t first[FIELD_IDS]; /* place of its first line; only where seen */
	unsigned options;          /* enum connection_option, of all Connection fields */
	enum cause cause;          /* of a refusal */
	const char *why;
};

/* Both say why not, and return false. */
bool refuse(struct parser *p, enum cause cause, const char *why);
bool malformed(struct parser *p, const char *why); /* with CLIENT_BAD_REQUEST */

/* fields.c: is a field of that id left out of what is forwarded, whatever Connection says? */
extern const bool field_drops[FIELD_IDS];

/* scan.c: fields and their places from the start line's first byte to the empty line. */
enum parse_outcome scan(struct parser *p, const char *at, const char *end,
			const struct parse_limits *limits, struct http_head *head);

/* grammar.c: the start line, before the conclusions; the one line of Transfer-Encoding. */
llhttp_errno_t grammar_start(struct parser *p, llhttp_type_t type);
bool grammar_coding(struct parser *p, const struct http_head *head);

/* conclude.c */
bool slice_is_token(struct slice s);
/* Every Connection field: options are noted, fields named there are dropped. */
bool read_connection(struct parser *p, struct http_head *head, bool request);
bool read_content_length(struct parser *p, struct http_head *head);
/* Is the whole of Transfer-Encoding one "chunked" on one line? Anything around it is not. */
bool is_chunked_alone(const struct parser *p, const struct http_head *head);
/* "HTTP/1.1" into *minor; *known is false for a version that we do not speak. False: not one. */
bool read_version(const char *at, uint8_t *minor, bool *known);

/* request.c, response.c: a scanned head to its conclusions. */
bool check_request(struct parser *p, struct http_head *head, const struct parse_limits *limits);
bool check_response(struct parser *p, struct http_head *head, enum http_method request_method);

static inline bool
saw(const struct parser *p, enum field_id id)
{
	return (p->seen & ID_BIT(id)) != 0;
}

static inline bool
saw_twice(const struct parser *p, enum field_id id)
{
	return (p->repeated & ID_BIT(id)) != 0;
}

/* Value of the first field of that id; it was seen. */
static inline struct slice
first_value(const struct parser *p, const struct http_head *head, enum field_id id)
{
	return http_field_value(head, &head->field[p->first[id]]);
}

#endif
