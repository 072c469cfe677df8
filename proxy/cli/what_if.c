/* what_if.c: `holdfast what-if`: which session keys a change of the members moves, and to whom. */
#include "cli/cli.h"

#include "cli/compare.h"
#include "cli/key_lines.h"
#include "cli/options.h"
#include "cli/service.h"

#include <stdlib.h>

struct question {
	const char *config;
	const char *service; /* NULL: the only one */
	const char *down;
	const char *keys; /* file; "-": standard input */
	struct changes changes;
	struct comparison_form form;
};

static int
refuse(const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_what_if, EXIT_USAGE, p->text);
}

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct question *q = context;
	switch (option) {
	case OPTION_CONFIG:
		q->config = value;
		return RESULT_OK;
	case OPTION_SERVICE:
		q->service = value;
		return RESULT_OK;
	case OPTION_DOWN:
		q->down = value;
		return RESULT_OK;
	case OPTION_ADD:
		return changes_add(&q->changes, CHANGE_ADD, value, p);
	case OPTION_REMOVE:
		return changes_add(&q->changes, CHANGE_REMOVE, value, p);
	case OPTION_WEIGHT:
		return changes_add(&q->changes, CHANGE_WEIGHT, value, p);
	case OPTION_TAGGED:
		q->form.tagged = true;
		return RESULT_OK;
	case OPTION_SUMMARY:
		q->form.summary_only = true;
		return RESULT_OK;
	default: /* the table lets no other through */
		q->form.json = true;
		return RESULT_OK;
	}
}

static enum result
set_operands(struct question *q, const struct cli_operands *files, struct problem *p)
{
	if (q->config == NULL)
		return problem_set(p, RESULT_INVALID, "-c FILE is wanted");
	if (files->count != 1)
		return problem_set(p, RESULT_INVALID,
				   "one KEYS-FILE is wanted, - for standard input");
	if (q->changes.count == 0 && q->down == NULL)
		return problem_set(p, RESULT_INVALID,
				   "--add, --remove, --weight or --down is wanted");
	q->keys = files->at[0];
	return RESULT_OK;
}

/* RESULT_NOT_FOUND, the end of the lines, is how it should end. */
static enum result
compare_lines(struct comparison *c, const struct question *q, struct problem *p)
{
	struct key_lines lines;
	struct slice key;
	enum result r = key_lines_open(&lines, q->keys, p);
	if (r != RESULT_OK)
		return r;
	comparison_print_begin(c, &q->form, stdout);
	while ((r = key_lines_next(&lines, &key, p)) == RESULT_OK) {
		struct compared_key where;
		comparison_key(c, key, &where);
		comparison_print_key(c, &q->form, key, &where, stdout);
	}
	key_lines_close(&lines);
	if (r == RESULT_NOT_FOUND)
		r = comparison_print_end(c, &q->form, stdout, p);
	return r;
}

static int
answer(const struct config *config, const struct question *q)
{
	struct problem p;
	struct comparison c;
	const struct config_service *service = cli_service_find(config, q->service, &p);
	if (service == NULL || cli_service_listed(service, &p) != RESULT_OK ||
	    comparison_init(&c, service, &q->changes, q->down, &p) != RESULT_OK)
		return refuse(&p);
	enum result r = compare_lines(&c, q, &p);
	const struct moves *m = q->form.tagged ? &c.tagged : &c.moves;
	int status = r != RESULT_OK          ? refuse(&p)
		     : m->after[c.count] > 0 ? EXIT_NEGATIVE
					     : EXIT_SUCCESS;
	comparison_deinit(&c);
	return status;
}

int
cli_what_if(int argc, char **argv)
{
	struct question q = {.config = NULL};
	struct problem p;
	struct cli_operands files;
	int status = cli_parse(SUBCOMMAND_what_if, argc, argv, set_option, &q, &files);
	if (status != CLI_GO_ON)
		return status;
	if (set_operands(&q, &files, &p) != RESULT_OK)
		return refuse(&p);
	struct config *config;
	if (cli_config_load(q.config, CONFIG_FOR_EXPLAIN, &config) != RESULT_OK)
		return EXIT_USAGE;
	status = answer(config, &q);
	config_free(&config);
	return status;
}
