/*
 * tail_summary.h: the outages of a failover log as one table: since when, whose, how long, how soon
 * it was seen, what it cost. Pure, but for the printing.
 */
#ifndef HOLDFAST_CLI_TAIL_SUMMARY_H
#define HOLDFAST_CLI_TAIL_SUMMARY_H

#include "cli/log_line.h"
#include "cli/table.h"

#define SUMMARY_OPEN_MAX 256 /* outages at once; of further ones the summary alone is shown */

/* One that goes on, as far as the log says. */
struct summary_open {
	char node[ID_BYTES_MAX + 1];
	char service[ID_BYTES_MAX + 1];
	char member[ID_BYTES_MAX + 1];
	char since[32];
	char reason[32];
	uint64_t moved; /* lines of sessions that left it */
};

struct tail_summary {
	struct table table;
	size_t opens;
	struct summary_open open[SUMMARY_OPEN_MAX];
};

void tail_summary_init(struct tail_summary *s);
/* The next line, that passed the filter. */
void tail_summary_line(struct tail_summary *s, struct slice line);
/* What still goes on, and then all of it; ends the summary. */
void tail_summary_print(struct tail_summary *s, FILE *to);

#endif
