/* table.h: rows of cells, printed in columns as wide as they need. */
#ifndef HOLDFAST_CLI_TABLE_H
#define HOLDFAST_CLI_TABLE_H

#include "base/grow.h"

#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16
#define TABLE_BYTES_MAX   ((size_t)256 * 1024 * 1024)

struct table {
	size_t columns;
	bool right[TABLE_COLUMNS_MAX]; /* aligned there: numbers */
	int width[TABLE_COLUMNS_MAX];
	size_t column;     /* of the next cell */
	struct grow cells; /* terminated texts, row after row */
};

/* `heads`: of the columns, with ',' between; one that begins with '>' is of numbers. */
void table_init(struct table *t, const char *heads);
void table_text(struct table *t, const char *text);
void table_number(struct table *t, uint64_t number);
/* Prints all rows and ends the table. */
void table_print(struct table *t, FILE *to);

/* "3 min 5 s", into `room`, for a cell. */
const char *duration_text(uint64_t ms, char *room, size_t bytes);

#endif
