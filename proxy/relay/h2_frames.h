/*
 * h2_frames.h: where frames begin and end in what comes (RFC 9113 section 4.1), as far as deadlines
 * must know it: is a client in the middle of its preface, or of a request's head? And how many of
 * them are of types that nghttp2 tells nobody of (h2_budget.h), or of streams that are no more.
 * Pure.
 */
#ifndef HOLDFAST_RELAY_H2_FRAMES_H
#define HOLDFAST_RELAY_H2_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H2_FRAME_HEAD_BYTES 9
#define H2_PREFACE_BYTES    24

struct h2_frames {
	uint8_t head[H2_FRAME_HEAD_BYTES]; /* of the frame that begins */
	uint8_t head_bytes;                /* of it that are there; all: its payload follows */
	uint32_t left;                     /* bytes of the payload that are to come */
	uint32_t unknown;          /* frames of unknown types; whoever reads it sets it back */
	uint32_t priority_updates; /* the same of PRIORITY_UPDATE (RFC 9218) */
	uint64_t
	    begun; /* bytes of frames of the other types that began, heads with them; the same */
	bool in_block; /* a head began, and did not end with a frame before this one */
};

void h2_frames_init(struct h2_frames *f);
/* The same of a server, which begins with a frame. */
void h2_frames_init_server(struct h2_frames *f);
void h2_frames_feed(struct h2_frames *f, const uint8_t *at, size_t bytes);
/*
 * The same up to the end of the HEADERS frame, of a request or of its trailers, with which *heads
 * of them are whole; they are taken off *heads. Returns how many bytes it was fed.
 */
size_t h2_frames_take(struct h2_frames *f, const uint8_t *at, size_t bytes, uint32_t *heads);
/* Is a preface or a head there in part? */
bool h2_frames_in_head(const struct h2_frames *f);

#endif
