/* service.c: from the configuration half to the live half; see service.h. */
#include "route/service.h"

#include <stdlib.h>

static enum result
service_init(struct service *s, size_t number, const struct config *config, unsigned workers,
	     struct problem *p)
{
	const struct config_service *c = &config->services[number];
	s->number = number;
	s->config = c;
	s->name = slice_of(c->name);
	s->plan = (struct plan_rules){.assign = c->assign,
				      .failback = c->failback,
				      .spread = c->spread,
				      .strict = c->strict,
				      .attempts_max = c->attempts_max};
	enum result r =
	    session_rules_create(c, config->secrets, config->secret_count, &s->rules, p);
	if (r != RESULT_OK)
		return r;
	r = pool_create(c, workers, &s->pool, p);
	if (r != RESULT_OK)
		return r;
	struct view *view = pool_view(s->pool);
	s->fingerprint = hashring_fingerprint(view->membership->ring);
	view_unref(&view);
	return RESULT_OK;
}

static void
services_free(struct services *s)
{
	for (size_t i = 0; i < s->count; i++) {
		pool_free(&s->list[i].pool);
		session_rules_free(&s->list[i].rules);
	}
	free(s->list);
	matcher_free(&s->matcher);
	config_free(&s->config);
	free(s);
}

enum result
services_create(struct config **config, unsigned workers, struct services **out, struct problem *p)
{
	*out = NULL;
	struct services *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	atomic_init(&s->refs, 1);
	enum result r = matcher_create(*config, &s->matcher);
	if (r != RESULT_OK)
		(void)problem_set(p, r, "no memory");
	if (r == RESULT_OK) {
		s->list = calloc((*config)->service_count, sizeof(*s->list));
		if (s->list == NULL)
			r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	for (size_t i = 0; s->list != NULL && r == RESULT_OK && i < (*config)->service_count; i++) {
		s->count = i + 1;
		r = service_init(&s->list[i], i, *config, workers, p);
		if (r != RESULT_OK)
			(void)problem_prefix(p, r, "service %s", (*config)->services[i].name);
	}
	if (r != RESULT_OK) {
		services_free(s);
		return r;
	}
	s->config = *config;
	*config = NULL;
	*out = s;
	return RESULT_OK;
}

struct services *
services_ref(struct services *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
services_unref(struct services **held)
{
	struct services *s = *held;
	*held = NULL;
	if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		services_free(s);
}
