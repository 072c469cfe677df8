/*
 * h2_link.h: one connection to a member that speaks HTTP/2 (RFC 9113), by nghttp2, which knows
 * frames, HPACK and windows and no socket. It belongs to one worker and carries the requests of
 * many exchanges at once, each a stream, which its exchange holds as a leg (h2_leg.h).
 *
 *   CONNECTING --line is BUSY--> GREETING --SETTINGS came--> OPEN --> CLOSED
 *
 * A link is chosen by upstream.c when the member's protocol is h2: one with room, else a new one.
 * No request leaves before the member's SETTINGS came: so it is known to speak HTTP/2, how many
 * streams it takes, and whether it takes tunnels; and what fails until then was never sent.
 *
 * nghttp2 calls back while it reads and writes; exchanges are never called from there. What came is
 * laid into legs, and told at the end of the round (turn.h), when also all that the round had for
 * the member is sent.
 *
 * Bounds: the member's SETTINGS_MAX_CONCURRENT_STREAMS, and H2_LINK_STREAMS_MAX;
 * H2_LINK_WINDOW_BYTES of an answer that its exchange does not take, and a connection's window that
 * is the sum of these; H2_LEG_QUEUE_MAX of a request's body that the member does not take;
 * HTTP_HEAD_BYTES_MAX of one head, H2_LINK_HEAD_FACTOR times that and HTTP_FIELDS_MAX before it is
 * unpacked to the end. What a member may make us do without getting anywhere is bounded as for
 * clients (h2_budget.h). A RST_STREAM of its own ends a request of ours, so requests bound these;
 * frames of streams that are no more may have been on their way: H2_LINK_STRAY_BYTES a stream that
 * ended, H2_LINK_STRAY_MAX of all. Who goes beyond is left: HTTP2_BROKEN.
 *
 * A link ends in order, by a GOAWAY of either side or when it rested for timeouts.pool_idle: it
 * gets no new streams, and closes behind the last.
 */
#ifndef HOLDFAST_RELAY_H2_LINK_H
#define HOLDFAST_RELAY_H2_LINK_H

#include "relay/h2_budget.h"
#include "relay/h2_frames.h"
#include "relay/h2_leg.h"
#include "relay/h2_wire.h"
#include "relay/turn.h"

#define H2_LINK_STREAMS_MAX  128   /* at once, whatever the member allows */
#define H2_LINK_WINDOW_BYTES 65536 /* of a stream, for the member to send into */
#define H2_LINK_HEAD_FACTOR  4     /* of HTTP_HEAD_BYTES_MAX and HTTP_FIELDS_MAX */
#define H2_LINK_SETTINGS_MAX 32    /* in one SETTINGS frame */
#define H2_LINK_ACKS_MAX     200   /* of SETTINGS and PING, that wait to be sent */
#define H2_LINK_STRAY_BYTES  (H2_LINK_WINDOW_BYTES + HTTP_HEAD_BYTES_MAX) /* see above */
#define H2_LINK_STRAY_MAX    ((uint64_t)H2_LINK_STREAMS_MAX * H2_LINK_STRAY_BYTES)
#define H2_LINK_NEWS_MS      1000 /* heard from within: not one that broke unnoticed */

struct h2_links;

enum h2_link_state { H2_LINK_CONNECTING, H2_LINK_GREETING, H2_LINK_OPEN, H2_LINK_CLOSED };

struct h2_link {
	struct trash trash; /* first */
	struct worker *worker;
	struct upstream *line;    /* owned: the connection */
	struct deadline deadline; /* until OPEN; or it rests */
	struct h2_wire wire;
	struct h2_link *next; /* in live->load[].links, while `listed` */
	struct h2_link *prev;
	struct h2_link *next_turn; /* in worker->links->turn */
	struct h2_link *next_all;  /* in worker->links->all */
	struct h2_link *prev_all;
	struct h2_leg *legs; /* linked */
	uint32_t leg_count;
	uint32_t streams_max; /* at once */
	uint64_t idle_ms;     /* of the service that opened it */
	uint32_t idle_max;
	uint64_t heard_ms; /* bytes came last */
	struct buf *block; /* the head that is coming, as text */
	size_t unpacked;   /* bytes of its fields, kept or not */
	uint32_t fields;
	uint16_t status;     /* of it */
	bool has_length;     /* it has */
	bool bad_block;      /* it is malformed, or too large */
	uint8_t state;       /* enum h2_link_state */
	uint8_t why;         /* enum reason: it could not be opened */
	uint64_t known;      /* bytes of frames, of what is read, that are of no such stream: */
	uint64_t stray_left; /* bytes of frames that may come for streams that are no more */
	struct h2_budget budget;
	struct h2_frames frames;
	bool listed;
	bool in_turn;
	bool greeted; /* SETTINGS came */
	bool tunnels; /* the member takes Extended CONNECT (RFC 8441) */
	bool fewer;   /* streams than it has legs: SETTINGS changed under way */
	bool leaving; /* no new streams */
	bool broken;  /* by what the member did: after a GOAWAY it closes */
	bool eof;
};

/* A new one to this member, for requests of any service that has it; `config`: of the one that
 * asks. The errors of upstream_get. */
struct h2_link *h2_link_open(struct worker *w, struct member_live *live,
			     const struct config_service *config, enum reason *reason);
/* The end of a round: sends, begins legs that waited, ends what is over. */
void h2_link_turn(struct h2_link *link);
/* Says goodbye, if it can, and closes. */
void h2_link_finish(struct h2_link *link);

/* From upstream.c, of the line: it is BUSY; it will never be (NONE: for want of something here). */
void h2_link_on_connected(struct h2_link *link);
void h2_link_on_unconnected(struct h2_link *link, enum reason why);
/* Why nothing could be sent over it so far. */
enum reason h2_link_why_unopened(const struct h2_link *link);

/* ---- between the files of HTTP/2 to members ---- */

/* h2_links.c: has something to send, or to be looked after: at the end of this round. */
void h2_link_wake(struct h2_link *link);
/* An end with GOAWAY at once, and of all streams. */
void h2_link_break(struct h2_link *link, uint32_t code);
/* The same, as the member went beyond what h2_budget.h allows. */
void h2_link_exceed(struct h2_link *link, enum http2_end why);
/* The leg's stream is no more, or never was: it is unlinked. */
void h2_link_let_go(struct h2_leg *leg);

/* h2_link_session.c: what nghttp2 calls. False, NULL: no memory. */
bool h2_link_callbacks(struct h2_links *h);
nghttp2_session *h2_link_session(struct h2_link *link);

#endif
