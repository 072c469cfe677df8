/*
 * top_draw.h: the screen of `holdfast top`, as text for a terminal of so many columns and lines.
 * Pure. Whatever a node says is escaped to printable ASCII first, so that one byte is one column
 * and no control character passes; the only ones are those of the drawing itself (ECMA-48: cursor
 * to the beginning, erase, colours).
 */
#ifndef HOLDFAST_CLI_TOP_DRAW_H
#define HOLDFAST_CLI_TOP_DRAW_H

#include "base/grow.h"
#include "cli/top_model.h"

#include <stdio.h>

#define TOP_COLUMNS_MIN 20
#define TOP_LINES_MIN   6
#define TOP_COLUMNS_MAX 1000
#define TOP_LINES_MAX   1000
#define TOP_BYTES_MAX   ((size_t)8 * 1024 * 1024)

enum top_page { TOP_PAGE_MEMBERS, TOP_PAGE_MEMBER, TOP_PAGE_HELP };

struct top_screen {
	size_t columns;
	size_t lines;
	bool color;
	enum top_page page;
	enum top_sort sort;
	bool reverse;
	bool paused;
	uint64_t interval_ms;
	const char *where;    /* borrowed: the node's address */
	const char *away;     /* borrowed: why it does not answer; NULL: it does */
	uint64_t away_ms;     /* for how long */
	const char *selected; /* borrowed: "service/id"; NULL: the first member */
	size_t first; /* member at the top of the list: kept so that the selected one is seen */
};

/* "service/id", as selected has it. */
void top_member_name(const struct top_member *m, struct writer *w);
/* Place of the selected one, 0 when it is not there. */
size_t top_selected(const struct top_model *m, const struct top_screen *s);

/* The whole screen, of s->lines lines at most; s->first follows the selection. */
void top_draw(const struct top_model *m, struct top_screen *s, struct grow *out);
/* The same as plain text, as wide as it needs, all members: for --once. */
void top_print(const struct top_model *m, const struct top_screen *s, FILE *to);

#endif
