/*
 * top_cells.h: the columns of `holdfast top`: their heads, what stands in them, and which go first
 * where a terminal is narrow. Pure.
 */
#ifndef HOLDFAST_CLI_TOP_CELLS_H
#define HOLDFAST_CLI_TOP_CELLS_H

#include "cli/top_model.h"

#define TOP_CELL_BYTES 96
#define TOP_CELLS_MAX  16

/* `row`: struct top_member or struct top_service. Printable ASCII. */
struct top_column {
	const char *head;
	bool right;     /* aligned there: numbers */
	unsigned spare; /* the greatest goes first; 0: never */
	void (*cell)(const void *row, char text[TOP_CELL_BYTES]);
};

extern const struct top_column top_member_columns[];
extern const size_t top_member_column_count;
extern const struct top_column top_service_columns[];
extern const size_t top_service_column_count;

/* "12.3", "-" for NAN */
const char *top_number(double value, char text[TOP_CELL_BYTES]);

#endif
