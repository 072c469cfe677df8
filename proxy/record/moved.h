/*
 * moved.h: which sessions moved and where to, each of them counted once however often it asks: a
 * client that keeps no tag moves with every request. Exact up to MOVED_KEPT_MAX sessions; of more,
 * a sample is kept, and counts are estimates (adaptive sampling: Wegman 1984, Flajolet 1990): a
 * session is in the sample of depth d when d bits of its digest are zero, and whenever the sample
 * is full, d grows by one. Standard error 1.2 / sqrt(MOVED_KEPT_MAX / 2), 1.3 %. Pure.
 */
#ifndef HOLDFAST_RECORD_MOVED_H
#define HOLDFAST_RECORD_MOVED_H

#include "vocab.h"

#include <stddef.h>

#define MOVED_KEPT_MAX   16384
#define MOVED_SLOTS_MIN  64
#define MOVED_SLOTS_MAX  (2 * MOVED_KEPT_MAX)
#define MOVED_LABELS_MAX 31 /* 0 to 30 */

/* Zeroed is empty. */
struct moved_sessions {
	uint64_t *slot; /* owned; open addressing; 0: empty */
	uint32_t slots; /* a power of 2, or 0 */
	uint32_t kept;
	unsigned depth;
	uint32_t label[MOVED_LABELS_MAX]; /* sessions kept, by where they are */
	uint32_t back;                    /* of all that are kept: went back */
};

void moved_deinit(struct moved_sessions *m);
/*
 * The session is at `label` from now on, and not back. `slots_left`: what may be allocated more,
 * over all sets; it is counted down. Without memory the sample is made smaller, or the session is
 * not counted.
 */
void moved_add(struct moved_sessions *m, const struct session_digest *digest, unsigned label,
	       size_t *slots_left);
/* The session is back, if it is known. */
void moved_note_back(struct moved_sessions *m, const struct session_digest *digest);
/* Have all that are known gone back? */
bool moved_all_back(const struct moved_sessions *m);
/* Sessions in all, for a count of those kept. */
static inline uint64_t
moved_estimate(const struct moved_sessions *m, uint32_t kept)
{
	return (uint64_t)kept << m->depth;
}

#endif
