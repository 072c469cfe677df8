/*
 * parse.h: bytes to heads. Fed, never reading: consumed / need more / bad.
 *
 * Two stages. First our own scan finds the end of the head and refuses what the
 * packaged llhttp (8.1.0, before the fix of CVE-2023-30589) lets through: NUL and
 * other controls, bare CR, bare LF, obs-fold, white space before the colon or
 * before the first field, an empty field name. Then llhttp parses the start line
 * and a Transfer-Encoding, and must agree. The conclusions (framing,
 * connection, host) follow RFC 9112 sections 2 to 6 and 9, RFC 9110 section 7.
 *
 * Of what these leave to us: a repeated Content-Length is refused even when it says
 * the same twice; so are bytes above ASCII in a request target, and more than 32 elements in
 * Connection. Of an "Upgrade: h2c" nothing is passed on. Every field Holdfast-*, but Holdfast-Term,
 * is dropped in both directions; they can still be found.
 */
#ifndef HOLDFAST_HTTP_PARSE_H
#define HOLDFAST_HTTP_PARSE_H

#include "http/head.h"

enum parse_outcome {
	PARSE_OK,
	PARSE_MORE, /* the head is not complete yet */
	PARSE_BAD,  /* the message must be refused and its connection closed */
};

/* Bounds on one head; all at most the compile-time bounds of head.h. */
struct parse_limits {
	uint32_t head_bytes_max;   /* start line, fields and empty line; CRLFs before it too */
	uint32_t target_bytes_max; /* request target */
	uint32_t fields_max;
};

/* One per worker, reused for every message; no state lives in it between calls. */
struct parser;
struct parser *parser_create(void); /* NULL: no memory */
void parser_free(struct parser **p);

/*
 * Parses the request head at bytes[0..count). Leading CRLFs (at most 2; RFC 9112
 * section 2.2) are skipped and counted in *skipped: head->base = bytes + *skipped.
 * PARSE_OK:   *head is filled; head->bytes were consumed after *skipped.
 * PARSE_MORE: nothing is wrong so far, and less than limits->head_bytes_max is held
 *             (*skipped counts towards that bound).
 * PARSE_BAD:  *cause is one of CLIENT_BAD_REQUEST, CLIENT_HEAD_TOO_LARGE,
 *             CLIENT_TARGET_TOO_LONG, CLIENT_VERSION, CLIENT_METHOD,
 *             CLIENT_EXPECTATION; its row has the status. *why is a static text.
 */
enum parse_outcome parse_request(struct parser *p, const char *bytes, size_t count,
				 const struct parse_limits *limits, struct http_head *head,
				 size_t *skipped, enum cause *cause, const char **why);

/*
 * The same for a response head to a request with `request_method`; interim (1xx)
 * heads are parsed one at a time like any other. framing is settled by RFC 9112
 * section 6.3: HEAD, 1xx, 204, 304 have none. *cause on PARSE_BAD is
 * MEMBER_BAD_ANSWER. White space before a colon is refused as well: whoever reads members' answers
 * has it taken out first, by parse_mend_names.
 */
enum parse_outcome parse_response(struct parser *p, const char *bytes, size_t count,
				  const struct parse_limits *limits,
				  enum http_method request_method, struct http_head *head,
				  enum cause *cause, const char **why);

/* Name (a token, any case) to id; FIELD_OTHER when it is not in tbl/fields.h. */
enum field_id field_lookup(struct slice name);
/* Does the name (a token) begin with "Holdfast-", or with "Holdfast_", which servers that put
 * fields into variables (CGI, WSGI) take for the same? */
bool field_is_holdfast(struct slice name);
/*
 * Length of the field line that `lines` begins with, its CRLF included, and the field's
 * name. 0: malformed, by the same rules as in a head.
 */
size_t field_line_check(struct slice lines, struct slice *name);

/*
 * White space between a name and its colon has to be taken out of an answer before it is passed on
 * (RFC 9112 section 5.1). For a head that parse_response found bad: such blanks change places with
 * their colons, as far as whole lines of the first head are there. False: there were none, and the
 * head stays bad. True: to be parsed again. No length changes.
 */
bool parse_mend_names(char *bytes, size_t count) __attribute__((cold, noinline));

#endif
