/* run.c: `holdfast run -c FILE`: a node in the foreground. */
#include "cli/cli.h"

#include "base/digest.h"
#include "base/log.h"
#include "node.h"

#include <stdlib.h>
#include <string.h>

static int
serve(struct config **config)
{
	struct problem p;
	struct node *node;
	enum result r = node_create(config, &node, &p);
	if (r == RESULT_OK) {
		r = node_run(node, &p);
		node_free(&node);
	}
	if (r == RESULT_OK)
		return EXIT_SUCCESS;
	log_error("%s", p.text);
	return EXIT_NEGATIVE;
}

int
cli_run(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "-c") != 0) {
		(void)fprintf(stderr, "holdfast run: usage: holdfast run -c FILE\n");
		return EXIT_USAGE;
	}
	if (!digest_init()) {
		log_error("libsodium cannot be started");
		return EXIT_NEGATIVE;
	}
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(argv[2], CONFIG_FOR_RUN, &config, &findings);
	config_findings_print(&findings, stderr);
	config_findings_free(&findings);
	if (r != RESULT_OK)
		return EXIT_USAGE;
	log_level_set(config->log_level);
	int status = serve(&config);
	config_free(&config);
	return status;
}
