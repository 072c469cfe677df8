/*
 * key_lines.h: session keys, one a line, from a file or from standard input. Any number of lines;
 * memory for one.
 */
#ifndef HOLDFAST_CLI_KEY_LINES_H
#define HOLDFAST_CLI_KEY_LINES_H

#include "base/text.h"
#include "result.h"
#include "vocab.h"

#include <stdio.h>

struct key_lines {
	FILE *from;       /* owned, unless standard input */
	const char *name; /* for messages; borrowed */
	uint64_t number;  /* of the line that was given last; 1 is the first */
	char line[SESSION_KEY_BYTES_MAX];
};

/* name "-": standard input. RESULT_IO. */
enum result key_lines_open(struct key_lines *k, const char *name, struct problem *p);
void key_lines_close(struct key_lines *k);

/*
 * The next key, without its line feed and a carriage return before that; it lives until the next
 * call. RESULT_NOT_FOUND: the end. RESULT_INVALID, with file and line: no key (empty, or longer
 * than SESSION_KEY_BYTES_MAX). RESULT_IO.
 */
enum result key_lines_next(struct key_lines *k, struct slice *key, struct problem *p);

#endif
