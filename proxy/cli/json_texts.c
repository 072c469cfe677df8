/* json_texts.c: see json_texts.h. */
#include "cli/json_texts.h"

#include "base/text.h"

const char *
json_text(const json_t *object, const char *key, char *room, size_t bytes)
{
	const char *text = json_string_value(json_object_get(object, key));
	struct writer w = writer_on(room, bytes);
	write_escaped(&w, slice_of(text != NULL ? text : "-"));
	return writer_text(&w);
}

uint64_t
json_count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));
	return value > 0 ? (uint64_t)value : 0;
}
