/* etcd_answer.c: what follows from etcd's answers; see etcd.h. */
#include "cluster/etcd_inside.h"

#include "cluster/bigendian.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
		etcd_refuse(e, r, LEASE_REFUSED_NO_MAJORITY);
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
		r->renew_at = e->began + e->timing.lease_ms / ETCD_TRUTH_PARTS;
		etcd_tell(e, r, ENGINE_GRANTED);
		return ETCD_NOTHING;
	}
	etcd_revoke_later(r);
	if (!e->given_up)
		etcd_refuse(e, r,
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
	etcd_lose(e, r);
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
		r->renew_at = e->began + e->timing.lease_ms / ETCD_TRUTH_PARTS;
		etcd_tell(e, r, ENGINE_RENEWED);
	} else {
		etcd_lose(e, r);
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
	    sodium_base642bin(at, room + 1, text, room, NULL, bytes, NULL, ETCD_VARIANT) == 0)
		return at;
	free(at);
	return NULL;
}

static void
read_value(const json_t *kv, struct engine_event *event)
{
	size_t bytes = 0;
	uint8_t *at = value_of(kv, &bytes);
	if (at != NULL && bytes > ETCD_STAMP_BYTES) {
		event->stamp = (struct stamp){load(at, 8), load(at + 8, 8)};
		event->document = document_create(at + ETCD_STAMP_BYTES, bytes - ETCD_STAMP_BYTES);
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
	char last[ETCD_ENCODED(ETCD_KEY_BYTES_MAX)];
	char value[ETCD_ENCODED(ETCD_KEY_BYTES_MAX)];
	json_t *name = etcd_key(e, r, "last");
	(void)snprintf(last, sizeof(last), "%s", name == NULL ? "" : json_string_value(name));
	json_decref(name);
	name = etcd_key(e, r, "value");
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
		etcd_lose(e, r);
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

void
etcd_expire(struct etcd *e, uint64_t now)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (e->role[i].owns && now >= e->role[i].until)
			etcd_lose(e, &e->role[i]);
}

void
etcd_answered(struct etcd *e, uint64_t now, int status, const char *body, size_t bytes)
{
	assert(e->step != ETCD_NOTHING && e->sent);
	json_t *answer = NULL;
	if (status == 200 && bytes <= ETCD_ANSWER_BYTES_MAX)
		answer = json_loadb(body, bytes, JSON_DISABLE_EOF_CHECK, NULL);
	etcd_expire(e, now);
	e->step = go_on(e, &e->role[e->of], now, answer);
	e->sent = false;
	json_decref(answer);
}
