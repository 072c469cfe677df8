/* main.c: `pages FILE` writes one of the files to stdout; see pages.h. */
#include "pages.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*write)(FILE *to);
} files[] = {
    {"holdfast.1", page_command},   {"holdfast.conf.5", page_config},
    {"holdfast-logs.5", page_logs}, {"holdfast.bash", complete_bash},
    {"_holdfast", complete_zsh},    {"holdfast.fish", complete_fish},
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(argv[1], files[i].name) == 0) {
			files[i].write(stdout);
			return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_SUCCESS
									  : EXIT_FAILURE;
		}
	}
	(void)fputs("usage: pages FILE\n", stderr);
	return 2;
}
