/* what_if.c: `holdfast what-if`: which session keys a change of the members moves, and to whom. */
#include "cli/cli.h"

#include "cli/compare.h"
#include "cli/key_lines.h"
#include "cli/options.h"
#include "cli/service.h"
#include "cli/what_if_log.h"

#include <stdlib.h>

struct question {
	const char *config;
	const char *service; /* NULL: the only one */
	const char *down;
	const char *keys;               /* file; "-": standard input */
	const char *log[LOG_FILES_MAX]; /* access logs instead */
	size_t logs;
	const char *since;
	bool all;
	struct changes changes;
	struct comparison_form form;
};

static int
refuse(const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_what_if, EXIT_USAGE, p->text);
}

static enum result
add_log(struct question *q, const char *name, struct problem *p)
{
	if (q->logs == LOG_FILES_MAX)
		return problem_set(p, RESULT_LIMIT, "--log: more than %d files", LOG_FILES_MAX);
	q->log[q->logs++] = name;
	return RESULT_OK;
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
	case OPTION_LOG:
		return add_log(q, value, p);
	case OPTION_SINCE:
		q->since = value;
		return RESULT_OK;
	case OPTION_ALL:
		q->all = true;
		return RESULT_OK;
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
	if (q->logs == 0 && (q->since != NULL || q->all))
		return problem_set(p, RESULT_INVALID, "--since and --all go with --log");
	if (q->logs > 0 && q->form.tagged)
		return problem_set(p, RESULT_INVALID, "--tagged: the log tells who holds a tag");
	/* "--log access.log*": what the shell makes of it. */
	for (int i = 0; q->logs > 0 && i < files->count; i++) {
		if (add_log(q, files->at[i], p) != RESULT_OK)
			return RESULT_LIMIT;
	}
	if (q->logs == 0 && files->count != 1)
		return problem_set(p, RESULT_INVALID,
				   "one KEYS-FILE is wanted, - for standard input");
	if (q->changes.count == 0 && q->down == NULL)
		return problem_set(p, RESULT_INVALID,
				   "--add, --remove, --weight or --down is wanted");
	q->keys = q->logs == 0 ? files->at[0] : NULL;
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

static int
answer_log(const struct config *config, const struct question *q)
{
	struct log_question log = {
	    .service = q->service,
	    .down = q->down,
	    .changes = &q->changes,
	    .file = q->log,
	    .files = q->logs,
	    .since = q->since,
	    .all = q->all,
	    .summary_only = q->form.summary_only,
	    .json = q->form.json,
	};
	return what_if_log(config, &log);
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
	status = q.logs > 0 ? answer_log(config, &q) : answer(config, &q);
	config_free(&config);
	return status;
}
