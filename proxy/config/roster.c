/* roster.c: the membership document as data; see roster.h. */
#include "config/roster.h"

#include "config/rows.h"

#include <stdlib.h>

static void
members_free(struct roster_service *s)
{
	for (size_t i = 0; s->members != NULL && i < s->member_count; i++)
		key_scope_free(SCOPE_config_member, &s->members[i]);
	free(s->members);
	free(s->name);
}

void
roster_free(struct roster **held)
{
	struct roster *r = *held;
	*held = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; r->services != NULL && i < r->service_count; i++)
		members_free(&r->services[i]);
	for (size_t i = 0; r->ranks != NULL && i < r->rank_count; i++)
		free(r->ranks[i].node);
	free(r->services);
	free(r->ranks);
	free(r);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static bool
fill_service(struct roster_service *to, const char *name, const struct config_member *members,
	     size_t count)
{
	to->name = strdup(name);
	to->members = calloc(count + 1, sizeof(to->members[0]));
	bool whole = to->name != NULL && to->members != NULL;
	for (size_t i = 0; whole && i < count; i++) {
		to->members[i] = members[i];
		to->member_count = i + 1;
		whole = key_scope_copy(SCOPE_config_member, &members[i], &to->members[i]);
	}
	return whole;
}

static struct roster *
with_room(size_t services, size_t ranks)
{
	struct roster *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->services = calloc(services + 1, sizeof(r->services[0]));
	r->ranks = calloc(ranks + 1, sizeof(r->ranks[0]));
	if (r->services == NULL || r->ranks == NULL)
		roster_free(&r);
	return r;
}

struct roster *
roster_of(const struct config *config)
{
	struct roster *r = with_room(config->service_count, 0);
	bool whole = r != NULL;
	for (size_t i = 0; whole && i < config->service_count; i++) {
		const struct config_service *s = &config->services[i];
		r->service_count = i + 1;
		whole = fill_service(&r->services[i], s->name, s->members, s->member_count);
	}
	const char *twice;
	if (!whole || !roster_sort(r, &twice))
		roster_free(&r);
	else if (config->cluster.name != NULL)
		(void)snprintf(r->cluster, sizeof(r->cluster), "%s", config->cluster.name);
	return r;
}

struct roster *
roster_copy(const struct roster *from)
{
	/* A change adds one rank or one member at most. */
	struct roster *r = with_room(from->service_count, from->rank_count + 1);
	bool whole = r != NULL;
	if (whole) {
		struct roster_service *services = r->services;
		struct roster_rank *ranks = r->ranks;
		*r = *from;
		r->services = services;
		r->ranks = ranks;
		r->service_count = 0;
		r->rank_count = 0;
	}
	for (size_t i = 0; whole && i < from->service_count; i++) {
		const struct roster_service *s = &from->services[i];
		r->service_count = i + 1;
		whole = fill_service(&r->services[i], s->name, s->members, s->member_count);
	}
	for (size_t i = 0; whole && i < from->rank_count; i++) {
		r->ranks[i] =
		    (struct roster_rank){strdup(from->ranks[i].node), from->ranks[i].rank};
		r->rank_count = i + 1;
		whole = r->ranks[i].node != NULL;
	}
	if (!whole)
		roster_free(&r);
	return r;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct config_member *)a)->id, ((const struct config_member *)b)->id);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct roster_service *)a)->name,
		      ((const struct roster_service *)b)->name);
}

static int
by_node(const void *a, const void *b)
{
	return strcmp(((const struct roster_rank *)a)->node, ((const struct roster_rank *)b)->node);
}

static bool
sort_members(struct roster_service *s, const char **twice)
{
	if (s->member_count > 0)
		qsort(s->members, s->member_count, sizeof(s->members[0]), by_id);
	for (size_t i = 1; i < s->member_count; i++) {
		if (strcmp(s->members[i - 1].id, s->members[i].id) == 0) {
			*twice = s->members[i].id;
			return false;
		}
	}
	return true;
}

bool
roster_sort(struct roster *r, const char **twice)
{
	if (r->service_count > 0)
		qsort(r->services, r->service_count, sizeof(r->services[0]), by_name);
	if (r->rank_count > 0)
		qsort(r->ranks, r->rank_count, sizeof(r->ranks[0]), by_node);
	for (size_t i = 0; i < r->service_count; i++) {
		*twice = r->services[i].name;
		if (i > 0 && strcmp(r->services[i - 1].name, *twice) == 0)
			return false;
		if (!sort_members(&r->services[i], twice))
			return false;
	}
	for (size_t i = 1; i < r->rank_count; i++) {
		*twice = r->ranks[i].node;
		if (strcmp(r->ranks[i - 1].node, *twice) == 0)
			return false;
	}
	return true;
}

struct roster_service *
roster_find_service(const struct roster *r, const char *name)
{
	for (size_t i = 0; i < r->service_count; i++) {
		if (strcmp(r->services[i].name, name) == 0)
			return &r->services[i];
	}
	return NULL;
}
