/* run.c: `holdfast run`: a node in the foreground. */
#include "cli/cli.h"

#include "base/digest.h"
#include "base/handed.h"
#include "base/handover.h"
#include "base/log.h"
#include "cli/options.h"
#include "node/node.h"

#include <stdlib.h>

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
	inherited_refuse(p.text);
	return EXIT_NEGATIVE;
}

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	const char **file = context;
	(void)option;
	(void)p;
	*file = value; /* the table lets no other through */
	return RESULT_OK;
}

/* The process before is told what is wrong: the first of it. */
static void
refuse(const struct config_findings *findings, const char *file)
{
	struct problem p = {""};
	size_t first = 0;
	while (first + 1 < findings->count && findings->list[first].warning)
		first++;
	if (findings->count > 0)
		config_finding_text(&findings->list[first], p.text, sizeof(p.text));
	else
		(void)problem_set(&p, RESULT_INVALID, "%s cannot be read", file);
	inherited_refuse(p.text);
}

static int
load_and_serve(const char *file)
{
	struct problem p;
	node_hold_signals(); /* before anything takes time: none kills what only starts */
	handed_take();
	if (inherited_take(&p) != RESULT_OK) {
		log_error("%s", p.text);
		return EXIT_NEGATIVE;
	}
	if (!digest_init()) {
		log_error("libsodium cannot be started");
		return EXIT_NEGATIVE;
	}
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(file, CONFIG_FOR_RUN, &config, &findings);
	config_findings_print(&findings, stderr);
	if (r != RESULT_OK)
		refuse(&findings, file);
	config_findings_free(&findings);
	if (r != RESULT_OK)
		return EXIT_USAGE;
	log_level_set(config->log_level);
	int status = serve(&config);
	config_free(&config);
	return status;
}

int
cli_run(int argc, char **argv)
{
	const char *file = NULL;
	struct cli_operands rest;
	int status = cli_parse(SUBCOMMAND_run, argc, argv, set_option, &file, &rest);
	if (status != CLI_GO_ON)
		return status;
	if (file == NULL || rest.count > 0)
		return cli_refuse(SUBCOMMAND_run, EXIT_USAGE,
				  "-c FILE is wanted, and nothing else");
	return load_and_serve(file);
}
