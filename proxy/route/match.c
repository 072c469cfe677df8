/*
 * match.c: host and path to service; see match.h.
 *
 * One sorted table of rows (host, path, service). A wildcard "*.example" stands in
 * it as ".example", which no host begins with. So a lookup asks for the host itself,
 * then for each of its ends that begins with a dot, longest first, then for "" (all
 * hosts); the rows of one host are contiguous, longest path first.
 */
#include "route/match.h"

#include <stdlib.h>

#define LOWER_BYTES 256 /* a host in lower case: MATCH_HOST_BYTES_MAX, in whole vectors */

struct row {
	struct slice host; /* "shop.example", ".example", "" */
	struct slice path; /* without '/' at its end; "" is every path */
	size_t service;
};

struct matcher {
	size_t count;
	size_t named; /* rows with a host come behind those for all hosts: [count - named, count) */
	struct row row[];
};

static int
bytes_compare(struct slice a, struct slice b)
{
	size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = shorter == 0 ? 0 : memcmp(a.at, b.at, shorter);
	return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int
row_compare(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;
	int order = bytes_compare(a->host, b->host);
	if (order != 0)
		return order;
	if (a->path.bytes != b->path.bytes)
		return a->path.bytes > b->path.bytes ? -1 : 1;
	return (a->service > b->service) - (a->service < b->service);
}

static struct slice
host_of(const struct config_service *service, size_t number)
{
	if (service->host_count == 0)
		return SLICE("");
	struct slice host = slice_of(service->hosts[number]);
	if (slice_has_prefix(host, SLICE("*.")))
		host = (struct slice){host.at + 1, host.bytes - 1};
	return host;
}

static struct slice
path_of(const struct config_service *service, size_t number)
{
	if (service->path_count == 0)
		return SLICE("");
	struct slice path = slice_of(service->paths[number]);
	while (path.bytes > 0 && path.at[path.bytes - 1] == '/')
		path.bytes--;
	return path;
}

static size_t
at_least_one(size_t count)
{
	return count > 0 ? count : 1;
}

static void
add_rows(struct matcher *m, const struct config_service *service, size_t number)
{
	for (size_t h = 0; h < at_least_one(service->host_count); h++) {
		for (size_t p = 0; p < at_least_one(service->path_count); p++) {
			struct slice host = host_of(service, h);
			m->row[m->count++] = (struct row){host, path_of(service, p), number};
			m->named += host.bytes > 0;
		}
	}
}

enum result
matcher_create(const struct config *config, struct matcher **out)
{
	*out = NULL;
	size_t rows = 0;
	for (size_t i = 0; i < config->service_count; i++)
		rows += at_least_one(config->services[i].host_count) *
			at_least_one(config->services[i].path_count);
	struct matcher *m = malloc(sizeof(*m) + rows * sizeof(m->row[0]));
	if (m == NULL)
		return RESULT_NO_MEMORY;
	m->count = 0;
	m->named = 0;
	for (size_t i = 0; i < config->service_count; i++)
		add_rows(m, &config->services[i], i);
	qsort(m->row, m->count, sizeof(m->row[0]), row_compare);
	*out = m;
	return RESULT_OK;
}

void
matcher_free(struct matcher **m)
{
	free(*m);
	*m = NULL;
}

/* ---- lookup ---- */

/* At a segment's boundary: "/shop" covers "/shop", "/shop/x" and "/shop?x", not "/shopping". */
static bool
path_covers(struct slice prefix, struct slice path)
{
	if (path.bytes > 0 && path.at[0] == '?')
		path = SLICE("/"); /* of an absolute target without path */
	if (!slice_has_prefix(path, prefix))
		return false;
	return prefix.bytes == 0 || path.bytes == prefix.bytes || path.at[prefix.bytes] == '/' ||
	       path.at[prefix.bytes] == '?';
}

/* The first row from `at` on that covers `path`, while rows are of its host. */
static size_t
find_path(const struct matcher *m, size_t at, struct slice host, struct slice path)
{
	for (; at < m->count && slice_equal(m->row[at].host, host); at++) {
		if (path_covers(m->row[at].path, path))
			return m->row[at].service;
	}
	return MATCH_NONE;
}

static size_t
find_host(const struct matcher *m, struct slice host, struct slice path)
{
	size_t from = m->count - m->named;
	size_t to = m->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (bytes_compare(m->row[middle].host, host) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return find_path(m, from, host, path);
}

/* Lower case, without port and without one dot at the end. Empty: no name that could match. */
static struct slice
normalise(struct slice host, char out[MATCH_HOST_BYTES_MAX])
{
	if (host.bytes > 0 && host.at[0] == '[') {
		size_t end = slice_find(host, ']');
		host.bytes = end < host.bytes ? end + 1 : 0;
	} else {
		host.bytes = slice_find(host, ':');
	}
	if (host.bytes > 0 && host.at[host.bytes - 1] == '.')
		host.bytes--;
	if (host.bytes == 0 || host.bytes > MATCH_HOST_BYTES_MAX || host.at[0] == '.')
		return SLICE_NONE;
	for (size_t i = 0; i < host.bytes; i++)
		out[i] = ascii_lower(host.at[i]);
	return (struct slice){out, host.bytes};
}

static size_t
find_named(const struct matcher *m, struct slice host, struct slice path)
{
	size_t found = find_host(m, host, path);
	for (size_t dot = 1; found == MATCH_NONE && dot < host.bytes; dot++) {
		if (host.at[dot] == '.')
			found = find_host(m, (struct slice){host.at + dot, host.bytes - dot}, path);
	}
	return found;
}

size_t
matcher_find(const struct matcher *m, struct slice host, struct slice path)
{
	if (m->named > 0) {
		char lower[LOWER_BYTES];
		struct slice name = normalise(host, lower);
		size_t found = name.bytes > 0 ? find_named(m, name, path) : MATCH_NONE;
		if (found != MATCH_NONE)
			return found;
	}
	return find_path(m, 0, SLICE(""), path);
}
