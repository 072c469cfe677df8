/* service.c: from the configuration half to the live half; see service.h. */
#include "route/service.h"

#include "route/rules.h"
#include "tls/certificate.h"

#include <stdlib.h>

enum result
service_tls_create(const struct config_upstream_tls *c, bool http2, struct tls_client *before,
		   struct tls_client **out, struct problem *p)
{
	struct tls_files own = {c->certificate, c->key, NULL};
	struct tls_client_settings settings = {
	    .ca = c->ca,
	    .name = c->name,
	    .verify = c->verify,
	    .only_1_3 = c->only_1_3,
	    .http2 = http2,
	    .own = c->certificate == NULL ? NULL : &own,
	};
	*out = NULL;
	return c->enabled ? tls_client_create(&settings, before, out, p) : RESULT_OK;
}

/* A pool of its own, or that of the same name with a revision to come. */
static enum result
find_pool(struct service *s, struct pool_tls tls, unsigned workers, const struct service *before,
	  struct problem *p)
{
	if (before == NULL) {
		enum result r = pool_create(s->config, tls, workers, &s->pool, p);
		if (r != RESULT_OK)
			return r;
		struct view *view = pool_view(s->pool);
		s->fingerprint = hashring_fingerprint(view->membership->ring);
		view_unref(&view);
		return RESULT_OK;
	}
	s->pool = pool_ref(before->pool);
	enum result r = pool_revise(s->pool, s->config, tls, &s->revision, p);
	if (r != RESULT_OK)
		return r;
	s->fingerprint = hashring_fingerprint(s->revision->membership->ring);
	atomic_store_explicit(&s->turn, atomic_load_explicit(&before->turn, memory_order_relaxed),
			      memory_order_relaxed);
	return RESULT_OK;
}

static enum result
service_init(struct services *all, size_t number, const struct config *config, unsigned workers,
	     struct services *before, struct problem *p)
{
	struct service *s = &all->list[number];
	const struct config_service *c = &config->services[number];
	s->number = number;
	s->config = c;
	s->name = slice_of(c->name);
	s->plan = plan_rules_of(c);
	s->gives_tickets = c->assign == ASSIGN_RACE || c->admission == ADMISSION_TICKET;
	s->newcomers = s->gives_tickets || c->assign == ASSIGN_MASTER;
	s->apart = s->newcomers || c->mirror != MIRROR_OFF;
	if (s->gives_tickets)
		s->ticket_service = ticket_service(s->name);
	enum result r =
	    session_rules_create(c, config->secrets, config->secret_count, &s->rules, p);
	if (r != RESULT_OK)
		return r;
	const struct service *same = before == NULL ? NULL : services_find(before, s->name);
	s->tally = same == NULL ? tally_create(workers) : tally_ref(same->tally);
	if (s->tally == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	r = service_tls_create(&c->tls, c->protocol == MEMBER_HTTP2,
			       same == NULL ? NULL : same->tls, &s->tls, p);
	if (r != RESULT_OK)
		return r;
	return find_pool(s, (struct pool_tls){s->tls, all->tls}, workers, same, p);
}

static void
services_free(struct services *s)
{
	for (size_t i = 0; i < s->count; i++) {
		pool_revision_free(&s->list[i].revision);
		pool_unref(&s->list[i].pool);
		tally_unref(&s->list[i].tally);
		session_rules_free(&s->list[i].rules);
		tls_client_unref(&s->list[i].tls);
	}
	free(s->list);
	matcher_free(&s->matcher);
	hop_codec_free(&s->hops);
	free(s->seal);
	forwarding_deinit(&s->forwarding);
	tls_client_unref(&s->tls);
	if (s->config != NULL)
		entrances_free(&s->entrance, s->config->listener_count);
	config_free(&s->config);
	free(s);
}

/* What the nodes seal their races and placements with. False: no memory. */
static bool
make_seal(struct services *s, const struct config *config)
{
	struct datagram_secret secrets[SECRETS_MAX];
	bool any = false;
	for (size_t i = 0; i < s->count; i++)
		any |= s->list[i].newcomers;
	if (!any)
		return true;
	for (size_t i = 0; i < config->secret_count; i++)
		secrets[i] = (struct datagram_secret){slice_of(config->secrets[i].id),
						      config->secrets[i].master};
	s->seal = malloc(sizeof(*s->seal));
	if (s->seal != NULL)
		race_seal_init(s->seal, slice_of(config->cluster.name), secrets,
			       config->secret_count);
	return s->seal != NULL;
}

static enum result
services_fill(struct services *s, const struct config *config, unsigned workers,
	      struct services *before, struct problem *p)
{
	enum result r = matcher_create(config, &s->matcher);
	s->list = calloc(config->service_count, sizeof(*s->list));
	if (config->cluster.node_count > 0)
		s->hops = hop_codec_create(config);
	bool hops = s->hops != NULL || config->cluster.node_count == 0;
	if (r != RESULT_OK || s->list == NULL || !hops)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	r = service_tls_create(&config->cluster.tls, false, before == NULL ? NULL : before->tls,
			       &s->tls, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "cluster.tls");
	for (size_t i = 0; i < config->service_count; i++) {
		s->count = i + 1;
		r = service_init(s, i, config, workers, before, p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "service %s", config->services[i].name);
	}
	if (!make_seal(s, config))
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return RESULT_OK;
}

enum result
services_create(struct config **config, unsigned workers, struct services *before,
		struct services **out, struct problem *p)
{
	*out = NULL;
	struct services *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	atomic_init(&s->refs, 1);
	enum result r = services_fill(s, *config, workers, before, p);
	if (r == RESULT_OK)
		r = entrances_create(*config, &s->entrance, p);
	if (r == RESULT_OK)
		r = forwarding_init(&s->forwarding, &(*config)->forwarded, p);
	if (r != RESULT_OK) {
		services_free(s);
		return r;
	}
	s->config = *config;
	s->traces = s->config->trace.endpoint != NULL;
	*config = NULL;
	*out = s;
	return RESULT_OK;
}

void
services_commit(struct services *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].revision != NULL)
			pool_commit(s->list[i].pool, &s->list[i].revision);
	}
}

struct service *
services_find(struct services *s, struct slice name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (slice_equal(s->list[i].name, name))
			return &s->list[i];
	}
	return NULL;
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
