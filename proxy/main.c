/* main.c: argv -> subcommand table, nothing else. */
#include "cli/cli.h"
#include "cli/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int (*const functions[SUBCOMMANDS])(int argc, char **argv) = {
#define SUBCOMMAND(ident, name, usage, help, details, negative) cli_##ident,
#include "tbl/subcommands.h"
};

static bool
is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
refuse(const char *text)
{
	(void)fprintf(stderr, "holdfast: %s; holdfast help lists the commands\n", text);
	return EXIT_USAGE;
}

/* `holdfast help [COMMAND]` */
static int
help(int argc, char *const *argv)
{
	if (argc > 2)
		return refuse("help takes one command");
	enum subcommand command = argc == 2 ? subcommand_find(argv[1]) : SUBCOMMANDS;
	bool all = argc < 2 || is_help(argv[1]);
	if (!all && command == SUBCOMMANDS)
		return refuse("no such command");
	if (!all)
		cli_print_help(command, stdout);
	else
		cli_print_commands(stdout);
	return EXIT_SUCCESS;
}

static int
carry_out(int argc, char **argv)
{
	if (argc < 2)
		return refuse("a command is wanted");
	if (is_help(argv[1]))
		return help(argc - 1, argv + 1);
	enum subcommand command = subcommand_find(argv[1]);
	if (strcmp(argv[1], "--version") == 0)
		command = SUBCOMMAND_version;
	if (command == SUBCOMMANDS)
		return refuse("no such command");
	return functions[command](argc - 1, argv + 1);
}

/*
 * Who starts us with a standard descriptor closed would have a socket, or a file of ours, get its
 * number, and what is said on stderr would go to a client. They fail as closed ones do: what is to
 * be written cannot be, what is to be read neither.
 */
static void
hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1) /* the lowest number that is free */
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

int
main(int argc, char **argv)
{
	hold_standard_descriptors();
	int status = carry_out(argc, argv);
	if (ferror(stdout) == 0 && fflush(stdout) == 0)
		return status;
	(void)fprintf(stderr, "holdfast: standard output cannot be written\n");
	return EXIT_USAGE;
}
