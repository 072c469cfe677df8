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
ask(const struct lease *l, const struct role_turn *t, cluster_node voter)
{
	bool proposes = l->negotiation == LEASE_PROPOSING && (l->promised & bit(voter)) != 0;
	struct outgoing *o = lease_put_head(
	    t->out, voter, proposes ? DATAGRAM_PROPOSE : DATAGRAM_PREPARE, t->role, &l->ballot);
	put_u32(o, t->ground->timing.lease_ms);
	put_u32(o, t->ground->timing.negotiation_ms);
}

/* Who has promised is asked to accept, who has not, to promise: no voter accepts unprepared. */
static void
ask_the_silent(struct lease *l, const struct role_turn *t)
{
	l->resend_at = t->now + role_resend_ms(t->ground);
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		if (t->ground->nodes->node[i].voter && ((l->accepted | l->refused) & bit(i)) == 0)
			ask(l, t, i);
}

static void
enter(struct lease *l, enum lease_state negotiation)
{
	l->negotiation = negotiation;
	if (l->state != LEASE_HELD && l->state != negotiation)
		lease_to(l, negotiation);
}

/* A ballot above all that is known. */
static void
prepare(struct lease *l, const struct role_turn *t)
{
	assert(lease_timing_sound(&t->ground->timing));
	uint64_t round = l->ballot.round > l->round_seen ? l->ballot.round : l->round_seen;
	l->ballot = (struct ballot){round + 1, t->ground->boot,
				    cluster_alias(t->ground->nodes, t->ground->nodes->self)};
	l->ballot_ends = t->now + t->ground->timing.negotiation_ms;
	l->refusal = LEASE_REFUSED_NOT;
	l->wait_ms = 0;
	l->promised = l->accepted = l->refused = 0;
	enter(l, LEASE_PREPARING);
	ask_the_silent(l, t);
}

static void
begin(struct lease *l, const struct role_turn *t)
{
	l->bid_again = false;
	prepare(l, t);
}

static void
propose(struct lease *l, const struct role_turn *t)
{
	l->proposed_at = t->now; /* R3: before the first PROPOSE leaves */
	enter(l, LEASE_PROPOSING);
	l->resend_at = t->now + role_resend_ms(t->ground);
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		if ((l->promised & bit(i)) != 0)
			ask(l, t, i);
}

static void
hold(struct lease *l, const struct role_turn *t)
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
tell_release(struct lease *l, const struct role_turn *t)
{
	l->ballot.round++;
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		if (t->ground->nodes->node[i].voter)
			(void)lease_put_head(t->out, i, DATAGRAM_RELEASE, t->role, &l->ballot);
}

/* The negotiation is over, in vain. */
static void
fail(struct lease *l, const struct role_turn *t)
{
	bool proposed = l->negotiation == LEASE_PROPOSING;
	l->negotiation = LEASE_IDLE;
	if (l->refusal == LEASE_REFUSED_NOT)
		l->refusal = LEASE_REFUSED_NO_MAJORITY;
	if (l->state == LEASE_HELD) {
		l->renew_at = t->now + role_resend_ms(t->ground);
		return;
	}
	lease_to(l, LEASE_IDLE);
	l->news |= LEASE_NEWS_REFUSED;
	if (proposed) /* the few that accepted would refuse everybody for T */
		tell_release(l, t);
}

/* What time alone has ended. First of all in every event: late answers must not count. */
static void
expire(struct lease *l, const struct role_turn *t)
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
on_promise(struct lease *l, const struct role_turn *t, cluster_node from)
{
	l->promised |= bit(from);
	if (l->negotiation == LEASE_PROPOSING)
		ask(l, t, from);
	else if (count(l->promised) >= cluster_majority(t->ground->nodes)) /* R2 */
		propose(l, t);
}

static void
on_accept(struct lease *l, const struct role_turn *t, cluster_node from)
{
	l->accepted |= bit(from);
	if (count(l->accepted) >= cluster_majority(t->ground->nodes)) /* R4 */
		hold(l, t);
}

static void
on_refuse(struct lease *l, const struct role_turn *t, cluster_node from, enum lease_refusal why)
{
	l->refused |= bit(from);
	if (why == LEASE_REFUSED_LOWER && l->negotiation == LEASE_PREPARING && !l->bid_again) {
		l->bid_again = true; /* it did not know how high others had bid; now it does */
		prepare(l, t);
		return;
	}
	size_t left = 0;
	for (cluster_node i = 0; i < t->ground->nodes->count; i++)
		left += t->ground->nodes->node[i].voter && (l->refused & bit(i)) == 0;
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
lease_receive(struct lease *l, const struct role_turn *t, cluster_node from,
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
	uint64_t heard = l->accepted | l->refused | (type == DATAGRAM_PROMISE ? l->promised : 0);
	if ((heard & bit(from)) != 0)
		return true; /* again */
	if (type == DATAGRAM_REFUSE) {
		note_refusal(l, why, wait_ms);
		on_refuse(l, t, from, why);
	} else if (type == DATAGRAM_PROMISE) {
		on_promise(l, t, from);
	} else if (type == DATAGRAM_ACCEPT && (l->promised & bit(from)) != 0) {
		on_accept(l, t, from);
	}
	return true;
}

void
lease_acquire(struct lease *l, const struct role_turn *t)
{
	expire(l, t);
	if (l->state != LEASE_HELD && l->negotiation == LEASE_IDLE)
		begin(l, t);
}

void
lease_release(struct lease *l, const struct role_turn *t)
{
	expire(l, t);
	if (l->state == LEASE_IDLE)
		return;
	lease_to(l, LEASE_IDLE); /* R8: first */
	l->negotiation = LEASE_IDLE;
	tell_release(l, t);
}

void
lease_tick(struct lease *l, const struct role_turn *t)
{
	expire(l, t);
	if (l->negotiation != LEASE_IDLE && t->now >= l->resend_at)
		ask_the_silent(l, t);
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
