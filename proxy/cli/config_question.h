/*
 * config_question.h: the command line of those commands that examine a configuration and nothing
 * else: check, doctor.
 */
#ifndef HOLDFAST_CLI_CONFIG_QUESTION_H
#define HOLDFAST_CLI_CONFIG_QUESTION_H

#include "cli/options.h"

struct config_question {
	const char *config; /* never NULL after CLI_GO_ON */
	bool json;
};

/* -c FILE and --json. CLI_GO_ON, or the exit status: what was wrong was said. */
int config_question_parse(struct config_question *q, enum subcommand command, int argc,
			  char **argv);

#endif
