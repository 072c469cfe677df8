/*
 * service.h: the live half of the configuration: what each configured service
 * means at run time. One struct services is one generation of the
 * configuration: immutable but for the pools' verdicts, shared by all workers,
 * reference-counted so that it can be swapped while exchanges hold it.
 */
#ifndef HOLDFAST_ROUTE_SERVICE_H
#define HOLDFAST_ROUTE_SERVICE_H

#include "affinity/hop.h"
#include "affinity/session.h"
#include "cluster/race_wire.h"
#include "config/config.h"
#include "members/pool.h"
#include "record/tally.h"
#include "route/entrance.h"
#include "route/forwarding.h"
#include "route/match.h"
#include "route/plan.h"

struct service {
	size_t number;                       /* in services->list and in a worker's slots */
	const struct config_service *config; /* borrowed from services->config */
	struct slice name;                   /* borrowed from config */
	struct session_rules *rules;         /* owned */
	struct tls_client *tls; /* one reference; NULL: its members are spoken to in the plain */
	struct pool *pool;      /* one reference; shared with earlier generations of this name */
	struct pool_revision *revision; /* owned; what services_commit does to the pool, or NULL */
	struct tally *tally;            /* one reference; shared likewise */
	struct plan_rules plan;
	uint64_t fingerprint;    /* of the ring, as logs show it */
	bool apart;              /* something below, or a mirror: decided apart from the rest */
	bool newcomers;          /* new sessions are asked for elsewhere (relay/newcomer.c): */
	bool gives_tickets;      /* assign = "race" or admission = "ticket" */
	uint32_t ticket_service; /* as it stands in tickets; when it gives some */
	atomic_ullong turn;      /* round_robin's counter, shared by all workers */
};

struct services {
	atomic_uint refs;
	struct config *config; /* owned */
	struct matcher *matcher;
	struct hop_codec *hops;       /* owned; NULL: no cluster */
	bool traces;                  /* some requests leave spans: trace.endpoint */
	struct race_seal *seal;       /* owned; NULL: no service asks nodes for new sessions */
	struct tls_client *tls;       /* towards other nodes; one reference; NULL: plain */
	struct entrance *entrance;    /* owned; one a listener of config */
	struct forwarding forwarding; /* owns */
	size_t count;
	struct service *list; /* owned */
};

/*
 * Takes the configuration over: nulls *config on success. `before`: the generation that is current,
 * or NULL; services of the same name keep their counters, and their pools, which nothing happens to
 * before services_commit. On an error the problem says why, and the earlier generation is as it
 * was.
 */
enum result services_create(struct config **config, unsigned workers, struct services *before,
			    struct services **out, struct problem *p);
/* Kept pools get the members and rules of this generation. Once, by the thread that created it. */
void services_commit(struct services *s);
/* TLS as configured; *out is NULL when it is off. `before`: of the generation before, or NULL. The
 * errors of tls_client_create. */
enum result service_tls_create(const struct config_upstream_tls *c, bool http2,
			       struct tls_client *before, struct tls_client **out,
			       struct problem *p);
/* NULL: none of this name. */
struct service *services_find(struct services *s, struct slice name);
struct services *services_ref(struct services *s);
void services_unref(struct services **s);

#endif
