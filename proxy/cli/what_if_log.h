/*
 * what_if_log.h: `holdfast what-if --log`: which sessions of an access log a change of the members
 * would move.
 *
 *   access logs --log_source--> lines --sessions--> each session's last state --compare--> moves
 *
 * A line's `point` is all that the ordering takes of a session (hashring_point), so the answer is
 * the proxy's own, though no log tells a session's key or digest.
 */
#ifndef HOLDFAST_CLI_WHAT_IF_LOG_H
#define HOLDFAST_CLI_WHAT_IF_LOG_H

#include "cli/change.h"

#define LOG_FILES_MAX 1024
#define MOVES_SHOWN   100 /* of each service; --all: all */

struct log_question {
	const char *service; /* NULL: all to which the change can be made */
	const char *down;    /* NULL: nobody */
	const struct changes *changes;
	const char *const *file; /* "-": standard input */
	size_t files;
	const char *since; /* NULL: all */
	bool all;
	bool summary_only;
	bool json;
};

/* The exit status; an error was said. */
int what_if_log(const struct config *config, const struct log_question *q);

#endif
