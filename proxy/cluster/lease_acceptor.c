/* lease_acceptor.c: a voter's memory of one role's lease; see lease.h. */
#include "cluster/lease_wire.h"
#include "mutant.h"

#include <assert.h>

static uint64_t
with_drift(uint64_t duration_ms)
{
	return duration_ms + (duration_ms * LEASE_DRIFT_PER_MILLE + 999) / 1000;
}

struct lease_timing
lease_timing_of(uint32_t lease_ms)
{
	return (struct lease_timing){lease_ms, lease_ms / 5,
				     (uint32_t)((uint64_t)lease_ms * 6 / 5)};
}

bool
lease_timing_sound(const struct lease_timing *t)
{
	uint64_t longest_ms = t->lease_ms;
	uint64_t held_ms = longest_ms - longest_ms * LEASE_MARGIN_PER_MILLE / 1000;
	if (longest_ms < 2 * (uint64_t)t->negotiation_ms)
		longest_ms = 2 * (uint64_t)t->negotiation_ms;
	return t->negotiation_ms != 0 && t->negotiation_ms < held_ms &&
	       t->silence_ms >= with_drift(longest_ms);
}

int
ballot_compare(const struct ballot *a, const struct ballot *b)
{
	if (a->round != b->round)
		return a->round < b->round ? -1 : 1;
	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	return 0;
}

static bool
same_owner(const struct ballot *a, const struct ballot *b)
{
	return a->owner == b->owner && (a->boot == b->boot || MUTANT == MUTANT_OWNER_OF_ANY_RUN);
}

static bool
lives(const struct acceptor *a, uint64_t now)
{
	return now < a->accepted_until;
}

static void
refuse(const struct acceptor *a, const struct role_turn *t, const struct lease_asked *asked,
       enum lease_refusal why, uint64_t wait_ms)
{
	struct outgoing *o =
	    lease_put_head(t->out, asked->from, DATAGRAM_REFUSE, t->role, &asked->ballot);
	put_u8(o, (uint8_t)why);
	put_u64(o, a == NULL ? 0 : a->promised.round);
	put_u32(o, wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX);
}

/* What holds for PREPARE and PROPOSE alike. */
static enum lease_refusal
objection(const struct acceptor *a, const struct role_turn *t, const struct lease_asked *asked,
	  uint64_t *wait_ms)
{
	const struct role_ground *g = t->ground;
	*wait_ms = 0;
	if (t->now < g->silent_until && MUTANT != MUTANT_NO_RESTART_SILENCE) {
		*wait_ms = g->silent_until - t->now;
		return LEASE_REFUSED_SILENT;
	}
	struct lease_timing theirs = {asked->lease_ms, asked->negotiation_ms, g->timing.silence_ms};
	if (!lease_timing_sound(&theirs))
		return LEASE_REFUSED_TIMING;
	if (ballot_compare(&asked->ballot, &a->promised) < 0)
		return LEASE_REFUSED_LOWER;
	return LEASE_REFUSED_NOT;
}

static void
on_prepare(struct acceptor *a, const struct role_turn *t, const struct lease_asked *asked)
{
	uint64_t wait_ms;
	enum lease_refusal why = objection(a, t, asked, &wait_ms);
	bool others = lives(a, t->now) && !same_owner(&a->accepted, &asked->ballot);
	if (others && (why == LEASE_REFUSED_NOT || why == LEASE_REFUSED_LOWER)) {
		why = LEASE_REFUSED_HELD;
		wait_ms = a->accepted_until - t->now;
	}
	if (why != LEASE_REFUSED_NOT) {
		refuse(a, t, asked, why, wait_ms);
		return;
	}
	a->promised = asked->ballot;
	a->touched = t->now;
	(void)lease_put_head(t->out, asked->from, DATAGRAM_PROMISE, t->role, &asked->ballot);
}

static void
on_propose(struct acceptor *a, const struct role_turn *t, const struct lease_asked *asked)
{
	uint64_t wait_ms;
	enum lease_refusal why = objection(a, t, asked, &wait_ms);
	if (why != LEASE_REFUSED_NOT) {
		refuse(a, t, asked, why, wait_ms);
		return;
	}
	if (ballot_compare(&asked->ballot, &a->promised) != 0)
		return; /* its PREPARE did not come here, or before a restart */
	bool again = ballot_compare(&asked->ballot, &a->accepted) == 0;
	if (again && !lives(a, t->now))
		return; /* a copy that was long under way */
	if (!again) {
		a->accepted = asked->ballot;
		a->accepted_until =
		    t->now + (MUTANT == MUTANT_SHORT_LOCK ? asked->lease_ms * 8 / 10
							  : with_drift(asked->lease_ms));
		a->touched = t->now;
	}
	(void)lease_put_head(t->out, asked->from, DATAGRAM_ACCEPT, t->role, &asked->ballot);
}

/* The released ballot is higher than all that the owner proposed: what is still under way fails. */
static void
on_release(struct acceptor *a, const struct role_turn *t, const struct ballot *released)
{
	if (ballot_compare(released, &a->accepted) > 0 && same_owner(released, &a->accepted))
		a->accepted_until = t->now;
	if (ballot_compare(released, &a->promised) > 0) {
		a->promised = *released;
		a->touched = t->now;
	}
}

bool
acceptor_receive(struct acceptor *a, const struct role_turn *t, cluster_node from,
		 enum datagram_type type, struct body *b)
{
	struct lease_asked asked;
	if (!lease_get_asked(b, t->ground->nodes, type, from, &asked))
		return false;
	switch (type) {
	case DATAGRAM_PREPARE:
		on_prepare(a, t, &asked);
		return true;
	case DATAGRAM_PROPOSE:
		on_propose(a, t, &asked);
		return true;
	case DATAGRAM_RELEASE:
		if (t->now >= t->ground->silent_until)
			on_release(a, t, &asked.ballot);
		return true;
	default:
		return false;
	}
}

bool
acceptor_idle(const struct acceptor *a, const struct role_ground *ground, uint64_t now)
{
	return !lives(a, now) && now >= a->touched + ground->timing.silence_ms;
}

void
acceptor_refuse_full(const struct role_turn *t, cluster_node from, struct body *b)
{
	struct lease_asked asked;
	if (lease_get_asked(b, t->ground->nodes, DATAGRAM_PREPARE, from, &asked))
		refuse(NULL, t, &asked, LEASE_REFUSED_FULL, 0);
}
