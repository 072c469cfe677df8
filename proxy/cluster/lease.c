/*
 * lease.c: this node's negotiations for one role; see lease.h.
 *
 *            acquire               majority promised           majority accepted
 *     IDLE ----------> PREPARING ------------------> PROPOSING -----------------> HELD
 *      ^ ^                 | refused, or TN is over     |                        |    |
 *      | `-----------------'----------------------------'      held_until passed |    | release
 *      |                                                                         v    |
 *      `------------------------- acquire ------------------------------------ LOST   |
 *      `------------------------------------------------------------------------------'
 *
 * A renewal is the same negotiation while the state stays HELD.
 */
#include "cluster/lease_wire.h"

#include <assert.h>

#define RESENDS 4 /* a negotiation asks again, those that are silent, at most so often less one */

static const unsigned moves[] = {
    [LEASE_IDLE] = 1u << LEASE_PREPARING,
    [LEASE_PREPARING] = 1u << LEASE_PROPOSING | 1u << LEASE_IDLE,
    [LEASE_PROPOSING] = 1u << LEASE_HELD | 1u << LEASE_IDLE,
    [LEASE_HELD] = 1u << LEASE_LOST | 1u << LEASE_IDLE,
    [LEASE_LOST] = 1u << LEASE_PREPARING | 1u << LEASE_IDLE,
};

static void
lease_to(struct lease *l, enum lease_state next)
{
	assert((moves[l->state] >> next & 1) != 0);
	l->state = next;
}

static size_t
count(uint64_t votes)
{
	return (size_t)__builtin_popcountll(votes);
}

static uint64_t
bit(cluster_node node)
{
	return (uint64_t)1 << node;
}

static void
ask_the_silent(struct lease *l, const struct lease_turn *t)
{
	enum datagram_type type =
	    l->negotiation == LEASE_PREPARING ? DATAGRAM_PREPARE : DATAGRAM_PROPOSE;
	for (cluster_node i = 0; i < t->ground->nodes->count; i++) {
		if (!t->ground->nodes->node[i].voter || ((l->said_yes | l->said_no) & bit(i)) != 0)
			continue;
		struct outgoing *o = lease_put_head(t->out, i, type, t->role, &l->ballot);
		put_u32(o, t->ground->timing.lease_ms);
		put_u32(o, t->ground->timing.negotiation_ms);
	}
}

static void
enter(struct lease *l, const struct lease_turn *t, enum lease_state negotiation)
{
	if (l->state != LEASE_HELD && l->state != negotiation)
		lease_to(l, negotiation);
	l->negotiation = negotiation;
	l->said_yes = 0;
	l->said_no = 0;
	l->resend_at = t->now + t->ground->timing.negotiation_ms / RESENDS + 1;
	ask_the_silent(l, t);
}

/* A ballot above all that is known. */
static void
prepare(struct lease *l, const struct lease_turn *t)
{
	assert(lease_timing_sound(&t->ground->timing));
	uint64_t round = l->ballot.round > l->round_seen ? l->ballot.round : l->round_seen;
	l->ballot = (struct ballot){round + 1, t->ground->boot,
				    cluster_alias(t->ground->nodes, t->ground->nodes->self)};
	l->ballot_ends = t->now + t->ground->timing.negotiation_ms;
	l->refusal = LEASE_REFUSED_NOT;
	l->wait_ms = 0;
	enter(l, t, LEASE_PREPARING);
}

static void
begin(struct lease *l, const struct lease_turn *t)
{
	l->bid_again = false;
	prepare(l, t);
}

static void
propose(struct lease *l, const struct lease_turn *t)
{
	l->proposed_at = t->now; /* R3: before the first PROPOSE leaves */
	enter(l, t, LEASE_PROPOSING);
}

static void
hold(struct lease *l, const struct lease_turn *t)
{
	bool renewed = l->state == LEASE_HELD;
	uint64_t lease_ms = t->ground->timing.lease_ms;
	if (!renewed)
		lease_to(l, LEASE_HELD);
	l->negotiation = LEASE_IDLE;
	l->held_until = l->proposed_at + lease_ms - lease_ms * LEASE_MARGIN_PER_MILLE / 1000;
	l->renew_at = l->proposed_at + lease_ms / 3;
	l->news |= renewed ? LEASE_NEWS_RENEWED : LEASE_NEWS_WON;
}

/* Higher than all that was proposed: voters drop what they accepted, and what is still under way.
 */
static void
tell_release(struct lease *l, const struct lease_turn *t)
{
	l->ballot.round++;
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		if (t->ground->nodes->node[i].voter)
			(void)lease_put_head(t->out, i, DATAGRAM_RELEASE, t->role, &l->ballot);
}

/* The negotiation is over, in vain. */
static void
fail(struct lease *l, const struct lease_turn *t)
{
	bool proposed = l->negotiation == LEASE_PROPOSING;
	l->negotiation = LEASE_IDLE;
	if (l->refusal == LEASE_REFUSED_NOT)
		l->refusal = LEASE_REFUSED_NO_MAJORITY;
	if (l->state == LEASE_HELD) {
		l->renew_at = t->now + t->ground->timing.negotiation_ms / RESENDS + 1;
		return;
	}
	lease_to(l, LEASE_IDLE);
	l->news |= LEASE_NEWS_REFUSED;
	if (proposed) /* the few that accepted would refuse everybody for T */
		tell_release(l, t);
}

/* What time alone has ended. First of all in every event: late answers must not count. */
static void
expire(struct lease *l, const struct lease_turn *t)
{
	if (l->state == LEASE_HELD && t->now >= l->held_until) {
		lease_to(l, LEASE_LOST);
		l->negotiation = LEASE_IDLE;
		l->news |= LEASE_NEWS_LOST;
	}
	if (l->negotiation != LEASE_IDLE && t->now >= l->ballot_ends) /* R7 */
		fail(l, t);
}

static void
on_yes(struct lease *l, const struct lease_turn *t, cluster_node from)
{
	l->said_yes |= bit(from);
	if (count(l->said_yes) < cluster_majority(t->ground->nodes))
		return;
	if (l->negotiation == LEASE_PREPARING) /* R2 */
		propose(l, t);
	else /* R4 */
		hold(l, t);
}

static void
on_no(struct lease *l, const struct lease_turn *t, cluster_node from, enum lease_refusal why)
{
	l->said_no |= bit(from);
	if (why == LEASE_REFUSED_LOWER && l->negotiation == LEASE_PREPARING && !l->bid_again) {
		l->bid_again = true; /* it did not know how high others had bid; now it does */
		prepare(l, t);
		return;
	}
	size_t left = 0;
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		left += t->ground->nodes->node[i].voter && (l->said_no & bit(i)) == 0;
	if (left < cluster_majority(t->ground->nodes))
		fail(l, t);
}

static void
note_refusal(struct lease *l, enum lease_refusal why, uint32_t wait_ms)
{
	if (l->refusal == LEASE_REFUSED_NOT || why < l->refusal)
		l->refusal = why;
	if (wait_ms != 0 && (l->wait_ms == 0 || wait_ms < l->wait_ms))
		l->wait_ms = wait_ms;
}

static bool
is_refusal(uint8_t why)
{
	switch (why) {
#define LEASE_REFUSAL(name, number, text, help) case (number):
#include "tbl/lease_refusals.h"
#undef LEASE_REFUSAL
		return true;
	default:
		return false;
	}
}

static bool
refusal_get(struct body *b, enum lease_refusal *why, uint64_t *round, uint32_t *wait_ms)
{
	uint8_t number = get_u8(b);
	*round = get_u64(b);
	*wait_ms = get_u32(b);
	*why = (enum lease_refusal)number;
	return body_whole(b) && is_refusal(number);
}

bool
lease_receive(struct lease *l, const struct lease_turn *t, cluster_node from,
	      enum datagram_type type, struct body *b)
{
	const struct cluster_nodes *nodes = t->ground->nodes;
	struct ballot ballot = lease_get_ballot(b);
	enum lease_refusal why = LEASE_REFUSED_NOT;
	uint64_t round = 0;
	uint32_t wait_ms = 0;
	if (type == DATAGRAM_REFUSE ? !refusal_get(b, &why, &round, &wait_ms) : !body_whole(b))
		return false;
	if (from >= nodes->count || !nodes->node[from].voter)
		return false;
	expire(l, t);
	if (l->negotiation == LEASE_IDLE || ballot_compare(&ballot, &l->ballot) != 0)
		return true; /* of another time */
	if (type == DATAGRAM_REFUSE && round > l->round_seen)
		l->round_seen = round;
	if (((l->said_yes | l->said_no) & bit(from)) != 0)
		return true; /* again */
	if (type == DATAGRAM_REFUSE) {
		note_refusal(l, why, wait_ms);
		on_no(l, t, from, why);
	} else if (type ==
		   (l->negotiation == LEASE_PREPARING ? DATAGRAM_PROMISE : DATAGRAM_ACCEPT)) {
		on_yes(l, t, from);
	}
	return true;
}

void
lease_acquire(struct lease *l, const struct lease_turn *t)
{
	expire(l, t);
	if (l->state != LEASE_HELD && l->negotiation == LEASE_IDLE)
		begin(l, t);
}

void
lease_release(struct lease *l, const struct lease_turn *t)
{
	expire(l, t);
	if (l->state == LEASE_IDLE)
		return;
	lease_to(l, LEASE_IDLE); /* R8: first */
	l->negotiation = LEASE_IDLE;
	tell_release(l, t);
}

void
lease_tick(struct lease *l, const struct lease_turn *t)
{
	expire(l, t);
	if (l->negotiation != LEASE_IDLE && t->now >= l->resend_at) {
		l->resend_at = t->now + t->ground->timing.negotiation_ms / RESENDS + 1;
		ask_the_silent(l, t);
	}
	if (l->state == LEASE_HELD && l->negotiation == LEASE_IDLE && t->now >= l->renew_at)
		begin(l, t);
}

uint64_t
lease_next(const struct lease *l)
{
	uint64_t next = CLUSTER_NEVER;
	if (l->state == LEASE_HELD) {
		next = l->held_until;
		if (l->negotiation == LEASE_IDLE && l->renew_at < next)
			next = l->renew_at;
	}
	if (l->negotiation != LEASE_IDLE) {
		if (l->ballot_ends < next)
			next = l->ballot_ends;
		if (l->resend_at < next)
			next = l->resend_at;
	}
	return next;
}

bool
lease_held(const struct lease *l, uint64_t now)
{
	return l->state == LEASE_HELD && now < l->held_until;
}

unsigned
lease_take_news(struct lease *l)
{
	unsigned news = l->news;
	l->news = 0;
	return news;
}
