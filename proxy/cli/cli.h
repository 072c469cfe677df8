/*
 * cli.h: one function a subcommand; main.c finds it in include/tbl/subcommands.h.
 * Results go to stdout, errors in one line to stderr. Exit: 0 ok, 1 negative
 * answer, 2 usage or configuration.
 */
#ifndef HOLDFAST_CLI_CLI_H
#define HOLDFAST_CLI_CLI_H

#define EXIT_NEGATIVE 1
#define EXIT_USAGE    2

/* argv[0] is the subcommand's name. */
#define SUBCOMMAND(ident, name, usage, help, details, negative) \
	int cli_##ident(int argc, char **argv);
#include "tbl/subcommands.h"

#endif
