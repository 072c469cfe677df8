/*
 * assign.c: a primary for a session that has none; see assign.h.
 *
 * The ordering is also the die: the first places of a random digest's order are
 * random members, each with the chance of its weight. So no second table of
 * weights is needed, and what an ordering is tested for holds here. Only while some
 * members have another share than their weight (slow start, Holdfast-Weight) shares
 * are drawn from a list that is made for the one choice.
 */
#include "route/assign.h"

#include "base/digest.h"

#include <assert.h>
#include <string.h>

#define CHOICES     2                   /* of least_requests (Mitzenmacher, 2001) */
#define CYCLE       (UINT64_C(1) << 24) /* moments in a cycle of round_robin */

#define WEIGHTS_MAX 16 /* distinct ones that round_robin counts together */

static_assert(CYCLE > MEMBER_WEIGHT_MAX && CYCLE > WEIGHT_SHARE_MAX,
	      "no member has two turns at one moment");

enum assign_method
assign_method_for(enum assign_method configured, bool key_from_request)
{
	if (configured != ASSIGN_DEFAULT)
		return configured;
	return key_from_request ? ASSIGN_ORDERING : ASSIGN_LEAST_REQUESTS;
}

/* What the members weigh in one choice. */
struct scales {
	const struct membership *members;
	const uint32_t
	    *share; /* by member, in hundredths of a weight; NULL: weights as configured */
};

static uint32_t
weight_of(const struct scales *s, uint32_t member)
{
	return s->share != NULL ? s->share[member] : s->members->member[member].weight;
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

/* The ordering of a random digest draws by weight. */
static size_t
draw_by_weight(const struct assign_inputs *in, const hashring_word *set, uint32_t drawn[CHOICES])
{
	uint8_t digest[HASHRING_DIGEST_BYTES] = {0};
	memcpy(digest, &in->draw, sizeof(in->draw));
	return hashring_first_n(ring_of(in), digest, HASHRING_NONE, set, drawn, CHOICES);
}

/* The member at `at` when all of the set but `without` stand in a row, each as wide as its share.
 */
static uint32_t
find_share(const struct scales *scales, const hashring_word *set, uint32_t without, uint64_t at)
{
	for (uint32_t i = 0; i < scales->members->count; i++) {
		uint32_t wide = has(set, i) && i != without ? weight_of(scales, i) : 0;
		if (at < wide)
			return i;
		at -= wide;
	}
	return MEMBER_NONE;
}

/* Each with the chance of its share of what is left. */
static size_t
draw_by_share(const struct assign_inputs *in, const struct scales *scales, const hashring_word *set,
	      uint32_t drawn[CHOICES])
{
	struct prng prng = {in->draw};
	uint32_t without = MEMBER_NONE;
	uint64_t sum = 0;
	size_t count = 0;
	for (uint32_t i = 0; i < scales->members->count; i++)
		sum += has(set, i) ? weight_of(scales, i) : 0;
	while (count < CHOICES && sum > 0) {
		without = find_share(scales, set, without, prng_next(&prng) % sum);
		sum -= weight_of(scales, without);
		drawn[count++] = without;
	}
	return count;
}

static uint32_t
least_requests(const struct assign_inputs *in, const struct scales *scales,
	       const hashring_word *set)
{
	uint32_t drawn[CHOICES];
	size_t count = scales->share != NULL ? draw_by_share(in, scales, set, drawn)
					     : draw_by_weight(in, set, drawn);
	if (count < CHOICES)
		return count == 0 ? MEMBER_NONE : drawn[0];
	uint64_t first = in->load(in->load_context, drawn[0]);
	uint64_t second = in->load(in->load_context, drawn[1]);
	bool second_is_idler =
	    second * weight_of(scales, drawn[0]) < first * weight_of(scales, drawn[1]);
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
weights_init(struct weights *w, const struct scales *scales, const hashring_word *set)
{
	*w = (struct weights){.count = 0};
	for (uint32_t i = 0; i < scales->members->count && !w->many; i++) {
		if (has(set, i))
			weights_add(w, weight_of(scales, i));
	}
}

/* Turns that a member had when the part at / CYCLE of a cycle is over: its weight, rounded. */
static uint64_t
turns_of(uint32_t weight, uint64_t at)
{
	return (at * weight + CYCLE / 2) / CYCLE;
}

static uint64_t
turns_of_all(const struct scales *scales, const hashring_word *set, const struct weights *w,
	     uint64_t at)
{
	uint64_t sum = 0;
	for (size_t i = 0; !w->many && i < w->count; i++)
		sum += w->of[i].members * turns_of(w->of[i].weight, at);
	for (uint32_t i = 0; w->many && i < scales->members->count; i++)
		sum += has(set, i) ? turns_of(weight_of(scales, i), at) : 0;
	return sum;
}

/*
 * In a cycle each member has as many turns as it weighs, the k-th when (k + 1/2) / weight of
 * the cycle is over (Webster's apportionment): exact, and as even as can be. The moment of this
 * turn is found by halving; of members whose turns fall together the first in the list goes first.
 */
static uint32_t
round_robin(uint64_t count, const struct scales *scales, const hashring_word *set)
{
	struct weights w;
	weights_init(&w, scales, set);
	uint64_t total = turns_of_all(scales, set, &w, CYCLE);
	if (total == 0)
		return MEMBER_NONE;
	uint64_t turn = count % total;
	uint64_t before = 0; /* turns before here <= turn < turns at `at` */
	uint64_t at = CYCLE;
	while (at - before > 1) {
		uint64_t middle = (before + at) / 2;
		if (turns_of_all(scales, set, &w, middle) > turn)
			at = middle;
		else
			before = middle;
	}
	turn -= turns_of_all(scales, set, &w, before);
	for (uint32_t i = 0; i < scales->members->count; i++) {
		uint32_t weight = weight_of(scales, i);
		if (has(set, i) && turns_of(weight, at) > turns_of(weight, before) && turn-- == 0)
			return i;
	}
	assert(false); /* NOTREACHED */
	return MEMBER_NONE;
}

static uint32_t
choose(const struct assign_inputs *in, const struct scales *scales, const hashring_word *set)
{
	return in->method == ASSIGN_ROUND_ROBIN ? round_robin(in->turn, scales, set)
						: least_requests(in, scales, set);
}

/* Among who takes new sessions, by the shares of this moment: they may change while it is made. */
static __attribute__((noinline)) uint32_t
choose_by_share(const struct assign_inputs *in)
{
	const struct view *view = in->view;
	uint32_t share[MEMBERS_MAX];
	for (uint32_t i = 0; i < view->membership->count; i++)
		share[i] = has(view->takes_new, i) ? view_share(view, i, in->now_ms) : 0;
	return choose(in, &(struct scales){view->membership, share}, view->takes_new);
}

uint32_t
assign_primary(const struct assign_inputs *in)
{
	assert(in->method != ASSIGN_DEFAULT);
	if (in->method == ASSIGN_ORDERING || in->method >= ASSIGN_RACE)
		return hashring_first(ring_of(in), in->digest.bytes, HASHRING_NONE, NULL);
	const struct view *view = in->view;
	const struct scales scales = {view->membership, NULL};
	uint32_t member = view->graded ? choose_by_share(in) : choose(in, &scales, view->takes_new);
	if (member == MEMBER_NONE)
		member = choose(in, &scales, view->backups);
	if (member == MEMBER_NONE)
		member = choose(in, &scales, view->operational);
	if (member == MEMBER_NONE)
		member = hashring_first(ring_of(in), in->digest.bytes, HASHRING_NONE, NULL);
	return member;
}
