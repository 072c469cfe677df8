/*
 * match.h: which service is a request for: the most specific host (exact, then
 * the longest wildcard, then none), then the longest path prefix at a segment
 * boundary. Pure; compiled once from the configuration.
 */
#ifndef HOLDFAST_ROUTE_MATCH_H
#define HOLDFAST_ROUTE_MATCH_H

#include "config/config.h"

#define MATCH_NONE SIZE_MAX

struct matcher;
enum result matcher_create(const struct config *config, struct matcher **out);
void matcher_free(struct matcher **m);
/* `host` may carry a port; `path` may carry a query. Index into config->services, or MATCH_NONE. */
size_t matcher_find(const struct matcher *m, struct slice host, struct slice path);

#endif
