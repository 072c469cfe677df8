/* election.c: events and time of the election; see election.h. */
#include "cluster/election_inside.h"

#include <assert.h>

static void
raise_term(struct election *e, uint64_t term)
{
	if (term > e->term_seen && term <= ELECTION_TERM_MAX)
		e->term_seen = term;
}

static struct turn
begin(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = {now, out};
	if (e->due != CLUSTER_NEVER && now > e->due && now - e->due > e->rules.timeout_ms / 2)
		overslept(e, &t);
	return t;
}

static void
end(struct election *e)
{
	e->due = election_next(e);
}

void
election_init(struct election *e, const struct cluster_nodes *nodes,
	      const struct election_rules *rules, uint64_t incarnation, uint64_t now,
	      struct outbox *out)
{
	assert(rules->timeout_ms > 0 && rules->timeout_ms < rules->period_ms);
	*e = (struct election){.nodes = nodes,
			       .rules = *rules,
			       .incarnation = incarnation,
			       .claim = {0, NODE_NONE},
			       .fit = true,
			       .heartbeat_at = now,
			       .proof_at = CLUSTER_NEVER,
			       .vouched_at = CLUSTER_NEVER,
			       .preempt_since = CLUSTER_NEVER};
	for (size_t i = 0; i < CLUSTER_NODES_MAX; i++)
		e->peer[i].heard_at = e->peer[i].inquired_at = CLUSTER_NEVER;
	struct turn t = {now, out};
	begin_join(e, &t);
	end(e);
}

/* ---- what came --------------------------------------------------------------------------------
 */

static struct word
own_word(const struct election *e, uint64_t now)
{
	return (struct word){e->state, e->fit, e->claim, proof_age(e, now)};
}

static void
hear_word(struct election *e, const struct turn *t, cluster_node from, const struct word *word)
{
	const struct claim *claim = &word->claim;
	e->peer[from].fit = word->fit;
	if (claim->node == NODE_NONE)
		return;
	raise_term(e, claim->term);
	bool claims = word->state == ELECTION_CLAIM || word->state == ELECTION_MASTER;
	if (claims && claim->node == from)
		hear_claim(e, t, claim, false);
	else if (word->state == ELECTION_BACKUP && claim->node != from && word->age_ms != AGE_NEVER)
		hear_hearsay(e, t, claim, word->age_ms);
	else if (!claims && word->state != ELECTION_BACKUP)
		hear_lost(e, claim);
}

static void
receive_heartbeat(struct election *e, const struct turn *t, cluster_node from, struct body *b)
{
	struct word word = get_word(b, e->nodes);
	if (!delays_get(&e->delays, e->nodes, from, b) || !body_whole(b))
		return;
	hear_word(e, t, from, &word);
	if (e->state == ELECTION_BACKUP && from == e->claim.node)
		align_detection(e, t->now);
}

static void
receive_inquiry(struct election *e, const struct turn *t, cluster_node from, struct body *b)
{
	struct echo echo = get_echo(b);
	if (!body_whole(b))
		return;
	struct outgoing *o = outbox_add(t->out, from, DATAGRAM_REPLY);
	struct word word = own_word(e, t->now);
	put_echo(o, &echo);
	put_word(o, e->nodes, &word);
}

static void
receive_reply(struct election *e, const struct turn *t, cluster_node from, struct body *b)
{
	struct echo echo = get_echo(b);
	struct word word = get_word(b, e->nodes);
	if (!body_whole(b))
		return;
	hear_word(e, t, from, &word);
	hear_reply(e, t, from, &echo, &word);
}

static void
receive_suspicion(struct election *e, const struct turn *t, const struct incoming *in,
		  struct body *b)
{
	struct claim claim = get_claim(b, e->nodes);
	uint32_t age_ms = in->type == DATAGRAM_REFUTE ? get_u32(b) : 0;
	if (!body_whole(b) || claim.node == NODE_NONE)
		return;
	raise_term(e, claim.term);
	if (in->type == DATAGRAM_SUSPECT)
		hear_suspect(e, t, in->from, &claim);
	else
		hear_refute(e, t, &claim, age_ms);
}

static void
receive_declare(struct election *e, const struct turn *t, cluster_node from, struct body *b)
{
	struct claim claim = {get_u64(b), from};
	if (!body_whole(b) || claim.term == 0 || claim.term > ELECTION_TERM_MAX)
		return;
	raise_term(e, claim.term);
	hear_claim(e, t, &claim, true);
}

static void
receive_revoke(struct election *e, const struct turn *t, cluster_node from, struct body *b)
{
	struct revoke revoke = get_revoke(b, e->nodes);
	if (!body_whole(b))
		return;
	raise_term(e, revoke.winner.term);
	hear_revoke(e, t, from, &revoke);
}

/* Someone was asked who is master, and knows none (system 000): stand, unless there is one. */
static void
receive_invite(struct election *e, const struct turn *t, cluster_node from)
{
	if (e->state == ELECTION_JOIN)
		e->invited = true;
	else if (e->state == ELECTION_WAIT)
		stand(e, t);
	else if (e->state != ELECTION_ASK && from != e->nodes->self)
		tell_fact(e, t, from);
}

bool
election_receive(struct election *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct body b = body_of(in->body, in->bytes);
	if (in->type < DATAGRAM_HEARTBEAT || in->type > DATAGRAM_INVITE)
		return false;
	struct turn t = begin(e, now, out);
	raise_term(e, in->term);
	e->peer[in->from].heard_at = now;
	switch (in->type) {
	case DATAGRAM_HEARTBEAT:
		receive_heartbeat(e, &t, in->from, &b);
		break;
	case DATAGRAM_INQUIRY:
		receive_inquiry(e, &t, in->from, &b);
		break;
	case DATAGRAM_REPLY:
		receive_reply(e, &t, in->from, &b);
		break;
	case DATAGRAM_SUSPECT:
	case DATAGRAM_REFUTE:
		receive_suspicion(e, &t, in, &b);
		break;
	case DATAGRAM_DECLARE:
		receive_declare(e, &t, in->from, &b);
		break;
	case DATAGRAM_REVOKE:
		receive_revoke(e, &t, in->from, &b);
		break;
	case DATAGRAM_INVITE:
		receive_invite(e, &t, in->from);
		break;
	default:
		break;
	}
	end(e);
	return true;
}

/* ---- time -------------------------------------------------------------------------------------
 */

static void
heartbeat(struct election *e, const struct turn *t)
{
	struct outgoing *o = outbox_add(t->out, NODE_ALL, DATAGRAM_HEARTBEAT);
	struct word word = own_word(e, t->now);
	put_word(o, e->nodes, &word);
	delays_put(&e->delays, e->nodes, o);
	e->heartbeat_at += e->rules.period_ms;
	if (e->heartbeat_at <= t->now)
		e->heartbeat_at = t->now + e->rules.period_ms;
	/* One other link is measured a period; the master's by its detection. */
	e->measure_next = (cluster_node)((e->measure_next + 1) % e->nodes->count);
	bool master = e->state == ELECTION_BACKUP && e->measure_next == e->claim.node;
	if (e->measure_next != e->nodes->self && !master)
		inquire(e, t, e->measure_next);
}

static void
refused(struct election *e, const struct turn *t, uint64_t retry_ms)
{
	lose(e, t, true);
	e->stand_at += retry_ms;
}

static void
state_tick(struct election *e, const struct turn *t)
{
	switch (e->state) {
	case ELECTION_JOIN:
		join_tick(e, t);
		break;
	case ELECTION_BACKUP:
		detect_tick(e, t);
		break;
	case ELECTION_WAIT:
		detect_tick(e, t);
		if (t->now >= e->stand_at)
			stand(e, t);
		break;
	case ELECTION_ASK:
		if (t->now < e->ask_ends)
			break;
		e->news |= ELECTION_NEWS_DROPS_LEASE;
		e->news &= ~(unsigned)ELECTION_NEWS_WANTS_LEASE;
		refused(e, t, 0);
		break;
	case ELECTION_CLAIM:
		if (t->now < e->claim_ends)
			break;
		e->state = ELECTION_MASTER;
		e->news |= ELECTION_NEWS_MASTER;
		break;
	case ELECTION_MASTER:
		break;
	}
}

void
election_tick(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (e->nodes->count > 1 && now >= e->heartbeat_at) {
		heartbeat(e, &t);
		consider_preempting(e, &t);
		consider_resigning(e, &t);
	}
	state_tick(e, &t);
	end(e);
}

static uint64_t
state_next(const struct election *e)
{
	uint64_t detect_at = detect_next(e);
	switch (e->state) {
	case ELECTION_JOIN:
		return e->join_again_at < e->join_ends ? e->join_again_at : e->join_ends;
	case ELECTION_BACKUP:
		return detect_at;
	case ELECTION_WAIT:
		return detect_at < e->stand_at ? detect_at : e->stand_at;
	case ELECTION_ASK:
		return e->ask_ends;
	case ELECTION_CLAIM:
		return e->claim_ends;
	default:
		return CLUSTER_NEVER;
	}
}

uint64_t
election_next(const struct election *e)
{
	uint64_t state_at = state_next(e);
	uint64_t beat_at = e->nodes->count > 1 ? e->heartbeat_at : CLUSTER_NEVER;
	return state_at < beat_at ? state_at : beat_at;
}

/* ---- the gate ---------------------------------------------------------------------------------
 */

void
election_granted(struct election *e, uint64_t now, uint64_t term, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (e->state != ELECTION_ASK) {
		e->news |= ELECTION_NEWS_DROPS_LEASE;
	} else if (term <= e->claim.term || term > ELECTION_TERM_MAX) {
		/* The register went back, or is broken: no term of it can be believed. */
		e->news |= ELECTION_NEWS_DROPS_LEASE;
		refused(e, &t, 0);
	} else {
		become_master(e, &t, term);
	}
	end(e);
}

void
election_refused(struct election *e, uint64_t now, uint64_t retry_ms, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (e->state == ELECTION_ASK)
		refused(e, &t, retry_ms);
	end(e);
}

void
election_lost(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (e->rules.safety == ELECTION_LEASE && e->state == ELECTION_MASTER) {
		resign(e, &t, NODE_NONE);
		e->news &= ~(unsigned)ELECTION_NEWS_DROPS_LEASE;
	} else if (e->state == ELECTION_ASK) {
		refused(e, &t, 0);
	}
	end(e);
}

/* ---- the client's question --------------------------------------------------------------------
 */

void
election_detect(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (e->state == ELECTION_BACKUP && !e->inquiring)
		e->inquire_at = now;
	state_tick(e, &t);
	end(e);
}

void
election_inquire(struct election *e, uint64_t now, cluster_node to, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	inquire(e, &t, to);
	end(e);
}

void
election_invite(struct election *e, uint64_t now, cluster_node to, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (to == e->nodes->self)
		receive_invite(e, &t, to);
	else
		(void)outbox_add(out, to, DATAGRAM_INVITE);
	end(e);
}

void
election_announce(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	e->heartbeat_at = now;
	if (e->nodes->count > 1)
		heartbeat(e, &t);
	end(e);
}

/* ---- the operator's side ----------------------------------------------------------------------
 */

void
election_resign(struct election *e, uint64_t now, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	if (election_is_master(e))
		resign(e, &t, best_alive(e, now));
	end(e);
}

void
election_set_fit(struct election *e, uint64_t now, bool fit, struct outbox *out)
{
	struct turn t = begin(e, now, out);
	e->fit = fit;
	consider_resigning(e, &t);
	end(e);
}

void
election_rank(struct election *e, const struct cluster_nodes *nodes)
{
	assert(nodes->count == e->nodes->count && nodes->self == e->nodes->self);
	e->nodes = nodes;
}

struct claim
election_master(const struct election *e)
{
	if (e->state == ELECTION_BACKUP || election_is_master(e))
		return e->claim;
	return (struct claim){0, NODE_NONE};
}

uint64_t
election_term(const struct election *e)
{
	return e->term_seen;
}

uint32_t
election_longest_wait(const struct election *e)
{
	struct delays_schedule schedule;
	delays_plan(&e->delays, e->nodes, e->claim.node, e->rules.t1_ms, &schedule);
	return delays_longest_wait(&schedule);
}

unsigned
election_take_news(struct election *e)
{
	unsigned news = e->news;
	e->news = 0;
	return news;
}

const char *
election_state_text(enum election_state state)
{
	static const char *const text[] = {"join", "backup", "wait", "ask", "claim", "master"};
	return text[state];
}
