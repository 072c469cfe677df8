/*
 * keys.c: libconfig's tree into struct config, driven by the table of keys. Finds
 * unknown keys, wrong types, values out of bounds, and keys that are missing.
 *
 * A path in the table has "[]" for each element ("services[].members[].weight");
 * `pattern` is the same path of the setting at hand.
 */
#include "config/loading.h"
#include "config/values.h"

#include <stdlib.h>

#define PATTERN_BYTES_MAX 256

static void read_group(struct loading *l, config_setting_t *group, const char *pattern, void *base);

static struct value
value_of(config_setting_t *setting)
{
	struct value value = {.type = VALUE_OTHER};
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_BOOL:
		value.type = VALUE_FLAG;
		value.flag = config_setting_get_bool(setting);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		value.type = VALUE_NUMBER;
		value.number = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_STRING:
		value.type = VALUE_TEXT;
		value.text = config_setting_get_string(setting);
		value.text = value.text == NULL ? "" : value.text;
		break;
	default:
		break;
	}
	return value;
}

static void
complain_of(struct loading *l, config_setting_t *setting, enum result r, const struct problem *p)
{
	if (r == RESULT_NO_MEMORY)
		l->no_memory = true;
	else if (r != RESULT_OK)
		complain(l, setting, NULL, "%s", p->text);
}

/* True: the key or this value of it belongs to a later version; that is said here. */
static bool
belongs_later(struct loading *l, config_setting_t *setting, const char *pattern)
{
	const char *text = config_setting_get_string(setting);
	if (!key_is_later(pattern, text == NULL ? "" : text))
		return false;
	complain(l, setting, NULL, "not supported by this version");
	return true;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static bool
list_is_well(struct loading *l, config_setting_t *setting, const struct key_row *row)
{
	bool texts = row->kind == KIND_TEXTS;
	int count = config_setting_length(setting);
	if (!config_setting_is_list(setting) && !(texts && config_setting_is_array(setting)))
		complain(l, setting, NULL,
			 texts ? "a list of texts is wanted: [ \"...\", \"...\" ]"
			       : "a list of groups is wanted: ( { ... }, { ... } )");
	else if (count < row->low)
		complain(l, setting, NULL, "at least %lld is wanted", (long long)row->low);
	else if (count > row->high)
		complain(l, setting, NULL, "%d of them, above %lld", count, (long long)row->high);
	else
		return true;
	return false;
}

static void
read_texts(struct loading *l, config_setting_t *setting, const struct key_row *row, void *base)
{
	char pattern[PATTERN_BYTES_MAX];
	size_t count = (size_t)config_setting_length(setting);
	size_t kept = 0;
	(void)snprintf(pattern, sizeof(pattern), "%s[]", row->path);
	char **texts = (char **)calloc(count + 1, sizeof(texts[0]));
	if (texts == NULL) {
		l->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct problem p = {""};
		config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
		struct value value = value_of(element);
		if (belongs_later(l, element, pattern))
			continue;
		enum result r = value_copy_text(row, &value, &texts[kept], &p);
		complain_of(l, element, r, &p);
		kept += r == RESULT_OK;
	}
	key_pointer_set(base, row->offset, (void *)texts);
	memcpy((char *)base + row->count_offset, &kept, sizeof(kept));
}

static void
set_defaults(struct loading *l, enum key_scope scope, void *base)
{
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].scope == scope &&
		    value_store_default(&key_rows[i], base) != RESULT_OK)
			l->no_memory = true;
	}
}

static void
find_missing(struct loading *l, enum key_scope scope, config_setting_t *group)
{
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		bool list = row->kind == KIND_LIST || row->kind == KIND_TEXTS;
		bool required = list ? row->low > 0 : row->default_text == config_required;
		if (row->scope != scope || !required)
			continue;
		const char *name = key_row_relative(row);
		bool found = strcmp(name, "members") == 0 &&
			     config_setting_lookup(group, "discover") != NULL;
		if (!found && config_setting_lookup(group, name) == NULL)
			complain(l, group, name, "missing");
	}
}

/* One struct of `scope` from one group. */
static void
read_scope(struct loading *l, enum key_scope scope, config_setting_t *group, void *base)
{
	const struct key_scope_row *row = &key_scopes[scope];
	int line = (int)config_setting_source_line(group);
	set_defaults(l, scope, base);
	if (row->line_offset != SIZE_MAX)
		memcpy((char *)base + row->line_offset, &line, sizeof(line));
	if (!config_setting_is_group(group)) {
		complain(l, group, NULL, "a group is wanted: { ... }");
		return;
	}
	read_group(l, group, row->prefix, base);
	find_missing(l, scope, group);
}

static void
read_list(struct loading *l, config_setting_t *setting, const struct key_row *row, void *base)
{
	size_t count = (size_t)config_setting_length(setting);
	size_t bytes = key_scopes[row->element].bytes;
	if (count == 0)
		return;
	char *list = calloc(count, bytes);
	if (list == NULL) {
		l->no_memory = true;
		return;
	}
	key_pointer_set(base, row->offset, list);
	memcpy((char *)base + row->count_offset, &count, sizeof(count));
	for (size_t i = 0; i < count && !l->no_memory; i++)
		read_scope(l, row->element, config_setting_get_elem(setting, (unsigned)i),
			   list + i * bytes);
}

void
read_element(struct loading *l, const struct key_row *list, config_setting_t *group, void *base)
{
	read_scope(l, list->element, group, base);
}

/* ---- groups --------------------------------------------------------------------------------- */

static void
read_key(struct loading *l, config_setting_t *setting, const struct key_row *row, void *base)
{
	struct problem p = {""};
	if (row->kind == KIND_LIST || row->kind == KIND_TEXTS) {
		if (!list_is_well(l, setting, row))
			return;
		if (row->kind == KIND_LIST)
			read_list(l, setting, row, base);
		else
			read_texts(l, setting, row, base);
		return;
	}
	struct value value = value_of(setting);
	complain_of(l, setting, value_store(row, &value, base, &p), &p);
}

static void
read_group(struct loading *l, config_setting_t *group, const char *pattern, void *base)
{
	for (int i = 0; i < config_setting_length(group) && !l->no_memory; i++) {
		char path[PATTERN_BYTES_MAX];
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		(void)snprintf(path, sizeof(path), "%s%s%s", pattern, *pattern == '\0' ? "" : ".",
			       config_setting_name(setting));
		const struct key_row *row = key_row_find(path);
		bool later = belongs_later(l, setting, path);
		if (row != NULL && !later)
			read_key(l, setting, row, base);
		else if (row == NULL && key_is_group(path) && config_setting_is_group(setting))
			read_group(l, setting, path, base);
		else if (row == NULL && key_is_group(path))
			complain(l, setting, NULL, "a group is wanted: { ... }");
		else if (!later)
			complain(l, setting, NULL, "unknown key");
	}
}

void
read_keys(struct loading *l)
{
	set_defaults(l, SCOPE_config, l->config);
	read_group(l, l->root, "", l->config);
	find_missing(l, SCOPE_config, l->root);
	l->config->admin_enabled = l->config->admin.family != 0;
}
