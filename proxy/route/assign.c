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

#define CHOICES     2                   /* of least_requests (Mitzenmacher, 2001) */
#define CYCLE       (UINT64_C(1) << 24) /* moments in a cycle of round_robin */

#define WEIGHTS_MAX 16 /* distinct ones that round_robin counts together */

static_assert(CYCLE > MEMBER_WEIGHT_MAX, "no member has two turns at one moment");

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

/* The members of a set by their weights, so that a turn is found without asking each. */
struct weights {
	struct {
		uint32_t weight;
		uint32_t members;
	} of[WEIGHTS_MAX];
	size_t count;
	bool many; /* more than WEIGHTS_MAX: each is asked after all */
};

static uint32_t
weight_of(const struct assign_inputs *in, uint32_t member)
{
	return in->view->membership->member[member].weight;
}

static void
weights_add(struct weights *w, uint32_t weight)
{
	size_t i = 0;
	while (i < w->count && w->of[i].weight != weight)
		i++;
	if (i == WEIGHTS_MAX) {
		w->many = true;
		return;
	}
	if (i == w->count)
		w->of[w->count++].weight = weight;
	w->of[i].members++;
}

static void
weights_init(struct weights *w, const struct assign_inputs *in, const hashring_word *set)
{
	*w = (struct weights){.count = 0};
	for (uint32_t i = 0; i < in->view->membership->count && !w->many; i++) {
		if (has(set, i))
			weights_add(w, weight_of(in, i));
	}
}

/* Turns that a member had when the part at / CYCLE of a cycle is over: its weight, rounded. */
static uint64_t
turns_of(uint32_t weight, uint64_t at)
{
	return (at * weight + CYCLE / 2) / CYCLE;
}

static uint64_t
turns_of_all(const struct assign_inputs *in, const hashring_word *set, const struct weights *w,
	     uint64_t at)
{
	uint64_t sum = 0;
	for (size_t i = 0; !w->many && i < w->count; i++)
		sum += w->of[i].members * turns_of(w->of[i].weight, at);
	for (uint32_t i = 0; w->many && i < in->view->membership->count; i++)
		sum += has(set, i) ? turns_of(weight_of(in, i), at) : 0;
	return sum;
}

/*
 * In a cycle each member has as many turns as it weighs, the k-th when (k + 1/2) / weight of
 * the cycle is over (Webster's apportionment): exact, and as even as can be. The moment of this
 * turn is found by halving; of members whose turns fall together the first in the list goes first.
 */
static uint32_t
round_robin(const struct assign_inputs *in, const hashring_word *set)
{
	struct weights w;
	weights_init(&w, in, set);
	uint64_t total = turns_of_all(in, set, &w, CYCLE);
	if (total == 0)
		return MEMBER_NONE;
	uint64_t turn = in->turn % total;
	uint64_t before = 0; /* turns before here <= turn < turns at `at` */
	uint64_t at = CYCLE;
	while (at - before > 1) {
		uint64_t middle = (before + at) / 2;
		if (turns_of_all(in, set, &w, middle) > turn)
			at = middle;
		else
			before = middle;
	}
	turn -= turns_of_all(in, set, &w, before);
	for (uint32_t i = 0; i < in->view->membership->count; i++) {
		uint32_t weight = weight_of(in, i);
		if (has(set, i) && turns_of(weight, at) > turns_of(weight, before) && turn-- == 0)
			return i;
	}
	assert(false); /* NOTREACHED */
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
