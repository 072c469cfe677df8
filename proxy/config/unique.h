/* unique.h: things that may stand in a list once. */
#ifndef HOLDFAST_CONFIG_UNIQUE_H
#define HOLDFAST_CONFIG_UNIQUE_H

#include "config/loading.h"

struct unique_key {
	const void *at; /* borrowed; NULL: this element has none */
	size_t bytes;
	size_t place; /* in the list */
};

/*
 * Complains of each element of `list` whose key an earlier one has; `child` is the key's name in
 * the element's group. Sorts `keys`. `fatal` false: only a warning.
 */
void check_unique(struct loading *l, config_setting_t *list, struct unique_key *keys, size_t count,
		  const char *child, bool fatal);
/* The same for terminated texts: a pointer at `offset` of each struct of `stride` bytes. */
void check_unique_names(struct loading *l, config_setting_t *list, const void *structs,
			size_t count, size_t stride, size_t offset, const char *child);

#endif
