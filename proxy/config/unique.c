/* unique.c: duplicates by sorting; see unique.h. */
#include "config/unique.h"

#include "config/rows.h"

#include <stdlib.h>

static int
compare_bytes(const struct unique_key *a, const struct unique_key *b)
{
	size_t shorter = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order = shorter == 0 ? 0 : memcmp(a->at, b->at, shorter);
	return order != 0 ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* By key, then by place, so that the first of equals is the earliest. */
static int
compare(const void *left, const void *right)
{
	const struct unique_key *a = left;
	const struct unique_key *b = right;
	int order = compare_bytes(a, b);
	return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

void
check_unique(struct loading *l, config_setting_t *list, struct unique_key *keys, size_t count,
	     const char *child, bool fatal)
{
	size_t first = 0;
	if (count == 0)
		return;
	qsort(keys, count, sizeof(keys[0]), compare);
	for (size_t i = 1; i < count; i++) {
		if (compare_bytes(&keys[first], &keys[i]) != 0) {
			first = i;
			continue;
		}
		if (keys[i].at == NULL)
			continue;
		config_setting_t *element = config_setting_get_elem(list, (unsigned)keys[i].place);
		(fatal ? complain : warn)(l, element, child, "the same as that of %s[%zu]",
					  config_setting_name(list), keys[first].place);
	}
}

void
check_unique_names(struct loading *l, config_setting_t *list, const void *structs, size_t count,
		   size_t stride, size_t offset, const char *child)
{
	struct unique_key *keys = calloc(count + 1, sizeof(keys[0]));
	if (keys == NULL) {
		l->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = key_pointer_get((const char *)structs + i * stride, offset);
		keys[i] = (struct unique_key){name, name == NULL ? 0 : strlen(name), i};
	}
	check_unique(l, list, keys, count, child, true);
	free(keys);
}
