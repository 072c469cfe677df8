/* names.c: see names.h. */
#include "members/names.h"

#include "config/rows.h"

#include <stdlib.h>

/* ---- the book ---------------------------------------------------------------------------------
 */

static void
name_deinit(struct name *name)
{
	free(name->address);
	free(name->target);
}

void
names_deinit(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		name_deinit(&n->list[i]);
	free(n->list);
	*n = (struct names){.list = NULL};
}

/* Texts are kept once: the same name is at the same place. */
static struct name *
find(const struct names *n, enum name_kind kind, const char *text)
{
	for (size_t i = 0; i < n->count; i++) {
		if (n->list[i].kind == kind && n->list[i].text == text)
			return &n->list[i];
	}
	return NULL;
}

const struct name *
names_find(const struct names *n, enum name_kind kind, const char *text)
{
	return find(n, kind, text);
}

static bool
want(struct names *n, enum name_kind kind, const char *text, uint64_t now_ms)
{
	struct name *name = find(n, kind, text);
	if (name == NULL && n->count == n->capacity) {
		size_t capacity = n->capacity == 0 ? 16 : 2 * n->capacity;
		if (n->count >= NAMES_MAX)
			return true; /* it stays unresolved */
		struct name *list = realloc(n->list, capacity * sizeof(*list));
		if (list == NULL)
			return false;
		n->list = list;
		n->capacity = capacity;
	}
	if (name == NULL) {
		name = &n->list[n->count++];
		*name = (struct name){
		    .kind = kind, .text = text, .ask_at_ms = now_ms, .since_ms = now_ms};
	}
	name->wanted = true;
	return true;
}

static bool
want_of(struct names *n, const struct config_service *s, uint64_t now_ms)
{
	bool whole = true;
	const struct addr *at = &s->discover.at;
	if (at->family == ADDR_NAME)
		whole = want(n, s->discover.srv ? NAME_SRV : NAME_HOST, addr_kept_text(at), now_ms);
	const struct name *srv = at->family == ADDR_NAME && s->discover.srv
				     ? find(n, NAME_SRV, addr_kept_text(at))
				     : NULL;
	for (size_t i = 0; whole && srv != NULL && i < srv->count; i++) {
		whole = want(n, NAME_HOST, addr_kept_text(&srv->target[i].host), now_ms);
		srv = find(n, NAME_SRV, addr_kept_text(at)); /* the list may have moved */
	}
	for (size_t i = 0; whole && at->family == 0 && i < s->member_count; i++) {
		if (s->members[i].origin.family == ADDR_NAME)
			whole = want(n, NAME_HOST, addr_kept_text(&s->members[i].origin), now_ms);
	}
	return whole;
}

bool
names_want(struct names *n, const struct config *config, uint64_t now_ms)
{
	bool whole = true;
	for (size_t i = 0; i < n->count; i++)
		n->list[i].wanted = false;
	for (size_t i = 0; whole && i < config->service_count; i++)
		whole = want_of(n, &config->services[i], now_ms);
	return whole;
}

void
names_forget(struct names *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->count; i++) {
		if (n->list[i].wanted)
			n->list[kept++] = n->list[i];
		else
			name_deinit(&n->list[i]);
	}
	n->count = kept;
}

struct name *
names_due(struct names *n, uint64_t now_ms)
{
	size_t asked = 0;
	struct name *due = NULL;
	for (size_t i = 0; i < n->count; i++) {
		struct name *name = &n->list[i];
		asked += name->asking;
		if (!name->asking && name->ask_at_ms <= now_ms &&
		    (due == NULL || name->ask_at_ms < due->ask_at_ms))
			due = name;
	}
	if (due == NULL || asked >= NAMES_ASKED_MAX)
		return NULL;
	due->asking = true;
	return due;
}

uint64_t
names_next_ms(const struct names *n)
{
	uint64_t next = UINT64_MAX;
	size_t asked = 0;
	for (size_t i = 0; i < n->count; i++) {
		asked += n->list[i].asking;
		if (!n->list[i].asking && n->list[i].ask_at_ms < next)
			next = n->list[i].ask_at_ms;
	}
	return asked >= NAMES_ASKED_MAX ? UINT64_MAX : next;
}

void
names_unask(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		n->list[i].asking = false;
}

bool
names_settled(const struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		if (n->list[i].wanted && !n->list[i].answered)
			return false;
	}
	return true;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static int
by_bytes(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family == AF_INET ? -1 : 1;
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));
	return order != 0 ? order : (int)a->port - (int)b->port;
}

static int
address_order(const void *a, const void *b)
{
	return by_bytes(a, b);
}

static int
target_order(const void *left, const void *right)
{
	const struct name_target *a = left;
	const struct name_target *b = right;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	int order = strcmp(addr_kept_text(&a->host), addr_kept_text(&b->host));
	if (order == 0)
		order = (int)a->host.port - (int)b->host.port;
	/* Named twice: the wider one counts, in whatever sequence servers tell them. */
	return order != 0 ? order : (int)b->weight - (int)a->weight;
}

/* Each once; of targets those of the best priority. */
static size_t
tidy(struct name *name, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (name->kind == NAME_HOST) {
			if (kept > 0 && addr_equal(&name->address[kept - 1], &name->address[i]))
				continue;
			name->address[kept++] = name->address[i];
		} else {
			if (name->target[i].priority != name->target[0].priority)
				break;
			if (kept > 0 &&
			    addr_equal(&name->target[kept - 1].host, &name->target[i].host))
				continue;
			name->target[kept++] = name->target[i];
		}
	}
	return kept;
}

static struct addr
choose(const struct name *name)
{
	for (size_t i = 0; i < name->count; i++) {
		if (addr_equal(&name->address[i], &name->chosen))
			return name->chosen;
	}
	return name->count > 0 ? name->address[0] : name->chosen;
}

/* False: no memory; *changed says whether anything that counts is new. */
static bool
take(struct name *name, const struct name_answer *answer, bool *changed)
{
	size_t each = name->kind == NAME_HOST ? sizeof(struct addr) : sizeof(struct name_target);
	void *list = malloc(answer->count * each);
	struct name before = *name;
	if (list == NULL)
		return false;
	memcpy(list,
	       name->kind == NAME_HOST ? (const void *)answer->address
				       : (const void *)answer->target,
	       answer->count * each);
	qsort(list, answer->count, each, name->kind == NAME_HOST ? address_order : target_order);
	if (name->kind == NAME_HOST)
		name->address = list;
	else
		name->target = list;
	name->count = tidy(name, answer->count);
	const void *old = name->kind == NAME_HOST ? (void *)before.address : (void *)before.target;
	name->more = answer->more;
	*changed = name->count != before.count || name->more != before.more ||
		   memcmp(list, old, name->count * each) != 0;
	if (name->kind == NAME_HOST)
		name->chosen = choose(name);
	name_deinit(&(struct name){.address = name->kind == NAME_HOST ? before.address : NULL,
				   .target = name->kind == NAME_SRV ? before.target : NULL});
	return true;
}

static void
set_failing(struct name *name, const char *why, uint64_t now_ms)
{
	if (!name->failing)
		name->since_ms = now_ms;
	name->failing = true;
	name->failures++;
	(void)snprintf(name->why, sizeof(name->why), "%s", why);
}

static uint64_t
bounded(uint64_t ttl_ms, const struct config_resolver *resolver)
{
	if (ttl_ms > resolver->ttl_max_ms)
		ttl_ms = resolver->ttl_max_ms;
	return ttl_ms < resolver->ttl_min_ms ? resolver->ttl_min_ms : ttl_ms;
}

enum name_news
names_answer(struct names *n, enum name_kind kind, const char *text,
	     const struct name_answer *answer, const struct config_resolver *resolver,
	     uint64_t now_ms)
{
	struct name *name = find(n, kind, text);
	bool changed = false;
	if (name == NULL || !name->asking)
		return NAME_SAME;
	bool failed_before = name->failing;
	bool first = !name->answered;
	name->asking = false;
	name->answered = true;
	const char *why = answer->why;
	if (why == NULL && !take(name, answer, &changed))
		why = "no memory";
	if (why != NULL) {
		set_failing(name, why, now_ms);
		name->ask_at_ms = now_ms + resolver->retry_ms;
		return failed_before ? NAME_SAME : NAME_FAILED;
	}
	name->ask_at_ms = now_ms + bounded(answer->ttl_ms, resolver);
	name->failing = false;
	if (failed_before)
		name->since_ms = now_ms;
	if (failed_before && !first)
		return changed ? NAME_BACK_CHANGED : NAME_BACK;
	return changed ? NAME_CHANGED : NAME_SAME;
}

/* ---- laying -----------------------------------------------------------------------------------
 */

/* Where a member under this name is; family 0: unknown. */
static struct addr
place_of(const struct names *n, const struct addr *origin)
{
	const struct name *name = find(n, NAME_HOST, addr_kept_text(origin));
	struct addr at = {.family = 0};
	if (name != NULL && name->chosen.family != 0) {
		at = name->chosen;
		at.port = origin->port;
	}
	return at;
}

static bool
add_member(struct names *n, struct name *of, struct config_service *s, const struct addr *origin,
	   uint32_t weight)
{
	char id[ADDR_TEXT_BYTES_MAX + 8];
	struct writer w = writer_on(id, sizeof(id));
	if (origin->family == AF_INET6) { /* brackets stand in no id */
		write_literal(&w, "v6-");
		write_addr_ip(&w, origin);
		write_format(&w, "-%u", origin->port);
	} else {
		write_addr(&w, origin);
	}
	if (w.bytes > ID_BYTES_MAX || s->member_count == MEMBERS_MAX) {
		of->left_out++;
		return true;
	}
	struct config_member *list =
	    realloc(s->members, (s->member_count + 1) * sizeof(s->members[0]));
	if (list == NULL)
		return false;
	s->members = list;
	struct config_member *m = &list[s->member_count];
	*m = (struct config_member){
	    .id = strdup(writer_text(&w)), .origin = *origin, .weight = weight};
	if (origin->family == ADDR_NAME)
		m->resolved = place_of(n, origin);
	s->member_count += m->id != NULL;
	return m->id != NULL;
}

static bool
lay_discovered(struct names *n, struct config_service *s)
{
	const struct addr *at = &s->discover.at;
	struct name *name = find(n, s->discover.srv ? NAME_SRV : NAME_HOST, addr_kept_text(at));
	bool whole = true;
	if (name != NULL)
		name->left_out = name->more;
	for (size_t i = 0; i < s->member_count; i++)
		key_scope_free(SCOPE_config_member, &s->members[i]);
	s->member_count = 0;
	for (size_t i = 0; whole && name != NULL && i < name->count; i++) {
		if (name->kind == NAME_SRV) {
			uint16_t weight = name->target[i].weight;
			whole =
			    add_member(n, name, s, &name->target[i].host, weight == 0 ? 1 : weight);
			continue;
		}
		struct addr origin = name->address[i];
		origin.port = at->port;
		whole = add_member(n, name, s, &origin, 1);
	}
	return whole;
}

bool
names_lay(struct names *n, struct config *config)
{
	bool whole = true;
	for (size_t i = 0; whole && i < config->service_count; i++) {
		struct config_service *s = &config->services[i];
		if (s->discover.at.family != 0) {
			whole = lay_discovered(n, s);
			continue;
		}
		for (size_t m = 0; m < s->member_count; m++) {
			if (s->members[m].origin.family == ADDR_NAME)
				s->members[m].resolved = place_of(n, &s->members[m].origin);
		}
	}
	return whole;
}

const struct name *
names_left_out(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		struct name *name = &n->list[i];
		if (name->left_out == name->left_out_told)
			continue;
		name->left_out_told = name->left_out;
		return name;
	}
	return NULL;
}
