/*
 * explain.c: `holdfast explain`: where a session goes, and why; with --keys-file a line a key, so
 * that two nodes can be compared. Options here, the answer in explain_answer.c.
 */
#include "cli/cli.h"

#include "base/digest.h"
#include "cli/explain_answer.h"
#include "config/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

struct question {
	const char *config;
	const char *service; /* NULL: the only one */
	const char *down;
	const char *primary;
	const char *last;
	const char *keys_file; /* "-": standard input */
	struct slice key;      /* empty with keys_file only */
	bool is_digest;        /* the key is one, in hex */
	bool json;
};

static int
refuse(const struct problem *p)
{
	(void)fprintf(stderr, "holdfast explain: %s\n", p->text);
	return EXIT_USAGE;
}

/* ---- options ------------------------------------------------------------------------------- */

enum {
	OPTION_SERVICE = 256,
	OPTION_DOWN,
	OPTION_PRIMARY,
	OPTION_LAST,
	OPTION_KEYS_FILE,
	OPTION_DIGEST,
	OPTION_JSON
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"service", required_argument, NULL, OPTION_SERVICE},
    {"down", required_argument, NULL, OPTION_DOWN},
    {"primary", required_argument, NULL, OPTION_PRIMARY},
    {"last", required_argument, NULL, OPTION_LAST},
    {"keys-file", required_argument, NULL, OPTION_KEYS_FILE},
    {"digest", no_argument, NULL, OPTION_DIGEST},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static enum result
set_option(struct question *q, int option, const char *value, struct problem *p)
{
	switch (option) {
	case 'c':
		q->config = value;
		return RESULT_OK;
	case OPTION_SERVICE:
		q->service = value;
		return RESULT_OK;
	case OPTION_DOWN:
		q->down = value;
		return RESULT_OK;
	case OPTION_PRIMARY:
		q->primary = value;
		return RESULT_OK;
	case OPTION_LAST:
		q->last = value;
		return RESULT_OK;
	case OPTION_KEYS_FILE:
		q->keys_file = value;
		return RESULT_OK;
	case OPTION_DIGEST:
		q->is_digest = true;
		return RESULT_OK;
	case OPTION_JSON:
		q->json = true;
		return RESULT_OK;
	case ':':
		return problem_set(p, RESULT_INVALID, "an option wants a value");
	default:
		return problem_set(p, RESULT_INVALID, "unknown option");
	}
}

static enum result
check_question(const struct question *q, int keys, struct problem *p)
{
	if (q->config == NULL)
		return problem_set(p, RESULT_INVALID, "-c FILE is wanted");
	if (q->keys_file != NULL && (keys > 0 || q->is_digest || q->json))
		return problem_set(p, RESULT_INVALID,
				   "--keys-file goes without KEY, --digest and --json");
	if (q->keys_file == NULL && keys != 1)
		return problem_set(p, RESULT_INVALID, "one KEY is wanted");
	if (keys == 1 && (q->key.bytes == 0 || q->key.bytes > SESSION_KEY_BYTES_MAX))
		return problem_set(p, RESULT_INVALID, "a key has 1 to %d bytes",
				   SESSION_KEY_BYTES_MAX);
	return RESULT_OK;
}

/* A key that begins with '-' stands behind "--". */
static enum result
parse_options(struct question *q, int argc, char **argv, struct problem *p)
{
	opterr = 0;
	optind = 0; /* begins anew, whatever was parsed before */
	int option;
	while ((option = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
		enum result r = set_option(q, option, optarg, p);
		if (r != RESULT_OK)
			return r;
	}
	if (optind < argc)
		q->key = slice_of(argv[optind]);
	return check_question(q, argc - optind, p);
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

/* False: too long, or empty. */
static bool
answer_line(const struct explained *x, struct slice key, bool *served)
{
	struct explanation e;
	if (key.bytes == 0 || key.bytes > SESSION_KEY_BYTES_MAX)
		return false;
	explain_key(x, key, &e);
	explanation_print_line(x, key, &e, stdout);
	*served = *served && e.plan.step_count > 0;
	return true;
}

static int
answer_lines(const struct explained *x, FILE *keys, const char *name)
{
	char *line = NULL;
	size_t capacity = 0;
	unsigned long number = 0;
	ssize_t bytes;
	bool served = true;
	bool ok = true;
	while (ok && (bytes = getline(&line, &capacity, keys)) != -1) {
		struct slice key = {line, (size_t)bytes};
		if (key.at[key.bytes - 1] == '\n')
			key.bytes--;
		number++;
		ok = answer_line(x, key, &served);
	}
	free(line);
	struct problem p;
	if (!ok)
		(void)problem_set(&p, RESULT_INVALID, "%s:%lu: a key has 1 to %d bytes", name,
				  number, SESSION_KEY_BYTES_MAX);
	else if (ferror(keys) != 0)
		(void)problem_set(&p, RESULT_IO, "%s: %s", name, strerror(errno));
	else
		return served ? EXIT_SUCCESS : EXIT_NEGATIVE;
	return refuse(&p);
}

static int
answer_file(const struct explained *x, const char *name)
{
	if (strcmp(name, "-") == 0)
		return answer_lines(x, stdin, "standard input");
	FILE *keys = fopen(name, "re");
	if (keys == NULL) {
		struct problem p;
		(void)problem_set(&p, RESULT_IO, "%s: %s", name, strerror(errno));
		return refuse(&p);
	}
	int status = answer_lines(x, keys, name);
	(void)fclose(keys);
	return status;
}

static const struct config_service *
find_service(const struct config *config, const char *name, struct problem *p)
{
	if (name == NULL && config->service_count == 1)
		return &config->services[0];
	for (size_t i = 0; name != NULL && i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	}
	(void)problem_set(p, RESULT_NOT_FOUND,
			  name != NULL ? "--service: no such service"
				       : "several services: --service NAME is wanted");
	return NULL;
}

static int
answer(const struct config *config, const struct question *q)
{
	struct problem p;
	struct explained x;
	const struct config_service *service = find_service(config, q->service, &p);
	if (service == NULL ||
	    explained_init(&x, service, q->down, q->primary, q->last, &p) != RESULT_OK)
		return refuse(&p);
	int status = q->keys_file != NULL ? answer_file(&x, q->keys_file) : answer_one(&x, q);
	explained_deinit(&x);
	if (fflush(stdout) != 0) {
		(void)problem_set(&p, RESULT_IO, "%s", strerror(errno));
		return refuse(&p);
	}
	return status;
}

int
cli_explain(int argc, char **argv)
{
	struct question q = {.config = NULL};
	struct problem p;
	if (parse_options(&q, argc, argv, &p) != RESULT_OK)
		return refuse(&p);
	if (!digest_init()) {
		(void)problem_set(&p, RESULT_IO, "libsodium cannot be started");
		return refuse(&p);
	}
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(q.config, CONFIG_FOR_EXPLAIN, &config, &findings);
	if (r != RESULT_OK)
		config_findings_print(&findings, stderr);
	config_findings_free(&findings);
	int status = r == RESULT_OK ? answer(config, &q) : EXIT_USAGE;
	config_free(&config);
	return status;
}
