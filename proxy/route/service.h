/*
 * service.h: the live half of the configuration: what each configured service
 * means at run time. One struct services is one generation of the
 * configuration: immutable but for the pools' verdicts, shared by all workers,
 * reference-counted so that it can be swapped while exchanges hold it.
 */
#ifndef HOLDFAST_ROUTE_SERVICE_H
#define HOLDFAST_ROUTE_SERVICE_H

#include "affinity/session.h"
#include "config/config.h"
#include "members/pool.h"
#include "route/match.h"
#include "route/plan.h"

struct service {
	size_t number;                       /* in services->list and in a worker's slots */
	const struct config_service *config; /* borrowed from services->config */
	struct slice name;                   /* borrowed from config */
	struct session_rules *rules;         /* owned */
	struct pool *pool;                   /* owned */
	struct plan_rules plan;
	uint64_t fingerprint; /* of the ring, as logs show it */
	atomic_ullong turn;   /* round_robin's counter, shared by all workers */
};

struct services {
	atomic_uint refs;
	struct config *config; /* owned */
	struct matcher *matcher;
	size_t count;
	struct service *list; /* owned */
};

/* Takes the configuration over: nulls *config on success. */
enum result services_create(struct config **config, unsigned workers, struct services **out,
			    struct problem *p);
struct services *services_ref(struct services *s);
void services_unref(struct services **s);

#endif
