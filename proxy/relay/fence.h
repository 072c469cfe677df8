/*
 * fence.h: routes that only the present holder of a role may write through (services[].fence). A
 * request carries the term that its sender was granted the role with (Holdfast-Term); the control
 * thread keeps the highest term that a majority of the voters knows, and when it asked them.
 *
 * Why a deposed holder gets nothing through from the moment on at which the next one is told that
 * it holds the role: that one is told settle_ms after its term was claimed at a majority
 * (cluster/roles.h). A fence lets a request pass only when it asked less than fence_ms ago, which
 * is less than settle_ms by more than clocks differ: it asked after the claim, and saw the new
 * term.
 *
 * What has no term and changes nothing (GET, HEAD, OPTIONS, TRACE) passes.
 */
#ifndef HOLDFAST_RELAY_FENCE_H
#define HOLDFAST_RELAY_FENCE_H

#include "http/head.h"
#include "vocab.h"

#include <stdatomic.h>

#define FENCES_MAX                32
#define FENCE_PER_MILLE_OF_SETTLE 900 /* fence_ms: clocks differ by 2 %, rounding aside */

/* Zeroed: nothing is known, nothing with a term passes. One writer, the control thread. */
struct fences {
	atomic_size_t count;
	atomic_uint fence_ms;
	struct fence {
		char role[ID_BYTES_MAX + 1];
		atomic_ullong term;     /* 0: nobody claimed it yet */
		atomic_ullong asked_at; /* clock_boot_ms; 0: never */
	} list[FENCES_MAX];
};

/* Finds, or adds; they stay until the process ends. NULL: FENCES_MAX are there. */
struct fence *fences_add(struct fences *f, const char *role);
/* A majority knows no higher one; it was asked at `asked_at`. */
void fence_learn(struct fence *fence, uint64_t term, uint64_t asked_at);

/* Any thread. CAUSE_DONE: it passes; else CAUSE_FENCED, FENCE_NO_TERM or FENCE_UNSURE. */
enum cause fences_judge(struct fences *f, const char *role, const struct http_head *head,
			uint64_t now);

#endif
