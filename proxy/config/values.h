/*
 * values.h: one value of the configuration into its field: type, form and bounds by
 * the key's row.
 */
#ifndef HOLDFAST_CONFIG_VALUES_H
#define HOLDFAST_CONFIG_VALUES_H

#include "config/rows.h"

enum value_type { VALUE_FLAG, VALUE_NUMBER, VALUE_TEXT, VALUE_OTHER };

struct value {
	enum value_type type;
	bool flag;
	int64_t number;
	const char *text; /* borrowed */
};

/*
 * Stores a value of `row` in *base. RESULT_INVALID: the problem says why, the field is as it was;
 * RESULT_NO_MEMORY.
 */
enum result value_store(const struct key_row *row, const struct value *value, void *base,
			struct problem *p);
/* The row's default, if it has one; an invalid one is a programmer's error. RESULT_NO_MEMORY. */
enum result value_store_default(const struct key_row *row, void *base);
/* One text of a KIND_TEXTS row into a copy that the caller frees. */
enum result value_copy_text(const struct key_row *row, const struct value *value, char **out,
			    struct problem *p);

#endif
