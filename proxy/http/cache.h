/*
 * cache.h: what an answer that sets a tag says to shared caches. One that keeps the
 * answer must not hand the tag to somebody else: the field that carries it is named
 * in no-cache (RFC 9111 section 5.2.2.4), "at least": where the member said as much
 * or more, nothing is added, and nothing that it said is ever weakened. A second
 * no-cache beside the member's own would be ambiguous (section 4.2.1), so its list
 * is made longer instead.
 */
#ifndef HOLDFAST_HTTP_CACHE_H
#define HOLDFAST_HTTP_CACHE_H

#include "http/head.h"

/* Bytes that are put into a forwarded head; `at` is an offset in head->base, within a line that
 * stays. */
struct http_insert {
	uint32_t at;
	struct slice text; /* borrowed until the head is written */
};

#define CACHE_INSERTS_MAX 4

struct cache_edit {
	struct http_insert insert[CACHE_INSERTS_MAX]; /* ascending */
	size_t insert_count;
	bool line; /* a line of its own is wanted: Cache-Control: no-cache="name" */
};

/*
 * What must change in `response` so that no shared cache reuses its field `name`:
 *
 *   no-store, private, no-cache; no-cache or private with `name` in its list    nothing
 *   no-cache with another list                                                  `name` joins it
 *   anything else, or no Cache-Control                                          a line
 *   what cannot be read, or names no-cache twice                                no-store before it
 */
void cache_protect(const struct http_head *response, struct slice name, struct cache_edit *edit);

#endif
