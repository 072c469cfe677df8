/*
 * explain.c: `holdfast explain`: where a session goes, and why; with --keys-file a line a key, so
 * that two nodes can be compared. Options here, the answer in explain_answer.c.
 */
#include "cli/cli.h"

#include "cli/explain_answer.h"
#include "cli/explain_live.h"
#include "cli/key_lines.h"
#include "cli/options.h"
#include "cli/service.h"

#include <stdlib.h>

struct question {
	const char *config;
	const char *service; /* NULL: the only one */
	const char *down;
	const char *drain;
	const char *primary;
	const char *last;
	const char *keys_file; /* "-": standard input */
	const char *live;      /* the node that is asked; NULL: the configuration alone */
	const char *token_file;
	struct slice key; /* empty with keys_file only */
	bool is_digest;   /* the key is one, in hex */
	bool idle;
	bool json;
};

static int
refuse(const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_explain, EXIT_USAGE, p->text);
}

/* ---- options ------------------------------------------------------------------------------- */

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct question *q = context;
	(void)p;
	switch (option) {
	case OPTION_CONFIG:
		q->config = value;
		break;
	case OPTION_SERVICE:
		q->service = value;
		break;
	case OPTION_DOWN:
		q->down = value;
		break;
	case OPTION_DRAIN:
		q->drain = value;
		break;
	case OPTION_IDLE:
		q->idle = true;
		break;
	case OPTION_PRIMARY:
		q->primary = value;
		break;
	case OPTION_LAST:
		q->last = value;
		break;
	case OPTION_KEYS_FILE:
		q->keys_file = value;
		break;
	case OPTION_LIVE:
		q->live = value;
		break;
	case OPTION_TOKEN_FILE:
		q->token_file = value;
		break;
	case OPTION_DIGEST:
		q->is_digest = true;
		break;
	default: /* the table lets no other through */
		q->json = true;
		break;
	}
	return RESULT_OK;
}

static enum result
check_question(const struct question *q, int keys, struct problem *p)
{
	if (q->config == NULL && q->live == NULL)
		return problem_set(p, RESULT_INVALID, "-c FILE or --live NODE is wanted");
	if (q->live != NULL && (q->keys_file != NULL || q->drain != NULL || q->idle))
		return problem_set(p, RESULT_INVALID,
				   "--live goes without --keys-file, --drain and --idle");
	if (q->live == NULL && q->token_file != NULL)
		return problem_set(p, RESULT_INVALID, "--token-file goes with --live");
	if (q->keys_file != NULL && (keys > 0 || q->is_digest))
		return problem_set(p, RESULT_INVALID, "--keys-file goes without KEY and --digest");
	if (q->keys_file == NULL && keys != 1)
		return problem_set(p, RESULT_INVALID, "one KEY is wanted");
	if (keys == 1 && (q->key.bytes == 0 || q->key.bytes > SESSION_KEY_BYTES_MAX))
		return problem_set(p, RESULT_INVALID, "a key has 1 to %d bytes",
				   SESSION_KEY_BYTES_MAX);
	return RESULT_OK;
}

/* ---- answers ------------------------------------------------------------------------------- */

static int
answer_one(const struct explained *x, const struct question *q)
{
	struct explanation e;
	struct problem p;
	struct session_digest digest = {{0}};
	if (!q->is_digest) {
		explain_key(x, q->key, &e);
	} else if (hex_decode(q->key, digest.bytes, DIGEST_BYTES)) {
		explain_digest(x, digest, &e);
	} else {
		(void)problem_set(&p, RESULT_INVALID, "--digest: %d hex digits are wanted",
				  2 * DIGEST_BYTES);
		return refuse(&p);
	}
	if (!q->json) {
		explanation_print(x, &e, stdout);
	} else if (explanation_print_json(x, &e, stdout) != RESULT_OK) {
		(void)problem_set(&p, RESULT_IO, "the answer could not be written");
		return refuse(&p);
	}
	return e.plan.step_count > 0 ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

static void
answer_line(const struct explained *x, struct slice key, bool json, bool *served)
{
	struct explanation e;
	explain_key(x, key, &e);
	if (json)
		explanation_print_json_line(x, key, &e, stdout);
	else
		explanation_print_line(x, key, &e, stdout);
	*served = *served && e.plan.step_count > 0;
}

static int
answer_lines(const struct explained *x, const char *name, bool json)
{
	struct key_lines lines;
	struct problem p;
	struct slice key;
	bool served = true;
	enum result r = key_lines_open(&lines, name, &p);
	if (r != RESULT_OK)
		return refuse(&p);
	while ((r = key_lines_next(&lines, &key, &p)) == RESULT_OK)
		answer_line(x, key, json, &served);
	key_lines_close(&lines);
	if (r != RESULT_NOT_FOUND)
		return refuse(&p);
	return served ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

static int
answer(const struct config *config, const struct question *q)
{
	struct problem p;
	struct explained x;
	const struct config_service *service = cli_service_find(config, q->service, &p);
	if (service == NULL || cli_service_listed(service, &p) != RESULT_OK ||
	    explained_init(&x, service, q->down, q->primary, q->last, &p) != RESULT_OK)
		return refuse(&p);
	x.idle = q->idle;
	struct explained_marks drain = {q->drain, MEMBER_DRAIN, "--drain"};
	int status;
	if (q->drain != NULL && explained_mark(&x, &drain, &p) != RESULT_OK)
		status = refuse(&p);
	else
		status = q->keys_file != NULL ? answer_lines(&x, q->keys_file, q->json)
					      : answer_one(&x, q);
	explained_deinit(&x);
	return status;
}

static int
answer_live(const struct config *config, const struct question *q)
{
	struct live_question live = {
	    .node = q->live,
	    .token_file = q->token_file,
	    .service = q->service,
	    .key = q->key.at,
	    .down = q->down,
	    .primary = q->primary,
	    .last = q->last,
	    .is_digest = q->is_digest,
	    .json = q->json,
	};
	return explain_live(&live, config);
}

int
cli_explain(int argc, char **argv)
{
	struct question q = {.config = NULL};
	struct problem p;
	struct cli_operands keys;
	int status = cli_parse(SUBCOMMAND_explain, argc, argv, set_option, &q, &keys);
	if (status != CLI_GO_ON)
		return status;
	if (keys.count > 0)
		q.key = slice_of(keys.at[0]);
	if (check_question(&q, keys.count, &p) != RESULT_OK)
		return refuse(&p);
	struct config *config = NULL;
	if (q.config != NULL && cli_config_load(q.config, CONFIG_FOR_EXPLAIN, &config) != RESULT_OK)
		return EXIT_USAGE;
	status = q.live != NULL ? answer_live(config, &q) : answer(config, &q);
	config_free(&config);
	return status;
}
