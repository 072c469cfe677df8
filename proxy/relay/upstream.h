/*
 * upstream.h: one connection to a member. It is connecting, shaking hands (TLS) or
 * busy with exactly one exchange, or idle in its worker's pool; bytes that come while
 * it is idle are no answer to anything, and close it (RFC 9112 section 9.2).
 *
 * At a member that speaks HTTP/2 it is one of two things: the connection itself, which is its
 * link's (h2_link.h), or what an exchange holds of it, a stream (h2_leg.h), which is used once.
 *
 *   CONNECTING --plain--------> BUSY <---> IDLE
 *        `------> SHAKING --------^
 */
#ifndef HOLDFAST_RELAY_UPSTREAM_H
#define HOLDFAST_RELAY_UPSTREAM_H

#include "relay/worker.h"

enum upstream_state {
	UPSTREAM_CONNECTING,
	UPSTREAM_SHAKING, /* connected; TLS is not there yet, and nothing of the request was sent */
	UPSTREAM_BUSY,
	UPSTREAM_IDLE,
	UPSTREAM_CLOSED, /* waits in the trash */
};

struct upstream {
	struct trash trash;       /* first */
	struct io io;             /* plain until the handshake is done */
	struct deadline deadline; /* connect, first byte, idle, or pool idle: by state */
	struct worker *worker;
	struct exchange *exchange;   /* while connecting or busy */
	struct member_live *live;    /* one reference */
	uint8_t state;               /* enum upstream_state */
	bool reused;                 /* taken from the pool for the present exchange */
	bool write_broken;           /* a send failed; what can still be read is read */
	bool large;                  /* its latest answer was long enough to be spliced */
	uint64_t sent;               /* bytes sent on this connection */
	uint64_t sent_before;        /* the same, before the present exchange */
	struct buf *in;              /* answer bytes not yet handled; NULL: none */
	uint64_t rested_from;        /* round of the loop in which it became idle */
	struct tls_channel *shaking; /* owned; while SHAKING; then it is io.channel */
	struct h2_link *link;        /* this is its line; NULL: none */
	struct h2_leg *leg;          /* this is a stream; NULL: it is not */
	struct buf *trailers;  /* of an answer without a length, whose end was read; NULL: none */
	struct upstream *next; /* in the idle list */
	struct upstream *prev;
};

enum upstream_choice {
	UPSTREAM_ANY,     /* an idle one, of which no news is known */
	UPSTREAM_CERTAIN, /* the same, and the kernel is asked: the request cannot be sent twice */
	UPSTREAM_FRESH,   /* a new one */
};

/*
 * A connection for `x` to a member: an idle one if the choice allows and there is one, else a new
 * one (CONNECTING, or SHAKING or BUSY when it connected at once). NULL: *reason says why
 * (CONNECT_REFUSED, CONNECT_FAILED; NONE: nothing of ours was left for it, no descriptor, port or
 * memory, which is not the member's fault).
 */
struct upstream *upstream_get(struct worker *w, struct member_live *live, struct exchange *x,
			      enum upstream_choice choice, enum reason *reason);
/* After an error of reading before any answer: why it failed (RESET; TLS_REFUSED: nothing of the
 * request was read by the member, and it counts as not sent). */
enum reason upstream_why_broken(struct upstream *u);
/* May the member have anything of the present request? */
bool upstream_was_sent(const struct upstream *u);
/* Why it is not connected yet. */
enum reason upstream_why_unconnected(const struct upstream *u);
/* Back to the pool after a whole answer; the exchange lets go of it. Closed when the pool is full,
 * or the member left. */
void upstream_put_idle(struct upstream *u, const struct config_service *config);
/* All that rest, of this worker. */
void upstreams_close_idle(struct worker *w, struct member_live *live);
/* Closes now, frees after the present callback; unlinked from pool and exchange. */
void upstream_close(struct upstream *u);

/* ---- for h2_link.c ---- */

/* A new connection, as of upstream_get; `x`: whose client the member is told of, NULL: nobody's. */
struct upstream *upstream_connect(struct worker *w, struct member_live *live,
				  const struct exchange *x, enum reason *reason);
/* Not watched. `fd` -1: its bytes go another way. NULL: no memory. */
struct upstream *upstream_create(struct worker *w, struct member_live *live, int fd);

#endif
