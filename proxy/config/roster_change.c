/* roster_change.c: one change of the membership; see roster.h. */
#include "config/roster.h"

#include "config/rows.h"

#include <jansson.h>
#include <stdlib.h>

struct changing {
	struct roster *roster; /* the copy that is changed */
	json_t *change;        /* borrowed */
	struct problem *problem;
};

static struct config_member *
find(const struct roster_service *s, const char *id)
{
	for (size_t i = 0; i < s->member_count; i++) {
		if (strcmp(s->members[i].id, id) == 0)
			return &s->members[i];
	}
	return NULL;
}

/* A text of the change; NULL: none. */
static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ---- which service --------------------------------------------------------------------------- */

/* The only one; of those that have `id`, unless it is NULL. */
static struct roster_service *
only_service(const struct changing *c, const char *id)
{
	struct roster_service *found = NULL;
	for (size_t i = 0; i < c->roster->service_count; i++) {
		struct roster_service *s = &c->roster->services[i];
		if (id != NULL && find(s, id) == NULL)
			continue;
		if (found != NULL) {
			(void)problem_set(c->problem, RESULT_INVALID,
					  "services %s and %s: which one is meant?", found->name,
					  s->name);
			return NULL;
		}
		found = s;
	}
	if (found == NULL)
		(void)problem_set(c->problem, RESULT_NOT_FOUND, "no such member");
	return found;
}

static enum result
service_of(const struct changing *c, const char *id, struct roster_service **out)
{
	const char *name = text_of(c->change, "service");
	c->problem->text[0] = '\0';
	*out = name == NULL ? only_service(c, id) : roster_find_service(c->roster, name);
	if (*out != NULL)
		return RESULT_OK;
	if (name != NULL)
		return problem_set(c->problem, RESULT_NOT_FOUND, "no such service");
	return strcmp(c->problem->text, "no such member") == 0 ? RESULT_NOT_FOUND : RESULT_INVALID;
}

/* ---- members --------------------------------------------------------------------------------- */

static enum result
add(const struct changing *c, const json_t *wanted)
{
	struct roster_service *s;
	struct config_member member = {.id = NULL};
	enum result r = service_of(c, NULL, &s);
	if (r != RESULT_OK)
		return r;
	r = roster_member_read(wanted, "member", &member, c->problem);
	if (r == RESULT_OK && find(s, member.id) != NULL)
		r = problem_set(c->problem, RESULT_LIMIT, "there is such a member already");
	if (r == RESULT_OK && s->member_count == MEMBERS_MAX)
		r = problem_set(c->problem, RESULT_LIMIT, "%d members: no more are possible",
				MEMBERS_MAX);
	if (r != RESULT_OK) {
		key_scope_free(SCOPE_config_member, &member);
		return r;
	}
	s->members[s->member_count++] = member; /* a copy has room for one more */
	return RESULT_OK;
}

/* What it has, and over it what is wanted; null takes a key back to its default. */
static enum result
set(const struct changing *c, json_t *wanted)
{
	struct roster_service *s;
	struct config_member changed = {.id = NULL};
	const char *id = text_of(wanted, "id");
	const char *key;
	json_t *value;
	enum result r = service_of(c, id, &s);
	if (r != RESULT_OK)
		return r;
	struct config_member *member = find(s, id);
	if (member == NULL)
		return problem_set(c->problem, RESULT_NOT_FOUND, "no such member");
	json_t *merged = roster_member_json(member);
	bool whole = merged != NULL && json_object_update(merged, wanted) == 0;
	json_object_foreach(wanted, key, value)
	{
		if (whole && json_is_null(value))
			(void)json_object_del(merged, key);
	}
	r = whole ? roster_member_read(merged, "member", &changed, c->problem)
		  : problem_set(c->problem, RESULT_NO_MEMORY, "no memory");
	json_decref(merged);
	if (r == RESULT_OK) {
		key_scope_free(SCOPE_config_member, member);
		*member = changed;
	} else {
		key_scope_free(SCOPE_config_member, &changed);
	}
	return r;
}

static enum result
take_out(const struct changing *c, const json_t *wanted)
{
	struct roster_service *s;
	const char *id = text_of(wanted, "id");
	enum result r = service_of(c, id, &s);
	if (r != RESULT_OK)
		return r;
	struct config_member *member = find(s, id);
	if (member == NULL)
		return problem_set(c->problem, RESULT_NOT_FOUND, "no such member");
	if (s->member_count == 1)
		return problem_set(c->problem, RESULT_LIMIT,
				   "the last member of service %s: it cannot be removed", s->name);
	key_scope_free(SCOPE_config_member, member);
	size_t behind = s->member_count - (size_t)(member - s->members) - 1;
	memmove(member, member + 1, behind * sizeof(*member));
	s->member_count--;
	return RESULT_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static enum result
set_rank(const struct changing *c)
{
	struct roster *r = c->roster;
	const char *node = text_of(c->change, "node");
	const json_t *rank = json_object_get(c->change, "rank");
	size_t at = 0;
	if (node == NULL || strlen(node) > ID_BYTES_MAX || !json_is_integer(rank) ||
	    json_integer_value(rank) < 0 || json_integer_value(rank) > UINT16_MAX)
		return problem_set(c->problem, RESULT_INVALID,
				   "a node and its rank, 0 to %d, are wanted", UINT16_MAX);
	while (at < r->rank_count && strcmp(r->ranks[at].node, node) != 0)
		at++;
	if (at == NODES_MAX)
		return problem_set(c->problem, RESULT_LIMIT, "more than %d nodes", NODES_MAX);
	if (at == r->rank_count) {
		r->ranks[at].node = strdup(node);
		if (r->ranks[at].node == NULL)
			return problem_set(c->problem, RESULT_NO_MEMORY, "no memory");
		r->rank_count++;
	}
	r->ranks[at].rank = (uint32_t)json_integer_value(rank);
	return RESULT_OK;
}

/* ---- the face -------------------------------------------------------------------------------- */

static enum result
make(const struct changing *c)
{
	const char *op = text_of(c->change, "op");
	json_t *member = json_object_get(c->change, "member");
	if (op != NULL && strcmp(op, "rank") == 0)
		return set_rank(c);
	if (op == NULL || text_of(member, "id") == NULL)
		return problem_set(c->problem, RESULT_INVALID, "a member's id is wanted");
	if (strcmp(op, "add") == 0)
		return add(c, member);
	if (strcmp(op, "set") == 0)
		return set(c, member);
	if (strcmp(op, "remove") == 0)
		return take_out(c, member);
	return problem_set(c->problem, RESULT_INVALID, "no such change");
}

static bool
is_same(const struct roster *a, const struct roster *b)
{
	struct grow one;
	struct grow two;
	grow_init(&one, SIZE_MAX / 2);
	grow_init(&two, SIZE_MAX / 2);
	roster_write(a, &one);
	roster_write(b, &two);
	bool same = !one.failed && !two.failed && one.bytes == two.bytes &&
		    memcmp(one.at, two.at, one.bytes) == 0;
	grow_deinit(&one);
	grow_deinit(&two);
	return same;
}

enum result
roster_change(const struct roster *from, struct slice change, struct roster **out, bool *same,
	      struct problem *p)
{
	json_error_t error;
	const char *twice;
	*out = NULL;
	*same = false;
	if (change.bytes > ROSTER_CHANGE_MAX)
		return problem_set(p, RESULT_LIMIT, "a change has %d bytes at most",
				   ROSTER_CHANGE_MAX);
	json_t *root = json_loadb(change.at, change.bytes, JSON_REJECT_DUPLICATES, &error);
	struct changing c = {roster_copy(from), root, p};
	enum result r = RESULT_OK;
	if (!json_is_object(root))
		r = problem_set(p, RESULT_INVALID, "a change is a JSON object");
	else if (c.roster == NULL)
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	else
		r = make(&c);
	json_decref(root);
	if (r == RESULT_OK && !roster_sort(c.roster, &twice))
		r = problem_set(p, RESULT_LIMIT, "%s stands there twice", twice);
	if (r == RESULT_OK)
		*same = is_same(from, c.roster);
	else
		roster_free(&c.roster);
	*out = c.roster;
	return r;
}
