/*
 * forward.h: heads to bytes: what is sent to a member for a request, what is
 * sent to a client for a response. Framing is always written anew from our own
 * numbers; hop-by-hop fields, fields named in Connection and Holdfast's own are
 * left out; runs of untouched lines are copied from the received head as they
 * stand.
 */
#ifndef HOLDFAST_HTTP_FORWARD_H
#define HOLDFAST_HTTP_FORWARD_H

#include "http/cache.h"

/* A piece that is cut out of a forwarded value (our cookie out of Cookie, a tag off a session id),
 * within one value; offsets in head->base. */
struct http_cut {
	uint32_t at;
	uint32_t bytes;
};
#define HTTP_CUTS_MAX    8
#define HTTP_INSERTS_MAX 4

struct forward_request {
	const struct http_head *head;
	struct slice added; /* whole lines, each with CRLF: Holdfast-*, X-Forwarded-* */
	struct slice
	    via; /* our element for Via, "1.1 holdfast"; appended to the client's Via lines */
	struct slice
	    drop_field; /* a field of this name is left out (the tag in a header); may be empty */
	const struct http_cut *cuts; /* ascending; a field left empty is left out whole */
	size_t cut_count;
	uint8_t cut_id;          /* enum field_id of the fields that have cuts */
	uint8_t framing;         /* enum body_framing to write: NONE, LENGTH or CHUNKED */
	uint64_t content_length; /* when BODY_LENGTH */
	bool max_forwards;       /* write max_forwards_value in place of the client's */
	uint64_t max_forwards_value;
};

/*
 * METHOD SP path SP HTTP/1.1, Host first, then the fields. Connection: keep-alive is
 * implied by 1.1; Connection is written only for upgrade and te_trailers.
 */
void write_request_head(struct writer *w, const struct forward_request *r);

struct forward_response {
	const struct http_head *head;
	struct slice added; /* whole lines: Set-Cookie or the tag's header */
	struct slice via;
	struct slice drop_field;
	uint8_t framing;   /* towards the client: NONE, LENGTH, CHUNKED, CLOSE */
	bool length_known; /* write Content-Length: with LENGTH, and for HEAD and 304 answers that
			      had one */
	uint64_t content_length;
	bool close;      /* Connection: close */
	bool keep_alive; /* Connection: keep-alive, for a 1.0 client that asked; never both */
	bool upgrade;    /* 101: keep Upgrade, write Connection: upgrade */
	/* Of the field that carries a tag which this answer sets: shared caches are told (cache.h);
	 * empty: sets none. */
	struct slice tag_field;
	const struct http_insert *inserts; /* ascending, in lines that are forwarded */
	size_t insert_count;               /* at most HTTP_INSERTS_MAX */
	struct slice date;                 /* IMF-fixdate to add when the head has none */
};

/* HTTP/1.1 status SP reason (the space stays when the reason is empty). */
void write_response_head(struct writer *w, const struct forward_response *r);

/*
 * A whole answer of Holdfast's own with a short text/plain body ("503 Service
 * Unavailable: no_live_member\n"), Content-Length, Date, Cache-Control: no-store, Connection: close
 * when `close`, Retry-After when retry_after_s is not 0. head_only leaves the body out.
 */
struct own_response {
	uint16_t status;
	struct slice detail; /* static text, printable ASCII */
	struct slice type;   /* with `body`, instead of a text about the status; empty: none */
	struct slice body;
	struct slice date;
	struct slice added; /* whole lines; may be empty */
	uint32_t retry_after_s;
	bool close;
	bool head_only;
};
void write_own_response(struct writer *w, const struct own_response *r);

/* "Bad Request" for 400; "Unknown" for one that neither RFC 9110 nor a cause knows. */
const char *http_status_text(uint16_t status);

#endif
