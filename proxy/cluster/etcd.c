/* etcd.c: the engine of an etcd cluster; see etcd.h. */
#include "cluster/etcd.h"

#include "cluster/bigendian.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_MAX  (ETCD_PREFIX_BYTES_MAX + ROLE_BYTES_MAX + 16)
#define STAMP_BYTES    16
#define TRUTH_PARTS    3 /* of T between renewals, and before a refusal is asked again */
#define ENCODED(bytes) (((bytes) + 2) / 3 * 4 + 1)
#define VARIANT        sodium_base64_VARIANT_ORIGINAL

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

static void
tell(struct etcd *e, const struct etcd_role *r, enum engine_event_kind kind)
{
	struct engine_event event = {.kind = kind, .term = r->term, .until = r->until};
	engine_events_put(&e->events, r->role, &event);
}

static void
refuse(struct etcd *e, struct etcd_role *r, enum lease_refusal why)
{
	struct engine_event event = {
	    .kind = ENGINE_REFUSED, .refusal = why, .wait_ms = e->timing.lease_ms / TRUTH_PARTS};
	r->wants = false;
	engine_events_put(&e->events, r->role, &event);
}

/* The lease of etcd's, if there is one, is to be given back. */
static void
revoke_later(struct etcd_role *r)
{
	if (r->lease[0] != '\0')
		memcpy(r->revoke, r->lease, sizeof(r->revoke));
	r->lease[0] = '\0';
}

static void
lose(struct etcd *e, struct etcd_role *r)
{
	bool owned = r->owns;
	r->owns = false;
	revoke_later(r);
	if (r->writes != NULL) {
		document_unref(&r->writes);
		tell(e, r, ENGINE_UNWRITTEN);
	}
	if (owned)
		tell(e, r, ENGINE_LOST);
}

/* ---- calls -----------------------------------------------------------------------------------
 */

static json_t *
encoded(const void *at, size_t bytes)
{
	char *text = malloc(ENCODED(bytes));
	if (text == NULL)
		return NULL;
	(void)sodium_bin2base64(text, ENCODED(bytes), at, bytes, VARIANT);
	json_t *string = json_string(text);
	free(text);
	return string;
}

static json_t *
key(const struct etcd *e, const struct etcd_role *r, const char *what)
{
	char text[KEY_BYTES_MAX];
	int bytes = snprintf(text, sizeof(text), "%s/%s/%s", e->prefix, r->role, what);
	return encoded(text, (size_t)bytes);
}

static json_t *
put(const struct etcd *e, const struct etcd_role *r, const char *what, json_t *value,
    const char *lease)
{
	json_t *put = json_pack("{s:o, s:o}", "key", key(e, r, what), "value", value);
	if (lease != NULL)
		(void)json_object_set_new(put, "lease", json_string(lease));
	return json_pack("{s:o}", "requestPut", put);
}

/* Only where the holder's key has that create revision; 0: where there is none. */
static json_t *
txn(const struct etcd *e, const struct etcd_role *r, uint64_t revision, json_t *success)
{
	char number[24];
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
	return json_pack("{s:[{s:o, s:s, s:s, s:s}], s:o}", "compare", "key", key(e, r, "holder"),
			 "result", "EQUAL", "target", "CREATE", "create_revision", number,
			 "success", success);
}

static json_t *
claim(const struct etcd *e, const struct etcd_role *r)
{
	char who[ID_BYTES_MAX + 32];
	int bytes = snprintf(who, sizeof(who), "%s %llu", e->nodes->node[e->nodes->self].id,
			     (unsigned long long)e->boot);
	json_t *puts = json_array();
	(void)json_array_append_new(puts,
				    put(e, r, "holder", encoded(who, (size_t)bytes), r->lease));
	(void)json_array_append_new(puts, put(e, r, "last", encoded(who, (size_t)bytes), NULL));
	return txn(e, r, 0, puts);
}

static json_t *
write_of(const struct etcd *e, const struct etcd_role *r)
{
	size_t bytes = STAMP_BYTES + r->writes->bytes;
	uint8_t *at = malloc(bytes);
	if (at == NULL)
		return NULL;
	store(at, r->term, 8);
	store(at + 8, r->seq + 1, 8);
	memcpy(at + STAMP_BYTES, r->writes->at, r->writes->bytes);
	json_t *puts = json_array();
	(void)json_array_append_new(puts, put(e, r, "value", encoded(at, bytes), NULL));
	free(at);
	return txn(e, r, r->term, puts);
}

static json_t *
body_of_step(const struct etcd *e, const struct etcd_role *r)
{
	char ttl[24];
	switch (e->step) {
	case ETCD_GRANT:
		(void)snprintf(ttl, sizeof(ttl), "%u", (e->timing.lease_ms + 999) / 1000);
		return json_pack("{s:s}", "TTL", ttl);
	case ETCD_CLAIM:
		return claim(e, r);
	case ETCD_ALIVE:
		return json_pack("{s:s}", "ID", r->lease);
	case ETCD_CHECK:
		return txn(e, r, r->term, json_array());
	case ETCD_REVOKE:
		return json_pack("{s:s}", "ID", r->revoke);
	case ETCD_READ:
		return json_pack("{s:o, s:o}", "key", key(e, r, ""), "range_end", key(e, r, "~"));
	case ETCD_WRITE:
		return write_of(e, r);
	case ETCD_NOTHING:
		break;
	}
	return NULL;
}

static const char *const paths[] = {
    [ETCD_GRANT] = "/v3/lease/grant",     [ETCD_CLAIM] = "/v3/kv/txn",
    [ETCD_ALIVE] = "/v3/lease/keepalive", [ETCD_CHECK] = "/v3/kv/txn",
    [ETCD_REVOKE] = "/v3/lease/revoke",   [ETCD_READ] = "/v3/kv/range",
    [ETCD_WRITE] = "/v3/kv/txn",
};

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
	json_t *body = body_of_step(e, r);
	call->path = paths[e->step];
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

/* ---- answers ---------------------------------------------------------------------------------
 */

/* etcd writes 64-bit numbers as texts. 0: none. */
static uint64_t
number_of(const json_t *value)
{
	if (json_is_string(value))
		return strtoull(json_string_value(value), NULL, 10);
	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : 0;
}

static uint64_t
revision_of(const json_t *answer)
{
	return number_of(json_object_get(json_object_get(answer, "header"), "revision"));
}

static uint64_t
own_until(const struct etcd *e)
{
	uint64_t t = e->timing.lease_ms;
	return e->began + t - t * LEASE_MARGIN_PER_MILLE / 1000;
}

static enum etcd_step
on_grant(struct etcd *e, struct etcd_role *r, const json_t *answer)
{
	const char *id = json_string_value(json_object_get(answer, "ID"));
	if (id == NULL || strlen(id) >= sizeof(r->lease) ||
	    strspn(id, "0123456789-") != strlen(id)) {
		refuse(e, r, LEASE_REFUSED_NO_MAJORITY);
		return ETCD_NOTHING;
	}
	memcpy(r->lease, id, strlen(id) + 1);
	return ETCD_CLAIM;
}

static enum etcd_step
on_claim(struct etcd *e, struct etcd_role *r, uint64_t now, const json_t *answer)
{
	bool won = json_is_true(json_object_get(answer, "succeeded"));
	uint64_t term = revision_of(answer);
	uint64_t until = own_until(e);
	if (won && term != 0 && now < until && !e->given_up) {
		r->wants = false;
		r->owns = true;
		r->term = term;
		r->seq = 0;
		r->until = until;
		r->renew_at = e->began + e->timing.lease_ms / TRUTH_PARTS;
		tell(e, r, ENGINE_GRANTED);
		return ETCD_NOTHING;
	}
	revoke_later(r);
	if (!e->given_up)
		refuse(e, r,
		       won || answer == NULL ? LEASE_REFUSED_NO_MAJORITY : LEASE_REFUSED_HELD);
	return ETCD_NOTHING;
}

/* The stream's first message is the answer. TTL 0 or none: etcd has no such lease any more. */
static enum etcd_step
on_alive(struct etcd *e, struct etcd_role *r, uint64_t now, const json_t *answer)
{
	uint64_t ttl = number_of(json_object_get(json_object_get(answer, "result"), "TTL"));
	if (!r->owns)
		return ETCD_NOTHING;
	if (answer == NULL) { /* not known: again soon, until time is up */
		r->renew_at = now + e->timing.negotiation_ms / 4 + 1;
		return ETCD_NOTHING;
	}
	if (ttl != 0)
		return ETCD_CHECK;
	lose(e, r);
	return ETCD_NOTHING;
}

static void
on_check(struct etcd *e, struct etcd_role *r, uint64_t now, const json_t *answer)
{
	if (!r->owns)
		return;
	if (answer == NULL) {
		r->renew_at = now + e->timing.negotiation_ms / 4 + 1;
	} else if (json_is_true(json_object_get(answer, "succeeded"))) {
		r->until = own_until(e);
		r->renew_at = e->began + e->timing.lease_ms / TRUTH_PARTS;
		tell(e, r, ENGINE_RENEWED);
	} else {
		lose(e, r);
	}
}

/* The value of a key, or NULL; for the caller to free. */
static uint8_t *
value_of(const json_t *kv, size_t *bytes)
{
	const char *text = json_string_value(json_object_get(kv, "value"));
	size_t room = text == NULL ? 0 : strlen(text);
	uint8_t *at = malloc(room + 1);
	if (text != NULL && at != NULL &&
	    sodium_base642bin(at, room + 1, text, room, NULL, bytes, NULL, VARIANT) == 0)
		return at;
	free(at);
	return NULL;
}

static void
read_value(const json_t *kv, struct engine_event *event)
{
	size_t bytes = 0;
	uint8_t *at = value_of(kv, &bytes);
	if (at != NULL && bytes > STAMP_BYTES) {
		event->stamp = (struct stamp){load(at, 8), load(at + 8, 8)};
		event->document = document_create(at + STAMP_BYTES, bytes - STAMP_BYTES);
	}
	if (event->document == NULL)
		event->kind = ENGINE_UNREAD;
	free(at);
}

static void
on_read(struct etcd *e, struct etcd_role *r, const json_t *answer)
{
	struct engine_event event = {.kind = answer == NULL ? ENGINE_UNREAD : ENGINE_READ};
	const json_t *kvs = json_object_get(answer, "kvs");
	char last[ENCODED(KEY_BYTES_MAX)];
	char value[ENCODED(KEY_BYTES_MAX)];
	json_t *name = key(e, r, "last");
	(void)snprintf(last, sizeof(last), "%s", name == NULL ? "" : json_string_value(name));
	json_decref(name);
	name = key(e, r, "value");
	(void)snprintf(value, sizeof(value), "%s", name == NULL ? "" : json_string_value(name));
	json_decref(name);
	for (size_t i = 0; i < json_array_size(kvs); i++) {
		const json_t *kv = json_array_get(kvs, i);
		const char *k = json_string_value(json_object_get(kv, "key"));
		if (k != NULL && strcmp(k, last) == 0)
			event.term = number_of(json_object_get(kv, "mod_revision"));
		else if (k != NULL && strcmp(k, value) == 0 && event.document == NULL)
			read_value(kv, &event);
	}
	engine_events_put(&e->events, r->role, &event);
}

static void
on_write(struct etcd *e, struct etcd_role *r, const json_t *answer)
{
	bool well = answer != NULL && json_is_true(json_object_get(answer, "succeeded"));
	struct engine_event event = {.kind = well ? ENGINE_WRITTEN : ENGINE_UNWRITTEN,
				     .term = r->term};
	if (r->writes == NULL)
		return; /* it was told already */
	r->seq++;
	if (well) {
		event.stamp = (struct stamp){r->term, r->seq};
		event.document = document_ref(r->writes);
	}
	document_unref(&r->writes);
	engine_events_put(&e->events, r->role, &event);
	if (answer != NULL && !well)
		lose(e, r);
}

static enum etcd_step
go_on(struct etcd *e, struct etcd_role *r, uint64_t now, const json_t *answer)
{
	switch (e->step) {
	case ETCD_GRANT:
		if (!e->given_up)
			return on_grant(e, r, answer);
		break;
	case ETCD_CLAIM:
		return on_claim(e, r, now, answer);
	case ETCD_ALIVE:
		return on_alive(e, r, now, answer);
	case ETCD_CHECK:
		on_check(e, r, now, answer);
		break;
	case ETCD_REVOKE: /* without an answer it ends by itself */
		r->revoke[0] = '\0';
		break;
	case ETCD_READ:
		on_read(e, r, answer);
		break;
	case ETCD_WRITE:
		on_write(e, r, answer);
		break;
	case ETCD_NOTHING:
		break;
	}
	return ETCD_NOTHING;
}

/* What time alone has ended comes first. */
static void
expire(struct etcd *e, uint64_t now)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (e->role[i].owns && now >= e->role[i].until)
			lose(e, &e->role[i]);
}

void
etcd_answered(struct etcd *e, uint64_t now, int status, const char *body, size_t bytes)
{
	assert(e->step != ETCD_NOTHING && e->sent);
	json_t *answer = NULL;
	if (status == 200 && bytes <= ETCD_ANSWER_BYTES_MAX)
		answer = json_loadb(body, bytes, JSON_DISABLE_EOF_CHECK, NULL);
	expire(e, now);
	e->step = go_on(e, &e->role[e->of], now, answer);
	e->sent = false;
	json_decref(answer);
}

/* ---- the engine ------------------------------------------------------------------------------
 */

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	(void)out;
	expire(self, now);
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
		revoke_later(r);
	}
	if (r->writes != NULL) {
		document_unref(&r->writes);
		tell(e, r, ENGINE_UNWRITTEN);
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
