/*
 * h2_request.h: a request's head, as it would be sent over HTTP/1.1, as fields of HTTP/2 (RFC 9113
 * section 8.3.1): pseudo-fields first, hop-by-hop fields left out (section 8.2.2), the host as
 * :authority. "Upgrade: websocket" is what Extended CONNECT asks for (RFC 8441). Pure.
 */
#ifndef HOLDFAST_HTTP_H2_REQUEST_H
#define HOLDFAST_HTTP_H2_REQUEST_H

#include "http/h2_fields.h"

#define H2_PSEUDOS_MAX ((size_t)5) /* of a request */

struct h2_request {
	struct slice method; /* borrowed from the head, as all here */
	struct slice path;
	struct slice host;       /* empty: it has none */
	struct slice key;        /* Sec-WebSocket-Key; it is no field of the others */
	uint64_t content_length; /* BODY_LENGTH */
	uint8_t framing;         /* enum body_framing: NONE, LENGTH or CHUNKED */
	bool websocket;          /* it asks for one, and has a key */
	size_t begin;            /* of fields.list: what is sent, from the pseudo-fields on */
	struct h2_fields fields; /* last: large, and not filled before its time */
};

/* `at`: the whole head with its empty line, which is written into. False: it is none, or has too
 * many fields. */
bool h2_request_read(struct h2_request *r, char *at, size_t bytes);
/* Then: lays the pseudo-fields before the others. `tunnel`: of the WebSocket that it asks for. */
void h2_request_begin(struct h2_request *r, bool secure, bool tunnel);

#endif
