/* verify_compare.c: see verify.h. */
#include "cli/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX 1024

/* ---- the list ---------------------------------------------------------------------------------
 */

bool
differences_init(struct differences *d)
{
	*d = (struct differences){.list = json_array()};
	return d->list != NULL;
}

void
differences_deinit(struct differences *d)
{
	json_decref(d->list);
	d->list = NULL;
}

size_t
differences_count(const struct differences *d)
{
	return json_array_size(d->list) + d->not_shown;
}

static void differ(struct differences *d, const char *service, const char *kind, const char *format,
		   ...) __attribute__((format(printf, 4, 5)));

static void
differ(struct differences *d, const char *service, const char *kind, const char *format, ...)
{
	char text[TEXT_BYTES_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_t *one = NULL;
	if (json_array_size(d->list) < DIFFERENCES_MAX)
		one = json_pack("{s:s?, s:s, s:s}", "service", service, "kind", kind, "text", text);
	if (one == NULL || json_array_append_new(d->list, one) != 0)
		d->not_shown++;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "-";
}

/* By id; an object that is to be freed. Members without one are left out. */
static json_t *
by_id(const json_t *service)
{
	json_t *index = json_object();
	size_t i;
	json_t *m;
	json_array_foreach(json_object_get(service, "members"), i, m)
	{
		const char *id = json_string_value(json_object_get(m, "id"));
		if (id != NULL)
			(void)json_object_set(index, id, m);
	}
	return index;
}

static void
compare_members(struct differences *d, const char *service, const struct verified *a,
		const struct verified *b)
{
	json_t *mine = by_id(a->json);
	json_t *theirs = by_id(b->json);
	const char *id;
	json_t *m;
	json_object_foreach(mine, id, m)
	{
		const json_t *other = json_object_get(theirs, id);
		json_int_t weight = json_integer_value(json_object_get(m, "weight"));
		json_int_t weight_other = json_integer_value(json_object_get(other, "weight"));
		if (other == NULL)
			differ(d, service, "member", "member %s is at %s, not at %s", id, a->name,
			       b->name);
		else if (weight != weight_other)
			differ(d, service, "member", "member %s: weight %lld at %s, %lld at %s", id,
			       (long long)weight, a->name, (long long)weight_other, b->name);
		else if (strcmp(text_of(m, "zone"), text_of(other, "zone")) != 0)
			differ(d, service, "member", "member %s: zone %s at %s, %s at %s", id,
			       text_of(m, "zone"), a->name, text_of(other, "zone"), b->name);
	}
	json_object_foreach(theirs, id, m)
	{
		if (json_object_get(mine, id) == NULL)
			differ(d, service, "member", "member %s is at %s, not at %s", id, b->name,
			       a->name);
	}
	json_decref(mine);
	json_decref(theirs);
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

void
differ_silent(struct differences *d, const char *problem)
{
	differ(d, NULL, "silent", "%s", problem);
}

static void
compare_counts(struct differences *d, const char *key, const char *what, const struct verified *a,
	       const struct verified *b)
{
	json_int_t mine = json_integer_value(json_object_get(a->json, key));
	json_int_t theirs = json_integer_value(json_object_get(b->json, key));
	if (mine != theirs)
		differ(d, NULL, key, "%s %lld at %s, %lld at %s", what, (long long)mine, a->name,
		       (long long)theirs, b->name);
}

void
compare_nodes_alone(struct differences *d, const struct verified *a, const struct verified *b)
{
	const char *mine = text_of(json_object_get(a->json, "cluster"), "master");
	const char *theirs = text_of(json_object_get(b->json, "cluster"), "master");
	compare_counts(d, "ordering_version", "ordering version", a, b);
	compare_counts(d, "tag_version", "tag version", a, b);
	compare_counts(d, "epoch", "epoch", a, b);
	if (strcmp(mine, "-") != 0 && strcmp(theirs, "-") != 0 && strcmp(mine, theirs) != 0)
		differ(d, NULL, "master", "master %s at %s, %s at %s", mine, a->name, theirs,
		       b->name);
}

/* ---- services ---------------------------------------------------------------------------------
 */

static const json_t *
service_of(const json_t *status, const char *name)
{
	size_t i;
	const json_t *s;
	json_array_foreach(json_object_get(status, "services"), i, s)
	{
		if (strcmp(text_of(s, "name"), name) == 0)
			return s;
	}
	return NULL;
}

static void
compare_services(struct differences *d, const char *name, const struct verified *a,
		 const struct verified *b)
{
	struct verified one = {a->name, service_of(a->json, name)};
	struct verified other = {b->name, service_of(b->json, name)};
	if (one.json == NULL || other.json == NULL) {
		const char *has = one.json != NULL ? a->name : b->name;
		const char *lacks = one.json != NULL ? b->name : a->name;
		differ(d, name, "service", "service %s is at %s, not at %s", name, has, lacks);
		return;
	}
	if (strcmp(text_of(one.json, "pool"), text_of(other.json, "pool")) == 0)
		return;
	differ(d, name, "pool", "pool %s at %s, %s at %s", text_of(one.json, "pool"), a->name,
	       text_of(other.json, "pool"), b->name);
	compare_members(d, name, &one, &other);
}

void
compare_statuses(struct differences *d, const struct verified *a, const struct verified *b,
		 const char *service)
{
	size_t i;
	const json_t *s;
	json_array_foreach(json_object_get(a->json, "services"), i, s)
	{
		if (service == NULL || strcmp(service, text_of(s, "name")) == 0)
			compare_services(d, text_of(s, "name"), a, b);
	}
	json_array_foreach(json_object_get(b->json, "services"), i, s)
	{
		const char *name = text_of(s, "name");
		if ((service == NULL || strcmp(service, name) == 0) &&
		    service_of(a->json, name) == NULL)
			compare_services(d, name, a, b);
	}
}

/* ---- orders -----------------------------------------------------------------------------------
 */

static const char *
id_at(const json_t *order, size_t place)
{
	const char *id = json_string_value(json_array_get(order, place));
	return id != NULL ? id : "-";
}

/* First place at which they differ; the same throughout: their length. */
static size_t
first_difference(const json_t *mine, const json_t *theirs)
{
	size_t count = json_array_size(mine);
	size_t i = 0;
	while (i < count && i < json_array_size(theirs) &&
	       strcmp(id_at(mine, i), id_at(theirs, i)) == 0)
		i++;
	return i;
}

void
compare_orders(struct differences *d, const char *service, const char *key,
	       const struct verified *a, const struct verified *b)
{
	const json_t *mine = json_object_get(a->json, "order");
	const json_t *theirs = json_object_get(b->json, "order");
	if (strcmp(text_of(a->json, "digest"), text_of(b->json, "digest")) != 0) {
		differ(d, service, "digest",
		       "key %s has digest %s at %s, %s at %s: their pool keys differ", key,
		       text_of(a->json, "digest"), a->name, text_of(b->json, "digest"), b->name);
		return;
	}
	size_t at = first_difference(mine, theirs);
	if (at == json_array_size(mine) && at == json_array_size(theirs))
		return;
	differ(d, service, "order", "key %s: rank %zu is %s at %s, %s at %s", key, at,
	       id_at(mine, at), a->name, id_at(theirs, at), b->name);
}
