/*
 * h2_budget.h: how much the other side of an HTTP/2 connection, a client or a member, may make us
 * do for nothing: streams that are broken off (CVE-2023-44487 and, by its own mistakes,
 * CVE-2025-8671), SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty frames. For each kind a bucket: a
 * burst, and so many a second on top (include/tbl/ http2_ends.h); what the other side does that
 * gets it somewhere earns it more. Both sides of Holdfast hand each frame that begins to
 * h2_budget_frame, what nghttp2 is silent about to h2_budget_passed_over. Pure; of nghttp2 the
 * shape of a frame's head alone.
 */
#ifndef HOLDFAST_RELAY_H2_BUDGET_H
#define HOLDFAST_RELAY_H2_BUDGET_H

#include "record/http2.h"
#include "relay/h2_frames.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>

#define H2_BUDGET_UNITS      1000 /* of one frame: what one "a second" earns in a millisecond */
#define H2_STREAM_RESETS     250  /* units that a stream that ended well earns for resets */
#define H2_STREAM_FRAMES     UINT64_C(2) /* PRIORITY, WINDOW_UPDATE frames that a stream earns */
#define H2_DATA_UPDATES      UINT64_C(4) /* WINDOW_UPDATE frames that a DATA frame of ours earns */
#define H2_CONTINUATIONS_MAX 8           /* frames of one head behind HEADERS */

struct h2_budget {
	uint64_t filled_ms;         /* when buckets were last filled by time */
	uint32_t units[HTTP2_ENDS]; /* left in each bucket */
	uint8_t continuations;      /* of the head that is coming */
};

void h2_budget_init(struct h2_budget *b, uint64_t now_ms);
/* One more of this kind. False: it was one too many. */
bool h2_budget_take(struct h2_budget *b, enum http2_end kind, uint64_t now_ms);
/*
 * A frame begins. False: it is one too many, and *why says of what. RST_STREAM costs nothing here:
 * of a client it does, of a member a request of ours bounds it. DATA is h2_budget_data_frame's.
 */
bool h2_budget_frame(struct h2_budget *b, const nghttp2_frame_hd *hd, uint64_t now_ms,
		     enum http2_end *why);
/* A whole DATA frame; `padding`: bytes of it. */
bool h2_budget_data_frame(struct h2_budget *b, const nghttp2_frame_hd *hd, size_t padding,
			  uint64_t now_ms, enum http2_end *why);
/* The frames of `f` that nghttp2 tells nobody of; they are counted no more then. */
bool h2_budget_passed_over(struct h2_budget *b, struct h2_frames *f, uint64_t now_ms,
			   enum http2_end *why);
/* A stream ended as it should. */
void h2_budget_stream(struct h2_budget *b);
/* A DATA frame was sent. */
void h2_budget_data(struct h2_budget *b);

#endif
