/*
 * head.h: one parsed message head, request or response.
 *
 * A head borrows the bytes it was parsed from: `base` must stay where it is
 * until the exchange is over (that immutable original is what every attempt is
 * rebuilt from). Fields are kept as offsets in the order in which they came.
 * The parser has checked the grammar (strictly: our scan first, then llhttp) and
 * drawn every conclusion that framing, routing and forwarding need; nobody looks
 * for Content-Length again.
 */
#ifndef HOLDFAST_HTTP_HEAD_H
#define HOLDFAST_HTTP_HEAD_H

#include "base/text.h"
#include "vocab.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX           256 /* of one head; limits.headers_max may be lower */
#define HTTP_HEAD_BYTES_MAX       16384
#define HTTP_CHUNK_LINE_MAX       256         /* size and extensions of one chunk */
#define HTTP_CHUNK_EXTENSIONS_MAX (16 * 1024) /* bytes of extensions in one body */
#define HTTP_TRAILER_BYTES_MAX    4096
/* Of a request that came by HTTP/2: set behind the parser, which reads it as one of HTTP/1.1. */
#define HTTP_MINOR_OF_2 2

/* Fields that Holdfast itself reads, writes or removes; all others are FIELD_OTHER. */
enum field_id {
	FIELD_OTHER,
#define FIELD(name, text, action) FIELD_##name,
#include "tbl/fields.h"
#undef FIELD
	FIELD_IDS
};

struct http_field {
	uint32_t name_at; /* offset in base; the line runs to the next line's CRLF */
	uint32_t value_at;
	uint32_t value_bytes; /* without white space at both ends */
	uint16_t name_bytes;
	uint8_t id;          /* enum field_id */
	bool drop;           /* not forwarded: hop-by-hop, named in Connection, or our own */
	uint32_t line_bytes; /* whole line with its CRLF, from name_at */
};

enum http_method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_TRACE,
	METHOD_PATCH,
	METHOD_OTHER,      /* known to llhttp, of no special meaning here; never idempotent */
	METHOD_OTHER_SAFE, /* PROPFIND, REPORT, SEARCH: safe and so idempotent */
};

enum body_framing {
	BODY_NONE,    /* no content follows */
	BODY_LENGTH,  /* content_length bytes follow */
	BODY_CHUNKED, /* chunks and trailers follow */
	BODY_CLOSE,   /* response only: until the connection closes */
};

struct http_head {
	const char *base;         /* borrowed: first byte of the start line */
	uint32_t bytes;           /* of the whole head, the empty line included */
	uint8_t minor;            /* HTTP/1.minor: 0 or 1; HTTP_MINOR_OF_2 */
	uint8_t method;           /* enum http_method; request */
	uint16_t status;          /* response */
	struct slice method_text; /* request */
	struct slice target;      /* request: as received */
	struct slice path;   /* request: path and query to forward ("/x?y", "*"); of an absolute
			   target   without path "/" or "*" (static), or "?y", which is "/?y" */
	struct slice host;   /* request: of an absolute target, else the Host field; may be empty in
				HTTP/1.0 */
	struct slice reason; /* response; may be empty */
	uint8_t framing;     /* enum body_framing; a response's goes by its request's method, too */
	bool keep_alive;     /* by version and Connection of this message */
	bool chunked;        /* Transfer-Encoding: chunked, applied once, last */
	bool has_length;
	bool expect_continue; /* request, HTTP/1.1, content follows */
	bool upgrade;         /* Upgrade field and Connection: upgrade, HTTP/1.1; not to h2c */
	bool te_trailers;     /* TE: trailers with Connection: TE */
	bool has_date;
	bool has_via;
	uint64_t content_length; /* when has_length; else 0 */
	uint64_t cookie_fields; /* bit i: field i (< 64) is Cookie or Set-Cookie; see cookie_more */
	bool cookie_more;       /* a Cookie or Set-Cookie stands at place 64 or later */
	uint64_t ids;           /* bit of an enum field_id: a field of that id is in the head */
	uint16_t field_count;
	struct http_field field[HTTP_FIELDS_MAX];
};

/* Asks no field: the parser noted it. */
static inline bool
http_head_has(const struct http_head *head, enum field_id id)
{
	return (head->ids >> id & 1) != 0;
}

static inline struct slice
http_field_name(const struct http_head *head, const struct http_field *field)
{
	return (struct slice){head->base + field->name_at, field->name_bytes};
}

static inline struct slice
http_field_value(const struct http_head *head, const struct http_field *field)
{
	return (struct slice){head->base + field->value_at, field->value_bytes};
}

static inline struct slice
http_field_line(const struct http_head *head, const struct http_field *field)
{
	return (struct slice){head->base + field->name_at, field->line_bytes};
}

/* First field of that name (ASCII case-insensitive) at or after *at; *at moves behind it. NULL:
 * none. */
const struct http_field *http_field_find(const struct http_head *head, struct slice name,
					 size_t *at);
/* The same for a field that has an id; start with *at = 0. */
const struct http_field *http_field_find_id(const struct http_head *head, enum field_id id,
					    size_t *at);

/* Are there body bytes to be read? Content-Length: 0 announces none. */
static inline bool
http_request_has_body(const struct http_head *head)
{
	return head->framing == BODY_CHUNKED ||
	       (head->framing == BODY_LENGTH && head->content_length > 0);
}

/* RFC 9110 section 9.2.2: may be sent again without asking. */
bool http_method_idempotent(enum http_method method);

#endif
