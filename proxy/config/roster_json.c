/*
 * roster_json.c: the membership document to and from its JSON form; see roster.h. A member goes
 * through libconfig's tree into its struct, so that what a file may say, a document may, and
 * nothing else.
 */
#include "config/roster.h"

#include "config/loading.h"
#include "config/rows.h"

#include <jansson.h>
#include <stdlib.h>

#define ROSTER_VERSION 1
#define MEMBERS_PATH   "services[].members"

/* ---- writing --------------------------------------------------------------------------------- */

static uint64_t
number_of(const struct key_row *row, const void *base)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;
	const char *field = (const char *)base + row->offset;
	switch (row->width) {
	case 2:
		memcpy(&two, field, 2);
		return two;
	case 4:
		memcpy(&four, field, 4);
		return four;
	case 8:
		memcpy(&eight, field, 8);
		return eight;
	default:
		return (uint8_t)*field;
	}
}

/* The word at `place` of "none|drain|maint". */
static struct slice
word_at(const struct key_row *row, uint64_t place)
{
	struct slice rest = slice_of(row->unit);
	for (; place > 0; place--) {
		size_t bar = slice_find(rest, '|') + 1;
		rest = (struct slice){rest.at + bar, rest.bytes - bar};
	}
	return (struct slice){rest.at, slice_find(rest, '|')};
}

static json_t *
address_json(const struct addr *address)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, address);
	return json_stringn(w.at, w.bytes);
}

/* A new reference; *there false: it has its default. NULL: no memory. */
static json_t *
value_json(const struct key_row *row, const struct config_member *m, bool *there)
{
	*there = true;
	if (row->kind == KIND_COUNT || row->kind == KIND_WORD) {
		uint64_t number = number_of(row, m);
		struct slice word = row->kind == KIND_WORD ? word_at(row, number) : SLICE_NONE;
		uint64_t usual = 0;
		bool word_usual = slice_equal(word, slice_of(row->default_text));
		(void)slice_to_u64(slice_of(row->default_text), &usual);
		*there = row->kind == KIND_WORD ? !word_usual : number != usual;
		return row->kind == KIND_WORD ? json_stringn(word.at, word.bytes)
					      : json_integer((json_int_t)number);
	}
	if (row->kind == KIND_ADDRESS || row->kind == KIND_ORIGIN) {
		struct addr address;
		memcpy(&address, (const char *)m + row->offset, sizeof(address));
		*there = address.family != 0;
		return *there ? address_json(&address) : NULL;
	}
	const char *text = key_pointer_get(m, row->offset);
	*there = text != NULL;
	return *there ? json_string(text) : NULL;
}

json_t *
roster_member_json(const struct config_member *member)
{
	json_t *object = json_object();
	for (size_t i = 0; object != NULL && i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		bool there;
		if (row->scope != SCOPE_config_member)
			continue;
		json_t *value = value_json(row, member, &there);
		if (!there) {
			json_decref(value);
		} else if (json_object_set_new(object, key_row_relative(row), value) == -1) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

static void
write_quoted(struct grow *out, const char *text)
{
	char room[6 * ID_BYTES_MAX + 2];
	struct writer w = writer_on(room, sizeof(room));
	write_json_string(&w, slice_of(text));
	grow_slice(out, (struct slice){w.at, w.bytes});
}

static void
write_service(const struct roster_service *s, struct grow *out)
{
	grow_text(out, "{\"name\":");
	write_quoted(out, s->name);
	grow_text(out, ",\"members\":[");
	for (size_t i = 0; i < s->member_count; i++) {
		json_t *member = roster_member_json(&s->members[i]);
		char *text = member == NULL ? NULL : json_dumps(member, JSON_COMPACT);
		if (text == NULL)
			out->failed = true;
		else
			grow_format(out, "%s%s", i == 0 ? "" : ",", text);
		free(text);
		json_decref(member);
	}
	grow_text(out, "]}");
}

void
roster_write(const struct roster *r, struct grow *out)
{
	grow_format(out, "{\"membership\":%d,\"cluster\":", ROSTER_VERSION);
	write_quoted(out, r->cluster);
	grow_text(out, ",\"epoch\":");
	grow_u64(out, r->epoch);
	grow_text(out, ",\"term\":");
	grow_u64(out, r->term);
	grow_text(out, ",\"master\":");
	write_quoted(out, r->master);
	grow_text(out, ",\"services\":[");
	for (size_t i = 0; i < r->service_count; i++) {
		grow_text(out, i == 0 ? "" : ",");
		write_service(&r->services[i], out);
	}
	grow_text(out, "],\"ranks\":{");
	for (size_t i = 0; i < r->rank_count; i++) {
		grow_text(out, i == 0 ? "" : ",");
		write_quoted(out, r->ranks[i].node);
		grow_text(out, ":");
		grow_u64(out, r->ranks[i].rank);
	}
	grow_text(out, "}}\n");
}

/* ---- reading: one member --------------------------------------------------------------------- */

static bool
add_setting(config_setting_t *group, const char *name, const json_t *value)
{
	config_setting_t *s = NULL;
	if (json_is_string(value)) {
		s = config_setting_add(group, name, CONFIG_TYPE_STRING);
		return s != NULL && config_setting_set_string(s, json_string_value(value));
	}
	if (json_is_integer(value)) {
		s = config_setting_add(group, name, CONFIG_TYPE_INT64);
		return s != NULL && config_setting_set_int64(s, json_integer_value(value));
	}
	s = config_setting_add(group, name, CONFIG_TYPE_BOOL); /* wanted nowhere: refused below */
	return s != NULL && json_is_boolean(value);
}

/* The first finding as a problem. */
static enum result
told(const struct loading *l, const char *where, struct problem *p)
{
	if (l->no_memory)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (l->findings->errors == 0)
		return RESULT_OK;
	const struct config_finding *f = &l->findings->list[0];
	const char *name = strrchr(f->path, '.');
	return problem_set(p, RESULT_INVALID, "%s%s%s%s: %s", where, name == NULL ? f->path : name,
			   *f->value == '\0' ? "" : " = ", f->value, f->reason);
}

enum result
roster_member_read(const json_t *object, const char *where, struct config_member *member,
		   struct problem *p)
{
	struct config_findings findings = {.list = NULL};
	struct loading l = {.file = "membership", .findings = &findings};
	const char *name;
	json_t *value;
	config_t tree;
	if (!json_is_object(object))
		return problem_set(p, RESULT_INVALID, "%s: an object is wanted", where);
	config_init(&tree);
	enum result r = RESULT_OK;
	config_setting_t *group =
	    config_setting_add(config_root_setting(&tree), "member", CONFIG_TYPE_GROUP);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (r == RESULT_OK && (group == NULL || !add_setting(group, name, value)))
			r = problem_set(p, RESULT_INVALID, "%s.%.*s: unknown, or no such value",
					where, ID_BYTES_MAX, name);
	}
	if (r == RESULT_OK) {
		read_element(&l, key_row_find(MEMBERS_PATH), group, member);
		r = told(&l, where, p);
	}
	config_findings_free(&findings);
	config_destroy(&tree);
	return r;
}

/* ---- reading: all ---------------------------------------------------------------------------- */

static enum result
read_name(const json_t *object, const char *key, const char *where, char out[ID_BYTES_MAX + 1],
	  struct problem *p)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value) || json_string_length(value) > ID_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "%s%s: a name is wanted", where, key);
	(void)snprintf(out, ID_BYTES_MAX + 1, "%s", json_string_value(value));
	return RESULT_OK;
}

static enum result
read_number(const json_t *object, const char *key, uint64_t *out, struct problem *p)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return problem_set(p, RESULT_INVALID, "%s: a whole number is wanted", key);
	*out = (uint64_t)json_integer_value(value);
	return RESULT_OK;
}

static enum result
read_service(const json_t *object, size_t number, struct roster_service *to, struct problem *p)
{
	char where[64];
	char name[ID_BYTES_MAX + 1];
	const json_t *list = json_object_get(object, "members");
	size_t count = json_array_size(list);
	(void)snprintf(where, sizeof(where), "services[%zu].", number);
	enum result r = read_name(object, "name", where, name, p);
	if (r != RESULT_OK)
		return r;
	if (count == 0 || count > MEMBERS_MAX || json_object_size(object) != 2)
		return problem_set(p, RESULT_INVALID, "%smembers: 1 to %d are wanted", where,
				   MEMBERS_MAX);
	to->name = strdup(name);
	to->members = calloc(count + 1, sizeof(to->members[0]));
	if (to->name == NULL || to->members == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; r == RESULT_OK && i < count; i++) {
		(void)snprintf(where, sizeof(where), "services[%zu].members[%zu]", number, i);
		to->member_count = i + 1;
		r = roster_member_read(json_array_get(list, i), where, &to->members[i], p);
	}
	return r;
}

static enum result
read_services(const json_t *list, struct roster *out, struct problem *p)
{
	size_t count = json_array_size(list);
	enum result r = RESULT_OK;
	if (!json_is_array(list) || count > SERVICES_MAX)
		return problem_set(p, RESULT_INVALID, "services: a list of %d at most is wanted",
				   SERVICES_MAX);
	out->services = calloc(count + 1, sizeof(out->services[0]));
	if (out->services == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; r == RESULT_OK && i < count; i++) {
		out->service_count = i + 1;
		r = read_service(json_array_get(list, i), i, &out->services[i], p);
	}
	return r;
}

static enum result
read_ranks(json_t *object, struct roster *out, struct problem *p)
{
	const char *node;
	json_t *rank;
	out->ranks = calloc(json_object_size(object) + 1, sizeof(out->ranks[0]));
	if (out->ranks == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (!json_is_object(object) || json_object_size(object) > NODES_MAX)
		return problem_set(p, RESULT_INVALID, "ranks: an object is wanted");
	json_object_foreach(object, node, rank)
	{
		json_int_t value = json_is_integer(rank) ? json_integer_value(rank) : -1;
		if (value < 0 || value > UINT16_MAX || strlen(node) > ID_BYTES_MAX)
			return problem_set(p, RESULT_INVALID, "ranks.%.*s: 0 to %d is wanted",
					   ID_BYTES_MAX, node, UINT16_MAX);
		struct roster_rank *to = &out->ranks[out->rank_count];
		*to = (struct roster_rank){strdup(node), (uint32_t)value};
		if (to->node == NULL)
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
		out->rank_count++;
	}
	return RESULT_OK;
}

static enum result
read_root(json_t *root, struct roster *out, struct problem *p)
{
	uint64_t version = 0;
	const char *twice = "";
	enum result r = read_number(root, "membership", &version, p);
	if (r == RESULT_OK && (version != ROSTER_VERSION || json_object_size(root) != 7))
		return problem_set(p, RESULT_INVALID, "not a membership of version %d",
				   ROSTER_VERSION);
	if (r == RESULT_OK)
		r = read_name(root, "cluster", "", out->cluster, p);
	if (r == RESULT_OK)
		r = read_name(root, "master", "", out->master, p);
	if (r == RESULT_OK)
		r = read_number(root, "epoch", &out->epoch, p);
	if (r == RESULT_OK)
		r = read_number(root, "term", &out->term, p);
	if (r == RESULT_OK)
		r = read_services(json_object_get(root, "services"), out, p);
	if (r == RESULT_OK)
		r = read_ranks(json_object_get(root, "ranks"), out, p);
	if (r == RESULT_OK && !roster_sort(out, &twice))
		r = problem_set(p, RESULT_INVALID, "%s stands there twice", twice);
	return r;
}

enum result
roster_read(struct slice text, struct roster **out, struct problem *p)
{
	json_error_t error;
	*out = NULL;
	if (text.bytes > ROSTER_BYTES_MAX)
		return problem_set(p, RESULT_LIMIT, "longer than %zu bytes", ROSTER_BYTES_MAX);
	json_t *root = json_loadb(text.at, text.bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root)) {
		json_decref(root);
		return problem_set(p, RESULT_INVALID, "no JSON object: line %d", error.line);
	}
	struct roster *r = calloc(1, sizeof(*r));
	enum result result =
	    r == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : read_root(root, r, p);
	json_decref(root);
	if (result != RESULT_OK)
		roster_free(&r);
	*out = r;
	return result;
}
