/* compare.c: see compare.h. */
#include "cli/compare.h"

#include <stdlib.h>

/* ---- members of both ----------------------------------------------------------------------- */

static enum result
allocate(struct comparison *c, struct problem *p)
{
	size_t most = c->service->member_count + c->changed.service.member_count;
	c->number = calloc(most + 1, sizeof(*c->number));
	c->after_index = calloc(most + 1, sizeof(*c->after_index));
	c->member = calloc(most + 1, sizeof(*c->member));
	if (c->number == NULL || c->after_index == NULL || c->member == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return RESULT_OK;
}

static void
number_members(struct comparison *c)
{
	c->count = c->service->member_count;
	for (size_t i = 0; i < c->count; i++) {
		c->after_index[i] = MEMBER_NONE;
		c->member[i] =
		    (struct expected_member){.before = c->service->members[i].weight, .gone = true};
	}
	for (uint32_t i = 0; i < c->changed.service.member_count; i++) {
		uint32_t number = c->changed.was[i];
		if (number == MEMBER_NONE)
			number = (uint32_t)c->count++;
		c->number[i] = number;
		c->after_index[number] = i;
		c->member[number].after = c->changed.service.members[i].weight;
		c->member[number].gone = false;
		c->member[number].down = c->after.view->state[i] == MEMBER_DOWN;
	}
}

/* ---- the face ------------------------------------------------------------------------------ */

static enum result
comparison_make(struct comparison *c, const char *down, struct problem *p)
{
	enum result r = explained_init(&c->before, c->service, NULL, NULL, NULL, p);
	if (r == RESULT_OK)
		r = explained_init(&c->after, &c->changed.service, down, NULL, NULL, p);
	if (r == RESULT_OK)
		r = allocate(c, p);
	if (r != RESULT_OK)
		return r;
	number_members(c);
	r = moves_init(&c->moves, c->count, p);
	if (r == RESULT_OK)
		r = moves_init(&c->tagged, c->count, p);
	return r;
}

enum result
comparison_init(struct comparison *c, const struct config_service *service,
		const struct changes *changes, const char *down, struct problem *p)
{
	*c = (struct comparison){.service = service};
	enum result r = changed_init(&c->changed, service, changes, p);
	if (r != RESULT_OK)
		return r;
	r = comparison_make(c, down, p);
	if (r != RESULT_OK)
		comparison_deinit(c);
	return r;
}

void
comparison_deinit(struct comparison *c)
{
	moves_deinit(&c->tagged);
	moves_deinit(&c->moves);
	free(c->number);
	free(c->after_index);
	free(c->member);
	explained_deinit(&c->after);
	explained_deinit(&c->before);
	changed_deinit(&c->changed);
}

/* By number. */
static uint32_t
served_after(const struct comparison *c, const struct explanation *e)
{
	uint32_t chosen = explanation_chosen(e);
	return chosen == MEMBER_NONE ? (uint32_t)c->count : c->number[chosen];
}

static uint32_t
index_after(const struct comparison *c, uint32_t before)
{
	return before == MEMBER_NONE ? MEMBER_NONE : c->after_index[before];
}

void
comparison_key(struct comparison *c, struct slice key, struct compared_key *out)
{
	struct explanation before;
	struct explanation after;
	explain_key(&c->before, key, &before);
	uint32_t chosen = explanation_chosen(&before);
	out->before = chosen == MEMBER_NONE ? (uint32_t)c->count : chosen;
	explain_digest(&c->after, before.digest, &after);
	out->after = served_after(c, &after);
	explain_session(&c->after, before.digest, index_after(c, before.primary),
			index_after(c, chosen), &after);
	out->after_tagged = served_after(c, &after);
	moves_count(&c->moves, out->before, out->after);
	moves_count(&c->tagged, out->before, out->after_tagged);
}

static uint32_t
served_before(const struct comparison *c, const struct explanation *e)
{
	uint32_t chosen = explanation_chosen(e);
	return chosen == MEMBER_NONE ? (uint32_t)c->count : chosen;
}

void
comparison_session(const struct comparison *c, struct session_digest digest, uint32_t primary,
		   uint32_t last, struct compared_session *out)
{
	struct explanation e;
	explain_session(&c->before, digest, primary, last, &e);
	out->from = served_before(c, &e);
	explain_session(&c->after, digest, index_after(c, primary), index_after(c, last), &e);
	out->to = served_after(c, &e);
	explain_digest(&c->before, digest, &e);
	out->key_from = served_before(c, &e);
	explain_digest(&c->after, digest, &e);
	out->key_to = served_after(c, &e);
}

const char *
comparison_id(const struct comparison *c, uint32_t number)
{
	if (number == c->count)
		return NULL;
	if (number < c->service->member_count)
		return c->service->members[number].id;
	return c->changed.service.members[c->after_index[number]].id;
}
