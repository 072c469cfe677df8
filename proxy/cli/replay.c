/* replay.c: `holdfast replay`: does a failover log follow from itself? See replay_check.h. */
#include "cli/cli.h"

#include "cli/log_source.h"
#include "cli/options.h"
#include "cli/replay_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_SHOWN_MAX 1000 /* further ones are counted */

struct question {
	bool json;
	struct cli_operands logs;
};

/* Who is told of faults: a line each on stdout, or an element each of `list`. */
struct teller {
	const char *file; /* the present one */
	uint64_t before;  /* lines of the files before */
	uint64_t shown;
	json_t *list; /* NULL: text */
};

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct question *q = context;
	(void)option;
	(void)value;
	(void)p;
	q->json = true; /* the table lets no other through */
	return RESULT_OK;
}

static void
on_fault(void *context, uint64_t line, const char *text)
{
	struct teller *t = context;
	if (t->shown++ >= FAULTS_SHOWN_MAX)
		return;
	/* One that waited may be of a file before: it is told with the last. */
	uint64_t own = line > t->before ? line - t->before : 0;
	if (t->list != NULL)
		(void)json_array_append_new(t->list,
					    json_pack("{s:s, s:I, s:s}", "file", t->file, "line",
						      (json_int_t)own, "fault", text));
	else
		(void)printf("%s:%llu: %s\n", t->file, (unsigned long long)own, text);
}

/* The lines of one file; of a longer one than fits its beginning. */
static enum result
replay_lines(struct replay *r, struct log_source *s, struct problem *p)
{
	struct slice line;
	enum result got;
	while ((got = log_source_next(s, &line, p)) == RESULT_OK || got == RESULT_LIMIT) {
		if (got == RESULT_LIMIT)
			line = (struct slice){s->line, sizeof(s->line)};
		replay_line(r, line);
	}
	replay_end(r);
	return got == RESULT_NOT_FOUND ? RESULT_OK : got;
}

static enum result
replay_source(struct replay *r, struct teller *t, struct log_source *s, struct problem *p)
{
	struct replay_counts before = *replay_counts(r);
	struct problem damage = {""};
	t->file = s->name;
	t->before = before.lines;
	enum result result = replay_lines(r, s, p);
	if (log_source_close(s, &damage) != RESULT_OK && result == RESULT_OK)
		(void)fprintf(stderr, "holdfast replay: %s\n", damage.text);
	uint64_t lines = replay_counts(r)->lines - before.lines;
	if (result == RESULT_OK && lines > 0 && lines == replay_counts(r)->broken - before.broken)
		result = problem_set(p, RESULT_INVALID, "%s: no line of it is of a failover log",
				     s->name);
	return result;
}

static bool
replay_file(struct replay *r, struct teller *t, const char *name)
{
	static struct log_source source;
	struct problem p = {""};
	enum result result = log_source_open(&source, name, &p);
	if (result == RESULT_OK)
		result = replay_source(r, t, &source, &p);
	if (result != RESULT_OK)
		(void)fprintf(stderr, "holdfast replay: %s\n", p.text);
	return result == RESULT_OK;
}

static void
print_counts(const struct replay_counts *n)
{
	(void)printf("%s: %llu lines, %llu decisions, %llu faults",
		     n->faults == 0 ? "ok" : "not ok", (unsigned long long)n->lines,
		     (unsigned long long)n->decisions, (unsigned long long)n->faults);
	if (n->broken > 0)
		(void)printf(", %llu lines of something else", (unsigned long long)n->broken);
	if (n->suppressed > 0)
		(void)printf(", %llu more that were only counted",
			     (unsigned long long)n->suppressed);
	if (n->forgotten > 0)
		(void)printf(", %llu facts too many to remember", (unsigned long long)n->forgotten);
	(void)printf("\n");
}

static bool
print_json(const struct replay_counts *n, json_t *faults)
{
	json_t *root =
	    json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:O}", "ok", n->faults == 0, "lines",
		      (json_int_t)n->lines, "decisions", (json_int_t)n->decisions, "broken",
		      (json_int_t)n->broken, "suppressed", (json_int_t)n->suppressed, "forgotten",
		      (json_int_t)n->forgotten, "faults", faults);
	bool written =
	    root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
	json_decref(root);
	return written;
}

static int
answer(const struct question *q, struct replay *r, struct teller *t)
{
	for (int i = 0; i < q->logs.count; i++)
		if (!replay_file(r, t, q->logs.at[i]))
			return EXIT_USAGE;
	const struct replay_counts *n = replay_counts(r);
	if (!q->json)
		print_counts(n);
	else if (!print_json(n, t->list))
		return cli_refuse(SUBCOMMAND_replay, EXIT_USAGE, "the answer cannot be written");
	return n->faults == 0 ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

int
cli_replay(int argc, char **argv)
{
	struct question q = {.json = false};
	int status = cli_parse(SUBCOMMAND_replay, argc, argv, set_option, &q, &q.logs);
	if (status != CLI_GO_ON)
		return status;
	if (q.logs.count == 0)
		return cli_refuse(SUBCOMMAND_replay, EXIT_USAGE, "a failover log is wanted");
	struct teller t = {.list = q.json ? json_array() : NULL};
	struct replay *r = replay_create(on_fault, &t);
	if (r == NULL || (q.json && t.list == NULL))
		status = cli_refuse(SUBCOMMAND_replay, EXIT_USAGE, "no memory");
	else
		status = answer(&q, r, &t);
	replay_free(&r);
	json_decref(t.list);
	return status;
}
