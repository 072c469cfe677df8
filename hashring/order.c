/*
 * order.c: the questions of hashring.h.
 *
 * Three ways to an answer, by test the same:
 *
 *   first     a vector scan for each distinct weight gives that weight's greatest
 *             draw; the winners compare by cost. Nothing is sorted.
 *   few       every member's standing, put into its place one by one; where all weigh
 *             the same, the draw is the standing
 *   select    a heap of the places asked for, in the caller's array, over one
 *             plain pass; a member's cost is computed anew at each comparison,
 *             so that no memory is needed.
 *
 * The odd decision: the scan returns a draw and not a member. draw32 is a
 * bijection, so its inverse gives the seed, and the seed the lane (binary search).
 */
#include "order.h"

#include <string.h>

#define FEW_MEMBERS_MAX   8  /* up to here sorting all is quicker than a scan a place */
#define FIRST_N_SCANS_MAX 16 /* from here on one pass with a heap is quicker */

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

static uint64_t
session_point(const uint8_t digest[HASHRING_DIGEST_BYTES])
{
	return hashring_hash(digest, HASHRING_DIGEST_BYTES);
}

static struct asked
ask(const struct hashring *ring, uint64_t point, uint32_t apart)
{
	return (struct asked){ring, point, apart < ring->count ? ring->zone[apart] : HASHRING_NONE};
}

static bool
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
static bool
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

/* ---- first: scans ---- */

static bool
mask_has(const uint8_t *mask, uint32_t lane)
{
	return (mask[lane / 8] >> (lane % 8) & 1) != 0;
}

static void
mask_set(uint8_t *mask, uint32_t lane)
{
	mask[lane / 8] = (uint8_t)(mask[lane / 8] | 1u << lane % 8);
}

static void
mask_clear(uint8_t *mask, uint32_t lane)
{
	mask[lane / 8] = (uint8_t)(mask[lane / 8] & ~(1u << lane % 8));
}

/* The bits of word `w` that stand for members; a caller's other bits mean nothing. */
static hashring_word
word_members(const struct hashring *ring, size_t w)
{
	size_t members = ring->count - w * 64;
	return members >= 64 ? UINT64_MAX : (UINT64_C(1) << members) - 1;
}

/* From bits by member to bits by lane. The work is that of the rarer kind, live or not. */
static void
mask_fill(const struct hashring *ring, const hashring_word *live, struct lane_mask *mask)
{
	size_t words = HASHRING_WORDS(ring->count);
	if (ring->lane_is_member) {
		size_t bytes = ring->lane_count / 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		memcpy(mask->bits, live, bytes);
#else
		for (size_t i = 0; i < bytes; i++)
			mask->bits[i] = (uint8_t)(live[i / 8] >> (8 * (i % 8)));
#endif
		if (bytes > 0) /* only the last byte holds padding */
			mask->bits[bytes - 1] &= ring->lane_held[bytes - 1];
		return;
	}
	size_t alive = 0;
	for (size_t w = 0; w < words; w++)
		alive += (size_t)__builtin_popcountll(live[w] & word_members(ring, w));
	bool few = alive < ring->count / 2;
	if (few)
		memset(mask->bits, 0, ring->lane_count / 8);
	else
		memcpy(mask->bits, ring->lane_held, ring->lane_count / 8);
	for (size_t w = 0; w < words; w++) {
		hashring_word rest = (few ? live[w] : ~live[w]) & word_members(ring, w);
		for (; rest != 0; rest &= rest - 1) {
			uint32_t lane = ring->lane[w * 64 + (size_t)__builtin_ctzll(rest)];
			if (lane == HASHRING_NONE)
				continue;
			if (few)
				mask_set(mask->bits, lane);
			else
				mask_clear(mask->bits, lane);
		}
	}
}

/*
 * The member whose draw in class `c` was `u`: the first by tie-break, should
 * several share half a seed. HASHRING_NONE: `u` was nobody's (only 0 can be).
 */
static uint32_t
class_holder(const struct asked *q, const struct ring_class *c, uint32_t u, const uint8_t *mask,
	     enum ring_group group)
{
	const struct hashring *ring = q->ring;
	const uint64_t *lookup = ring->lookup + c->lookup_from;
	uint32_t half = draw32_inverse(u) ^ (uint32_t)q->point;
	size_t from = 0; /* ends at the first entry with this half, or above */
	for (size_t to = c->members; from < to;) {
		size_t middle = (from + to) / 2;
		if (lookup[middle] >> 32 < half)
			from = middle + 1;
		else
			to = middle;
	}
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

static uint32_t
first_in_group(const struct asked *q, const uint8_t *mask, enum ring_group group)
{
	const struct hashring *ring = q->ring;
	struct standing best = {.member = HASHRING_NONE};
	for (size_t i = 0; i < ring->class_count; i++) {
		const struct ring_class *c = &ring->class[i];
		uint32_t u = ring->scan(ring->lane_seed + c->lane_from,
					ring->lane_zone + c->lane_from, mask + c->lane_from / 8,
					c->lanes, (uint32_t)q->point, group, q->zone);
		struct standing at = {cost_numerator(u), c->weight, HASHRING_NONE, false};
		if (best.member != HASHRING_NONE &&
		    at.numerator * best.weight > best.numerator * at.weight)
			continue;
		at.member = class_holder(q, c, u, mask, group);
		if (at.member == HASHRING_NONE)
			continue;
		if (best.member == HASHRING_NONE || standing_before(q, &at, &best))
			best = at;
	}
	return best.member;
}

static uint32_t
first_in_mask(const struct asked *q, const uint8_t *mask)
{
	if (q->zone == HASHRING_NONE)
		return first_in_group(q, mask, GROUP_ALL);
	uint32_t member = first_in_group(q, mask, GROUP_OUTSIDE);
	return member != HASHRING_NONE ? member : first_in_group(q, mask, GROUP_INSIDE);
}

uint32_t
hashring_first_at(const struct hashring *ring, uint64_t point, uint32_t apart,
		  const hashring_word *live)
{
	struct asked q = ask(ring, point, apart);
	if (live == NULL)
		return first_in_mask(&q, ring->lane_held);
	struct lane_mask mask;
	mask_fill(ring, live, &mask);
	return first_in_mask(&q, mask.bits);
}

uint32_t
hashring_first(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	       uint32_t apart, const hashring_word *live)
{
	return hashring_first_at(ring, session_point(digest), apart, live);
}

static size_t
first_n_by_scans(const struct asked *q, const hashring_word *live, uint32_t *out, size_t want)
{
	struct lane_mask mask;
	if (live == NULL)
		memcpy(mask.bits, q->ring->lane_held, q->ring->lane_count / 8);
	else
		mask_fill(q->ring, live, &mask);
	for (size_t got = 0; got < want; got++) {
		uint32_t member = first_in_mask(q, mask.bits);
		if (member == HASHRING_NONE)
			return got;
		out[got] = member;
		mask_clear(mask.bits, q->ring->lane[member]);
	}
	return want;
}

static bool
may_stand(const struct hashring *ring, const hashring_word *live, uint32_t member)
{
	return ring->weight[member] > 0 &&
	       (live == NULL || (live[member / 64] >> (member % 64) & 1) != 0);
}

/* ---- few: insertion into a sorted row ---- */

/*
 * One weight: the greater draw is the earlier member, so that no cost is computed. A standing is
 * then one number, | second group 1 | not the draw 32 | member 31 |, and what stands before its
 * member is the less the earlier.
 */
#define KEY_MEMBER_BITS 31

static uint32_t
key_member(uint64_t key)
{
	return (uint32_t)key & ((UINT32_C(1) << KEY_MEMBER_BITS) - 1);
}

static bool
key_before(const struct asked *q, uint64_t a, uint64_t b)
{
	if (a >> KEY_MEMBER_BITS != b >> KEY_MEMBER_BITS)
		return a < b;
	return tie_before(q, key_member(a), key_member(b));
}

static size_t
first_n_of_few_alike(const struct asked *q, const hashring_word *live, uint32_t *out, size_t want)
{
	const struct hashring *ring = q->ring;
	bool all = live == NULL && ring->lane_is_member; /* may stand */
	uint64_t row[FEW_MEMBERS_MAX] = {0};             /* keys in order */
	size_t held = 0;
	for (uint32_t member = 0; member < ring->count; member++) {
		if (!all && !may_stand(ring, live, member))
			continue;
		uint32_t u = draw32((uint32_t)ring->seed[member] ^ (uint32_t)q->point);
		uint64_t key = (uint64_t)in_second_group(q, member) << 63 |
			       (uint64_t)~u << KEY_MEMBER_BITS | member;
		size_t place = held++;
		for (; place > 0 && key_before(q, key, row[place - 1]); place--)
			row[place] = row[place - 1];
		row[place] = key;
	}
	if (want > held)
		want = held;
	for (size_t i = 0; i < want; i++)
		out[i] = key_member(row[i]);
	return want;
}

static size_t
first_n_of_few(const struct asked *q, const hashring_word *live, uint32_t *out, size_t want)
{
	struct standing of[FEW_MEMBERS_MAX]; /* by member */
	uint32_t row[FEW_MEMBERS_MAX] = {0}; /* members in order */
	size_t held = 0;
	for (uint32_t member = 0; member < q->ring->count; member++) {
		if (!may_stand(q->ring, live, member))
			continue;
		of[member] = standing_of(q, member);
		size_t place = held++;
		for (; place > 0 && standing_before(q, &of[member], &of[row[place - 1]]); place--)
			row[place] = row[place - 1];
		row[place] = member;
	}
	if (want > held)
		want = held;
	memcpy(out, row, want * sizeof(*out));
	return want;
}

/* ---- select: a heap in the caller's array, the last of the order on top ---- */

static void
heap_sift_down(const struct asked *q, uint32_t *heap, size_t held, size_t at)
{
	struct standing moving = standing_of(q, heap[at]);
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= held)
			break;
		struct standing later = standing_of(q, heap[child]);
		if (child + 1 < held) {
			struct standing other = standing_of(q, heap[child + 1]);
			if (standing_before(q, &later, &other)) {
				later = other;
				child++;
			}
		}
		if (!standing_before(q, &moving, &later))
			break;
		heap[at] = later.member;
		at = child;
	}
	heap[at] = moving.member;
}

/* The first `want` members that may stand, as a heap in out[]; returns how many. */
static size_t
heap_select(const struct asked *q, const hashring_word *live, uint32_t *out, size_t want)
{
	size_t held = 0;
	uint32_t member = 0;
	for (; member < q->ring->count && held < want; member++)
		if (may_stand(q->ring, live, member))
			out[held++] = member;
	for (size_t at = held / 2; at-- > 0;)
		heap_sift_down(q, out, held, at);
	if (held == 0)
		return 0;
	struct standing last = standing_of(q, out[0]);
	for (; member < q->ring->count; member++) {
		if (!may_stand(q->ring, live, member))
			continue;
		struct standing at = standing_of(q, member);
		if (!standing_before(q, &at, &last))
			continue;
		out[0] = member;
		heap_sift_down(q, out, held, 0);
		last = standing_of(q, out[0]);
	}
	return held;
}

static void
heap_sort(const struct asked *q, uint32_t *heap, size_t held)
{
	while (held > 1) {
		held--;
		uint32_t last = heap[0];
		heap[0] = heap[held];
		heap[held] = last;
		heap_sift_down(q, heap, held, 0);
	}
}

size_t
hashring_first_n(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
		 uint32_t apart, const hashring_word *live, uint32_t *out, size_t want)
{
	struct asked q = ask(ring, session_point(digest), apart);
	if (ring->count <= FEW_MEMBERS_MAX && ring->class_count == 1)
		return first_n_of_few_alike(&q, live, out, want);
	if (ring->count <= FEW_MEMBERS_MAX)
		return first_n_of_few(&q, live, out, want);
	if (want <= FIRST_N_SCANS_MAX)
		return first_n_by_scans(&q, live, out, want);
	size_t held = heap_select(&q, live, out, want);
	heap_sort(&q, out, held);
	return held;
}

size_t
hashring_order(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	       uint32_t apart, uint32_t *out, size_t capacity)
{
	return hashring_first_n(ring, digest, apart, NULL, out, capacity);
}

uint32_t
hashring_kth(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	     uint32_t apart, size_t k)
{
	uint32_t places[HASHRING_MEMBERS_MAX];
	if (k >= ring->count)
		return HASHRING_NONE;
	struct asked q = ask(ring, session_point(digest), apart);
	if (k < FIRST_N_SCANS_MAX)
		return first_n_by_scans(&q, NULL, places, k + 1) == k + 1 ? places[k]
									  : HASHRING_NONE;
	return heap_select(&q, NULL, places, k + 1) == k + 1 ? places[0] : HASHRING_NONE;
}

uint32_t
hashring_rank(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	      uint32_t apart, uint32_t member)
{
	if (member >= ring->count || ring->weight[member] == 0)
		return HASHRING_NONE;
	struct asked q = ask(ring, session_point(digest), apart);
	struct standing at = standing_of(&q, member);
	uint32_t before = 0;
	for (uint32_t other = 0; other < ring->count; other++) {
		if (ring->weight[other] == 0)
			continue;
		struct standing it = standing_of(&q, other);
		before += standing_before(&q, &it, &at);
	}
	return before;
}

/* ---- iterator ---- */

void
hashring_iter_init(struct hashring_iter *iter, const struct hashring *ring,
		   const uint8_t digest[HASHRING_DIGEST_BYTES], uint32_t apart)
{
	*iter = (struct hashring_iter){
	    .ring = ring,
	    .point = session_point(digest),
	    .apart = apart,
	    .last = HASHRING_NONE,
	    .done = false,
	};
}

/* The earliest of the members that stand after `last`. */
static uint32_t
first_after(const struct asked *q, uint32_t last)
{
	struct standing bound = standing_of(q, last);
	struct standing best = {.member = HASHRING_NONE};
	for (uint32_t member = 0; member < q->ring->count; member++) {
		if (q->ring->weight[member] == 0)
			continue;
		struct standing at = standing_of(q, member);
		if (!standing_before(q, &bound, &at))
			continue;
		if (best.member == HASHRING_NONE || standing_before(q, &at, &best))
			best = at;
	}
	return best.member;
}

uint32_t
hashring_iter_next(struct hashring_iter *iter)
{
	if (iter->done)
		return HASHRING_NONE;
	struct asked q = ask(iter->ring, iter->point, iter->apart);
	iter->last = iter->last == HASHRING_NONE ? first_in_mask(&q, iter->ring->lane_held)
						 : first_after(&q, iter->last);
	iter->done = iter->last == HASHRING_NONE;
	return iter->last;
}
