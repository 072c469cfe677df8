/* embedded.c: the engine of messages; see embedded.h. */
#include "cluster/embedded.h"

#include "mutant.h"

#include <assert.h>
#include <string.h>

static struct role_turn
turn(const struct embedded *e, const char *role, uint64_t now, struct outbox *out)
{
	return (struct role_turn){&e->ground, role, now, out};
}

/* ---- places ----------------------------------------------------------------------------------
 */

static struct embedded_role *
find_role(struct embedded *e, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(e->role[i].role, role) == 0)
			return &e->role[i];
	return NULL;
}

static bool
role_idle(const struct embedded_role *r)
{
	return (r->lease.state == LEASE_IDLE || r->lease.state == LEASE_LOST) &&
	       r->client.job == REGISTER_NO_JOB && r->client.document == NULL && !r->wants_read;
}

/* Finds, or takes a free place, or one that nobody needs. NULL: none. */
static struct embedded_role *
add_role(struct embedded *e, const char *role)
{
	struct embedded_role *r = find_role(e, role);
	if (r == NULL)
		r = find_role(e, "");
	for (size_t i = 0; r == NULL && i < ROLES_MAX; i++)
		if (role_idle(&e->role[i]))
			r = &e->role[i];
	if (r == NULL || strcmp(r->role, role) == 0)
		return r;
	/* What a place's last role used up, ballots and numbers, must not come again in this run.
	 */
	uint64_t round = r->lease.ballot.round > r->lease.round_seen ? r->lease.ballot.round
								     : r->lease.round_seen;
	uint64_t number = r->client.number;
	memset(r, 0, sizeof(*r));
	r->lease.round_seen = round;
	r->client.number = number;
	memcpy(r->role, role, strlen(role) + 1);
	return r;
}

static struct embedded_lock *
add_lock(struct embedded *e, const char *role, uint64_t now)
{
	struct embedded_lock *free_one = NULL;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct embedded_lock *l = &e->lock[i];
		if (strcmp(l->role, role) == 0)
			return l;
		if (free_one == NULL &&
		    (l->role[0] == '\0' || acceptor_idle(&l->acceptor, &e->ground, now)))
			free_one = l;
	}
	if (free_one == NULL)
		return NULL;
	memset(free_one, 0, sizeof(*free_one));
	memcpy(free_one->role, role, strlen(role) + 1);
	return free_one;
}

/* ---- what machines tell ----------------------------------------------------------------------
 */

static void
tell(struct embedded *e, const struct embedded_role *r, enum engine_event_kind kind)
{
	struct engine_event event = {.kind = kind, .term = r->term, .until = r->lease.held_until};
	if (kind == ENGINE_REFUSED) {
		event.refusal = r->lease.refusal;
		event.wait_ms = r->lease.wait_ms;
	}
	if (kind == ENGINE_READ || kind == ENGINE_WRITTEN) {
		event.term = r->client.term;
		event.stamp = r->client.known;
		event.document = document_ref(r->client.document);
	}
	engine_events_put(&e->events, r->role, &event);
}

static void
refuse(struct embedded *e, const struct embedded_role *r, enum lease_refusal why, uint32_t wait_ms)
{
	struct engine_event event = {.kind = ENGINE_REFUSED, .refusal = why, .wait_ms = wait_ms};
	engine_events_put(&e->events, r->role, &event);
}

/* The lease is over, and with it the term and what was done with it. */
static void
lose(struct embedded *e, struct embedded_role *r)
{
	bool owned = r->owns;
	enum register_job job = r->client.job;
	r->owns = false;
	if (job == REGISTER_READS)
		r->client.own_term = 0;
	else
		register_forsake(&r->client);
	if (job == REGISTER_WRITES)
		tell(e, r, ENGINE_UNWRITTEN);
	if (owned)
		tell(e, r, ENGINE_LOST);
	else
		refuse(e, r, LEASE_REFUSED_NO_TERM, 0);
}

/* A claim, or a write, does not wait for a read: that is begun again, or answered by the claim. */
static void
put_reading_off(struct embedded_role *r)
{
	if (r->client.job != REGISTER_READS)
		return;
	register_stop(&r->client);
	r->wants_read = true;
}

static void
on_lease(struct embedded *e, struct embedded_role *r)
{
	unsigned news = lease_take_news(&r->lease);
	if ((news & LEASE_NEWS_LOST) != 0)
		lose(e, r);
	if ((news & LEASE_NEWS_REFUSED) != 0)
		tell(e, r, ENGINE_REFUSED);
	if ((news & LEASE_NEWS_WON) != 0 && r->lease.state == LEASE_HELD)
		put_reading_off(r);
	if ((news & LEASE_NEWS_RENEWED) != 0 && r->lease.state == LEASE_HELD && r->owns)
		tell(e, r, ENGINE_RENEWED);
}

/* The lease is there, the register says no: it goes back. */
static void
give_up(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	lose(e, r);
	lease_release(&r->lease, t);
}

static void
on_claimed(struct embedded *e, struct embedded_role *r)
{
	r->owns = true;
	r->term = r->client.own_term;
	tell(e, r, ENGINE_GRANTED);
	if (r->wants_read)
		tell(e, r, ENGINE_READ);
	r->wants_read = false;
}

static void
on_register(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	switch (register_take_news(&r->client)) {
	case REGISTER_NEWS_NONE:
		break;
	case REGISTER_NEWS_CLAIMED:
		on_claimed(e, r);
		break;
	case REGISTER_NEWS_UNCLAIMED:
		give_up(e, r, t);
		break;
	case REGISTER_NEWS_DEPOSED:
		tell(e, r, ENGINE_UNWRITTEN);
		give_up(e, r, t);
		break;
	case REGISTER_NEWS_READ:
		tell(e, r, ENGINE_READ);
		break;
	case REGISTER_NEWS_UNREAD:
		tell(e, r, ENGINE_UNREAD);
		break;
	case REGISTER_NEWS_WRITTEN:
		tell(e, r, ENGINE_WRITTEN);
		break;
	case REGISTER_NEWS_UNWRITTEN:
		tell(e, r, ENGINE_UNWRITTEN);
		break;
	}
}

/* Starts what waits for the register. */
static void
go_on(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	if (r->client.job != REGISTER_NO_JOB)
		return;
	if (r->lease.state == LEASE_HELD && !r->owns) {
		(void)register_claim(&r->client, t, r->lease.held_until);
	} else if (r->wants_read) {
		r->wants_read = false;
		(void)register_read(&r->client, t, t->now + e->ground.timing.lease_ms);
	}
}

static void
settle(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	on_lease(e, r);
	on_register(e, r, t);
	go_on(e, r, t);
}

/* What time has ended comes before what a message says: it may have waited while this node slept.
 */
static void
pass_time(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	lease_tick(&r->lease, t);
	on_lease(e, r);
	register_tick(&r->client, t);
	settle(e, r, t);
}

/* ---- datagrams -------------------------------------------------------------------------------
 */

static void
to_acceptor(struct embedded *e, const struct role_turn *t, cluster_node from,
	    enum datagram_type type, struct body *b)
{
	if (!e->is_voter || !voter_votes(&e->voter))
		return;
	struct embedded_lock *l = add_lock(e, t->role, t->now);
	if (l != NULL)
		(void)acceptor_receive(&l->acceptor, t, from, type, b);
	else if (type == DATAGRAM_PREPARE)
		acceptor_refuse_full(t, from, b);
}

static void
to_lease(struct embedded *e, const struct role_turn *t, cluster_node from, enum datagram_type type,
	 struct body *b)
{
	struct embedded_role *r = find_role(e, t->role);
	if (r == NULL)
		return;
	pass_time(e, r, t);
	(void)lease_receive(&r->lease, t, from, type, b);
	settle(e, r, t);
}

/* Whoever has a value answers for its pieces: who writes it as well as a voter that keeps it. */
static void
to_register(struct embedded *e, const struct role_turn *t, cluster_node from,
	    enum datagram_type type, const struct body *b)
{
	struct body copy = *b;
	struct embedded_role *r = t->role[0] == '\0' ? NULL : find_role(e, t->role);
	bool taken = false;
	if (r != NULL && type != DATAGRAM_WRITE) {
		if (MUTANT != MUTANT_TIME_STANDS)
			pass_time(e, r, t);
		taken = register_receive(&r->client, t, from, type, &copy);
		settle(e, r, t);
	}
	copy = *b;
	if (e->is_voter && !(taken && type == DATAGRAM_READ))
		(void)voter_receive(&e->voter, t->now, from, type, t->role, &copy, t->out);
}

static bool
dispatch(struct embedded *e, uint64_t now, cluster_node from, uint8_t type, const uint8_t *at,
	 size_t bytes, struct outbox *out)
{
	char role[ROLE_BYTES_MAX + 1];
	struct body b = body_of(at, bytes);
	get_text(&b, role, sizeof(role));
	struct role_turn t = turn(e, role, now, out);
	bool named = role[0] != '\0';
	switch (type) {
	case DATAGRAM_PREPARE:
	case DATAGRAM_PROPOSE:
	case DATAGRAM_RELEASE:
		if (named)
			to_acceptor(e, &t, from, type, &b);
		return true;
	case DATAGRAM_PROMISE:
	case DATAGRAM_ACCEPT:
	case DATAGRAM_REFUSE:
		if (named)
			to_lease(e, &t, from, type, &b);
		return true;
	case DATAGRAM_WRITE:
	case DATAGRAM_WRITTEN:
	case DATAGRAM_OUTDATED:
		if (named)
			to_register(e, &t, from, type, &b);
		return true;
	case DATAGRAM_READ:
	case DATAGRAM_HELD: /* a status has no role */
		if (!b.bad)
			to_register(e, &t, from, type, &b);
		return true;
	default:
		return false;
	}
}

/* What this node says to itself it hears at once. */
static void
loop_back(struct embedded *e, uint64_t now, struct outbox *out)
{
	size_t i = 0;
	while (i < out->count) {
		if (out->list[i].to != e->ground.nodes->self) {
			i++;
			continue;
		}
		struct outgoing own = out->list[i];
		out->count--;
		memmove(&out->list[i], &out->list[i + 1], (out->count - i) * sizeof(out->list[0]));
		(void)dispatch(e, now, own.to, own.type, own.body, own.bytes, out);
	}
}

/* ---- the engine ------------------------------------------------------------------------------
 */

static bool
receive(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct embedded *e = self;
	bool ours = dispatch(e, now, in->from, in->type, in->body, in->bytes, out);
	loop_back(e, now, out);
	return ours;
}

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	struct embedded *e = self;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct embedded_role *r = &e->role[i];
		if (r->role[0] == '\0')
			continue;
		struct role_turn t = turn(e, r->role, now, out);
		pass_time(e, r, &t);
	}
	if (e->is_voter)
		voter_tick(&e->voter, now, out);
	loop_back(e, now, out);
}

static uint64_t
next(const void *self)
{
	const struct embedded *e = self;
	uint64_t soonest = e->is_voter ? voter_next(&e->voter) : CLUSTER_NEVER;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct embedded_role *r = &e->role[i];
		if (r->role[0] == '\0')
			continue;
		uint64_t lease = lease_next(&r->lease);
		uint64_t client = register_next(&r->client);
		soonest = lease < soonest ? lease : soonest;
		soonest = client < soonest ? client : soonest;
	}
	return soonest;
}

static void
acquire(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = add_role(e, role);
	if (r == NULL) {
		struct engine_event event = {.kind = ENGINE_REFUSED, .refusal = LEASE_REFUSED_FULL};
		engine_events_put(&e->events, role, &event);
		return;
	}
	struct role_turn t = turn(e, r->role, now, out);
	lease_acquire(&r->lease, &t);
	settle(e, r, &t);
	loop_back(e, now, out);
}

static void
release(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = find_role(e, role);
	if (r == NULL)
		return;
	struct role_turn t = turn(e, r->role, now, out);
	if (r->client.job == REGISTER_WRITES)
		tell(e, r, ENGINE_UNWRITTEN);
	if (r->client.job != REGISTER_READS)
		register_forsake(&r->client);
	r->client.own_term = 0;
	r->owns = false;
	lease_release(&r->lease, &t);
	(void)lease_take_news(&r->lease);
	go_on(e, r, &t);
	loop_back(e, now, out);
}

static bool
owns(const void *self, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	const struct embedded *e = self;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct embedded_role *r = &e->role[i];
		if (strcmp(r->role, role) != 0)
			continue;
		if (term != NULL)
			*term = r->term;
		if (until != NULL)
			*until = r->lease.held_until;
		return r->owns && lease_held(&r->lease, now);
	}
	return false;
}

static void
read_value(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = add_role(e, role);
	if (r == NULL) {
		struct engine_event event = {.kind = ENGINE_UNREAD};
		engine_events_put(&e->events, role, &event);
		return;
	}
	struct role_turn t = turn(e, r->role, now, out);
	r->wants_read = true;
	settle(e, r, &t);
	loop_back(e, now, out);
}

static void
write_value(void *self, uint64_t now, const char *role, struct document *d, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = find_role(e, role);
	bool able = r != NULL && r->owns && lease_held(&r->lease, now);
	if (able) {
		struct role_turn t = turn(e, r->role, now, out);
		put_reading_off(r);
		able = register_write(&r->client, &t, d, r->lease.held_until);
		loop_back(e, now, out);
	}
	if (able)
		return;
	struct engine_event event = {.kind = ENGINE_UNWRITTEN};
	engine_events_put(&e->events, role, &event);
}

static bool
take(void *self, struct engine_event *event)
{
	struct embedded *e = self;
	return engine_events_take(&e->events, event);
}

struct engine
embedded_engine(struct embedded *e)
{
	static const struct engine_ops ops = {
	    .receive = receive,
	    .tick = tick,
	    .next = next,
	    .acquire = acquire,
	    .release = release,
	    .owns = owns,
	    .read = read_value,
	    .write = write_value,
	    .take = take,
	};
	return (struct engine){&ops, e};
}

/* ---- the disk, life --------------------------------------------------------------------------
 */

const struct register_image *
embedded_save(struct embedded *e)
{
	return e->is_voter ? voter_save(&e->voter) : NULL;
}

void
embedded_saved(struct embedded *e, uint64_t now, struct outbox *out)
{
	voter_saved(&e->voter, out);
	loop_back(e, now, out);
}

void
embedded_stop_voting(struct embedded *e, const struct problem *why)
{
	if (e->is_voter)
		voter_stop(&e->voter, why);
}

void
embedded_lose_register(struct embedded *e, const struct problem *why)
{
	if (e->is_voter)
		voter_lose(&e->voter, why);
}

enum result
embedded_readmit(struct embedded *e, uint64_t now, struct problem *p)
{
	if (!e->is_voter)
		return problem_set(p, RESULT_INVALID, "this node is no voter");
	return voter_readmit(&e->voter, now, e->ground.silent_until,
			     register_numbers_of(e->ground.boot), p);
}

void
embedded_init(struct embedded *e, const struct cluster_nodes *nodes,
	      const struct lease_timing *timing, uint64_t boot, const struct register_image *image,
	      uint64_t now)
{
	assert(lease_timing_sound(timing));
	assert(boot >= 1);
	memset(e, 0, sizeof(*e));
	e->ground = (struct role_ground){nodes, *timing, boot, now + timing->silence_ms};
	e->is_voter = nodes->node[nodes->self].voter;
	if (e->is_voter)
		voter_init(&e->voter, nodes, image, role_resend_ms(&e->ground), now);
}

void
embedded_deinit(struct embedded *e)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		register_client_deinit(&e->role[i].client);
	if (e->is_voter)
		voter_deinit(&e->voter);
	engine_events_deinit(&e->events);
}
