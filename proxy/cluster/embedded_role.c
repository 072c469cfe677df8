/*
 * embedded_role.c: the roles of a node: places for them, and what their two machines, the lease and
 * the register, make of each other; see embedded.h.
 */
#include "cluster/embedded_inside.h"

#include <string.h>

/* ---- places ----------------------------------------------------------------------------------
 */

struct embedded_role *
embedded_find_role(struct embedded *e, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (role_is(e->role[i].role, role))
			return &e->role[i];
	return NULL;
}

static bool
role_idle(const struct embedded_role *r)
{
	return (r->lease.state == LEASE_IDLE || r->lease.state == LEASE_LOST) &&
	       r->client.job == REGISTER_NO_JOB && r->client.document == NULL && !r->wants_read;
}

struct embedded_role *
embedded_add_role(struct embedded *e, const char *role)
{
	struct embedded_role *r = embedded_find_role(e, role);
	if (r == NULL)
		r = embedded_find_role(e, "");
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

struct embedded_lock *
embedded_add_lock(struct embedded *e, const char *role, uint64_t now)
{
	struct embedded_lock *free_one = NULL;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct embedded_lock *l = &e->lock[i];
		if (role_is(l->role, role))
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

void
embedded_tell(struct embedded *e, const struct embedded_role *r, enum engine_event_kind kind)
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
		embedded_tell(e, r, ENGINE_UNWRITTEN);
	if (owned)
		embedded_tell(e, r, ENGINE_LOST);
	else
		refuse(e, r, LEASE_REFUSED_NO_TERM, 0);
}

void
embedded_put_reading_off(struct embedded_role *r)
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
		embedded_tell(e, r, ENGINE_REFUSED);
	if ((news & LEASE_NEWS_WON) != 0 && r->lease.state == LEASE_HELD)
		embedded_put_reading_off(r);
	if ((news & LEASE_NEWS_RENEWED) != 0 && r->lease.state == LEASE_HELD && r->owns)
		embedded_tell(e, r, ENGINE_RENEWED);
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
	embedded_tell(e, r, ENGINE_GRANTED);
	if (r->wants_read)
		embedded_tell(e, r, ENGINE_READ);
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
		embedded_tell(e, r, ENGINE_UNWRITTEN);
		give_up(e, r, t);
		break;
	case REGISTER_NEWS_READ:
		embedded_tell(e, r, ENGINE_READ);
		break;
	case REGISTER_NEWS_UNREAD:
		embedded_tell(e, r, ENGINE_UNREAD);
		break;
	case REGISTER_NEWS_WRITTEN:
		embedded_tell(e, r, ENGINE_WRITTEN);
		break;
	case REGISTER_NEWS_UNWRITTEN:
		embedded_tell(e, r, ENGINE_UNWRITTEN);
		break;
	}
}

void
embedded_go_on(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
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

void
embedded_settle(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	on_lease(e, r);
	on_register(e, r, t);
	embedded_go_on(e, r, t);
}

void
embedded_pass_time(struct embedded *e, struct embedded_role *r, const struct role_turn *t)
{
	lease_tick(&r->lease, t);
	on_lease(e, r);
	register_tick(&r->client, t);
	embedded_settle(e, r, t);
}
