/*
 * overlap.c: see overlap.h. Hosts and paths of each service are sorted once; two
 * services share a host, or a path, where two sorted lists meet.
 */
#include "config/overlap.h"

#include <stdlib.h>

/* Sorted; borrowed from the configuration. "" stands for all hosts, and for the path "/". */
struct sorted {
	struct slice *list; /* owned */
	size_t count;
};

struct claim {
	struct sorted hosts;
	struct sorted paths;
};

static int
compare(const void *left, const void *right)
{
	const struct slice *a = left;
	const struct slice *b = right;
	size_t shorter = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order = shorter == 0 ? 0 : memcmp(a->at, b->at, shorter);
	return order != 0 ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* "/shop/" and "/shop" are one prefix: both end at a segment's boundary. */
static bool
sorted_init(struct sorted *s, char *const *texts, size_t count)
{
	s->list = calloc(count + 1, sizeof(s->list[0]));
	if (s->list == NULL)
		return false;
	s->count = count == 0 ? 1 : count;
	if (count == 0)
		s->list[0] = SLICE("");
	for (size_t i = 0; i < count; i++) {
		s->list[i] = slice_of(texts[i]);
		while (s->list[i].bytes > 0 && texts[i][s->list[i].bytes - 1] == '/')
			s->list[i].bytes--;
	}
	qsort(s->list, s->count, sizeof(s->list[0]), compare);
	return true;
}

static const struct slice *
find_twice(const struct sorted *s)
{
	for (size_t i = 1; i < s->count; i++) {
		if (slice_equal(s->list[i - 1], s->list[i]))
			return &s->list[i];
	}
	return NULL;
}

static const struct slice *
find_shared(const struct sorted *a, const struct sorted *b)
{
	size_t i = 0;
	size_t j = 0;
	while (i < a->count && j < b->count) {
		int order = compare(&a->list[i], &b->list[j]);
		if (order == 0)
			return &a->list[i];
		i += order < 0;
		j += order > 0;
	}
	return NULL;
}

static void
complain_of_twice(struct loading *l, config_setting_t *group, const struct sorted *s,
		  const char *child)
{
	const struct slice *twice = find_twice(s);
	if (twice != NULL)
		complain(l, group, child, "%.*s stands there twice",
			 SLICE_ARG(twice->bytes == 0 ? SLICE("/") : *twice));
}

static bool
is_cookie(const struct config_tag *tag)
{
	return tag->carrier == TAG_COOKIE || tag->carrier == TAG_SUFFIX_COOKIE;
}

/* Each would overwrite the other's tag, and no session would stay anywhere. */
static void
check_cookies(struct loading *l, config_setting_t *group, const struct config_service *own,
	      const struct config_service *other, size_t place)
{
	const struct config_tag *a = &own->tag;
	const struct config_tag *b = &other->tag;
	if (a->name == NULL || b->name == NULL || !is_cookie(a) || !is_cookie(b))
		return;
	if (strcmp(a->name, b->name) == 0 && strcmp(a->path, b->path) == 0)
		warn(l, group,
		     a->carrier == TAG_COOKIE ? "session.tag.cookie" : "session.tag.suffix",
		     "services[%zu] has a host in common and a tag of the same name and path: each "
		     "needs its own",
		     place);
}

static void
check_claim(struct loading *l, config_setting_t *list, const struct claim *claims, size_t number)
{
	config_setting_t *group = config_setting_get_elem(list, (unsigned)number);
	complain_of_twice(l, group, &claims[number].hosts, "hosts");
	complain_of_twice(l, group, &claims[number].paths, "paths");
	const struct config_service *services = l->config->services;
	for (size_t i = 0; i < number; i++) {
		if (services[i].name == NULL || services[number].name == NULL)
			continue; /* no service, or hardly one: that was found */
		const struct slice *host = find_shared(&claims[number].hosts, &claims[i].hosts);
		const struct slice *path = find_shared(&claims[number].paths, &claims[i].paths);
		if (host != NULL && path == NULL)
			check_cookies(l, group, &services[number], &services[i], i);
		if (host == NULL || path == NULL)
			continue;
		complain(l, group, NULL, "%.*s with path %.*s belongs to services[%zu] already",
			 SLICE_ARG(host->bytes == 0 ? SLICE("every host") : *host),
			 SLICE_ARG(path->bytes == 0 ? SLICE("/") : *path), i);
		return; /* once is enough */
	}
}

void
check_overlap(struct loading *l, config_setting_t *list)
{
	const struct config *config = l->config;
	struct claim *claims = calloc(config->service_count, sizeof(claims[0]));
	l->no_memory |= claims == NULL;
	for (size_t i = 0; i < config->service_count && !l->no_memory; i++) {
		const struct config_service *s = &config->services[i];
		l->no_memory |= !sorted_init(&claims[i].hosts, s->hosts, s->host_count) ||
				!sorted_init(&claims[i].paths, s->paths, s->path_count);
	}
	for (size_t i = 0; i < config->service_count && !l->no_memory; i++)
		check_claim(l, list, claims, i);
	for (size_t i = 0; claims != NULL && i < config->service_count; i++) {
		free(claims[i].hosts.list);
		free(claims[i].paths.list);
	}
	free(claims);
}
