/* config_question.c: see config_question.h. */
#include "cli/config_question.h"

#include "cli/cli.h"

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct config_question *q = context;
	(void)p;
	if (option == OPTION_CONFIG)
		q->config = value;
	else
		q->json = true; /* the table lets no other through */
	return RESULT_OK;
}

int
config_question_parse(struct config_question *q, enum subcommand command, int argc, char **argv)
{
	struct cli_operands rest;
	*q = (struct config_question){.config = NULL};
	int status = cli_parse(command, argc, argv, set_option, q, &rest);
	if (status == CLI_GO_ON && (q->config == NULL || rest.count > 0))
		status = cli_refuse(command, EXIT_USAGE, "-c FILE is wanted, and nothing else");
	return status;
}
