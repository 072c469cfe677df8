/* routes.h: from method and target to a row of include/tbl/admin_routes.h. Pure. */
#ifndef HOLDFAST_ADMIN_ROUTES_H
#define HOLDFAST_ADMIN_ROUTES_H

#include "http/head.h"

enum admin_route {
#define ADMIN_ROUTE(ident, method, path, help) ROUTE_##ident,
#include "tbl/admin_routes.h"
#undef ADMIN_ROUTE
	ADMIN_ROUTES,
	ROUTE_NOT_FOUND,
	ROUTE_NOT_ALLOWED, /* the path is known, but not with this method */
};

#define ROUTE_TARGET_BYTES_MAX 8192

/* What was asked for. */
struct admin_ask {
	enum admin_route route;
	bool head_only;
	bool changes;        /* something: it is a POST */
	const char *allowed; /* NOT_ALLOWED: the methods of this path, for Allow; static */
	struct slice id;     /* what stands for "*", decoded; empty: none */
	struct slice query;  /* without '?'; still encoded */
	char room[ID_BYTES_MAX];
};

/* `head` is borrowed as long as *ask. HEAD is GET without its body. */
void route_find(const struct http_head *head, struct admin_ask *ask);

/*
 * The value of the first parameter `name` of a query, %XX and '+' decoded, into out[0..capacity).
 * False: none; *bad: it is encoded wrongly, or does not fit.
 */
bool query_value(struct slice query, struct slice name, char *out, size_t capacity,
		 struct slice *value, bool *bad);

#endif
