/*
 * h2_head.h: the head of an HTTP/2 request as a head of HTTP/1.1, so that one parser, one set of
 * checks and one way to the member serve both (RFC 9113 sections 8.1.1 to 8.5, RFC 8441). Pure: it
 * is given fields one after another as HPACK unpacks them, and never more than its bounds is kept.
 *
 *   :method :path :authority         GET /x HTTP/1.1
 *   cookie: a=1                 ->   host: shop.example
 *   accept: text/html                cookie: a=1; b=2
 *   cookie: b=2                      accept: text/html
 *
 * Nothing that came is trusted to be a piece of a line: a name is a token in lower case, a value
 * has no control in it, a pseudo-field no blank either. What follows is what every head of HTTP/1.1
 * is checked for, by http/parse.h, with the head made here as its input.
 *
 * Who breaks the rules of HTTP/2 (MALFORMED) gets a stream error; who asks for what is not to be
 * had (REFUSED) an answer by its cause.
 */
#ifndef HOLDFAST_EDGE_H2_HEAD_H
#define HOLDFAST_EDGE_H2_HEAD_H

#include "http/h2_fields.h"
#include "http/parse.h"

#define H2_WEBSOCKET_KEY_BYTES 24 /* base64 of 16 bytes */
#define H2_HEAD_BYTES_MAX \
	((size_t)4 * HTTP_HEAD_BYTES_MAX) /* unpacked: above, no answer is worth it */
#define H2_HEAD_FIELDS_MAX (4 * HTTP_FIELDS_MAX)

enum h2_pseudo { H2_METHOD, H2_SCHEME, H2_AUTHORITY, H2_PATH, H2_PROTOCOL, H2_PSEUDOS };

enum h2_verdict {
	H2_HEAD_GOOD,
	H2_HEAD_REFUSED,   /* see `cause` */
	H2_HEAD_MALFORMED, /* see `why` */
	H2_HEAD_BOMB,      /* H2_HEAD_*_MAX: the connection is not worth keeping */
};

struct h2_head {
	struct writer text;                /* on the caller's memory, which outlives the head */
	const struct parse_limits *limits; /* borrowed */
	struct slice pseudo[H2_PSEUDOS];   /* borrowed until h2_head_end; at NULL: not there */
	enum h2_verdict verdict;
	enum cause cause;  /* REFUSED */
	const char *why;   /* static; of what is not GOOD */
	size_t unpacked;   /* bytes of all names and values, kept or not */
	uint32_t fields;   /* all of them, cookie crumbs one by one */
	size_t cookie_end; /* offset behind the value of the Cookie line; 0: none yet */
	bool begun;        /* the start line is written */
	bool has_host;     /* a host field came */
	bool has_length;   /* content-length came */
	bool te_trailers;
	bool tunnel; /* Extended CONNECT for a WebSocket */
};

/* At most limits->head_bytes_max of `at` is used. */
void h2_head_init(struct h2_head *h, char *at, const struct parse_limits *limits);
/* The next field, in order. Returns h->verdict as it is now; more fields may follow whatever it is.
 */
enum h2_verdict h2_head_add(struct h2_head *h, struct slice name, struct slice value);
/*
 * The head is whole; `ended`: nothing follows. `key`: the Sec-WebSocket-Key that a tunnel is asked
 * for with. GOOD: h->text is a whole head, without doubt about where it ends.
 */
enum h2_verdict h2_head_end(struct h2_head *h, bool ended, const char key[H2_WEBSOCKET_KEY_BYTES]);

#endif
