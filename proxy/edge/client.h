/*
 * client.h: one client connection that speaks HTTP/1.1 or 1.0, and the door
 * through which an exchange sees it. Requests are answered one after another in
 * the order in which they came; while one is under way the next ones wait in
 * `in` (and in the kernel).
 *
 * in:   [ head of the present exchange | bytes of later requests ]   pooled, absent when idle
 * out:  what the client did not take yet                             pooled, absent mostly
 *
 * The request head stays in `in` until its exchange is over: every attempt is
 * made from that original.
 */
#ifndef HOLDFAST_EDGE_CLIENT_H
#define HOLDFAST_EDGE_CLIENT_H

#include "edge/pace.h"
#include "relay/exchange.h"

#define CLIENT_PIPELINED_READ                                                                  \
	16384                    /* of a chunked body at once: what is behind it must fit `in` \
				  */
#define CLIENT_LINGER_MS    2000 /* reading on after the last answer, so that it is not reset away */
#define CLIENT_LINGER_BYTES 1048576 /* the same, in bytes */

struct client {
	struct trash trash; /* first */
	struct io io;
	struct deadline deadline;
	struct door door;
	struct addr peer;
	uint32_t head_bytes;       /* of `in`: what the present exchange's head took */
	struct exchange *exchange; /* NULL: between requests */
	struct buf *in;            /* NULL: nothing held */
	struct buf *out;           /* first of what waits to be sent */
	struct buf *out_last;
	struct client *next; /* in worker->clients */
	struct client *prev;
	struct buf *trailers; /* of the request's chunked body; NULL: none */
	struct chunk_decoder chunks;
	uint64_t body_left; /* of a body with a length; while lingering: bytes thrown away so far */
	struct pace pace;   /* while it is waited for: of its body, or of what it takes */
	uint64_t taken;     /* bytes its side has acknowledged, when last asked; of a UNIX socket,
			       those that it has not taken yet */
	uint32_t requests;  /* begun on this connection */
	uint8_t framing_in; /* enum body_framing of the request under way */
	uint8_t framing_out; /* enum body_framing of the answer under way */
	uint8_t minor;       /* of the request under way */
	bool head_only;      /* the request was HEAD */
	bool body_ended;     /* the request was read whole */
	bool body_paused;    /* the member takes no more for now */
	bool tunnel;
	bool close_after; /* nothing follows the present answer */
	bool reset_after; /* and the close says that it is not complete */
	bool eof;         /* the client's side has ended */
	bool running;     /* inside client_run: done() leaves the rest to it */
	bool lingering : 1;
	bool local : 1;   /* a UNIX socket; known once it was blocked */
	bool counted : 1; /* by its address */
	bool h2c : 1;     /* may begin with HTTP/2 */
	bool closed : 1;  /* in the trash */
};

/*
 * Takes over a connected, non-blocking socket, and its channel after the handshake (NULL: plain).
 * `counted`: gives its address back to
 * shared->addresses when it closes. `h2c`: who begins with the preface of HTTP/2 goes through that
 * door (RFC 9113 section 3.3). False: no memory; fd is closed, the address given back.
 */
bool client_open(struct worker *w, int fd, struct tls_channel *channel, const struct addr *peer,
		 bool counted, bool h2c);
/* The same, plain, for one that gets the cause's answer to whatever it sent, and no more. */
void client_open_refused(struct worker *w, int fd, const struct addr *peer, bool counted,
			 enum cause cause);
/* Soft stop: idle ones close now, the others after their present answer. */
void clients_stop(struct worker *w);
/* Another process has the listeners: each has one more request, and is told that it is the last. */
void clients_drain(struct worker *w);
/* Hard stop: breaks everything off. */
void clients_abort(struct worker *w);

#endif
