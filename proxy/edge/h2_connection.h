/*
 * h2_connection.h: one client connection that speaks HTTP/2 (RFC 9113), by nghttp2, which knows
 * frames, HPACK and windows and no socket. Each request is a stream (h2_stream.h), a door of its
 * own.
 *
 *   io -> bulk (-> unfed) -> nghttp2_session_mem_recv -> streams -> exchanges
 *   io <- scratch, out <- nghttp2_session_mem_send <- streams' queues <- exchanges
 *
 * Nothing is sent where it arises: what a round of the loop has for a connection leaves together at
 * the round's end (relay/turn.h), because answers of many streams come from as many members.
 *
 * Of many requests that come at once a few are begun, and the rest waits, as the bytes that it is,
 * for its connection's turn among others that have too many (h2_in.c): so nobody waits for all the
 * requests of somebody else, and a client that left is noticed before the rest is begun.
 *
 * Bounds: limits.streams_max streams; a head of limits.head_bytes_max each; H2_WINDOW_BYTES of a
 * body that its exchange does not take, and a connection's window that is the sum of these;
 * H2_QUEUE_HIGH and one read of an answer that the client does not take; H2_OUT_BYTES sent by
 * nghttp2 and not taken by the socket. What a client may do without getting anywhere is bounded by
 * h2_budget.h.
 *
 * A connection ends in order: a notice that no stream is begun any more (GOAWAY with the highest
 * id), a PING; when that is answered, the GOAWAY that counts; then what is under way; then the
 * close.
 */
#ifndef HOLDFAST_EDGE_H2_CONNECTION_H
#define HOLDFAST_EDGE_H2_CONNECTION_H

#include "edge/pace.h"
#include "relay/exchange.h"
#include "relay/h2_budget.h"
#include "relay/h2_frames.h"
#include "relay/h2_wire.h"

#include <nghttp2/nghttp2.h>

#define H2_WINDOW_BYTES  65536 /* of a stream, for the client to send into */
#define H2_HEADS_AT_ONCE 8     /* requests of a connection that are begun in one go */
#define H2_ROUND_VISITS  16    /* connections that go on with what waits, in a round of the loop */
#define H2_UNFED_BYTES   16384 /* more are not read before these are fed; and one read */
#define H2_SETTINGS_MAX  32    /* in one SETTINGS frame */
#define H2_ACKS_MAX      200   /* of SETTINGS and PING, that wait to be sent */
#define H2_DRAIN_MS      1000  /* for the answer to the PING behind the notice */
#define H2_LINGER_MS     2000  /* reading on after the last frame, so that it is not reset away */
#define H2_LINGER_BYTES  1048576

struct h2_stream;

struct h2_connection {
	struct trash trash; /* first */
	struct io io;
	struct deadline deadline; /* the preface; idle; the socket takes nothing; lingering */
	struct deadline head;     /* of a head that is not whole */
	struct deadline drain;    /* of the answer to the PING */
	struct h2_wire wire;      /* session: owned; NULL: closed */
	struct addr peer;
	struct h2_connection *next; /* in worker->h2->connections */
	struct h2_connection *prev;
	struct h2_connection *next_turn;    /* in worker->h2->turn */
	struct h2_connection *next_waiting; /* in worker->h2->waiting */
	struct h2_connection *prev_waiting;
	struct buf *unfed; /* read, and not handed to nghttp2 yet; a chain; NULL: none */
	struct buf *unfed_last;
	size_t unfed_bytes;
	uint64_t look_round;  /* of the loop: when its turn was last, and the socket was read */
	uint64_t ended_round; /* in which `ended` was seen */
	struct h2_stream *streams; /* all that nghttp2 has open, linked */
	struct pace pace;          /* of the socket, while `out` waits */
	uint64_t taken;            /* bytes its side has acknowledged, when last asked */
	uint64_t lingered;         /* bytes thrown away */
	struct h2_budget budget;
	struct h2_frames frames;
	uint32_t stream_count;
	uint32_t unended; /* streams whose answer is complete and whose END_STREAM has not left */
	int32_t last_id;  /* of streams that were opened; -1: none */
	int32_t goaway_last; /* what the last word said: nothing behind it is processed */
	int32_t gap_from;    /* ids below gap_to that were passed over latest */
	int32_t gap_to;
	uint32_t requests; /* begun */
	uint32_t answered; /* in full */
	uint32_t queued;   /* streams with bytes in their queues */
	uint8_t why;       /* enum http2_end, once it is ending */
	bool ending;       /* the notice was given, or more */
	bool goaway;       /* the last word was said: when no stream is left it closes */
	bool broken;       /* nghttp2 can do no more: what is to be sent is sent, then it closes */
	bool counted;      /* by its address */
	bool in_turn;      /* linked there */
	bool drained;      /* queues became short: streams may be waiting for that */
	bool feeds;        /* bodies are held that are wanted again */
	bool waiting;      /* linked there */
	bool ended;        /* the client's side has, behind what is unfed */
	bool eof;          /* it has, and all was fed */
	bool lingering;
	bool closed; /* in the trash */
};

/* What a worker has for HTTP/2, made with its first connection. */
struct h2_worker {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct h2_connection *connections; /* all of them, linked */
	struct h2_connection *turn;    /* that have something to send at the end of this round */
	struct h2_connection *waiting; /* that have requests to begin: oldest first */
	struct h2_connection *waiting_last;
	uint64_t visited_round; /* of the loop, in which those were visited last */
	struct writer out;      /* frames on their way to a socket; empty between calls */
	char out_bytes[SCRATCH_BYTES];
	char text[SCRATCH_BYTES]; /* an answer's head as text */
};

/*
 * Takes over a connected, non-blocking socket, its channel (NULL: plain) and the bytes that were
 * read from it already, from the preface's first one on. `counted` as client_open. False: no
 * memory; all is closed.
 */
bool h2_connection_open(struct worker *w, int fd, struct tls_channel *channel,
			const struct addr *peer, bool counted, struct slice early);
/* Soft stop: an end in order. */
void h2_connections_stop(struct worker *w);
/* Hard stop: breaks everything off. */
void h2_connections_abort(struct worker *w);
/* The worker adopted another configuration. */
void h2_connections_reload(struct worker *w);
/* The end of a round of the loop; by turn_run. */
void h2_connections_turn(struct worker *w);
/* All connections are gone. */
void h2_release(struct worker *w);

/* ---- between the files of HTTP/2 ---- */

/* Has something to send, or streams to look after: at the end of this round. */
void h2_connection_wake(struct h2_connection *c);
/* An end with GOAWAY at once, and of all streams: the client is at fault, or nothing else is left.
 */
void h2_connection_break(struct h2_connection *c, enum http2_end why);
/* An end in order. */
void h2_connection_leave(struct h2_connection *c, enum http2_end why);
/* One more of what h2_budget.h bounds. False: it was one too many, and the connection ends. */
bool h2_connection_spend(struct h2_connection *c, enum http2_end kind);
/* The PING behind the notice was answered. */
void h2_connection_acked(struct h2_connection *c);
/* A GOAWAY left. */
void h2_connection_said_goaway(struct h2_connection *c, uint32_t code);
/* A stream was closed: the connection may be idle now, or at its end. */
void h2_connection_stream_closed(struct h2_connection *c);

/* h2_in.c */
/* Reads once. */
void h2_in_read(struct h2_connection *c);
/* Bytes that came. */
void h2_in_take(struct h2_connection *c, const char *at, size_t bytes);
/* Is more to be read? */
bool h2_in_reads(const struct h2_connection *c);
/* What is unfed may go on: it waits for its turn. */
void h2_in_wait(struct h2_connection *c);
/* Connections that wait begin more requests, once a round. */
void h2_in_turn(struct worker *w);
/* What is unfed is nobody's matter any more. */
void h2_in_drop(struct h2_connection *c);

/* h2_out.c */
/* How many bytes left the kernel's buffer since this was asked last, for the pace. */
void h2_out_heed(struct h2_connection *c);
/* nghttp2's nghttp2_send_data_callback. */
int h2_out_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
		nghttp2_data_source *source, void *user);

/* h2_session.c: what nghttp2 calls. */
bool h2_session_callbacks(struct h2_worker *h);
/* With its SETTINGS submitted. NULL: no memory. */
nghttp2_session *h2_session_create(struct h2_connection *c);

static inline struct http2_counts *
h2_counts(const struct h2_connection *c)
{
	return &c->io.worker->http2;
}

static inline const struct config_service *
h2_bounds(const struct h2_connection *c)
{
	return &c->io.worker->services->config->services[0];
}

#endif
