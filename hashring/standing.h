/*
 * standing.h: the question and what decides a member's place, as order.c and near.c share them.
 */
#ifndef HASHRING_STANDING_H
#define HASHRING_STANDING_H

#include "order.h"

/* A bit a lane. Fullest when every member has a weight of its own: a step for each. */
struct lane_mask {
	uint8_t bits[HASHRING_MEMBERS_MAX];
};

/* The question, resolved. */
struct asked {
	const struct hashring *ring;
	uint64_t point;
	uint32_t zone; /* of the member to stand apart from; HASHRING_NONE: the plain order */
};

/* What decides a member's place. */
struct standing {
	uint64_t numerator;
	uint32_t weight;
	uint32_t member; /* HASHRING_NONE: nobody */
	bool second_group;
};

static inline uint64_t
session_point(const uint8_t digest[HASHRING_DIGEST_BYTES])
{
	return hashring_hash(digest, HASHRING_DIGEST_BYTES);
}

static inline struct asked
ask(const struct hashring *ring, uint64_t point, uint32_t apart)
{
	return (struct asked){ring, point, apart < ring->count ? ring->zone[apart] : HASHRING_NONE};
}

static inline bool
in_second_group(const struct asked *q, uint32_t member)
{
	return q->zone != HASHRING_NONE && q->ring->zone[member] == q->zone;
}

static inline struct standing
standing_of(const struct asked *q, uint32_t member)
{
	uint32_t u = draw32((uint32_t)q->ring->seed[member] ^ (uint32_t)q->point);
	return (struct standing){
	    .numerator = cost_numerator(u),
	    .weight = q->ring->weight[member],
	    .member = member,
	    .second_group = in_second_group(q, member),
	};
}

/* Costs are equal: the greater second draw, then the smaller id. */
static inline bool
tie_before(const struct asked *q, uint32_t a, uint32_t b)
{
	uint64_t draw_a = draw64(q->ring->seed[a] ^ q->point);
	uint64_t draw_b = draw64(q->ring->seed[b] ^ q->point);
	if (draw_a != draw_b)
		return draw_a > draw_b;
	return q->ring->id_place[a] < q->ring->id_place[b];
}

/* A strict total order: false for a member and itself. */
static inline bool
standing_before(const struct asked *q, const struct standing *a, const struct standing *b)
{
	if (a->second_group != b->second_group)
		return b->second_group;
	uint64_t cost_a = a->numerator * b->weight; /* below 2^62; see cost_numerator */
	uint64_t cost_b = b->numerator * a->weight;
	if (cost_a != cost_b)
		return cost_a < cost_b;
	return tie_before(q, a->member, b->member);
}

/* ---- masks: a bit a lane ---- */

static inline bool
mask_has(const uint8_t *mask, uint32_t lane)
{
	return (mask[lane / 8] >> (lane % 8) & 1) != 0;
}

static inline void
mask_set(uint8_t *mask, uint32_t lane)
{
	mask[lane / 8] = (uint8_t)(mask[lane / 8] | 1u << lane % 8);
}

static inline void
mask_clear(uint8_t *mask, uint32_t lane)
{
	mask[lane / 8] = (uint8_t)(mask[lane / 8] & ~(1u << lane % 8));
}

/*
 * The member whose draw in class `c` was `u`, of those in `mask`: the first by tie-break, should
 * several share half a seed. HASHRING_NONE: `u` was nobody's (only 0 can be).
 */
uint32_t hashring_class_holder(const struct asked *q, const struct ring_class *c, uint32_t u,
			       const uint8_t *mask, enum ring_group group);

/* First entry of the class's lookup with this half of a seed, or above. */
static inline size_t
hashring_class_find(const struct ring_class *c, const uint64_t *lookup, uint32_t half)
{
	size_t from = 0;
	for (size_t to = c->members; from < to;) {
		size_t middle = (from + to) / 2;
		if (lookup[middle] >> 32 < half)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/*
 * The least draw that costs at most `numerator_max` in units of 1 / weight: cost_numerator turned
 * around. False: none is so cheap.
 */
bool hashring_least_draw(uint64_t numerator_max, uint32_t *u);

/* hashring_near for a session point rather than a digest (tests choose the point). */
size_t hashring_near_at(const struct hashring *ring, uint64_t point,
			const struct hashring_near *near, uint32_t *out, size_t want,
			uint32_t *rank);

#endif
