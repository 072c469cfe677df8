/*
 * election_claim.c: who is above whom, and what follows from hearing a claim; see election.h. Every
 * way into CLAIM, MASTER and BACKUP is here.
 */
#include "cluster/election_inside.h"
#include "mutant.h"

int
claim_compare(const struct cluster_nodes *nodes, const struct claim *a, const struct claim *b)
{
	if (a->node == b->node && a->term == b->term)
		return 0;
	if (MUTANT == MUTANT_NO_TERM)
		return 1; /* whatever is heard last */
	if (a->term != b->term)
		return a->term > b->term ? 1 : -1;
	if (MUTANT == MUTANT_NO_TIE_BREAK && nodes->node[a->node].rank == nodes->node[b->node].rank)
		return 1; /* Fig. 9: i >= x: backup of x */
	return cluster_before(nodes, a->node, b->node) ? 1 : -1;
}

/* What this node has no more, when it becomes something else. */
static void
leave(struct election *e)
{
	if (e->rules.safety == ELECTION_LEASE &&
	    (e->state == ELECTION_ASK || e->state == ELECTION_MASTER)) {
		e->news |= ELECTION_NEWS_DROPS_LEASE;
		e->news &= ~(unsigned)ELECTION_NEWS_WANTS_LEASE;
	}
}

void
follow(struct election *e, const struct turn *t, const struct claim *claim, bool direct)
{
	leave(e);
	e->claim = *claim;
	e->state = ELECTION_BACKUP;
	e->news |= ELECTION_NEWS_MASTER;
	e->alarmed = false;
	e->suspecters = 0;
	e->inquiring = false;
	e->indirect = !direct;
	e->vouched_at = CLUSTER_NEVER;
	e->followed_at = t->now;
	e->proof_at = direct ? t->now : CLUSTER_NEVER;
	e->inquired_at = e->aligned_at = t->now;
	e->preempt_since = CLUSTER_NEVER;
	if (direct)
		align_detection(e, t->now);
	else
		e->inquire_at = t->now;
}

void
tell_fact(struct election *e, const struct turn *t, cluster_node to)
{
	const struct revoke fact = {REVOKE_FACT, to, e->claim, election_evidence_age(e, t->now)};
	put_revoke(outbox_add(t->out, to, DATAGRAM_REVOKE), e->nodes, &fact);
}

/* Fig. 9 as drawn: whoever is better than the claimant claims himself (a mutant, see D1). */
static bool
contest_as_drawn(struct election *e, const struct turn *t, const struct claim *claim)
{
	if (MUTANT != MUTANT_NO_SILENCE || e->state == ELECTION_WAIT || e->state == ELECTION_JOIN ||
	    !cluster_before(e->nodes, e->nodes->self, claim->node))
		return false;
	e->state = ELECTION_CLAIM;
	e->claim = (struct claim){++e->term_seen, e->nodes->self};
	e->claim_ends = t->now + e->rules.t1_ms;
	const struct revoke revoke = {REVOKE_CLAIM, claim->node, e->claim, 0};
	put_revoke(outbox_add(t->out, NODE_ALL, DATAGRAM_REVOKE), e->nodes, &revoke);
	return true;
}

void
hear_claim(struct election *e, const struct turn *t, const struct claim *claim, bool loud)
{
	int order = claim_compare(e->nodes, claim, &e->claim);
	if (contest_as_drawn(e, t, claim))
		return;
	if (order > 0 || (order == 0 && e->state == ELECTION_JOIN)) {
		follow(e, t, claim, true);
	} else if (order < 0 && (election_is_master(e) || e->state == ELECTION_BACKUP)) {
		/* Of one term: all heard both, and the master itself answers (D1). */
		bool silent = loud && claim->term == e->claim.term && !election_is_master(e);
		if (silent)
			return;
		e->counts.revoked++;
		tell_fact(e, t, claim->node);
	}
}

void
hear_hearsay(struct election *e, const struct turn *t, const struct claim *claim, uint32_t age_ms)
{
	uint64_t fresh_ms = (uint64_t)e->rules.period_ms + e->rules.timeout_ms;
	int order = claim_compare(e->nodes, claim, &e->claim);
	if (claim->node == e->nodes->self) {
		/* Of an earlier run of this node, that forgot: it must claim above it. */
		if (order > 0 && election_is_master(e) && e->rules.safety == ELECTION_ADVISORY)
			become_master(e, t, e->term_seen + 1);
		return;
	}
	if (order > 0 && age_ms <= fresh_ms) {
		follow(e, t, claim, false);
		hear_refute(e, t, claim, age_ms);
	} else if (order == 0)
		hear_refute(e, t, claim, age_ms);
}

void
hear_lost(struct election *e, const struct claim *claim)
{
	if (e->state != ELECTION_JOIN && e->state != ELECTION_WAIT)
		return;
	if (claim_compare(e->nodes, claim, &e->claim) > 0)
		e->claim = *claim;
}

/* The master asks for nothing more: its successor stands, the others wait as if it were lost. */
static void
hear_resign(struct election *e, const struct turn *t, cluster_node from, const struct claim *winner)
{
	if (from != e->claim.node || winner->term != e->claim.term)
		return;
	if (e->state == ELECTION_BACKUP)
		lose(e, t, false);
	if (e->state == ELECTION_WAIT && winner->node == e->nodes->self)
		stand(e, t);
}

/* E10: the master hands over to who stands before it, where the operator wants that. */
static void
hear_request(struct election *e, const struct turn *t, cluster_node from)
{
	if (e->state == ELECTION_MASTER && e->rules.preempt_ms != CLUSTER_NEVER &&
	    cluster_before(e->nodes, from, e->nodes->self))
		resign(e, t, from);
}

void
hear_revoke(struct election *e, const struct turn *t, cluster_node from,
	    const struct revoke *revoke)
{
	const struct claim *winner = &revoke->winner;
	if (revoke->kind == REVOKE_RESIGN)
		hear_resign(e, t, from, winner);
	else if (revoke->kind == REVOKE_REQUEST)
		hear_request(e, t, from);
	else if (winner->node == NODE_NONE || winner->term == 0)
		return;
	else if (winner->node == from)
		hear_claim(e, t, winner, revoke->kind == REVOKE_CLAIM);
	else
		hear_hearsay(e, t, winner, revoke->age_ms);
}

/* ---- becoming master --------------------------------------------------------------------------
 */

static void
take_over(struct election *e, uint64_t now, uint64_t term)
{
	uint64_t listen_ms = (uint64_t)2 * DELAYS_STEP_MIN_MS;
	for (cluster_node n = 0; n < e->nodes->count; n++) {
		uint64_t far = delays_between(&e->delays, e->nodes->self, n);
		far = far * DELAYS_MARGIN_PERCENT / 100;
		listen_ms = far > listen_ms ? far : listen_ms;
	}
	e->claim = (struct claim){term, e->nodes->self};
	e->term_seen = term > e->term_seen ? term : e->term_seen;
	e->counts.won++;
	e->alarmed = false;
	e->suspecters = 0;
	e->inquiring = false;
	e->news |= ELECTION_NEWS_MASTER;
	e->state = e->rules.safety == ELECTION_LEASE ? ELECTION_MASTER : ELECTION_CLAIM;
	e->claim_ends = now + listen_ms;
}

void
become_master(struct election *e, const struct turn *t, uint64_t term)
{
	take_over(e, t->now, term);
	put_u64(outbox_add(t->out, NODE_ALL, DATAGRAM_DECLARE), term);
}

void
stand(struct election *e, const struct turn *t)
{
	e->counts.stood++;
	if (e->rules.safety == ELECTION_ADVISORY) {
		become_master(e, t, e->term_seen + 1);
		return;
	}
	e->state = ELECTION_ASK;
	e->ask_ends = t->now + e->rules.ask_ms;
	e->news |= ELECTION_NEWS_WANTS_LEASE;
}

void
resign(struct election *e, const struct turn *t, cluster_node successor)
{
	const struct revoke last = {
	    REVOKE_RESIGN, e->nodes->self, {e->claim.term, successor}, AGE_NEVER};
	put_revoke(outbox_add(t->out, NODE_ALL, DATAGRAM_REVOKE), e->nodes, &last);
	leave(e);
	lose(e, t, false);
}

cluster_node
best_alive(const struct election *e, uint64_t now)
{
	uint64_t alive_ms = 2 * (uint64_t)e->rules.period_ms + e->rules.timeout_ms;
	cluster_node best = NODE_NONE;
	for (cluster_node n = 0; n < e->nodes->count; n++) {
		const struct election_peer *p = &e->peer[n];
		if (n == e->nodes->self || p->heard_at == CLUSTER_NEVER || !p->fit ||
		    now - p->heard_at > alive_ms)
			continue;
		if (best == NODE_NONE || cluster_before(e->nodes, n, best))
			best = n;
	}
	return best;
}

/* In `advisory` it claims, and all follow; in `lease` the master must hand over first. */
static void
contest(struct election *e, const struct turn *t)
{
	cluster_node worse = e->claim.node;
	e->counts.contested++;
	e->preempt_since = CLUSTER_NEVER;
	if (e->rules.safety == ELECTION_LEASE) {
		const struct revoke ask = {
		    REVOKE_REQUEST, worse, {e->claim.term, e->nodes->self}, 0};
		put_revoke(outbox_add(t->out, worse, DATAGRAM_REVOKE), e->nodes, &ask);
		return;
	}
	take_over(e, t->now, e->term_seen + 1);
	const struct revoke revoke = {REVOKE_CLAIM, worse, e->claim, 0};
	put_revoke(outbox_add(t->out, NODE_ALL, DATAGRAM_REVOKE), e->nodes, &revoke);
}

void
consider_preempting(struct election *e, const struct turn *t)
{
	cluster_node self = e->nodes->self;
	cluster_node best = best_alive(e, t->now);
	if (e->rules.preempt_ms == CLUSTER_NEVER || e->state != ELECTION_BACKUP || !e->fit ||
	    !cluster_before(e->nodes, self, e->claim.node) ||
	    (best != NODE_NONE && cluster_before(e->nodes, best, self))) {
		e->preempt_since = CLUSTER_NEVER;
		return;
	}
	uint64_t least_ms =
	    2 * (uint64_t)e->rules.period_ms; /* all better ones were heard by then */
	uint64_t wait_ms = e->rules.preempt_ms > least_ms ? e->rules.preempt_ms : least_ms;
	if (e->preempt_since == CLUSTER_NEVER)
		e->preempt_since = t->now;
	else if (t->now - e->preempt_since >= wait_ms)
		contest(e, t);
}

void
consider_resigning(struct election *e, const struct turn *t)
{
	cluster_node better = best_alive(e, t->now);
	if (e->state == ELECTION_MASTER && !e->fit && better != NODE_NONE)
		resign(e, t, better);
}
