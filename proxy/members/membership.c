/*
 * membership.c: who is there: names, addresses, weights and zones of one service,
 * its ring, and the table that turns a tag's alias into a member; see view.h.
 */
#include "members/view.h"

#include "affinity/tag.h"
#include "config/config.h"

#include <assert.h>
#include <stdlib.h>

static_assert(MEMBER_NONE == HASHRING_NONE, "no member is one number everywhere");

static enum result
no_memory(struct problem *p)
{
	return problem_set(p, RESULT_NO_MEMORY, "no memory");
}

static enum result
member_init(struct membership_member *m, const struct config_service *service,
	    const struct config_member *from, struct problem *p)
{
	char text[2 * ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	m->hop = from->hop;
	m->own = from->hop == 0 && from->node.family != 0;
	m->source = from->source;
	m->origin = from->hop == 0 ? from->origin : from->node;
	m->named = m->origin;
	m->http2 = from->hop == 0 && service->protocol == MEMBER_HTTP2;
	m->proxy = from->hop == 0 ? (uint8_t)service->proxy_protocol : PROXY_OUT_OFF;
	write_addr(&w, &m->origin);
	if (m->origin.family == ADDR_NAME) {
		m->origin = from->resolved;
		write_literal(&w, " (");
		write_addr_ip(&w, &m->origin);
		write_literal(&w, ")");
	}
	m->id = strdup(from->id);
	m->origin_text = strdup(writer_text(&w));
	m->zone = from->zone != NULL ? strdup(from->zone) : NULL;
	if (m->id == NULL || m->origin_text == NULL || (m->zone == NULL) != (from->zone == NULL))
		return no_memory(p);
	m->id_bytes = strlen(from->id);
	m->alias = tag_alias(service->pool_key, slice_of(from->id));
	m->weight = from->weight;
	m->connections_max = from->connections_max;
	return RESULT_OK;
}

static enum result
members_init(struct membership *m, const struct config_service *service, struct problem *p)
{
	m->count = service->member_count;
	m->member = calloc(m->count + 1, sizeof(*m->member));
	if (m->member == NULL)
		return no_memory(p);
	for (size_t i = 0; i < m->count; i++) {
		enum result r = member_init(&m->member[i], service, &service->members[i], p);
		if (r != RESULT_OK)
			return r;
	}
	return RESULT_OK;
}

static enum result
ring_init(struct membership *m, const struct config_service *service, struct problem *p)
{
	struct hashring_member *list = calloc(m->count + 1, sizeof(*list));
	if (list == NULL)
		return no_memory(p);
	for (size_t i = 0; i < m->count; i++) {
		const struct config_member *from = &service->members[i];
		list[i] = (struct hashring_member){.id = m->member[i].id,
						   .id_bytes = m->member[i].id_bytes,
						   .weight = from->weight,
						   .zone = from->zone,
						   .zone_bytes =
						       from->zone == NULL ? 0 : strlen(from->zone)};
	}
	size_t culprit = 0;
	enum hashring_error error = hashring_create(list, m->count, &m->ring, &culprit);
	free(list);
	if (error == HASHRING_OK)
		return RESULT_OK;
	if (error == HASHRING_NO_MEMORY)
		return no_memory(p);
	return problem_set(p, RESULT_INVALID, "member %s: %s",
			   culprit < m->count ? m->member[culprit].id : "-",
			   hashring_error_text(error));
}

/* The slot of `alias`, or the empty one where it would stand. */
static struct alias_slot *
alias_slot(const struct membership *m, uint32_t alias)
{
	size_t at = alias & (m->alias_slots - 1);
	while (m->by_alias[at].member != MEMBER_NONE && m->by_alias[at].alias != alias)
		at = (at + 1) & (m->alias_slots - 1);
	return &m->by_alias[at];
}

/* A tag names members by alias alone: two ids with one alias would be one server to it. */
static enum result
aliases_init(struct membership *m, struct problem *p)
{
	m->alias_slots = 2;
	while (m->alias_slots < 2 * m->count)
		m->alias_slots *= 2;
	m->by_alias = calloc(m->alias_slots, sizeof(*m->by_alias));
	if (m->by_alias == NULL)
		return no_memory(p);
	for (size_t i = 0; i < m->alias_slots; i++)
		m->by_alias[i].member = MEMBER_NONE;
	for (size_t i = 0; i < m->count; i++) {
		struct alias_slot *slot = alias_slot(m, m->member[i].alias);
		if (slot->member != MEMBER_NONE)
			return problem_set(p, RESULT_INVALID,
					   "members %s and %s have the same alias in tags: "
					   "rename one of them",
					   m->member[slot->member].id, m->member[i].id);
		*slot = (struct alias_slot){m->member[i].alias, (uint32_t)i};
	}
	return RESULT_OK;
}

static void
membership_free(struct membership *m)
{
	for (size_t i = 0; m->member != NULL && i < m->count; i++) {
		free(m->member[i].id);
		free(m->member[i].zone);
		free(m->member[i].origin_text);
		member_live_unref(&m->member[i].live);
	}
	free(m->member);
	free(m->by_alias);
	hashring_free(&m->ring);
	free(m);
}

enum result
membership_create(const struct config_service *service, struct membership **out, struct problem *p)
{
	*out = NULL;
	if (service->member_count > MEMBERS_MAX)
		return problem_set(p, RESULT_LIMIT, "more than %d members", MEMBERS_MAX);
	struct membership *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return no_memory(p);
	atomic_init(&m->refs, 1);
	m->epoch = service->epoch;
	enum result r = members_init(m, service, p);
	if (r == RESULT_OK)
		r = ring_init(m, service, p);
	if (r == RESULT_OK)
		r = aliases_init(m, p);
	if (r != RESULT_OK) {
		membership_free(m);
		return r;
	}
	*out = m;
	return RESULT_OK;
}

struct membership *
membership_ref(struct membership *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void
membership_unref(struct membership **held)
{
	struct membership *m = *held;
	*held = NULL;
	if (m != NULL && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
		membership_free(m);
}

uint32_t
membership_by_alias(const struct membership *m, uint32_t alias)
{
	return alias_slot(m, alias)->member;
}

uint32_t
membership_by_id(const struct membership *m, struct slice id)
{
	for (size_t i = 0; i < m->count; i++) {
		if (slice_equal((struct slice){m->member[i].id, m->member[i].id_bytes}, id))
			return (uint32_t)i;
	}
	return MEMBER_NONE;
}

uint32_t
membership_find(const struct membership *m, const struct membership_member *member)
{
	uint32_t at = membership_by_alias(m, member->alias);
	return at != MEMBER_NONE && m->member[at].live == member->live ? at : MEMBER_NONE;
}
