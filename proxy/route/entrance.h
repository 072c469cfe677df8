/*
 * entrance.h: the live half of one listener: what must come before a request there. Part of one
 * generation of the configuration, in the order of its listeners.
 */
#ifndef HOLDFAST_ROUTE_ENTRANCE_H
#define HOLDFAST_ROUTE_ENTRANCE_H

#include "base/network.h"
#include "config/config.h"
#include "tls/context.h"

struct entrance {
	const struct config_listener *config; /* borrowed */
	struct tls_context *tls;              /* one reference; NULL: plain */
	struct network *proxies;              /* owned; who begins with a PROXY header */
	size_t proxy_count;                   /* 0: nobody does */
};

/* Reads certificates. On an error the problem says why, beginning with the listener. */
enum result entrances_create(const struct config *config, struct entrance **out, struct problem *p);
void entrances_free(struct entrance **list, size_t count);
/* Neither PROXY header nor TLS: a connection is a client at once. */
static inline bool
entrance_is_plain(const struct entrance *e)
{
	return e->tls == NULL && e->proxy_count == 0;
}

#endif
