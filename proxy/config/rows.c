/* rows.c: the table of keys as data; see rows.h. */
#include "config/rows.h"

#include "base/text.h"
#include "http/head.h"

#include <stdlib.h>

#define WIDTH(owner, field) sizeof(((struct owner *)0)->field)
#define CONFIG_REQUIRED     config_required

const char config_required[] = "required";

const struct key_row key_rows[] = {
#define CONFIG_KEY(owner, path_, kind_, field, unit_, default_, low_, high_, help_) \
	{                                                                           \
	    .path = (path_),                                                        \
	    .path_bytes = sizeof(path_) - 1,                                        \
	    .scope = SCOPE_##owner,                                                 \
	    .kind = KIND_##kind_,                                                   \
	    .offset = offsetof(struct owner, field),                                \
	    .width = WIDTH(owner, field),                                           \
	    .unit = (unit_),                                                        \
	    .default_text = (default_),                                             \
	    .low = (low_),                                                          \
	    .high = (high_),                                                        \
	    .help = (help_),                                                        \
	},
#define CONFIG_TEXTS(owner, path_, kind_, field, count, low_, high_, help_) \
	{                                                                   \
	    .path = (path_),                                                \
	    .path_bytes = sizeof(path_) - 1,                                \
	    .scope = SCOPE_##owner,                                         \
	    .kind = KIND_TEXTS,                                             \
	    .element_kind = KIND_##kind_,                                   \
	    .offset = offsetof(struct owner, field),                        \
	    .width = sizeof(void *),                                        \
	    .count_offset = offsetof(struct owner, count),                  \
	    .unit = "",                                                     \
	    .low = (low_),                                                  \
	    .high = (high_),                                                \
	    .help = (help_),                                                \
	},
#define CONFIG_LIST(owner, path_, element_, field, count, low_, high_, help_) \
	{                                                                     \
	    .path = (path_),                                                  \
	    .path_bytes = sizeof(path_) - 1,                                  \
	    .scope = SCOPE_##owner,                                           \
	    .kind = KIND_LIST,                                                \
	    .element = SCOPE_##element_,                                      \
	    .offset = offsetof(struct owner, field),                          \
	    .width = sizeof(void *),                                          \
	    .count_offset = offsetof(struct owner, count),                    \
	    .unit = "",                                                       \
	    .low = (low_),                                                    \
	    .high = (high_),                                                  \
	    .help = (help_),                                                  \
	},
#include "tbl/config_keys.h"
#undef CONFIG_KEY
#undef CONFIG_TEXTS
#undef CONFIG_LIST
};
const size_t key_row_count = sizeof(key_rows) / sizeof(key_rows[0]);

const struct key_scope_row key_scopes[SCOPES] = {
    [SCOPE_config] = {"", sizeof(struct config), SIZE_MAX},
    [SCOPE_config_secret] = {"secrets[]", sizeof(struct config_secret), SIZE_MAX},
    [SCOPE_config_listener] = {"listeners[]", sizeof(struct config_listener), SIZE_MAX},
    [SCOPE_config_certificate] = {"listeners[].tls.certificates[]",
				  sizeof(struct config_certificate), SIZE_MAX},
    [SCOPE_config_node] = {"cluster.nodes[]", sizeof(struct config_node),
			   offsetof(struct config_node, line)},
    [SCOPE_config_service] = {"services[]", sizeof(struct config_service),
			      offsetof(struct config_service, line)},
    [SCOPE_config_member] = {"services[].members[]", sizeof(struct config_member),
			     offsetof(struct config_member, line)},
};

const struct key_row *
key_row_find(const char *path)
{
	size_t bytes = strlen(path);
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].path_bytes == bytes && memcmp(key_rows[i].path, path, bytes) == 0)
			return &key_rows[i];
	}
	return NULL;
}

bool
key_is_group(const char *path)
{
	size_t bytes = strlen(path);
	for (size_t i = 0; i < key_row_count; i++) {
		if (strncmp(key_rows[i].path, path, bytes) == 0 && key_rows[i].path[bytes] == '.')
			return true;
	}
	return false;
}

const char *
key_row_relative(const struct key_row *row)
{
	size_t prefix = strlen(key_scopes[row->scope].prefix);
	return row->path + (prefix == 0 ? 0 : prefix + 1);
}

bool
key_is_later(const char *path, const char *text)
{
	static const struct {
		const char *path;
		const char *text;
	} later[] = {
#define CONFIG_LATER(path, text) {path, text},
#include "tbl/config_later.h"
#undef CONFIG_LATER
	    {NULL, NULL}};
	for (size_t i = 0; later[i].path != NULL; i++) {
		if (strcmp(later[i].path, path) == 0 &&
		    strncmp(later[i].text, text, strlen(later[i].text)) == 0)
			return true;
	}
	return false;
}

/* Pointers of any type are moved as bytes: a field of type struct config_member * is no char *. */
void *
key_pointer_get(const void *base, size_t offset)
{
	void *at;
	memcpy(&at, (const char *)base + offset, sizeof(at));
	return at;
}

void
key_pointer_set(void *base, size_t offset, const void *at)
{
	memcpy((char *)base + offset, &at, sizeof(at));
}

static void
texts_free(char **texts, size_t count)
{
	if (texts == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free((void *)texts);
}

static void
list_free(enum key_scope element, char *list, size_t count)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		key_scope_free(element, list + i * key_scopes[element].bytes);
	free(list);
}

static bool
row_owns(enum key_kind kind)
{
	switch (kind) {
	case KIND_BOOL:
	case KIND_COUNT:
	case KIND_DURATION:
	case KIND_SECONDS:
	case KIND_SIZE:
	case KIND_PERCENT:
	case KIND_WORD:
	case KIND_ADDRESS:
	case KIND_SOCKET:
	case KIND_LISTEN:
	case KIND_ORIGIN:
	case KIND_DISCOVER:
	case KIND_POOL_KEY:
		return false;
	default:
		return true;
	}
}

static void
row_free(const struct key_row *row, void *base)
{
	size_t count;
	if (!row_owns(row->kind))
		return;
	switch (row->kind) {
	case KIND_TEXTS:
		memcpy(&count, (char *)base + row->count_offset, sizeof(count));
		texts_free(key_pointer_get(base, row->offset), count);
		break;
	case KIND_LIST:
		memcpy(&count, (char *)base + row->count_offset, sizeof(count));
		list_free(row->element, key_pointer_get(base, row->offset), count);
		break;
	default:
		free(key_pointer_get(base, row->offset));
	}
	key_pointer_set(base, row->offset, NULL);
}

void
key_scope_free(enum key_scope scope, void *base)
{
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].scope == scope)
			row_free(&key_rows[i], base);
	}
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void *
texts_copy(char *const *texts, size_t count, bool *whole)
{
	char **copy = (char **)calloc(count + 1, sizeof(copy[0]));
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(texts[i]);
		*whole &= copy[i] != NULL;
	}
	return (void *)copy;
}

static void *
list_copy(enum key_scope element, const char *list, size_t count, bool *whole)
{
	size_t bytes = key_scopes[element].bytes;
	char *copy = malloc((count + 1) * bytes);
	if (copy == NULL)
		return NULL;
	memcpy(copy, list, count * bytes);
	for (size_t i = 0; i < count; i++)
		*whole &= key_scope_copy(element, list + i * bytes, copy + i * bytes);
	return copy;
}

static bool
row_copy(const struct key_row *row, const void *from, void *to)
{
	const void *held = key_pointer_get(from, row->offset);
	void *copy = NULL;
	bool whole = true;
	size_t count = 0;
	key_pointer_set(to, row->offset, NULL);
	if (held == NULL)
		return true;
	if (row->kind == KIND_LIST || row->kind == KIND_TEXTS)
		memcpy(&count, (const char *)from + row->count_offset, sizeof(count));
	if (row->kind == KIND_LIST)
		copy = list_copy(row->element, held, count, &whole);
	else if (row->kind == KIND_TEXTS)
		copy = texts_copy(held, count, &whole);
	else
		copy = strdup(held);
	key_pointer_set(to, row->offset, copy);
	return copy != NULL && whole;
}

/* Several rows may name one field, of which one is set: it is copied once. */
static bool
field_was_before(const struct key_row *row)
{
	for (const struct key_row *other = key_rows; other < row; other++) {
		if (other->scope == row->scope && other->offset == row->offset)
			return true;
	}
	return false;
}

bool
key_scope_copy(enum key_scope scope, const void *from, void *to)
{
	bool whole = true;
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		if (row->scope == scope && row_owns(row->kind) && !field_was_before(row))
			whole &= row_copy(row, from, to);
	}
	return whole;
}

/* ---- bounds --------------------------------------------------------------------------------- */

struct step {
	int64_t factor;
	const char *name;
};

/* In the largest unit that leaves no rest. */
static void
write_in_units(struct writer *w, int64_t number, const struct step *steps)
{
	while (number % steps->factor != 0 || (number == 0 && steps->factor != 1))
		steps++;
	write_u64(w, (uint64_t)(number / steps->factor));
	write_text(w, steps->name);
}

void
write_bound(struct writer *w, const struct key_row *row, int64_t bound)
{
	static const struct step durations[] = {
	    {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	static const struct step sizes[] = {
	    {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
	static const struct step plain[] = {{1, ""}};
	static const struct step percent[] = {{1, "%"}};
	bool duration = row->kind == KIND_DURATION || row->kind == KIND_SECONDS;
	write_in_units(w, bound,
		       duration                    ? durations
		       : row->kind == KIND_SIZE    ? sizes
		       : row->kind == KIND_PERCENT ? percent
						   : plain);
}
