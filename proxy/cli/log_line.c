/* log_line.c: see log_line.h. */
#include "cli/log_line.h"

#include <time.h>

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

/* `count` digits from text[at] on; -1: something else stands there. */
static int
number_at(struct slice text, size_t at, size_t count)
{
	uint64_t number;
	if (at + count > text.bytes || !slice_to_u64((struct slice){text.at + at, count}, &number))
		return -1;
	return (int)number;
}

int64_t
log_line_time(struct slice ts)
{
	static const struct {
		size_t at;
		size_t count;
	} parts[] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}};
	int n[7];
	for (size_t i = 0; i < 7; i++) {
		n[i] = number_at(ts, parts[i].at, parts[i].count);
		if (n[i] < 0)
			return -1;
	}
	struct tm t = {.tm_year = n[0] - 1900,
		       .tm_mon = n[1] - 1,
		       .tm_mday = n[2],
		       .tm_hour = n[3],
		       .tm_min = n[4],
		       .tm_sec = n[5]};
	return (int64_t)timegm(&t) * 1000 + n[6];
}
