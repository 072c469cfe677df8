/*
 * fields.c: names of fields. A name is looked up once for every line of every head, so
 * its length and first letter leave one candidate or none before anything is compared.
 */
#include "http/octets.h"
#include "http/parsing.h"

static const struct slice field_texts[FIELD_IDS] = {
#define FIELD(name, text, action) [FIELD_##name] = {text, sizeof(text) - 1},
#include "tbl/fields.h"
#undef FIELD
};

enum field_action { ACTION_PASS, ACTION_HOP, ACTION_OWN, ACTION_FRAME };

const bool field_drops[FIELD_IDS] = {
#define FIELD(name, text, action) [FIELD_##name] = ACTION_##action != ACTION_PASS,
#include "tbl/fields.h"
#undef FIELD
};

/* Sets of ids, constants where the argument is one. */
static inline __attribute__((always_inline)) uint64_t
ids_of_length(size_t bytes)
{
	return UINT64_C(0)
#define FIELD(name, text, action) | (uint64_t)(sizeof(text) - 1 == bytes) << FIELD_##name
#include "tbl/fields.h"
#undef FIELD
	    ;
}

static inline __attribute__((always_inline)) uint64_t
ids_of_letter(char first)
{
	return UINT64_C(0)
#define FIELD(name, text, action) | (uint64_t)((text)[0] == first) << FIELD_##name
#include "tbl/fields.h"
#undef FIELD
	    ;
}

#define FIELD_TEXT_MIN 2
#define FIELD_TEXT_MAX 27
#define FIELD(name, text, action)                                                               \
	static_assert(sizeof(text) - 1 >= FIELD_TEXT_MIN && sizeof(text) - 1 <= FIELD_TEXT_MAX, \
		      "ids_by_length has a case for " text);
#include "tbl/fields.h"
#undef FIELD

/* Both switches become tables of constants. */
/* clang-format off */
static inline uint64_t
ids_by_length(size_t bytes)
{
#define CASE(n) case n: return ids_of_length(n)
	switch (bytes) {
	CASE(2); CASE(3); CASE(4); CASE(5); CASE(6); CASE(7); CASE(8);
	CASE(9); CASE(10); CASE(11); CASE(12); CASE(13); CASE(14); CASE(15);
	CASE(16); CASE(17); CASE(18); CASE(19); CASE(20); CASE(21); CASE(22);
	CASE(23); CASE(24); CASE(25); CASE(26); CASE(27);
	default: return 0;
	}
#undef CASE
}

static inline uint64_t
ids_by_letter(char first)
{
#define CASE(c) case c: return ids_of_letter(c)
	switch (first) {
	CASE('a'); CASE('b'); CASE('c'); CASE('d'); CASE('e'); CASE('f'); CASE('g');
	CASE('h'); CASE('i'); CASE('j'); CASE('k'); CASE('l'); CASE('m'); CASE('n');
	CASE('o'); CASE('p'); CASE('q'); CASE('r'); CASE('s'); CASE('t'); CASE('u');
	CASE('v'); CASE('w'); CASE('x'); CASE('y'); CASE('z');
	default: return 0;
	}
#undef CASE
}
/* clang-format on */

static inline bool
same_eight(const char *at, const char *lower)
{
	uint64_t a;
	uint64_t b;
	memcpy(&a, at, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | CASE_BIT * UINT64_C(0x0101010101010101)) == b;
}

static inline bool
same_four(const char *at, const char *lower)
{
	uint32_t a;
	uint32_t b;
	memcpy(&a, at, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | CASE_BIT * UINT32_C(0x01010101)) == b;
}

/* Both have `bytes` characters; `lower` is lower-case letters and '-', `at` is a token. */
static bool
same_name(const char *at, const char *lower, size_t bytes)
{
	size_t i = 0;
	if (bytes >= 8) {
		for (; bytes - i > 8; i += 8) {
			if (!same_eight(at + i, lower + i))
				return false;
		}
		return same_eight(at + bytes - 8, lower + bytes - 8);
	}
	if (bytes >= 4)
		return same_four(at, lower) && same_four(at + bytes - 4, lower + bytes - 4);
	while (i < bytes && (at[i] | CASE_BIT) == lower[i])
		i++;
	return i == bytes;
}

enum field_id
field_lookup(struct slice name)
{
	uint64_t left = ids_by_length(name.bytes);
	if (left != 0)
		left &= ids_by_letter((char)(name.at[0] | CASE_BIT));
	for (; left != 0; left &= left - 1) {
		int id = __builtin_ctzll(left);
		if (same_name(name.at, field_texts[id].at, name.bytes))
			return (enum field_id)id;
	}
	return FIELD_OTHER;
}

bool
field_is_holdfast(struct slice name)
{
	static const struct slice prefix = TEXT("holdfast");
	return name.bytes > prefix.bytes + 1 && same_name(name.at, prefix.at, prefix.bytes) &&
	       (name.at[prefix.bytes] == '-' || name.at[prefix.bytes] == '_');
}

const struct http_field *
http_field_find(const struct http_head *head, struct slice name, size_t *at)
{
	for (size_t i = *at; i < head->field_count; i++) {
		if (head->field[i].name_bytes == name.bytes &&
		    slice_equal_nocase(http_field_name(head, &head->field[i]), name)) {
			*at = i + 1;
			return &head->field[i];
		}
	}
	*at = head->field_count;
	return NULL;
}

const struct http_field *
http_field_find_id(const struct http_head *head, enum field_id id, size_t *at)
{
	for (size_t i = *at; i < head->field_count; i++) {
		if (head->field[i].id == id) {
			*at = i + 1;
			return &head->field[i];
		}
	}
	*at = head->field_count;
	return NULL;
}
