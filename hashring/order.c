/*
 * order.c: the questions of hashring.h.
 *
 * Ways to an answer, by test the same (near.c has one more, for many questions over one set):
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
#include "standing.h"

#include <string.h>

#define FEW_MEMBERS_MAX   8  /* up to here sorting all is quicker than a scan a place */
#define FIRST_N_SCANS_MAX 16 /* from here on one pass with a heap is quicker */

/* ---- first: scans ---- */

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
		at.member = hashring_class_holder(q, c, u, mask, group);
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
	hashring_lanes(ring, live, mask.bits);
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
	hashring_lanes(q->ring, live, mask.bits);
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
