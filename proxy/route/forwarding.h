/*
 * forwarding.h: the live half of `forwarded`: whose word counts about who the client is, and what
 * members are told. Part of one generation of the configuration.
 */
#ifndef HOLDFAST_ROUTE_FORWARDING_H
#define HOLDFAST_ROUTE_FORWARDING_H

#include "config/config.h"
#include "http/forwarded.h"

/* Bits of enum field_id, as in http_head.ids. */
#define FORWARDED_IDS (UINT64_C(1) << FIELD_FORWARDED | FORWARDED_X_IDS)
#define FORWARDED_X_IDS                                                                  \
	(UINT64_C(1) << FIELD_X_FORWARDED_FOR | UINT64_C(1) << FIELD_X_FORWARDED_PROTO | \
	 UINT64_C(1) << FIELD_X_FORWARDED_HOST)

struct forwarding {
	struct network *trusted; /* owned */
	size_t count;
	enum forwarded_family read;
	unsigned write; /* bits of enum forwarded_family */
	uint64_t reads; /* a request with one of these fields may tell who the client is */
	uint64_t apart; /* one with any of these is told of in another way than by three lines */
};

/* On an error the problem says why. */
enum result forwarding_init(struct forwarding *f, const struct config_forwarded *config,
			    struct problem *p);
void forwarding_deinit(struct forwarding *f);
static inline bool
forwarding_trusts(const struct forwarding *f, const struct addr *peer)
{
	return networks_have(f->trusted, f->count, peer);
}

#endif
