/* table.c: see table.h. */
#include "cli/table.h"

#include <assert.h>
#include <inttypes.h>

void
table_text(struct table *t, const char *text)
{
	int width = (int)strlen(text);
	if (width > t->width[t->column])
		t->width[t->column] = width;
	grow_bytes(&t->cells, text, strlen(text) + 1);
	t->column = (t->column + 1) % t->columns;
}

void
table_number(struct table *t, uint64_t number)
{
	char text[U64_DIGITS_MAX + 1];
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	table_text(t, text);
}

void
table_init(struct table *t, const char *heads)
{
	struct slice rest = slice_of(heads);
	struct slice head;
	*t = (struct table){.columns = 0};
	grow_init(&t->cells, TABLE_BYTES_MAX);
	while (slice_next_element(&rest, &head)) {
		assert(t->columns < TABLE_COLUMNS_MAX);
		t->right[t->columns++] = head.at[0] == '>';
	}
	rest = slice_of(heads);
	while (slice_next_element(&rest, &head)) {
		char text[32];
		size_t skip = head.at[0] == '>';
		(void)snprintf(text, sizeof(text), "%.*s", (int)(head.bytes - skip),
			       head.at + skip);
		table_text(t, text);
	}
}

void
table_print(struct table *t, FILE *to)
{
	const char *end = t->cells.at + t->cells.bytes;
	size_t column = 0;
	for (const char *cell = t->cells.at; cell < end; cell += strlen(cell) + 1) {
		bool last = column + 1 == t->columns;
		int width = t->width[column];
		(void)fprintf(to, "%*s%s",
			      t->right[column] ? width
			      : last           ? 0
					       : -width,
			      cell, last ? "\n" : "  ");
		column = last ? 0 : column + 1;
	}
	grow_deinit(&t->cells);
}

const char *
duration_text(uint64_t ms, char *room, size_t bytes)
{
	uint64_t s = ms / 1000;
	if (s < 60)
		(void)snprintf(room, bytes, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		(void)snprintf(room, bytes, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(room, bytes, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			       s % 3600 / 60);
	else
		(void)snprintf(room, bytes, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			       s % 86400 / 3600);
	return room;
}
