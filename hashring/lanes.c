/* lanes.c: sets of members by lane, and from a draw back to its member; see standing.h. */
#include "standing.h"

#include <string.h>

/* The bits of word `w` that stand for members; a caller's other bits mean nothing. */
static hashring_word
word_members(const struct hashring *ring, size_t w)
{
	size_t members = ring->count - w * 64;
	return members >= 64 ? UINT64_MAX : (UINT64_C(1) << members) - 1;
}

/* From bits by member to bits by lane. The work is that of the rarer kind, live or not. */
static void
fill(const struct hashring *ring, const hashring_word *live, uint8_t *mask)
{
	size_t words = HASHRING_WORDS(ring->count);
	if (ring->lane_is_member) {
		size_t bytes = ring->lane_count / 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		memcpy(mask, live, bytes);
#else
		for (size_t i = 0; i < bytes; i++)
			mask[i] = (uint8_t)(live[i / 8] >> (8 * (i % 8)));
#endif
		if (bytes > 0) /* only the last byte holds padding */
			mask[bytes - 1] &= ring->lane_held[bytes - 1];
		return;
	}
	size_t alive = 0;
	for (size_t w = 0; w < words; w++)
		alive += (size_t)__builtin_popcountll(live[w] & word_members(ring, w));
	bool few = alive < ring->count / 2;
	if (few)
		memset(mask, 0, ring->lane_count / 8);
	else
		memcpy(mask, ring->lane_held, ring->lane_count / 8);
	for (size_t w = 0; w < words; w++) {
		hashring_word rest = (few ? live[w] : ~live[w]) & word_members(ring, w);
		for (; rest != 0; rest &= rest - 1) {
			uint32_t lane = ring->lane[w * 64 + (size_t)__builtin_ctzll(rest)];
			if (lane == HASHRING_NONE)
				continue;
			if (few)
				mask_set(mask, lane);
			else
				mask_clear(mask, lane);
		}
	}
}

size_t
hashring_lane_bytes(const struct hashring *ring)
{
	return ring->lane_count / 8;
}

void
hashring_lanes(const struct hashring *ring, const hashring_word *live, uint8_t *lanes)
{
	if (live == NULL)
		memcpy(lanes, ring->lane_held, ring->lane_count / 8);
	else
		fill(ring, live, lanes);
}

uint32_t
hashring_class_holder(const struct asked *q, const struct ring_class *c, uint32_t u,
		      const uint8_t *mask, enum ring_group group)
{
	const struct hashring *ring = q->ring;
	const uint64_t *lookup = ring->lookup + c->lookup_from;
	uint32_t half = draw32_inverse(u) ^ (uint32_t)q->point;
	size_t from = hashring_class_find(c, lookup, half);
	uint32_t holder = HASHRING_NONE;
	for (; from < c->members && lookup[from] >> 32 == half; from++) {
		uint32_t lane = (uint32_t)lookup[from];
		uint32_t member = ring->lane_member[lane];
		if (!mask_has(mask, lane))
			continue;
		if (group != GROUP_ALL &&
		    (ring->zone[member] == q->zone) != (group == GROUP_INSIDE))
			continue;
		if (holder == HASHRING_NONE || tie_before(q, member, holder))
			holder = member;
	}
	return holder;
}
