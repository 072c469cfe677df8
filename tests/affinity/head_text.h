/*
 * head_text.h: a head's text split into struct http_head, for tests of the
 * affinity room alone: lenient where proxy/http/parse.c is strict, so that these tests
 * do not link the parser. Include it in one file of a program.
 */
#ifndef HOLDFAST_TESTS_HEAD_TEXT_H
#define HOLDFAST_TESTS_HEAD_TEXT_H

#include "http/head.h"

const struct http_field *
http_field_find(const struct http_head *head, struct slice name, size_t *at)
{
	for (size_t i = *at; i < head->field_count; i++) {
		if (slice_equal_nocase(http_field_name(head, &head->field[i]), name)) {
			*at = i + 1;
			return &head->field[i];
		}
	}
	return NULL;
}

static inline uint8_t
head_field_id(struct slice name)
{
	if (slice_equal_nocase(name, SLICE("cookie")))
		return FIELD_COOKIE;
	if (slice_equal_nocase(name, SLICE("set-cookie")))
		return FIELD_SET_COOKIE;
	return FIELD_OTHER;
}

/* One line of `text` from `at`, without its CRLF; the place behind it. */
static inline size_t
head_next_line(struct slice text, size_t at, struct slice *line)
{
	const char *stop = memmem(text.at + at, text.bytes - at, "\r\n", 2);
	size_t end = stop == NULL ? text.bytes : (size_t)(stop - text.at);
	*line = (struct slice){text.at + at, end - at};
	return stop == NULL ? text.bytes : end + 2;
}

/* `text` is borrowed: "GET /p?q HTTP/1.1\r\nName: value\r\n\r\n" or a status line and fields. */
static inline void
head_split(struct slice text, struct http_head *head)
{
	memset(head, 0, sizeof(*head));
	head->base = text.at;
	head->bytes = (uint32_t)text.bytes;
	struct slice line;
	size_t at = head_next_line(text, 0, &line);
	size_t method = slice_find(line, ' ');
	if (method < line.bytes) {
		struct slice rest = {line.at + method + 1, line.bytes - method - 1};
		head->path = (struct slice){rest.at, slice_find(rest, ' ')};
	}
	while (at < text.bytes && head->field_count < HTTP_FIELDS_MAX) {
		size_t from = at;
		at = head_next_line(text, at, &line);
		size_t colon = slice_find(line, ':');
		if (line.bytes == 0 || colon == line.bytes)
			continue;
		struct slice value =
		    slice_trim((struct slice){line.at + colon + 1, line.bytes - colon - 1});
		struct slice name = {line.at, colon};
		uint16_t i = head->field_count++;
		head->field[i] = (struct http_field){
		    .name_at = (uint32_t)from,
		    .value_at = (uint32_t)(value.at - text.at),
		    .value_bytes = (uint32_t)value.bytes,
		    .name_bytes = (uint16_t)colon,
		    .id = head_field_id(name),
		    .line_bytes = (uint32_t)(at - from),
		};
		if (head->field[i].id == FIELD_OTHER)
			continue;
		if (i < 64)
			head->cookie_fields |= UINT64_C(1) << i;
		else
			head->cookie_more = true;
	}
}

#endif
