/* plane.c: one node's machines together; see plane.h. */
#include "cluster/plane.h"

#include <assert.h>
#include <string.h>

#define ROUNDS_MAX 16 /* of wishes and answers within one event; the rest is the next one's */

static const struct claim nobody = {0, NODE_NONE};

/* A node that declared itself still listens for objections: it is master when it registers. */
static struct claim
known_master(const struct plane *p)
{
	if (p->left || p->election.state == ELECTION_CLAIM)
		return nobody;
	return election_master(&p->election);
}

static bool
same_claim(const struct claim *a, const struct claim *b)
{
	return a->node == b->node && a->term == b->term;
}

/* ---- the end of every event -------------------------------------------------------------------
 */

/* True: something was asked of the engine. */
static bool
pass_wishes(struct plane *p, uint64_t now)
{
	unsigned news = election_take_news(&p->election);
	unsigned wishes = news & (ELECTION_NEWS_DROPS_LEASE | ELECTION_NEWS_WANTS_LEASE);
	if (p->engine.ops == NULL || wishes == 0)
		return false;
	if ((wishes & ELECTION_NEWS_DROPS_LEASE) != 0)
		engine_release(&p->engine, now, ROLE_CLUSTER, &p->out);
	if ((wishes & ELECTION_NEWS_WANTS_LEASE) != 0)
		engine_acquire(&p->engine, now, ROLE_CLUSTER, &p->out);
	return true;
}

static void
tell_election(struct plane *p, uint64_t now, const struct engine_event *event)
{
	switch (event->kind) {
	case ENGINE_GRANTED:
		election_granted(&p->election, now, event->term, &p->out);
		break;
	case ENGINE_REFUSED:
		election_refused(&p->election, now, event->wait_ms, &p->out);
		break;
	case ENGINE_LOST:
		election_lost(&p->election, now, &p->out);
		break;
	default:
		break;
	}
}

/* True: the engine had something to tell. */
static bool
pass_event(struct plane *p, uint64_t now)
{
	struct engine_event event;
	if (p->engine.ops == NULL || !engine_take(&p->engine, &event))
		return false;
	if (strcmp(event.role, ROLE_CLUSTER) == 0)
		tell_election(p, now, &event);
	for (size_t i = 0; i < p->party_count; i++) {
		if (p->party[i].role != NULL)
			p->party[i].role(p->party[i].self, now, &event, &p->out);
	}
	document_unref(&event.document);
	return true;
}

static void
pass_all(struct plane *p, uint64_t now)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		bool asked = pass_wishes(p, now);
		if (!pass_event(p, now) && !asked)
			return;
	}
}

static void
tell_master(struct plane *p, uint64_t now)
{
	struct claim master = known_master(p);
	if (same_claim(&master, &p->master))
		return;
	p->master = master;
	p->master_since = now;
	for (size_t i = 0; i < p->party_count; i++) {
		if (p->party[i].master != NULL)
			p->party[i].master(p->party[i].self, now, &master, &p->out);
	}
}

static void
settle(struct plane *p, uint64_t now)
{
	pass_all(p, now);
	if (ask_tick(&p->ask, &p->ask_rules, &p->election, now, &p->out))
		p->answered = true;
	pass_all(p, now);
	tell_master(p, now);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
hear_election(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)election_receive(self, now, in, out);
}

static void
tick_election(void *self, uint64_t now, struct outbox *out)
{
	election_tick(self, now, out);
}

static uint64_t
next_election(const void *self)
{
	return election_next(self);
}

static const uint8_t election_types[] = {
    DATAGRAM_HEARTBEAT, DATAGRAM_INQUIRY, DATAGRAM_REPLY,  DATAGRAM_SUSPECT,
    DATAGRAM_REFUTE,    DATAGRAM_DECLARE, DATAGRAM_REVOKE, DATAGRAM_INVITE,
};

static void
hear_engine(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	const struct plane *p = self;
	(void)engine_receive(&p->engine, now, in, out);
}

static void
tick_engine(void *self, uint64_t now, struct outbox *out)
{
	const struct plane *p = self;
	engine_tick(&p->engine, now, out);
}

static uint64_t
next_engine(const void *self)
{
	const struct plane *p = self;
	return engine_next(&p->engine);
}

static const uint8_t engine_types[] = {
    DATAGRAM_PREPARE, DATAGRAM_PROMISE, DATAGRAM_PROPOSE,  DATAGRAM_ACCEPT,
    DATAGRAM_REFUSE,  DATAGRAM_RELEASE, DATAGRAM_READ,     DATAGRAM_HELD,
    DATAGRAM_WRITE,   DATAGRAM_WRITTEN, DATAGRAM_OUTDATED,
};

static void
join_machines(struct plane *p)
{
	struct plane_party election = {.name = "election",
				       .self = &p->election,
				       .types = election_types,
				       .type_count = sizeof(election_types),
				       .receive = hear_election,
				       .tick = tick_election,
				       .next = next_election};
	struct plane_party engine = {.name = "engine",
				     .self = p,
				     .types = engine_types,
				     .type_count = sizeof(engine_types),
				     .receive = hear_engine,
				     .tick = tick_engine,
				     .next = next_engine};
	plane_join(p, &election);
	if (p->engine.ops != NULL)
		plane_join(p, &engine);
}

void
plane_init(struct plane *p, const struct plane_setup *setup, const struct engine *engine,
	   uint64_t now)
{
	memset(p, 0, sizeof(*p)); /* too large for a copy from the stack */
	p->nodes = setup->nodes;
	p->ask_rules = setup->ask;
	if (engine != NULL)
		p->engine = *engine;
	p->master = p->reported = p->announced = nobody;
	p->master_since = p->reported_since = now;
	assert(setup->election.safety == ELECTION_ADVISORY || p->engine.ops != NULL);
	datagram_codec_init(&p->codec, setup->name, setup->secrets, setup->secret_count, p->nodes,
			    setup->boot);
	join_machines(p);
	election_init(&p->election, p->nodes, &setup->election, setup->boot, now, &p->out);
	settle(p, now);
}

void
plane_join(struct plane *p, const struct plane_party *party)
{
	assert(p->party_count < PLANE_PARTIES_MAX);
	p->party[p->party_count++] = *party;
	for (size_t i = 0; i < party->type_count; i++) {
		uint8_t *owner = &p->party_of[party->types[i]];
		assert(*owner == 0);
		*owner = (uint8_t)p->party_count;
	}
}

/* ---- events -----------------------------------------------------------------------------------
 */

enum datagram_drop
plane_receive(struct plane *p, uint64_t now, const uint8_t *bytes, size_t count)
{
	struct incoming in;
	enum datagram_drop drop = datagram_decode(&p->codec, bytes, count, &in);
	if (drop != DATAGRAM_LET_IN || p->left)
		return drop;
	p->received[in.type]++;
	for (size_t i = 0; i < p->party_count; i++) {
		if (p->party[i].heard != NULL)
			p->party[i].heard(p->party[i].self, now, &in);
	}
	uint8_t owner = p->party_of[in.type];
	if (owner == 0) {
		p->unknown++;
		return DATAGRAM_LET_IN;
	}
	const struct plane_party *party = &p->party[owner - 1];
	party->receive(party->self, now, &in, &p->out);
	settle(p, now);
	return DATAGRAM_LET_IN;
}

void
plane_tick(struct plane *p, uint64_t now)
{
	if (p->left)
		return;
	for (size_t i = 0; i < p->party_count; i++) {
		if (p->party[i].tick != NULL)
			p->party[i].tick(p->party[i].self, now, &p->out);
	}
	settle(p, now);
}

uint64_t
plane_next(const struct plane *p)
{
	uint64_t next = ask_next(&p->ask);
	if (p->left)
		return CLUSTER_NEVER;
	for (size_t i = 0; i < p->party_count; i++) {
		const struct plane_party *party = &p->party[i];
		uint64_t at = party->next != NULL ? party->next(party->self) : CLUSTER_NEVER;
		if (at < next)
			next = at;
	}
	return next;
}

void
plane_turn(struct plane *p, uint64_t now)
{
	settle(p, now);
}

bool
plane_ask(struct plane *p, uint64_t now, const struct ask_question *question,
	  struct ask_answer *answer)
{
	if (p->left) {
		*answer = (struct ask_answer){
		    .how = ASK_NOBODY, .master = nobody, .retry_ms = p->ask_rules.rest_ms};
		return true;
	}
	bool answered =
	    ask_question(&p->ask, &p->ask_rules, &p->election, now, question, answer, &p->out);
	settle(p, now);
	return answered;
}

bool
plane_take_answered(struct plane *p)
{
	bool answered = p->answered;
	p->answered = false;
	return answered;
}

struct ask_answer
plane_answer(const struct plane *p, uint64_t now, const struct ask_question *question)
{
	return ask_answer(&p->ask, &p->ask_rules, &p->election, now, question);
}

void
plane_set_fit(struct plane *p, uint64_t now, bool fit)
{
	if (p->left || p->election.fit == fit)
		return;
	election_set_fit(&p->election, now, fit, &p->out);
	settle(p, now);
}

void
plane_rank(struct plane *p, const uint32_t *rank)
{
	for (size_t i = 0; i < p->nodes->count; i++)
		p->nodes->node[i].rank = rank[i];
	election_rank(&p->election, p->nodes);
}

void
plane_set_epoch(struct plane *p, uint64_t epoch)
{
	p->epoch = epoch;
}

void
plane_leave(struct plane *p, uint64_t now)
{
	if (p->left)
		return;
	election_resign(&p->election, now, &p->out);
	settle(p, now);
	p->left = true;
	p->answered = true;
	tell_master(p, now);
}

bool
plane_take_change(struct plane *p, uint64_t now, struct plane_change *change)
{
	if (same_claim(&p->master, &p->reported))
		return false;
	*change = (struct plane_change){.before = p->reported,
					.after = p->master,
					.for_ms = now - p->reported_since,
					.again = p->master.node != NODE_NONE &&
						 same_claim(&p->master, &p->announced)};
	p->reported = p->master;
	if (p->master.node != NODE_NONE)
		p->announced = p->master;
	p->reported_since = now;
	return true;
}

/* ---- what is said -----------------------------------------------------------------------------
 */

static void
flush_one(struct plane *p, const struct outgoing *o, plane_send_fn *send, void *context)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	size_t count = datagram_encode(&p->codec, o, p->epoch, election_term(&p->election), bytes);
	for (cluster_node n = 0; n < p->nodes->count; n++) {
		if (n == p->nodes->self || (o->to != NODE_ALL && o->to != n))
			continue;
		p->sent[o->type]++;
		send(context, n, bytes, count);
	}
}

void
plane_flush(struct plane *p, plane_send_fn *send, void *context)
{
	for (size_t i = 0; i < p->out.count; i++)
		flush_one(p, &p->out.list[i], send, context);
	p->out.count = 0;
}
