/*
 * h2_stream.h: one stream of an HTTP/2 connection: a door for one exchange. It lives as long as
 * nghttp2 has the stream open; the exchange may be over before, when the client has not taken all
 * of the answer yet.
 *
 *   head ---> struct h2_head ---> exchange
 *   DATA ---> exchange, or `held` while that wants none; windows grow by what the exchange took
 *   queue <-- the answer's body; nghttp2 takes from it what windows allow
 */
#ifndef HOLDFAST_EDGE_H2_STREAM_H
#define HOLDFAST_EDGE_H2_STREAM_H

#include "edge/h2_connection.h"
#include "edge/h2_head.h"

#define H2_QUEUE_HIGH   65536 /* of an answer: above, the member is not read */
#define H2_QUEUE_RESUME 16384 /* below: it is read again */

struct h2_stream {
	struct trash trash; /* first */
	struct door door;
	struct deadline deadline; /* of a body that is waited for, or of an answer to be taken */
	struct h2_connection *connection;
	struct h2_stream *next; /* in connection->streams */
	struct h2_stream *prev;
	struct exchange *exchange; /* NULL: not yet, or over */
	struct buf *head;          /* that `fields` are written into; the exchange's original */
	struct h2_head fields;     /* until the head is whole */
	nghttp2_rcbuf *pseudo[H2_PSEUDOS]; /* keep fields.pseudo alive */
	struct buf *trailers;              /* of the request, then of the answer; NULL: none */
	struct buf *held;                  /* of the request's body: the exchange wants none now */
	struct buf *held_last;
	struct buf *queue; /* of the answer's body */
	struct buf *queue_last;
	uint64_t queued; /* bytes of it */
	struct pace pace;
	int32_t id;
	uint8_t pseudo_count;
	bool head_only;     /* the request was HEAD */
	uint64_t body_left; /* of a body with a length, to come */
	bool tunnel_asked;  /* by Extended CONNECT */
	bool tunnel;        /* it is open */
	bool body_ended;    /* END_STREAM came */
	bool body_told;     /* and the exchange knows */
	bool paused;        /* the exchange wants no body now */
	bool bad_trailers;
	bool responded;    /* a final head was submitted */
	bool body_follows; /* with a body */
	bool unended;      /* it is, with a body, and the client was not told of the end yet */
	bool answer_ended; /* the answer is complete in the queue */
	bool deferred;     /* nghttp2 found the queue empty and waits to be told */
	bool reset;        /* RST_STREAM was submitted, or the answer is not to go on */
	bool closed;       /* nghttp2 let go of it; in the trash */
};

/* A stream that begins with a head. NULL: no memory. */
struct h2_stream *h2_stream_open(struct h2_connection *c, int32_t id);
/* One field of the head. False: the connection ends. */
bool h2_stream_field(struct h2_stream *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
void h2_stream_trailer(struct h2_stream *s, struct slice name, struct slice value);
/* The head is whole; `ended`: nothing follows. */
void h2_stream_begin(struct h2_stream *s, bool ended);
void h2_stream_data(struct h2_stream *s, const char *at, size_t bytes);
/* END_STREAM. */
void h2_stream_body_end(struct h2_stream *s);
/* nghttp2 let go of it. `cause`: of its exchange's end. */
void h2_stream_close(struct h2_stream *s, enum cause cause);
/* Its exchange ends by this cause, and nothing more is answered. */
void h2_stream_forsake(struct h2_stream *s, enum cause cause);
/* Bodies that are wanted again, and answers whose queues became short. At the end of a round. */
void h2_stream_look_after(struct h2_stream *s);
/* Sets or clears its deadline by what is waited for. */
void h2_stream_bound(struct h2_stream *s);

/* h2_answer.c: the door. */
extern const struct door_ops h2_door_ops;
/* Holdfast's own answer to a head that is no request. */
void h2_answer_refuse(struct h2_stream *s, enum cause cause, uint16_t status,
		      uint32_t retry_after_s);
/* Takes `bytes` off the queue into `to`. */
void h2_answer_take(struct h2_stream *s, char *to, size_t bytes);
void h2_answer_drop(struct h2_stream *s);
/* RST_STREAM; nothing of the answer follows. */
void h2_stream_reset(struct h2_stream *s, uint32_t code);
/* In h2_stream.c, of the door. */
void h2_stream_want_body(struct door *d, bool on);
void h2_stream_done(struct door *d);

static inline struct h2_stream *
h2_stream_of(struct door *d)
{
	return (struct h2_stream *)(void *)((char *)d - offsetof(struct h2_stream, door));
}

#endif
