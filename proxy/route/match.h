/*
 * match.h: which service is a request for: of those whose host and path match, the
 * one with the most specific host (exact, then the longest wildcard, then none),
 * then the longest path prefix at a segment boundary. Pure; compiled once from the
 * configuration.
 */
#ifndef HOLDFAST_ROUTE_MATCH_H
#define HOLDFAST_ROUTE_MATCH_H

#include "config/config.h"

#define MATCH_NONE           SIZE_MAX
#define MATCH_HOST_BYTES_MAX 255 /* of a host without port; a longer one matches no named host */

struct matcher;
/* Borrows the texts of `config`, which outlives it. RESULT_NO_MEMORY only. */
enum result matcher_create(const struct config *config, struct matcher **out);
void matcher_free(struct matcher **m);
/* `host` may carry a port, `path` a query; case counts in the path alone, a dot behind the host
 * does not. Index into config->services, or MATCH_NONE. */
size_t matcher_find(const struct matcher *m, struct slice host, struct slice path);

#endif
