/*
 * election_detect.c: is the master there: inquiries and answers, Suspect and Refute, and what a
 * node asks when it starts; see election.h.
 */
#include "cluster/election_inside.h"
#include "mutant.h"

#define WAIT_TRIES 2 /* inquiries at the lost master at once; then one a period */

static uint64_t
bit(cluster_node n)
{
	return UINT64_C(1) << n;
}

/* 1.5 round trips, as measured: by then an answer would have come. */
static uint64_t
reach_ms(const struct election *e, cluster_node n)
{
	return (uint64_t)delays_between(&e->delays, e->nodes->self, n) * DELAYS_MARGIN_PERCENT /
		   100 +
	       1;
}

static uint64_t
retry_ms(const struct election *e)
{
	uint64_t third = e->rules.timeout_ms / ELECTION_TRIES;
	uint64_t reach = reach_ms(e, e->claim.node);
	return third > reach ? third : reach;
}

/* Detection in the regular course, when no heartbeat aligns it: a period, and a little. */
static uint64_t
unaligned_ms(const struct election *e)
{
	return (uint64_t)e->rules.period_ms * 9 / 8;
}

static uint32_t
age_of(uint64_t at, uint64_t now)
{
	if (at == CLUSTER_NEVER || now - at >= AGE_NEVER)
		return AGE_NEVER;
	return (uint32_t)(now - at);
}

uint32_t
proof_age(const struct election *e, uint64_t now)
{
	if (election_is_master(e))
		return 0;
	return e->state == ELECTION_BACKUP ? age_of(e->proof_at, now) : AGE_NEVER;
}

uint32_t
election_evidence_age(const struct election *e, uint64_t now)
{
	uint32_t proof_ms = proof_age(e, now);
	uint32_t vouched_ms = e->state == ELECTION_BACKUP ? age_of(e->vouched_at, now) : AGE_NEVER;
	return proof_ms < vouched_ms ? proof_ms : vouched_ms;
}

void
inquire(struct election *e, const struct turn *t, cluster_node to)
{
	const struct echo echo = {e->incarnation, t->now};
	put_echo(outbox_add(t->out, to, DATAGRAM_INQUIRY), &echo);
}

/* ---- JOIN -------------------------------------------------------------------------------------
 */

void
begin_join(struct election *e, const struct turn *t)
{
	uint64_t listen_ms = election_longest_wait(e);
	listen_ms = listen_ms > e->rules.timeout_ms ? listen_ms : e->rules.timeout_ms;
	e->state = ELECTION_JOIN;
	e->answered = bit(e->nodes->self);
	e->join_ends = t->now + listen_ms;
	e->join_again_at = t->now + listen_ms / ELECTION_TRIES + 1;
	if (e->nodes->count > 1)
		inquire(e, t, NODE_ALL);
}

static void
end_join(struct election *e, const struct turn *t)
{
	lose(e, t, true);
	if (e->invited)
		stand(e, t);
}

/* All answered, and none has a master: there is nothing more to listen for. */
static void
hear_answer(struct election *e, const struct turn *t, cluster_node from)
{
	uint64_t all = e->nodes->count == 64 ? UINT64_MAX : bit(e->nodes->count) - 1;
	e->answered |= bit(from);
	if (e->answered == all)
		end_join(e, t);
}

void
join_tick(struct election *e, const struct turn *t)
{
	if (t->now >= e->join_ends) {
		end_join(e, t);
	} else if (t->now >= e->join_again_at) {
		e->join_again_at = t->now + (e->join_ends - t->now) / 2 + 1;
		inquire(e, t, NODE_ALL);
	}
}

/* ---- BACKUP and WAIT --------------------------------------------------------------------------
 */

/*
 * Each node has its own place in the period between two heartbeats, by its rank: who detects first
 * is alone with it, so that one Suspect is sent and not one from each. What is due since the last
 * heartbeat is not put off.
 */
void
align_detection(struct election *e, uint64_t now)
{
	bool due = e->inquired_at < e->aligned_at;
	e->aligned_at = now;
	if (e->inquiring || due)
		return;
	uint64_t before = 0;
	for (cluster_node n = 0; n < e->nodes->count; n++)
		before += cluster_before(e->nodes, n, e->nodes->self);
	uint64_t aligned = now + before * e->rules.period_ms / ((uint64_t)e->nodes->count + 1);
	uint64_t latest = e->inquired_at + unaligned_ms(e);
	e->inquire_at = aligned < latest ? aligned : latest;
}

static void
begin_inquiry(struct election *e, uint64_t now, uint64_t ends)
{
	e->inquiring = true;
	e->inquiry_from = e->inquired_at = e->inquiry_again_at = now;
	e->inquiry_ends = ends;
	e->inquiry_tries = 0;
}

void
lose(struct election *e, const struct turn *t, bool probe)
{
	cluster_node lost = e->claim.node;
	struct delays_schedule schedule;
	delays_plan(&e->delays, e->nodes, lost, e->rules.t1_ms, &schedule);
	uint64_t wait_ms = delays_own_wait(&schedule, e->nodes->self);
	if (!e->fit)
		wait_ms += delays_longest_wait(&schedule);
	e->state = ELECTION_WAIT;
	e->news |= ELECTION_NEWS_MASTER;
	e->alarmed = false;
	e->suspecters = 0;
	e->wait_from = t->now;
	e->inquiring = false;
	if (probe && lost != NODE_NONE && lost != e->nodes->self) {
		uint64_t reach = reach_ms(e, lost);
		wait_ms = wait_ms > reach ? wait_ms : reach;
		begin_inquiry(e, t->now, CLUSTER_NEVER);
	}
	e->stand_at = t->now + wait_ms;
}

/* All timers start now; and who still reaches the master will say so (D2). */
static void
alarm_all(struct election *e, const struct turn *t)
{
	if (MUTANT != MUTANT_NO_SUSPECT)
		put_claim(outbox_add(t->out, NODE_ALL, DATAGRAM_SUSPECT), e->nodes, &e->claim);
	lose(e, t, true);
	e->alarmed = true;
}

/*
 * E3: no answer within the time-out. Unless others had one since: then this link is cut, not the
 * master. Once that is known, what they said within the last period is enough.
 */
static void
suspect(struct election *e, const struct turn *t)
{
	uint64_t within_ms = e->indirect ? (uint64_t)e->rules.period_ms + e->rules.timeout_ms
					 : t->now - e->inquiry_from;
	e->inquiring = false;
	if (e->vouched_at != CLUSTER_NEVER && t->now - e->vouched_at <= within_ms) {
		e->indirect = true;
		e->inquire_at = e->inquired_at + unaligned_ms(e);
		return;
	}
	e->counts.suspected++;
	alarm_all(e, t);
}

void
detect_tick(struct election *e, const struct turn *t)
{
	bool backup = e->state == ELECTION_BACKUP;
	if (backup && !e->inquiring && t->now >= e->inquire_at)
		begin_inquiry(e, t->now, t->now + e->rules.timeout_ms);
	if (!e->inquiring)
		return;
	if (t->now >= e->inquiry_again_at) {
		unsigned tries_max = backup ? ELECTION_TRIES : WAIT_TRIES;
		uint64_t later = backup ? CLUSTER_NEVER : t->now + e->rules.period_ms;
		bool again = ++e->inquiry_tries < tries_max;
		e->inquiry_again_at = again ? t->now + retry_ms(e) : later;
		inquire(e, t, e->claim.node);
	}
	if (t->now >= e->inquiry_ends)
		suspect(e, t);
}

uint64_t
detect_next(const struct election *e)
{
	if (!e->inquiring)
		return e->state == ELECTION_BACKUP ? e->inquire_at : CLUSTER_NEVER;
	return e->inquiry_again_at < e->inquiry_ends ? e->inquiry_again_at : e->inquiry_ends;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* It lives after all: this node follows again, and tells those who waited for it to say so. */
static void
call_off(struct election *e, const struct turn *t, bool direct, uint64_t evidence_at)
{
	bool alarmed = e->alarmed;
	uint64_t suspecters = e->suspecters;
	struct claim claim = e->claim;
	e->counts.refuted++;
	follow(e, t, &claim, direct);
	if (!direct)
		e->vouched_at = evidence_at;
	for (cluster_node n = 0; n < e->nodes->count; n++) {
		if (!alarmed && (!direct || (suspecters & bit(n)) == 0))
			continue;
		struct outgoing *o = outbox_add(t->out, alarmed ? NODE_ALL : n, DATAGRAM_REFUTE);
		put_claim(o, e->nodes, &claim);
		put_u32(o, election_evidence_age(e, t->now));
		if (alarmed)
			break;
	}
}

static void
hear_proof(struct election *e, const struct turn *t, uint64_t sent_at)
{
	if (e->state == ELECTION_WAIT || e->state == ELECTION_ASK) {
		if (sent_at >= e->wait_from)
			call_off(e, t, true, sent_at);
	} else if (e->state == ELECTION_BACKUP) {
		e->proof_at = sent_at;
		e->indirect = false;
		if (!e->inquiring || sent_at < e->inquiry_from)
			return;
		e->inquiring = false;
		e->inquire_at = e->inquired_at + unaligned_ms(e);
	}
}

void
hear_reply(struct election *e, const struct turn *t, cluster_node from, const struct echo *echo,
	   const struct word *word)
{
	if (echo->incarnation != e->incarnation || echo->sent_at > t->now)
		return; /* to an earlier run */
	uint64_t ms = t->now - echo->sent_at;
	delays_measured(&e->delays, e->nodes, from,
			ms < e->rules.timeout_ms ? ms : e->rules.timeout_ms);
	struct election_peer *peer = &e->peer[from];
	if (peer->inquired_at == CLUSTER_NEVER || peer->inquired_at < echo->sent_at)
		peer->inquired_at = echo->sent_at;
	if (e->state == ELECTION_JOIN)
		hear_answer(e, t, from);
	bool claims = word->state == ELECTION_CLAIM || word->state == ELECTION_MASTER;
	bool same = word->claim.node == e->claim.node && word->claim.term == e->claim.term;
	if (claims && same)
		hear_proof(e, t, echo->sent_at);
	/* It answers, and is not master any more: it started again, or stepped down. */
	if (!claims && e->state == ELECTION_BACKUP && e->claim.node == from &&
	    echo->sent_at >= e->followed_at)
		alarm_all(e, t);
}

void
hear_suspect(struct election *e, const struct turn *t, cluster_node from, const struct claim *claim)
{
	int order = claim_compare(e->nodes, claim, &e->claim);
	uint64_t fresh_ms = (uint64_t)e->rules.period_ms + e->rules.timeout_ms;
	if (order > 0) {
		hear_lost(e, claim);
	} else if (order < 0) {
		if (election_evidence_age(e, t->now) <= fresh_ms)
			tell_fact(e, t, from);
	} else if (election_is_master(e)) {
		struct outgoing *o = outbox_add(t->out, from, DATAGRAM_REFUTE);
		put_claim(o, e->nodes, &e->claim);
		put_u32(o, 0);
	} else if (e->state == ELECTION_BACKUP || e->state == ELECTION_WAIT) {
		if (e->state == ELECTION_BACKUP)
			lose(e, t, true);
		e->suspecters |= bit(from);
	}
}

void
hear_refute(struct election *e, const struct turn *t, const struct claim *claim, uint32_t age_ms)
{
	if (claim_compare(e->nodes, claim, &e->claim) != 0 || age_ms > t->now ||
	    claim->node == e->nodes->self) /* of an earlier run: it is lost, whoever saw it */
		return;
	uint64_t evidence_at = t->now - age_ms;
	if (e->state == ELECTION_BACKUP) {
		if (e->vouched_at == CLUSTER_NEVER || e->vouched_at < evidence_at)
			e->vouched_at = evidence_at;
	} else if (e->state == ELECTION_WAIT || e->state == ELECTION_ASK) {
		if (evidence_at >= e->wait_from)
			call_off(e, t, false, evidence_at);
	}
}

void
overslept(struct election *e, const struct turn *t)
{
	if (e->state == ELECTION_JOIN) {
		begin_join(e, t);
	} else if (e->state == ELECTION_WAIT) {
		lose(e, t, true);
	} else if (e->state == ELECTION_BACKUP) {
		e->inquiring = false;
		e->inquire_at = t->now;
		e->preempt_since = CLUSTER_NEVER; /* who is alive is to be heard first */
	} else if (e->state == ELECTION_CLAIM) {
		e->claim_ends = t->now + e->rules.t1_ms;
	}
}
