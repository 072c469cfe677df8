/* log_line.c: see log_line.h. */
#include "cli/log_line.h"

enum event_kind
log_event_find(struct slice name)
{
	unsigned i = 0;
	while (i < EVENTS && !slice_equal(name, slice_of(event_text((enum event_kind)i))))
		i++;
	return (enum event_kind)i;
}

struct slice
log_line_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_string(value))
		return SLICE_NONE;
	return (struct slice){json_string_value(value), json_string_length(value)};
}

long long
log_line_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

json_t *
log_line_parse(struct slice line)
{
	for (size_t i = 0; i < line.bytes; i++) {
		if (line.at[i] < 0x20 || line.at[i] >= 0x7f)
			return NULL;
	}
	json_t *object = line.bytes < LOG_LINE_BYTES_MAX
			     ? json_loadb(line.at, line.bytes, JSON_ALLOW_NUL, NULL)
			     : NULL;
	if (object != NULL && log_line_text(object, "event").bytes > 0 &&
	    log_line_text(object, "ts").bytes > 0)
		return object;
	json_decref(object);
	return NULL;
}
