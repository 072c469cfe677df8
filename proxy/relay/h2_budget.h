/*
 * h2_budget.h: how much an HTTP/2 client may make us do for nothing: streams that are broken off
 * (CVE-2023-44487 and, by its own mistakes, CVE-2025-8671), SETTINGS, PING, PRIORITY,
 * WINDOW_UPDATE, empty frames. For each kind a bucket: a burst, and so many a second on top
 * (include/tbl/ http2_ends.h); what a client does that gets it somewhere earns it more. Pure.
 */
#ifndef HOLDFAST_RELAY_H2_BUDGET_H
#define HOLDFAST_RELAY_H2_BUDGET_H

#include "record/http2.h"

#include <stdbool.h>
#include <stdint.h>

#define H2_BUDGET_UNITS  1000        /* of one frame: what one "a second" earns in a millisecond */
#define H2_STREAM_RESETS 250         /* units that a stream that ended well earns for resets */
#define H2_STREAM_FRAMES UINT64_C(2) /* PRIORITY, WINDOW_UPDATE frames that a stream earns */
#define H2_DATA_UPDATES  UINT64_C(4) /* WINDOW_UPDATE frames that a DATA frame of ours earns */

struct h2_budget {
	uint64_t filled_ms;         /* when buckets were last filled by time */
	uint32_t units[HTTP2_ENDS]; /* left in each bucket */
};

void h2_budget_init(struct h2_budget *b, uint64_t now_ms);
/* One more of this kind. False: it was one too many. */
bool h2_budget_take(struct h2_budget *b, enum http2_end kind, uint64_t now_ms);
/* A stream ended as it should. */
void h2_budget_stream(struct h2_budget *b);
/* A DATA frame was sent. */
void h2_budget_data(struct h2_budget *b);

#endif
