/* main.c: argv -> subcommand table, nothing else. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct subcommand {
	const char *name;
	const char *usage;
	const char *help;
	int (*run)(int argc, char **argv);
} subcommands[] = {
#define SUBCOMMAND(name, usage, help) {#name, usage, help, cli_##name},
#include "tbl/subcommands.h"
#undef SUBCOMMAND
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void
print_usage(FILE *to)
{
	(void)fprintf(to, "Holdfast: a session-affinity failover reverse proxy.\n\n");
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		(void)fprintf(to, "  holdfast %s\n        %s\n", subcommands[i].usage,
			      subcommands[i].help);
	(void)fprintf(to, "\nExit status: 0 ok, 1 negative answer, 2 usage or configuration.\n");
}

static const struct subcommand *
find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++) {
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return EXIT_SUCCESS;
	}
	const struct subcommand *subcommand = find(argv[1]);
	if (subcommand == NULL) {
		(void)fprintf(stderr, "holdfast: no such subcommand; holdfast help lists them\n");
		return EXIT_USAGE;
	}
	return subcommand->run(argc - 1, argv + 1);
}
