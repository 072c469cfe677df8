/*
 * near.c: the first live members and a member's place, in one pass: what a request of a session
 * asks. The pass gives, for each weight, the two greatest draws and how many draws reach a bound.
 *
 * A member's place is the number of those that stand before it. In a class of weight w another
 * member costs no more than it when its draw reaches a bound: the least draw whose cost is at most
 * cost * w. So places are counted and no cost is computed, but for ties: those at the bound itself.
 */
#include "standing.h"

#include <assert.h>
#include <string.h>

#define NEAR_PASS         2  /* members that one pass finds */
#define CLASS_MEMBERS_MIN 12 /* of a weight on average, so that its bound is worth its price */

/* ---- the inverse of the cost ---------------------------------------------------------------- */

/* The chord on which the fraction of a logarithm lies. */
static unsigned
chord_of(uint64_t fraction)
{
	unsigned i = 0;
	for (unsigned step = (LOG_TABLE_COUNT - 1) / 2; step > 0; step /= 2)
		i += hashring_log_table[i + step] <= fraction ? step : 0;
	return i;
}

/* A draw whose logarithm is `log` or next to it; log: below 33 octaves. */
static uint32_t
draw_near_log(uint64_t log)
{
	unsigned octave = (unsigned)(log >> LOG_FRACTION_BITS);
	uint64_t fraction = log & ((UINT64_C(1) << LOG_FRACTION_BITS) - 1);
	unsigned i = chord_of(fraction);
	uint64_t rise = hashring_log_table[i + 1] - hashring_log_table[i];
	uint64_t rest = ((fraction - hashring_log_table[i]) << LOG_REST_BITS) / rise;
	uint64_t scaled = (UINT64_C(1) << 32) + ((uint64_t)i << LOG_REST_BITS) + rest;
	uint64_t u = (scaled >> (32 - octave)) / 2;
	return u < UINT32_MAX ? (uint32_t)u : UINT32_MAX;
}

bool
hashring_least_draw(uint64_t numerator_max, uint32_t *u)
{
	const uint64_t most = UINT64_C(33) << LOG_FRACTION_BITS; /* what the draw 0 costs */
	if (numerator_max >= most) {
		*u = 0;
		return true;
	}
	if (numerator_max < cost_numerator(UINT32_MAX))
		return false;
	*u = draw_near_log(most - numerator_max);
	while (*u > 0 && cost_numerator(*u - 1) <= numerator_max)
		(*u)--;
	while (cost_numerator(*u) > numerator_max)
		(*u)++;
	return true;
}

/* ---- places --------------------------------------------------------------------------------- */

/* Who is ranked, and how many were found to stand before. */
struct ranking {
	bool wanted; /* by passes */
	uint32_t draw;
	struct standing of;
	uint32_t before;
};

/* Members of the class that draw `u`, without those that stand before the one that is ranked. */
static uint32_t
ties_behind(const struct asked *q, const struct ring_class *c, uint32_t u, uint32_t ranked,
	    enum ring_group group)
{
	const struct hashring *ring = q->ring;
	const uint64_t *lookup = ring->lookup + c->lookup_from;
	uint32_t half = draw32_inverse(u) ^ (uint32_t)q->point;
	uint32_t behind = 0;
	for (size_t at = hashring_class_find(c, lookup, half);
	     at < c->members && lookup[at] >> 32 == half; at++) {
		uint32_t member = ring->lane_member[(uint32_t)lookup[at]];
		if (group != GROUP_ALL &&
		    (ring->zone[member] == q->zone) != (group == GROUP_INSIDE))
			continue;
		behind += !tie_before(q, member, ranked);
	}
	return behind;
}

/* Padding draws as a member with the seed 0 would, in no zone. */
static uint32_t
padding_reach(const struct asked *q, const struct ring_class *c, uint32_t bound,
	      enum ring_group group)
{
	if (group == GROUP_INSIDE || draw32((uint32_t)q->point) < bound)
		return 0;
	return c->lanes - c->members;
}

/*
 * The bound for a class. False: nobody of it stands before. *tie: at the bound costs are equal.
 * Everybody of the first group stands before one of the second.
 */
static bool
class_bound(const struct ranking *r, const struct ring_class *c, enum ring_group group,
	    uint32_t *bound, bool *tie)
{
	*bound = 0;
	*tie = false;
	if (r->of.second_group && group == GROUP_OUTSIDE)
		return true;
	if (!r->of.second_group && group == GROUP_INSIDE)
		return false;
	if (c->weight == r->of.weight) {
		*bound = r->draw;
		*tie = true; /* with itself at least */
		return true;
	}
	uint64_t cost = r->of.numerator * c->weight;
	if (!hashring_least_draw(cost / r->of.weight, bound))
		return false;
	*tie = cost_numerator(*bound) * r->of.weight == cost;
	return true;
}

/* ---- first ones ----------------------------------------------------------------------------- */

struct found {
	struct standing of[NEAR_PASS]; /* in order */
	size_t count;
	size_t want; /* at most NEAR_PASS */
};

/* False: it stands behind all that are wanted, and so does every smaller draw of its class. */
static bool
offer(const struct asked *q, struct found *f, const struct ring_class *c, uint32_t u,
      const uint8_t *mask, enum ring_group group)
{
	struct standing at = {cost_numerator(u), c->weight, HASHRING_NONE, false};
	const struct standing *last = &f->of[f->want - 1];
	if (f->count == f->want && at.numerator * last->weight > last->numerator * at.weight)
		return false;
	at.member = hashring_class_holder(q, c, u, mask, group);
	if (at.member == HASHRING_NONE)
		return false;
	size_t place = f->count;
	while (place > 0 && standing_before(q, &at, &f->of[place - 1]))
		place--;
	if (place == f->want)
		return false;
	f->count += f->count < f->want;
	for (size_t i = f->count - 1; i > place; i--)
		f->of[i] = f->of[i - 1];
	f->of[place] = at;
	return true;
}

/* The second may draw the same as the first: then the other holder of that draw is meant. */
static void
offer_both(const struct asked *q, struct found *f, const struct ring_class *c,
	   const struct ring_survey *s, uint8_t *mask, enum ring_group group)
{
	if (!offer(q, f, c, s->first, mask, group))
		return;
	uint32_t lane = HASHRING_NONE;
	if (s->second == s->first) {
		uint32_t holder = hashring_class_holder(q, c, s->first, mask, group);
		lane = q->ring->lane[holder];
		mask_clear(mask, lane);
	}
	(void)offer(q, f, c, s->second, mask, group);
	if (lane != HASHRING_NONE)
		mask_set(mask, lane);
}

static void
pass(const struct asked *q, uint8_t *mask, enum ring_group group, struct ranking *r,
     struct found *f)
{
	const struct hashring *ring = q->ring;
	for (size_t i = 0; i < ring->class_count; i++) {
		const struct ring_class *c = &ring->class[i];
		struct ring_lanes lanes = {ring->lane_seed + c->lane_from,
					   ring->lane_zone + c->lane_from,
					   mask + c->lane_from / 8,
					   c->lanes,
					   group,
					   q->zone};
		struct ring_survey s;
		uint32_t bound = 0;
		bool tie = false;
		bool counts = r->wanted && class_bound(r, c, group, &bound, &tie);
		ring->survey(&lanes, (uint32_t)q->point, bound, &s);
		if (counts)
			r->before += s.reach - padding_reach(q, c, bound, group) -
				     (tie ? ties_behind(q, c, bound, r->of.member, group) : 0);
		if (f->want > 0)
			offer_both(q, f, c, &s, mask, group);
	}
}

/* One pass over the group, or over both with a zone to stand apart from; returns how many. */
static size_t
passes(const struct asked *q, uint8_t *mask, struct ranking *r, uint32_t *out, size_t want)
{
	struct found f = {.count = 0, .want = want};
	pass(q, mask, q->zone == HASHRING_NONE ? GROUP_ALL : GROUP_OUTSIDE, r, &f);
	size_t got = f.count;
	for (size_t i = 0; i < got; i++)
		out[i] = f.of[i].member;
	if (q->zone == HASHRING_NONE || (got == want && !(r->wanted && r->of.second_group)))
		return got;
	f = (struct found){.count = 0, .want = want - got};
	pass(q, mask, GROUP_INSIDE, r, &f);
	for (size_t i = 0; i < f.count; i++)
		out[got + i] = f.of[i].member;
	return got + f.count;
}

/* Many classes of a few members each: a bound a class is dearer than everybody's cost. */
static uint32_t
place_by_costs(const struct asked *q, const struct standing *at)
{
	uint32_t before = 0;
	for (uint32_t other = 0; other < q->ring->count; other++) {
		struct standing it = standing_of(q, other);
		before += it.weight > 0 && standing_before(q, &it, at);
	}
	return before;
}

static struct ranking
ranking_of(const struct asked *q, uint32_t member, uint32_t *rank)
{
	const struct hashring *ring = q->ring;
	struct ranking r = {.wanted = false};
	*rank = HASHRING_NONE;
	if (member >= ring->count || ring->weight[member] == 0)
		return r;
	r.of = standing_of(q, member);
	r.draw = draw32((uint32_t)ring->seed[member] ^ (uint32_t)q->point);
	r.wanted = ring->class_count * CLASS_MEMBERS_MIN <= ring->count || ring->class_count == 1;
	if (!r.wanted)
		*rank = place_by_costs(q, &r.of);
	return r;
}

size_t
hashring_near_at(const struct hashring *ring, uint64_t point, const struct hashring_near *near,
		 uint32_t *out, size_t want, uint32_t *rank)
{
	struct asked q = ask(ring, point, near->apart);
	struct ranking ranking = ranking_of(&q, near->ranked, rank);
	struct lane_mask mask;
	size_t got = 0;
	memcpy(mask.bits, near->lanes != NULL ? near->lanes : ring->lane_held,
	       ring->lane_count / 8);
	for (size_t i = 0; i < near->without_count; i++) {
		uint32_t lane = ring->lane[near->without[i]];
		if (lane != HASHRING_NONE)
			mask_clear(mask.bits, lane);
	}
	do {
		size_t part = want - got < NEAR_PASS ? want - got : NEAR_PASS;
		size_t found = passes(&q, mask.bits, &ranking, out + got, part);
		for (size_t i = got; i < got + found; i++)
			mask_clear(mask.bits, ring->lane[out[i]]);
		got += found;
		if (ranking.wanted)
			*rank = ranking.before;
		ranking.wanted = false;
		if (found < part)
			break;
	} while (got < want);
	return got;
}

size_t
hashring_near(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	      const struct hashring_near *near, uint32_t *out, size_t want, uint32_t *rank)
{
	return hashring_near_at(ring, session_point(digest), near, out, want, rank);
}

uint32_t
hashring_rank(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
	      uint32_t apart, uint32_t member)
{
	uint32_t rank;
	uint32_t nobody;
	struct hashring_near near = {.apart = apart, .ranked = member};
	(void)hashring_near(ring, digest, &near, &nobody, 0, &rank);
	return rank;
}
