/*
 * options.h: the command line of every subcommand, parsed and explained by the rows of
 * include/tbl/subcommands.h.
 */
#ifndef HOLDFAST_CLI_OPTIONS_H
#define HOLDFAST_CLI_OPTIONS_H

#include "result.h"

#include <stdbool.h>
#include <stdio.h>

enum subcommand {
#define SUBCOMMAND(ident, name, usage, help, details, negative) SUBCOMMAND_##ident,
#include "tbl/subcommands.h"
	SUBCOMMANDS
};

enum cli_option {
#define OPTION(ident, letter, name, value) OPTION_##ident,
#include "tbl/subcommands.h"
	OPTIONS
};

#define CLI_GO_ON (-1) /* no exit status: the command is to be carried out */

/* Takes an option's value; NULL for a switch. An error's text goes to the user. */
typedef enum result cli_set(void *context, enum cli_option option, const char *value,
			    struct problem *p);

struct cli_operands {
	char **at; /* borrowed from argv */
	int count;
};

/*
 * Parses argv (argv[0] is the command's name) by the rows of `command`: each option to `set`, in
 * order, what is left to *operands (options may stand behind operands; "--" ends them). Returns
 * CLI_GO_ON, or the exit status with which the command ends: --help printed its text, or an
 * error was said in one line on stderr.
 */
int cli_parse(enum subcommand command, int argc, char **argv, cli_set *set, void *context,
	      struct cli_operands *operands);

/* "holdfast NAME: TEXT" on stderr; returns `status`, the exit status. */
int cli_refuse(enum subcommand command, int status, const char *text);

const char *subcommand_name(enum subcommand command);
/* By name; SUBCOMMANDS: there is none. */
enum subcommand subcommand_find(const char *name);

/* What there is, a command each two lines. */
void cli_print_commands(FILE *to);
/* One command: usage, options, examples, exit status. */
void cli_print_help(enum subcommand command, FILE *to);

#endif
