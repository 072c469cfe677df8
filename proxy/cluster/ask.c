/* ask.c: who is master, asked by a client; see ask.h. */
#include "cluster/ask.h"

static uint64_t
fresh_ms(const struct election *e)
{
	return (uint64_t)ASK_FRESH_HEARTBEATS * e->rules.period_ms;
}

/* A master that clients can be sent to: it registered itself, or its answers are fresh. */
static bool
is_known(const struct election *e, uint64_t now)
{
	struct claim master = election_master(e);
	if (master.node == e->nodes->self)
		return e->state == ELECTION_MASTER;
	return master.node != NODE_NONE && election_evidence_age(e, now) <= fresh_ms(e);
}

struct ask_answer
ask_answer(const struct ask *a, const struct ask_rules *rules, const struct election *e,
	   uint64_t now, const struct ask_question *question)
{
	struct ask_answer answer = {.how = ASK_NOBODY, .master = {0, NODE_NONE}};
	if (!is_known(e, now)) {
		answer.retry_ms = a->rest_to > now ? (uint32_t)(a->rest_to - now) : rules->rest_ms;
		return answer;
	}
	answer.how = a->how == ASK_ELECTED ? ASK_ELECTED : ASK_CACHED;
	answer.master = election_master(e);
	answer.valid_ms = (uint32_t)(fresh_ms(e) - election_evidence_age(e, now));
	answer.redirect =
	    answer.master.node != e->nodes->self && answer.master.term >= question->term;
	return answer;
}

static void
move(struct ask *a, enum ask_state state, uint64_t now, uint64_t wait_ms)
{
	a->state = state;
	a->since = now;
	a->ends = state == ASK_IDLE ? CLUSTER_NEVER : now + wait_ms;
}

/* M3, M4: the best of those that were not tried yet. */
static cluster_node
next_candidate(const struct ask *a, const struct cluster_nodes *nodes)
{
	cluster_node best = NODE_NONE;
	for (cluster_node n = 0; n < nodes->count; n++) {
		if ((a->tried >> n & 1) == 0 &&
		    (best == NODE_NONE || cluster_before(nodes, n, best)))
			best = n;
	}
	return best;
}

static void
invite(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
       struct outbox *out)
{
	move(a, ASK_INVITED, now, rules->win_ms);
	election_invite(e, now, a->at, out);
}

/* False: nobody is left. */
static bool
ping_next(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	  struct outbox *out)
{
	cluster_node self = e->nodes->self;
	a->at = next_candidate(a, e->nodes);
	if (a->at == NODE_NONE)
		return false;
	a->tried |= UINT64_C(1) << a->at;
	if (a->at == self && !e->fit)
		return ping_next(a, rules, e, now, out);
	if (a->at == self) {
		invite(a, rules, e, now, out);
	} else {
		move(a, ASK_PING, now, rules->ping_ms);
		election_inquire(e, now, a->at, out);
	}
	return true;
}

static void
search(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
       struct outbox *out)
{
	a->searches++;
	a->tried = 0;
	a->how = ASK_ELECTED;
	if (!ping_next(a, rules, e, now, out))
		move(a, ASK_PING, now, 0); /* nobody is fit: found out at the next tick */
}

bool
ask_question(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	     const struct ask_question *question, struct ask_answer *answer, struct outbox *out)
{
	if (a->state != ASK_IDLE)
		return false;
	struct claim master = election_master(e);
	bool known = is_known(e, now);
	/* What this node saw itself a moment ago stands against what a client says. */
	bool doubted = (question->dead == master.node || question->term > master.term) &&
		       election_evidence_age(e, now) > rules->ping_ms;
	if (known ? !doubted : a->rest_to > now) {
		a->how = ASK_CACHED;
		*answer = ask_answer(a, rules, e, now, question);
		return true;
	}
	if (known) {
		a->how = ASK_CACHED;
		move(a, ASK_VERIFY, now, 2 * (uint64_t)rules->ping_ms);
		election_detect(e, now, out);
	} else {
		search(a, rules, e, now, out);
	}
	return false;
}

static bool
end_search(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	   bool found, struct outbox *out)
{
	if (found && a->how == ASK_ELECTED)
		election_announce(e, now, out);
	if (!found)
		a->rest_to = now + rules->rest_ms;
	move(a, ASK_IDLE, now, 0);
	return true;
}

static bool
tick_verify(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	    struct outbox *out)
{
	bool answered = e->proof_at != CLUSTER_NEVER && e->proof_at >= a->since;
	if (e->state == ELECTION_BACKUP && (answered || now >= a->ends)) {
		a->verified++;
		return end_search(a, rules, e, now, true, out);
	}
	if (is_known(e, now)) /* another one already, or not decided yet */
		return e->state != ELECTION_BACKUP && end_search(a, rules, e, now, true, out);
	search(a, rules, e, now, out);
	return false;
}

static bool
tick_search(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	    struct outbox *out)
{
	if (is_known(e, now))
		return end_search(a, rules, e, now, true, out);
	if (a->state == ASK_PING && a->at != NODE_NONE) {
		const struct election_peer *peer = &e->peer[a->at];
		bool answered = peer->inquired_at != CLUSTER_NEVER && peer->inquired_at >= a->since;
		if (answered && peer->fit) {
			invite(a, rules, e, now, out);
			return false;
		}
		if (!answered && now < a->ends)
			return false;
	} else if (now < a->ends) {
		return false;
	}
	if (!ping_next(a, rules, e, now, out))
		return end_search(a, rules, e, now, false, out);
	return false;
}

bool
ask_tick(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	 struct outbox *out)
{
	if (a->state == ASK_IDLE)
		return false;
	if (a->state == ASK_VERIFY)
		return tick_verify(a, rules, e, now, out);
	return tick_search(a, rules, e, now, out);
}

uint64_t
ask_next(const struct ask *a)
{
	return a->state == ASK_IDLE ? CLUSTER_NEVER : a->ends;
}
