/* embedded.c: the engine of messages; see embedded.h. */
#include "cluster/embedded_inside.h"

#include "mutant.h"

#include <assert.h>
#include <string.h>

static struct role_turn
turn(const struct embedded *e, const char *role, uint64_t now, struct outbox *out)
{
	return (struct role_turn){&e->ground, role, now, out};
}

/* ---- datagrams -------------------------------------------------------------------------------
 */

static void
to_acceptor(struct embedded *e, const struct role_turn *t, cluster_node from,
	    enum datagram_type type, struct body *b)
{
	if (!e->is_voter || !voter_votes(&e->voter))
		return;
	struct embedded_lock *l = embedded_add_lock(e, t->role, t->now);
	if (l != NULL)
		(void)acceptor_receive(&l->acceptor, t, from, type, b);
	else if (type == DATAGRAM_PREPARE)
		acceptor_refuse_full(t, from, b);
}

static void
to_lease(struct embedded *e, const struct role_turn *t, cluster_node from, enum datagram_type type,
	 struct body *b)
{
	struct embedded_role *r = embedded_find_role(e, t->role);
	if (r == NULL)
		return;
	embedded_pass_time(e, r, t);
	(void)lease_receive(&r->lease, t, from, type, b);
	embedded_settle(e, r, t);
}

/* Whoever has a value answers for its pieces: who writes it as well as a voter that keeps it. */
static void
to_register(struct embedded *e, const struct role_turn *t, cluster_node from,
	    enum datagram_type type, const struct body *b)
{
	struct body copy = *b;
	struct embedded_role *r = t->role[0] == '\0' ? NULL : embedded_find_role(e, t->role);
	bool taken = false;
	if (r != NULL && type != DATAGRAM_WRITE) {
		if (MUTANT != MUTANT_TIME_STANDS)
			embedded_pass_time(e, r, t);
		taken = register_receive(&r->client, t, from, type, &copy);
		embedded_settle(e, r, t);
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
		embedded_pass_time(e, r, &t);
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
	struct embedded_role *r = embedded_add_role(e, role);
	if (r == NULL) {
		struct engine_event event = {.kind = ENGINE_REFUSED, .refusal = LEASE_REFUSED_FULL};
		engine_events_put(&e->events, role, &event);
		return;
	}
	struct role_turn t = turn(e, r->role, now, out);
	lease_acquire(&r->lease, &t);
	embedded_settle(e, r, &t);
	loop_back(e, now, out);
}

static void
release(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = embedded_find_role(e, role);
	if (r == NULL)
		return;
	struct role_turn t = turn(e, r->role, now, out);
	if (r->client.job == REGISTER_WRITES)
		embedded_tell(e, r, ENGINE_UNWRITTEN);
	if (r->client.job != REGISTER_READS)
		register_forsake(&r->client);
	r->client.own_term = 0;
	r->owns = false;
	lease_release(&r->lease, &t);
	(void)lease_take_news(&r->lease);
	embedded_go_on(e, r, &t);
	loop_back(e, now, out);
}

static bool
owns(const void *self, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	const struct embedded *e = self;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct embedded_role *r = &e->role[i];
		if (!role_is(r->role, role))
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
	struct embedded_role *r = embedded_add_role(e, role);
	if (r == NULL) {
		struct engine_event event = {.kind = ENGINE_UNREAD};
		engine_events_put(&e->events, role, &event);
		return;
	}
	struct role_turn t = turn(e, r->role, now, out);
	r->wants_read = true;
	embedded_settle(e, r, &t);
	loop_back(e, now, out);
}

static void
write_value(void *self, uint64_t now, const char *role, struct document *d, struct outbox *out)
{
	struct embedded *e = self;
	struct embedded_role *r = embedded_find_role(e, role);
	bool able = r != NULL && r->owns && lease_held(&r->lease, now);
	if (able) {
		struct role_turn t = turn(e, r->role, now, out);
		embedded_put_reading_off(r);
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
embedded_wait_for_room(struct embedded *e, uint64_t now, const struct problem *why)
{
	if (e->is_voter)
		voter_wait_for_room(&e->voter, now, why);
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
