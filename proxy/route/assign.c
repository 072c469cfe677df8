/*
 * assign.c: a primary for a session that has none; see assign.h.
 *
 * The ordering is also the die: the first places of a random digest's order are
 * random members, each with the chance of its weight. So no second table of
 * weights is needed, and what an ordering is tested for holds here.
 */
#include "route/assign.h"

#include <assert.h>
#include <string.h>

#define CHOICES 2 /* of least_requests (Mitzenmacher, 2001) */

enum assign_method
assign_method_for(enum assign_method configured, bool key_from_request)
{
	if (configured != ASSIGN_DEFAULT)
		return configured;
	return key_from_request ? ASSIGN_ORDERING : ASSIGN_LEAST_REQUESTS;
}

static const struct hashring *
ring_of(const struct assign_inputs *in)
{
	return in->view->membership->ring;
}

static bool
has(const hashring_word *set, uint32_t member)
{
	return (set[member / 64] >> (member % 64) & 1) != 0;
}

static uint32_t
least_requests(const struct assign_inputs *in, const hashring_word *set)
{
	const struct membership *m = in->view->membership;
	uint8_t digest[HASHRING_DIGEST_BYTES] = {0};
	uint32_t drawn[CHOICES];
	memcpy(digest, &in->draw, sizeof(in->draw));
	size_t count = hashring_first_n(ring_of(in), digest, HASHRING_NONE, set, drawn, CHOICES);
	if (count < CHOICES)
		return count == 0 ? MEMBER_NONE : drawn[0];
	uint64_t first = in->load(in->load_context, drawn[0]);
	uint64_t second = in->load(in->load_context, drawn[1]);
	bool second_is_idler =
	    second * m->member[drawn[0]].weight < first * m->member[drawn[1]].weight;
	return second_is_idler ? drawn[1] : drawn[0];
}

static uint64_t
weight_of(const struct membership *m, const hashring_word *set)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < m->count; i++)
		sum += has(set, i) ? m->member[i].weight : 0;
	return sum;
}

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/*
 * Each member owns as many of `total` places as it weighs. Turns walk the places in strides
 * without common divisor with `total`, near its golden section: within a cycle each place
 * comes once, and places of one member come far apart.
 */
static uint32_t
round_robin(const struct assign_inputs *in, const hashring_word *set)
{
	const struct membership *m = in->view->membership;
	uint64_t total = weight_of(m, set);
	if (total == 0)
		return MEMBER_NONE;
	uint64_t stride = total - total * 382 / 1000;
	while (common_divisor(stride, total) != 1)
		stride++;
	uint64_t place = in->turn % total * stride % total;
	for (uint32_t i = 0; i < m->count; i++) {
		uint64_t weight = has(set, i) ? m->member[i].weight : 0;
		if (place < weight)
			return i;
		place -= weight;
	}
	assert(false); /* NOTREACHED: place < total */
	return MEMBER_NONE;
}

uint32_t
assign_primary(const struct assign_inputs *in)
{
	assert(in->method != ASSIGN_DEFAULT);
	if (in->method == ASSIGN_ORDERING)
		return hashring_first(ring_of(in), in->digest.bytes, HASHRING_NONE, NULL);
	const hashring_word *sets[] = {in->view->takes_new, in->view->backups,
				       in->view->operational};
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		uint32_t member = in->method == ASSIGN_ROUND_ROBIN ? round_robin(in, sets[i])
								   : least_requests(in, sets[i]);
		if (member != MEMBER_NONE)
			return member;
	}
	return hashring_first(ring_of(in), in->digest.bytes, HASHRING_NONE, NULL);
}
