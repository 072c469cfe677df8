/*
 * log_source.h: the lines of log files, one file after another; of standard input; of files that
 * gzip has packed, as logrotate leaves them. Memory for one line.
 */
#ifndef HOLDFAST_CLI_LOG_SOURCE_H
#define HOLDFAST_CLI_LOG_SOURCE_H

#include "base/text.h"
#include "cli/log_line.h"

#include <stdio.h>
#include <sys/types.h>

#define LOG_SOURCE_LINE_BYTES LOG_LINE_BYTES_MAX

struct log_source {
	FILE *from;       /* owned, unless standard input */
	pid_t unpacker;   /* gzip; 0: none */
	const char *name; /* for messages; borrowed */
	char line[LOG_SOURCE_LINE_BYTES];
};

/* name "-": standard input. RESULT_IO: it cannot be opened. */
enum result log_source_open(struct log_source *s, const char *name, struct problem *p);
/*
 * The next line without its line feed; it lives until the next call. RESULT_NOT_FOUND: the end.
 * RESULT_LIMIT: one that is longer than LOG_SOURCE_LINE_BYTES, which was skipped. RESULT_IO.
 */
enum result log_source_next(struct log_source *s, struct slice *line, struct problem *p);
/* RESULT_IO: a packed file was damaged or cut: the lines before that were given. */
enum result log_source_close(struct log_source *s, struct problem *p);

#endif
