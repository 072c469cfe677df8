/* version.c: `holdfast version`. */
#include "cli/cli.h"

#include "affinity/tag.h"
#include "cli/options.h"
#include "hashring.h"
#include "vocab.h"

#include <stdlib.h>

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	bool *json = context;
	(void)option;
	(void)value;
	(void)p;
	*json = true; /* the table lets no other through */
	return RESULT_OK;
}

int
cli_version(int argc, char **argv)
{
	bool json = false;
	struct cli_operands rest;
	int status = cli_parse(SUBCOMMAND_version, argc, argv, set_option, &json, &rest);
	if (status != CLI_GO_ON)
		return status;
	if (rest.count > 0)
		return cli_refuse(SUBCOMMAND_version, EXIT_USAGE, "takes no operands");
	if (json)
		(void)printf("{\"version\": \"%s\", \"ordering\": %d, \"tag\": %d}\n",
			     HOLDFAST_VERSION, HASHRING_VERSION, TAG_VERSION);
	else
		(void)printf("holdfast %s\n", HOLDFAST_VERSION);
	return EXIT_SUCCESS;
}
