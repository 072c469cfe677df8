/*
 * roster_apply.c: the membership document laid over a configuration; see roster.h. The checks are
 * those of a file: the members are shown to them as a file's tree would.
 */
#include "config/loading.h"
#include "config/roster.h"
#include "config/rows.h"

#include <stdlib.h>

/* ---- a copy ---------------------------------------------------------------------------------- */

struct config *
config_copy(const struct config *base)
{
	struct config *c = malloc(sizeof(*c));
	if (c == NULL)
		return NULL;
	*c = *base;
	bool whole = key_scope_copy(SCOPE_config, base, c);
	c->file = strdup(base->file);
	if (c->secrets == NULL)
		c->secret_count = 0;
	if (!whole || c->file == NULL)
		config_free(&c);
	return c;
}

static void
members_free(struct config_service *s)
{
	for (size_t i = 0; i < s->member_count; i++)
		key_scope_free(SCOPE_config_member, &s->members[i]);
	free(s->members);
	s->members = NULL;
	s->member_count = 0;
}

static bool
take_members(struct config_service *s, const struct roster_service *from)
{
	members_free(s);
	s->members = calloc(from->member_count, sizeof(s->members[0]));
	bool whole = s->members != NULL;
	for (size_t i = 0; whole && i < from->member_count; i++) {
		s->members[i] = from->members[i];
		s->members[i].hop = 0; /* another node's places say nothing here */
		s->members[i].source = (struct addr){.family = 0};
		s->member_count = i + 1;
		whole = key_scope_copy(SCOPE_config_member, &from->members[i], &s->members[i]);
	}
	return whole;
}

static bool
take_all(struct config *c, const struct roster *roster)
{
	bool whole = true;
	c->epoch = roster->epoch;
	for (size_t i = 0; whole && i < c->service_count; i++) {
		const struct roster_service *from =
		    roster_find_service(roster, c->services[i].name);
		c->services[i].epoch = roster->epoch;
		if (from != NULL)
			whole = take_members(&c->services[i], from);
	}
	for (size_t i = 0; i < roster->rank_count; i++) {
		for (size_t n = 0; n < c->cluster.node_count; n++) {
			if (strcmp(c->cluster.nodes[n].id, roster->ranks[i].node) == 0)
				c->cluster.nodes[n].rank = roster->ranks[i].rank;
		}
	}
	return whole;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static bool
add_text(config_setting_t *group, const char *name, const char *text)
{
	config_setting_t *s = config_setting_add(group, name, CONFIG_TYPE_STRING);
	return s != NULL && config_setting_set_string(s, text) == CONFIG_TRUE;
}

static bool
add_address(config_setting_t *group, const char *name, const struct addr *address)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	if (address->family == 0)
		return true;
	write_addr(&w, address);
	return add_text(group, name, writer_text(&w));
}

/* What findings name: services[], members[] with id, origin and node. */
static bool
plant(config_setting_t *root, const struct config *c)
{
	config_setting_t *services = config_setting_add(root, "services", CONFIG_TYPE_LIST);
	bool whole = services != NULL;
	for (size_t i = 0; whole && i < c->service_count; i++) {
		const struct config_service *s = &c->services[i];
		config_setting_t *group = config_setting_add(services, NULL, CONFIG_TYPE_GROUP);
		config_setting_t *list =
		    group == NULL ? NULL : config_setting_add(group, "members", CONFIG_TYPE_LIST);
		whole = list != NULL;
		for (size_t m = 0; whole && m < s->member_count; m++) {
			config_setting_t *at = config_setting_add(list, NULL, CONFIG_TYPE_GROUP);
			whole = at != NULL && add_text(at, "id", s->members[m].id) &&
				add_address(at, "origin", &s->members[m].origin) &&
				add_address(at, "node", &s->members[m].node);
		}
	}
	return whole;
}

static void
check_all(struct loading *l)
{
	struct config *c = l->config;
	config_setting_t *services = config_setting_get_member(l->root, "services");
	check_mesh_members(l);
	check_loops(l);
	for (size_t i = 0; i < c->service_count && !l->no_memory; i++)
		check_members(l, &c->services[i], config_setting_get_elem(services, (unsigned)i));
}

static enum result
first_error(const struct config_findings *findings, struct problem *p)
{
	size_t at = 0;
	while (findings->list[at].warning)
		at++;
	const struct config_finding *f = &findings->list[at];
	return problem_set(p, RESULT_INVALID, "%s%s%s: %s", f->path, *f->value == '\0' ? "" : " = ",
			   f->value, f->reason);
}

static enum result
check(struct config *c, struct problem *p)
{
	struct config_findings findings = {.list = NULL};
	struct loading l = {.file = "membership", .config = c, .findings = &findings};
	config_t tree;
	config_init(&tree);
	l.root = config_root_setting(&tree);
	if (plant(l.root, c))
		check_all(&l);
	else
		l.no_memory = true;
	enum result r = RESULT_OK;
	if (l.no_memory)
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	else if (findings.errors > 0)
		r = first_error(&findings, p);
	config_findings_free(&findings);
	config_destroy(&tree);
	return r;
}

/* ---- the face -------------------------------------------------------------------------------- */

enum result
config_with_roster(const struct config *base, const struct roster *roster, struct config **out,
		   struct problem *p)
{
	const char *name = base->cluster.name == NULL ? "" : base->cluster.name;
	*out = NULL;
	if (strcmp(name, roster->cluster) != 0)
		return problem_set(p, RESULT_INVALID, "the membership of another cluster: %s",
				   roster->cluster);
	struct config *c = config_copy(base);
	if (c == NULL || !take_all(c, roster)) {
		config_free(&c);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	enum result r = check(c, p);
	if (r != RESULT_OK)
		config_free(&c);
	*out = c;
	return r;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_member(const struct config_member *a, const struct config_member *b)
{
	return strcmp(a->id, b->id) == 0 && addr_equal(&a->origin, &b->origin) &&
	       a->weight == b->weight && a->connections_max == b->connections_max &&
	       a->order == b->order && addr_equal(&a->node, &b->node) &&
	       same_text(a->zone, b->zone);
}

bool
roster_is_of(const struct roster *roster, const struct config *config)
{
	struct roster *file = roster_of(config);
	bool same = file != NULL;
	for (size_t i = 0; same && i < file->service_count; i++) {
		const struct roster_service *ours = &file->services[i];
		const struct roster_service *theirs = roster_find_service(roster, ours->name);
		if (theirs == NULL)
			continue;
		same = ours->member_count == theirs->member_count;
		for (size_t m = 0; same && m < ours->member_count; m++)
			same = same_member(&ours->members[m], &theirs->members[m]);
	}
	roster_free(&file);
	return same;
}
