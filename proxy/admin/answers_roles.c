/* answers_roles.c: roles of applications, asked for and followed; see answers.h. */
#include "admin/asked.h"

#include <stdio.h>

#define ROLE_TTL_MS 10000

/* Absent: `fallback`. False: the answer is a refusal. */
static bool
take_duration(const struct asked *a, const char *name, uint64_t fallback, uint64_t *ms)
{
	char room[32];
	struct slice value;
	struct problem p = {""};
	*ms = fallback;
	if (!asked_slice(a, name, room, sizeof(room), &value))
		return false;
	if (value.bytes == 0 || duration_parse(value, ms, &p) == RESULT_OK)
		return true;
	(void)problem_prefix(&p, RESULT_INVALID, "%s", name);
	admin_refuse(a->out, 400, p.text);
	return false;
}

/* Holders and names are printable, without quotes and backslashes. */
static void
say_role(struct grow *out, const char *role, const struct admin_role *r)
{
	bool held = r->expires_ms != 0;
	grow_format(out, "{\"role\":\"%s\",\"held\":%s,\"yours\":%s,", role,
		    held ? "true" : "false", r->yours ? "true" : "false");
	if (held)
		grow_format(out, "\"holder\":\"%s\",\"node\":\"%s\",", r->holder, r->node);
	else
		grow_text(out, "\"holder\":null,\"node\":null,");
	grow_text(out, "\"term\":");
	if (r->term != 0)
		grow_u64(out, r->term);
	else
		grow_text(out, "null");
	grow_format(out, ",\"expires_in\":%llu.%03llu", (unsigned long long)r->expires_ms / 1000,
		    (unsigned long long)r->expires_ms % 1000);
	if (r->reason != NULL)
		grow_format(out, ",\"reason\":\"%s\"", r->reason);
	grow_text(out, "}\n");
}

static void
answer_about_role(const struct asked *a, const struct admin_role_ask *ask, uint64_t wait_ms)
{
	char name[ID_BYTES_MAX + 1];
	struct problem p = {""};
	struct admin_role role;
	(void)snprintf(name, sizeof(name), "%.*s", (int)a->ask->id.bytes, a->ask->id.at);
	struct admin_role_ask named = *ask;
	named.role = name;
	enum result r = RESULT_IO;
	if (a->face->role != NULL)
		r = a->face->role(a->face->node, &named, &role, &p);
	if (r != RESULT_OK) {
		admin_refuse(a->out, r == RESULT_IO ? 501 : 400,
			     p.text[0] != '\0' ? p.text : "not in this version");
		return;
	}
	bool granted = ask->what == ADMIN_ROLE_LOOK || role.yours;
	admin_answer_begin(a->out, granted ? 200 : 409, JSON_TYPE);
	if (role.pending)
		a->out->wait_ms =
		    (uint32_t)(wait_ms < ADMIN_WAIT_MS_MAX ? wait_ms : ADMIN_WAIT_MS_MAX);
	say_role(&a->out->body, name, &role);
}

/* The events themselves begin with how it is now: admin_role_event. */
static void
begin_following(const struct asked *a)
{
	admin_answer_begin(a->out, 200, EVENTS_TYPE);
	grow_text(&a->out->body, "retry: 2000\n\n");
	a->out->follow = true;
	(void)snprintf(a->out->role, sizeof(a->out->role), "%.*s", (int)a->ask->id.bytes,
		       a->ask->id.at);
}

void
answer_role(const struct asked *a)
{
	struct admin_role_ask ask = {.what = ADMIN_ROLE_LOOK};
	bool follow;
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (!asked_flag(a, "follow", &follow))
		return;
	answer_about_role(a, &ask, 0);
	if (follow && a->out->status == 200)
		begin_following(a);
}

bool
admin_role_event(const struct admin_face *face, const char *role, struct admin_role_seen *seen,
		 struct grow *out)
{
	const struct admin_role_ask ask = {.what = ADMIN_ROLE_LOOK, .role = role};
	struct admin_role now;
	if (face->role == NULL || face->role(face->node, &ask, &now, NULL) != RESULT_OK)
		return false;
	bool held = now.expires_ms != 0;
	if (seen->told && seen->held == held && seen->term == now.term &&
	    (!held || strcmp(seen->holder, now.holder) == 0))
		return false;
	grow_format(out, "event: %s\ndata: ", held ? "held" : "free");
	say_role(out, role, &now);
	grow_text(out, "\n");
	if (out->failed)
		return false; /* and told when there is memory again */
	*seen = (struct admin_role_seen){.told = true, .held = held, .term = now.term};
	memcpy(seen->holder, now.holder, sizeof(seen->holder));
	return true;
}

static void
change_role(const struct asked *a, enum admin_role_what what)
{
	struct admin_role_ask ask = {.what = what};
	char holder[sizeof(((struct admin_role *)0)->holder)];
	uint64_t wait_ms = 0;
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (!asked_text(a, "holder", holder, sizeof(holder), &ask.holder) ||
	    !take_duration(a, "ttl", ROLE_TTL_MS, &ask.ttl_ms) ||
	    !take_duration(a, "wait", 0, &wait_ms))
		return;
	if (ask.holder == NULL)
		admin_refuse(a->out, 400, "a holder is wanted: ?holder=");
	else
		answer_about_role(a, &ask, wait_ms);
}

void
answer_role_acquire(const struct asked *a)
{
	change_role(a, ADMIN_ROLE_ACQUIRE);
}

void
answer_role_renew(const struct asked *a)
{
	change_role(a, ADMIN_ROLE_RENEW);
}

void
answer_role_release(const struct asked *a)
{
	change_role(a, ADMIN_ROLE_RELEASE);
}
