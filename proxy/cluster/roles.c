/* roles.c: roles for applications; see roles.h. */
#include "cluster/roles.h"

#include "cluster/body.h"

#include <assert.h>
#include <string.h>

#define SETTLE_PARTS 20
#define REST_MS      100U /* and REST_STEP_MS for each place in the list: nodes differ */
#define REST_STEP_MS 20U

uint32_t
roles_settle_ms(uint32_t lease_ms)
{
	return lease_ms / SETTLE_PARTS;
}

static bool
id_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._:-", c) != NULL);
}

bool
role_name_good(const char *role)
{
	size_t bytes = strlen(role);
	for (size_t i = 0; i < bytes; i++)
		if (!id_byte(role[i]))
			return false;
	return bytes >= 1 && bytes <= ROLE_BYTES_MAX;
}

bool
role_holder_good(const char *holder)
{
	size_t bytes = strlen(holder);
	for (size_t i = 0; i < bytes; i++)
		if (holder[i] <= ' ' || holder[i] > '~' || strchr("\"\\", holder[i]) != NULL)
			return false;
	return bytes >= 1 && bytes <= ROLE_HOLDER_BYTES_MAX;
}

/* ---- places ----------------------------------------------------------------------------------
 */

static struct role_entry *
find(struct roles *r, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(r->list[i].role, role) == 0)
			return &r->list[i];
	return NULL;
}

/* Finds, or takes a free place, or one of a role that nobody here asks for and nobody holds. */
static struct role_entry *
add(struct roles *r, uint64_t now, const char *role)
{
	struct role_entry *e = find(r, role);
	if (e != NULL)
		return e;
	e = find(r, "");
	for (size_t i = 0; e == NULL && i < ROLES_MAX; i++)
		if (r->list[i].state == ROLE_IDLE && r->list[i].known.until <= now)
			e = &r->list[i];
	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof(*e));
	memcpy(e->role, role, strlen(role) + 1);
	e->known.node = NODE_NONE;
	return e;
}

/* ---- telling ---------------------------------------------------------------------------------
 */

static void
note(struct roles *r, const struct role_entry *e, bool held)
{
	r->changes++;
	if (r->notice_count == ROLE_NOTICES_MAX) {
		r->notices_lost++;
		return;
	}
	struct role_notice *n =
	    &r->notice[(r->notice_first + r->notice_count++) % ROLE_NOTICES_MAX];
	*n = (struct role_notice){.held = held, .node = e->known.node, .term = e->known.term};
	memcpy(n->role, e->role, sizeof(n->role));
	memcpy(n->holder, e->known.holder, sizeof(n->holder));
}

bool
roles_take(struct roles *r, struct role_notice *out)
{
	if (r->notice_count == 0)
		return false;
	*out = r->notice[r->notice_first];
	r->notice_first = (r->notice_first + 1) % ROLE_NOTICES_MAX;
	r->notice_count--;
	return true;
}

static void
say(const struct role_entry *e, uint64_t now, struct outbox *out)
{
	uint64_t rest_ms = e->known.until > now ? e->known.until - now : 0;
	struct outgoing *o = outbox_add(out, NODE_ALL, DATAGRAM_LEARN);
	put_text(o, e->role);
	put_text(o, e->known.holder);
	put_u64(o, e->known.term);
	put_u32(o, rest_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)rest_ms);
}

/* What is known of the holder changes; who it was, and is, is told to those who listen here. */
static void
know(struct roles *r, struct role_entry *e, const struct role_known *news, uint64_t now)
{
	bool was = e->known.until != 0; /* and nobody was told yet that it is over */
	bool is = news->until > now;
	bool same = e->known.term == news->term && strcmp(e->known.holder, news->holder) == 0;
	if (was && !(is && same))
		note(r, e, false);
	e->known = *news;
	if (is && !(was && same))
		note(r, e, true);
}

/* The local process has it, or has it no more (`until` 0). */
static void
tell(struct roles *r, struct role_entry *e, uint64_t now, uint64_t until, struct outbox *out)
{
	struct role_known news = {.node = r->nodes->self, .term = e->term, .until = until};
	memcpy(news.holder, e->wants, sizeof(news.holder));
	know(r, e, &news, now);
	say(e, now, out);
}

/* ---- asking the engine -----------------------------------------------------------------------
 */

static void
ask(struct roles *r, struct role_entry *e, uint64_t now, struct outbox *out)
{
	e->state = ROLE_ASKING;
	engine_acquire(&r->engine, now, e->role, out);
}

/* The process wants it no more, or lost it. */
static void
leave(struct roles *r, struct role_entry *e, uint64_t now, struct outbox *out)
{
	bool held = e->state == ROLE_HELD;
	e->state = ROLE_IDLE;
	e->keep_until = 0;
	r->changes++;
	if (held)
		tell(r, e, now, 0, out);
}

static void
give_back(struct roles *r, struct role_entry *e, uint64_t now, struct outbox *out)
{
	leave(r, e, now, out);
	engine_release(&r->engine, now, e->role, out);
}

void
roles_event(struct roles *r, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	struct role_entry *e = find(r, event->role);
	if (e == NULL || e->state == ROLE_IDLE)
		return;
	switch (event->kind) {
	case ENGINE_GRANTED:
		e->state = ROLE_SETTLING;
		e->at = now + r->settle_ms;
		e->until = event->until;
		e->term = event->term;
		break;
	case ENGINE_RENEWED:
		e->until = event->until;
		if (e->state == ROLE_HELD)
			tell(r, e, now, e->until, out);
		break;
	case ENGINE_REFUSED:
		e->state = ROLE_RESTING;
		e->at = now + r->rest_ms + event->wait_ms;
		r->changes++;
		break;
	case ENGINE_LOST:
		leave(r, e, now, out);
		break;
	default: /* values are not for applications */
		break;
	}
}

/* ---- time ------------------------------------------------------------------------------------
 */

static void
pass_time(struct roles *r, struct role_entry *e, uint64_t now, struct outbox *out)
{
	if (e->state != ROLE_IDLE && now >= e->keep_until) {
		give_back(r, e, now, out);
	} else if (e->state == ROLE_RESTING && now >= e->at) {
		ask(r, e, now, out);
	} else if (e->state == ROLE_SETTLING && now >= e->at &&
		   engine_owns(&r->engine, now, e->role, &e->term, &e->until)) {
		e->state = ROLE_HELD;
		tell(r, e, now, e->until, out);
	} else if (e->state == ROLE_IDLE && e->known.until != 0 && now >= e->known.until) {
		note(r, e, false); /* nothing was heard of its holder any more */
		e->known.until = 0;
	}
}

void
roles_tick(struct roles *r, uint64_t now, struct outbox *out)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (r->list[i].role[0] != '\0')
			pass_time(r, &r->list[i], now, out);
}

static uint64_t
entry_next(const struct role_entry *e)
{
	if (e->state == ROLE_IDLE)
		return e->known.until == 0 ? CLUSTER_NEVER : e->known.until;
	bool waits = e->state == ROLE_RESTING || e->state == ROLE_SETTLING;
	return waits && e->at < e->keep_until ? e->at : e->keep_until;
}

uint64_t
roles_next(const struct roles *r)
{
	uint64_t next = CLUSTER_NEVER;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		if (r->list[i].role[0] == '\0')
			continue;
		uint64_t at = entry_next(&r->list[i]);
		next = at < next ? at : next;
	}
	return next;
}

/* ---- other nodes -----------------------------------------------------------------------------
 */

void
roles_receive(struct roles *r, uint64_t now, const struct incoming *in, struct outbox *out)
{
	char role[ROLE_BYTES_MAX + 1];
	struct role_known news = {.node = in->from};
	struct body b = body_of(in->body, in->bytes);
	(void)out;
	get_text(&b, role, sizeof(role));
	get_text(&b, news.holder, sizeof(news.holder));
	news.term = get_u64(&b);
	uint32_t rest_ms = get_u32(&b);
	if (in->type != DATAGRAM_LEARN || !body_whole(&b) || !role_name_good(role) ||
	    !role_holder_good(news.holder))
		return;
	struct role_entry *e = add(r, now, role);
	if (e == NULL || news.term < e->known.term)
		return;
	news.until = rest_ms == 0 ? 0 : now + rest_ms;
	know(r, e, &news, now);
	/* It is free: who rests here for it asks now. */
	if (rest_ms == 0 && e->state == ROLE_RESTING)
		e->at = now + (r->rest_ms - REST_MS);
	r->changes++;
}

/* ---- processes -------------------------------------------------------------------------------
 */

static void
look(const struct role_entry *e, uint64_t now, struct role_holder *out)
{
	*out = (struct role_holder){.node = NODE_NONE};
	if (e == NULL)
		return;
	out->term = e->known.term;
	out->node = e->known.node;
	if (e->known.until <= now)
		return;
	uint64_t until = e->known.until;
	if (e->state == ROLE_HELD && e->keep_until < until)
		until = e->keep_until;
	out->expires_ms = until > now ? until - now : 0;
	memcpy(out->holder, e->known.holder, sizeof(out->holder));
}

void
roles_look(const struct roles *r, uint64_t now, const char *role, struct role_holder *out)
{
	for (size_t i = 0; i < ROLES_MAX; i++) {
		if (strcmp(r->list[i].role, role) == 0) {
			look(&r->list[i], now, out);
			return;
		}
	}
	look(NULL, now, out);
}

/* Right before it is said: nobody else can have it. */
static bool
has(const struct roles *r, const struct role_entry *e, uint64_t now, const char *holder)
{
	return e->state == ROLE_HELD && strcmp(e->wants, holder) == 0 && now < e->keep_until &&
	       engine_owns(&r->engine, now, e->role, NULL, NULL);
}

bool
roles_holds(const struct roles *r, uint64_t now, const char *role, const char *holder)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(r->list[i].role, role) == 0)
			return role[0] != '\0' && has(r, &r->list[i], now, holder);
	return false;
}

static uint64_t
bounded(uint64_t ttl_ms)
{
	if (ttl_ms < ROLE_TTL_MS_MIN)
		return ROLE_TTL_MS_MIN;
	return ttl_ms > ROLE_TTL_MS_MAX ? ROLE_TTL_MS_MAX : ttl_ms;
}

/* ROLE_YOURS: nothing stands against it. */
static enum role_verdict
objection(const struct roles *r, const char *role)
{
	if (r->engine.ops == NULL)
		return ROLE_NO_ENGINE;
	return strcmp(role, ROLE_CLUSTER) == 0 ? ROLE_RESERVED : ROLE_YOURS;
}

enum role_verdict
roles_acquire(struct roles *r, uint64_t now, const char *role, const char *holder, uint64_t ttl_ms,
	      struct role_holder *out, struct outbox *box)
{
	assert(role_name_good(role) && role_holder_good(holder));
	enum role_verdict verdict = objection(r, role);
	look(NULL, now, out);
	if (verdict != ROLE_YOURS)
		return verdict;
	struct role_entry *e = add(r, now, role);
	if (e == NULL)
		return ROLE_FULL;
	pass_time(r, e, now, box);
	if (e->state != ROLE_IDLE && strcmp(e->wants, holder) != 0) {
		look(e, now, out);
		return ROLE_TAKEN;
	}
	e->keep_until = now + bounded(ttl_ms);
	if (e->state == ROLE_IDLE) {
		memcpy(e->wants, holder, strlen(holder) + 1);
		ask(r, e, now, box);
	}
	verdict = has(r, e, now, holder) ? ROLE_YOURS : ROLE_PENDING;
	look(e, now, out);
	if (verdict == ROLE_PENDING && out->expires_ms != 0)
		verdict = ROLE_TAKEN; /* and asked for again when it is over */
	return verdict;
}

enum role_verdict
roles_renew(struct roles *r, uint64_t now, const char *role, const char *holder, uint64_t ttl_ms,
	    struct role_holder *out)
{
	enum role_verdict verdict = objection(r, role);
	struct role_entry *e = verdict == ROLE_YOURS ? find(r, role) : NULL;
	if (e != NULL && has(r, e, now, holder))
		e->keep_until = now + bounded(ttl_ms);
	else if (verdict == ROLE_YOURS)
		verdict = ROLE_NOT_YOURS;
	look(e, now, out);
	return verdict;
}

enum role_verdict
roles_release(struct roles *r, uint64_t now, const char *role, const char *holder,
	      struct role_holder *out, struct outbox *box)
{
	enum role_verdict verdict = objection(r, role);
	struct role_entry *e = verdict == ROLE_YOURS ? find(r, role) : NULL;
	if (e != NULL && e->state != ROLE_IDLE && strcmp(e->wants, holder) == 0)
		give_back(r, e, now, box);
	else if (verdict == ROLE_YOURS)
		verdict = ROLE_NOT_YOURS;
	look(e, now, out);
	return verdict;
}

void
roles_leave(struct roles *r, uint64_t now, struct outbox *out)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (r->list[i].role[0] != '\0' && r->list[i].state != ROLE_IDLE)
			give_back(r, &r->list[i], now, out);
}

void
roles_init(struct roles *r, const struct cluster_nodes *nodes, const struct engine *engine,
	   uint32_t lease_ms)
{
	memset(r, 0, sizeof(*r));
	r->nodes = nodes;
	r->engine = *engine;
	r->settle_ms = roles_settle_ms(lease_ms);
	r->rest_ms = REST_MS + REST_STEP_MS * nodes->self;
}
