/*
 * h2_leg.h: one request at a member that speaks HTTP/2, as its exchange holds it: an upstream whose
 * bytes are frames of a stream. An exchange knows no difference: it sends the head and body that it
 * would send over a connection of its own, and reads an answer as such a connection has it, one
 * whose member says "Connection: close". So everything that is decided by bytes, readiness and ends
 * is decided in one place for both protocols; here alone they are turned into each other.
 *
 *   exchange -- io_send: head as text, body, chunks --> HEADERS, DATA, trailers --> h2_link
 *   exchange <-- io_recv: heads as text, body, the end -- HEADERS, DATA, trailers <-- h2_link
 *
 * - An answer without a length ends with the stream; so does one with a length, for trailers may
 *   follow it. Its trailers are u->trailers when the end was read. An end that is not the member's
 *   END_STREAM is ECONNRESET.
 * - WebSocket: "Upgrade: websocket" becomes Extended CONNECT (RFC 8441) where the member takes it,
 * its 200 a 101; else nothing is sent, and the leg broke with NO_TUNNEL. Other upgrades are not
 * asked for (RFC 9110 section 7.8 allows it).
 * - What the member says that it did not process (RFC 9113 section 8.7: REFUSED_STREAM; streams
 * above the last one of its GOAWAY), and what never left, counts as not sent.
 */
#ifndef HOLDFAST_RELAY_H2_LEG_H
#define HOLDFAST_RELAY_H2_LEG_H

#include "http/chunk.h"
#include "http/h2_fields.h"
#include "relay/upstream.h"

#define H2_LEG_QUEUE_MAX    65536 /* of a request's body that the member did not take */
#define H2_LEG_QUEUE_RESUME 16384 /* below: more is wanted */
#define H2_LEG_LINGER_MS    2000  /* for the end of a stream that has said all */
#define H2_LEG_ACCEPT_BYTES 28    /* Sec-WebSocket-Accept: base64 of SHA-1 */

struct h2_link;

struct h2_leg {
	struct trash trash;     /* first */
	struct deadline linger; /* the exchange let go, and the stream is to end by itself */
	struct worker *worker;
	struct upstream *u;   /* NULL: the exchange let go */
	struct h2_link *link; /* NULL: the stream is no more */
	struct h2_leg *next;  /* in link->legs */
	struct h2_leg *prev;
	struct h2_leg *next_news; /* in worker->links->news */
	int32_t id;               /* of the stream; 0: not begun */
	uint8_t why;              /* enum reason: of what is `broken` */
	uint8_t body;             /* enum body_framing, of the request as it is given */
	uint64_t body_left;       /* BODY_LENGTH */
	struct chunk_decoder chunks;
	struct buf *trailers_out; /* of the request */
	struct buf *queue;        /* of its body */
	struct buf *queue_last;
	uint64_t queued;
	struct buf *in; /* heads as text, then the body, not yet read by the exchange */
	struct buf *in_last;
	uint64_t text; /* bytes of heads there */
	uint64_t held; /* bytes of the body there */
	struct buf *trailers_in;
	char accept[H2_LEG_ACCEPT_BYTES]; /* of a tunnel */
	bool in_news;
	bool head_only;    /* the request is HEAD */
	bool tunnel_asked; /* by Extended CONNECT */
	bool on_wire;      /* HEADERS left, or are about to: nobody takes them back */
	bool sent_all;     /* the whole request is in the queue, or was */
	bool deferred;     /* nghttp2 found the queue empty and waits to be told */
	bool spoken;       /* the member answered, if only for now */
	bool final;        /* its final head came */
	bool bodiless;     /* nothing can follow it */
	bool over;         /* END_STREAM came */
	bool broken;       /* it never will */
	bool malformed;    /* what the member said is no answer */
	bool settled;      /* in the trash */
};

/* Of a link: waits for it, or is BUSY at once. NULL: no memory. */
struct upstream *h2_leg_open(struct h2_link *link, struct exchange *x);
/* Into another link's, which has room; it is in none. */
void h2_leg_join(struct h2_leg *leg, struct h2_link *link);
/* The exchange lets go: RST_STREAM, unless all was said. From upstream_close. */
void h2_leg_leave(struct h2_leg *leg);
/* Before an answer: why `broken`. */
enum reason h2_leg_why(const struct h2_leg *leg);
/* May the member have processed any of it? */
bool h2_leg_was_sent(const struct h2_leg *leg);
/* Its owner is told at the end of this round. */
void h2_leg_news(struct h2_leg *leg);
/* Now. */
void h2_leg_tell(struct h2_leg *leg);
/* The stream, or all of its link, came to an end before its END_STREAM; `why` when nothing came. */
void h2_leg_broken(struct h2_leg *leg, enum reason why);
/* Frees what nobody holds any more. */
void h2_leg_settle(struct h2_leg *leg);

/* ---- between the files of HTTP/2 to members ---- */

static inline struct h2_leg *
h2_leg_of(const struct io *io)
{
	const struct upstream *u = io->owner;
	return u->leg;
}

/* The stream is to be no more, or never to be; the leg leaves its link, which it has. */
void h2_leg_reset(struct h2_leg *leg, uint32_t code);

/* What came. False: no memory. */
bool h2_leg_text(struct h2_leg *leg, struct slice head);
bool h2_leg_data(struct h2_leg *leg, const uint8_t *at, size_t bytes);
void h2_leg_trailer(struct h2_leg *leg, struct slice name, struct slice value);
/* END_STREAM. */
void h2_leg_over(struct h2_leg *leg);

/* h2_leg_request.c */
/* Of struct io_way. */
ssize_t h2_leg_send(struct io *io, struct iovec *pieces, int count);
void h2_leg_shutdown(struct io *io);
/* Takes `bytes` off the queue into `to`. */
void h2_leg_take(struct h2_leg *leg, char *to, size_t bytes);
/* nghttp2's nghttp2_data_source_read_callback. */
ssize_t h2_leg_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t length,
		    uint32_t *flags, nghttp2_data_source *source, void *user);

#endif
