/* etcd.c: the engine of an etcd cluster; see etcd.h. */
#include "cluster/etcd_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct etcd_role *
find(struct etcd *e, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(e->role[i].role, role) == 0)
			return &e->role[i];
	return NULL;
}

static bool
idle(const struct etcd_role *r)
{
	return !r->wants && !r->wants_read && !r->owns && r->revoke[0] == '\0';
}

static struct etcd_role *
add(struct etcd *e, const char *role)
{
	struct etcd_role *r = find(e, role);
	if (r == NULL)
		r = find(e, "");
	for (size_t i = 0; r == NULL && i < ROLES_MAX; i++)
		if (idle(&e->role[i]) && !(e->step != ETCD_NOTHING && e->of == i))
			r = &e->role[i];
	if (r != NULL && strcmp(r->role, role) != 0) {
		memset(r, 0, sizeof(*r));
		memcpy(r->role, role, strlen(role) + 1);
	}
	return r;
}

void
etcd_tell(struct etcd *e, const struct etcd_role *r, enum engine_event_kind kind)
{
	struct engine_event event = {.kind = kind, .term = r->term, .until = r->until};
	engine_events_put(&e->events, r->role, &event);
}

void
etcd_refuse(struct etcd *e, struct etcd_role *r, enum lease_refusal why)
{
	struct engine_event event = {.kind = ENGINE_REFUSED,
				     .refusal = why,
				     .wait_ms = e->timing.lease_ms / ETCD_TRUTH_PARTS};
	r->wants = false;
	engine_events_put(&e->events, r->role, &event);
}

void
etcd_revoke_later(struct etcd_role *r)
{
	if (r->lease[0] != '\0')
		memcpy(r->revoke, r->lease, sizeof(r->revoke));
	r->lease[0] = '\0';
}

void
etcd_lose(struct etcd *e, struct etcd_role *r)
{
	bool owned = r->owns;
	r->owns = false;
	etcd_revoke_later(r);
	if (r->writes != NULL) {
		document_unref(&r->writes);
		etcd_tell(e, r, ENGINE_UNWRITTEN);
	}
	if (owned)
		etcd_tell(e, r, ENGINE_LOST);
}

/* ---- what is next ----------------------------------------------------------------------------
 */

static enum etcd_step
wish(const struct etcd_role *r, uint64_t now)
{
	if (r->role[0] == '\0')
		return ETCD_NOTHING;
	if (r->owns && now >= r->renew_at)
		return ETCD_ALIVE;
	if (r->revoke[0] != '\0')
		return ETCD_REVOKE;
	if (r->wants)
		return ETCD_GRANT;
	if (r->writes != NULL)
		return ETCD_WRITE;
	return r->wants_read ? ETCD_READ : ETCD_NOTHING;
}

static void
choose(struct etcd *e, uint64_t now)
{
	for (size_t i = 0; i < ROLES_MAX && e->step == ETCD_NOTHING; i++) {
		size_t at = (e->turn + i) % ROLES_MAX;
		e->step = wish(&e->role[at], now);
		if (e->step == ETCD_NOTHING)
			continue;
		e->of = at;
		e->sent = false;
		e->given_up = false;
		e->turn = at + 1;
	}
}

bool
etcd_take_call(struct etcd *e, uint64_t now, struct etcd_call *call)
{
	choose(e, now);
	if (e->step == ETCD_NOTHING || e->sent)
		return false;
	struct etcd_role *r = &e->role[e->of];
	json_t *body = etcd_body_of_step(e, r);
	call->path = etcd_path_of_step(e->step);
	call->body = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	e->sent = true;
	if (e->step == ETCD_GRANT || e->step == ETCD_ALIVE)
		e->began = now;
	if (e->step == ETCD_READ)
		r->wants_read = false;
	if (call->body != NULL)
		return true;
	etcd_answered(e, now, 0, "", 0);
	return false;
}

/* ---- the engine ------------------------------------------------------------------------------
 */

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	(void)out;
	etcd_expire(self, now);
}

static uint64_t
next(const void *self)
{
	const struct etcd *e = self;
	uint64_t next = CLUSTER_NEVER;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct etcd_role *r = &e->role[i];
		if (!r->owns)
			continue;
		next = r->until < next ? r->until : next;
		/* While a call is under way its answer is waited for, not the time. */
		if (e->step == ETCD_NOTHING && r->renew_at < next)
			next = r->renew_at;
	}
	return next;
}

static void
acquire(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct etcd *e = self;
	struct etcd_role *r = add(e, role);
	(void)now;
	(void)out;
	if (r == NULL) {
		struct engine_event event = {.kind = ENGINE_REFUSED, .refusal = LEASE_REFUSED_FULL};
		engine_events_put(&e->events, role, &event);
	} else if (!r->owns) {
		r->wants = true;
	}
}

static void
release(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct etcd *e = self;
	struct etcd_role *r = find(e, role);
	(void)now;
	(void)out;
	if (r == NULL)
		return;
	bool trying = e->step == ETCD_GRANT || e->step == ETCD_CLAIM;
	if (trying && &e->role[e->of] == r && r->wants)
		e->given_up = true;
	r->wants = false;
	if (r->owns) {
		r->owns = false;
		etcd_revoke_later(r);
	}
	if (r->writes != NULL) {
		document_unref(&r->writes);
		etcd_tell(e, r, ENGINE_UNWRITTEN);
	}
}

static bool
owns(const void *self, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	const struct etcd *e = self;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct etcd_role *r = &e->role[i];
		if (strcmp(r->role, role) != 0)
			continue;
		if (term != NULL)
			*term = r->term;
		if (until != NULL)
			*until = r->until;
		return r->owns && now < r->until;
	}
	return false;
}

static void
read_role(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct etcd *e = self;
	struct etcd_role *r = add(e, role);
	(void)now;
	(void)out;
	if (r != NULL) {
		r->wants_read = true;
		return;
	}
	struct engine_event event = {.kind = ENGINE_UNREAD};
	engine_events_put(&e->events, role, &event);
}

static void
write_role(void *self, uint64_t now, const char *role, struct document *d, struct outbox *out)
{
	struct etcd *e = self;
	struct etcd_role *r = find(e, role);
	(void)out;
	if (r != NULL && r->owns && now < r->until && r->writes == NULL) {
		r->writes = document_ref(d);
		return;
	}
	struct engine_event event = {.kind = ENGINE_UNWRITTEN};
	engine_events_put(&e->events, role, &event);
}

static bool
take(void *self, struct engine_event *event)
{
	struct etcd *e = self;
	return engine_events_take(&e->events, event);
}

struct engine
etcd_engine(struct etcd *e)
{
	static const struct engine_ops ops = {
	    .tick = tick,
	    .next = next,
	    .acquire = acquire,
	    .release = release,
	    .owns = owns,
	    .read = read_role,
	    .write = write_role,
	    .take = take,
	};
	return (struct engine){&ops, e};
}

void
etcd_init(struct etcd *e, const struct cluster_nodes *nodes, const struct lease_timing *timing,
	  uint64_t boot, const char *cluster)
{
	memset(e, 0, sizeof(*e));
	e->nodes = nodes;
	e->timing = *timing;
	e->boot = boot;
	(void)snprintf(e->prefix, sizeof(e->prefix), "holdfast/%s", cluster);
}

void
etcd_deinit(struct etcd *e)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		document_unref(&e->role[i].writes);
	engine_events_deinit(&e->events);
}
