/* h2_fields.c: see h2_fields.h. */
#include "http/h2_fields.h"

#include "http/octets.h"

#include <string.h>

bool
h2_name_valid(struct slice name)
{
	for (size_t i = 0; i < name.bytes; i++) {
		char c = name.at[i];
		if (!is_token[(uint8_t)c] || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return name.bytes > 0;
}

bool
h2_value_valid(struct slice value)
{
	const char *end = value.at + value.bytes;
	if (value.bytes == 0)
		return true;
	return !is_blank(value.at[0]) && !is_blank(end[-1]) &&
	       find_control(value.at, value.at, end) == end;
}

bool
h2_line_add(struct writer *lines, struct slice name, struct slice value)
{
	if (!h2_name_valid(name) || !h2_value_valid(value))
		return false;
	write_together(lines, name, SLICE(": "), value, SLICE("\r\n"));
	return !lines->overflow;
}

bool
h2_fields_add(struct h2_fields *f, struct slice name, struct slice value)
{
	if (f->count == H2_LINES_MAX)
		return false;
	f->list[f->count++] =
	    (nghttp2_nv){(uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at, name.bytes,
			 value.bytes, NGHTTP2_NV_FLAG_NONE};
	return true;
}

void
h2_fields_begin(struct h2_fields *f, uint16_t status)
{
	f->status[0] = (char)('0' + status / 100);
	f->status[1] = (char)('0' + status / 10 % 10);
	f->status[2] = (char)('0' + status % 10);
	f->count = 0;
	(void)h2_fields_add(f, SLICE(":status"), (struct slice){f->status, sizeof(f->status)});
}

bool
h2_next_line(char **at, const char *end, struct slice *name, struct slice *value)
{
	char *from = *at;
	char *stop = memchr(from, '\r', (size_t)(end - from));
	char *colon = stop != NULL ? memchr(from, ':', (size_t)(stop - from)) : NULL;
	if (colon == NULL)
		return false;
	for (char *c = from; c < colon; c++)
		*c = ascii_lower(*c);
	*name = (struct slice){from, (size_t)(colon - from)};
	*value = slice_trim((struct slice){colon + 1, (size_t)(stop - colon - 1)});
	*at = stop + 2;
	return true;
}

bool
h2_fields_add_lines(struct h2_fields *f, char *at, size_t bytes, struct slice but)
{
	const char *end = at + bytes;
	struct slice name;
	struct slice value;
	while (at < end) {
		if (!h2_next_line(&at, end, &name, &value))
			return false;
		if (!slice_equal(name, but) && !h2_fields_add(f, name, value))
			return false;
	}
	return true;
}

bool
h2_next_start(char **at, const char *end, struct slice *method, struct slice *path)
{
	char *stop = memchr(*at, '\r', (size_t)(end - *at));
	if (stop == NULL)
		return false;
	struct slice line = {*at, (size_t)(stop - *at)};
	size_t first = slice_find(line, ' ');
	*method = (struct slice){line.at, first};
	if (first >= line.bytes)
		return false;
	struct slice rest = {line.at + first + 1, line.bytes - first - 1};
	*path = (struct slice){rest.at, slice_find(rest, ' ')};
	*at = stop + 2;
	return true;
}
