/* version.c: `holdfast version`. */
#include "cli/cli.h"

#include "vocab.h"

#include <stdio.h>
#include <stdlib.h>

int
cli_version(int argc, char **argv)
{
	if (argc != 1) {
		(void)fprintf(stderr, "holdfast %s: takes no arguments\n", argv[0]);
		return EXIT_USAGE;
	}
	(void)printf("holdfast %s\n", HOLDFAST_VERSION);
	return EXIT_SUCCESS;
}
