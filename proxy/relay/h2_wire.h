/*
 * h2_wire.h: frames of nghttp2 on their way to a socket, of a connection of either side: gathered
 * in a worker's scratch, sent with as few calls as can be; what the socket does not take waits in
 * buffers, and nghttp2 is asked for no more until that is gone. So what waits is bounded by one
 * round of the scratch.
 */
#ifndef HOLDFAST_RELAY_H2_WIRE_H
#define HOLDFAST_RELAY_H2_WIRE_H

#include "relay/worker.h"

#include <nghttp2/nghttp2.h>

struct h2_wire {
	struct io *io;            /* borrowed */
	nghttp2_session *session; /* owned by the connection */
	struct writer *scratch;   /* borrowed; of SCRATCH_BYTES, empty between calls */
	struct buf *out;          /* first of what the socket did not take */
	struct buf *out_last;
	bool running;   /* inside nghttp2: nothing of it is freed, and it is not called */
	bool gone;      /* the connection broke */
	bool no_memory; /* and this is why */
};

/* Sends what nghttp2 has, as far as the socket takes it. */
void h2_wire_pump(struct h2_wire *wire);
/* The socket takes bytes again. */
void h2_wire_drain(struct h2_wire *wire);
void h2_wire_drop(struct h2_wire *wire);
/*
 * Of nghttp2's nghttp2_send_data_callback: room for a DATA frame's payload of so many bytes, its
 * head is written. NULL: *error is what to return.
 */
char *h2_wire_data(struct h2_wire *wire, const uint8_t *head, size_t length, int *error);
/* Takes `bytes` off a chain into `to`; *last is NULL when nothing is left. */
void h2_chain_take(struct worker *w, struct buf **first, struct buf **last, char *to, size_t bytes);
/* Appends. False: no memory; what fitted was appended. */
bool h2_chain_put(struct worker *w, struct buf **first, struct buf **last, const char *at,
		  size_t bytes);

/* Borrowed from what nghttp2 holds. */
static inline struct slice
slice_of_rcbuf(nghttp2_rcbuf *held)
{
	nghttp2_vec v = nghttp2_rcbuf_get_buf(held);
	return (struct slice){(const char *)v.base, v.len};
}

#endif
