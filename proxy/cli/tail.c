/*
 * tail.c: `holdfast tail`: follows the failover log as people read it. Options here, a line's
 * meaning in tail_line.c, the file that grows and moves in tail_file.c.
 *
 * A signal or a reader that went away (| head) is how this command ends: exit 0. Any other error of
 * standard output is one: exit 2.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/destination.h"
#include "cli/options.h"
#include "cli/tail_file.h"
#include "cli/tail_line.h"
#include "cli/tail_summary.h"
#include "config/config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TAIL_LINES_DEFAULT 10  /* shown of the past when following; without, all */
#define TAIL_POLL_MS       100 /* between looks at a file that has nothing new */

enum tail_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct tail {
	const char *config; /* -c; NULL: none */
	const char *path;   /* of the log; NULL: from the configuration */
	char *owned_path;   /* the same when it comes from there */
	bool follow;
	bool lines_given;
	uint64_t lines;
	bool json;
	bool summary;
	enum tail_colour colour;
	struct tail_filter filter;
	struct tail_file file;
	char text[TAIL_TEXT_BYTES_MAX];
};

static volatile sig_atomic_t stopped;
static bool unwritable; /* standard output, and somebody may be waiting for it */

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void
say(const char *text)
{
	(void)cli_refuse(SUBCOMMAND_tail, EXIT_USAGE, text);
}

static int
usage(const char *text)
{
	return cli_refuse(SUBCOMMAND_tail, EXIT_USAGE, text);
}

/* ---- options ------------------------------------------------------------------------------- */

static enum result
set_lines(struct tail *t, const char *value, struct problem *p)
{
	t->lines_given = true;
	if (slice_to_u64(slice_of(value), &t->lines))
		return RESULT_OK;
	return problem_set(p, RESULT_INVALID, "-n: not a number of lines");
}

static enum result
set_colour(struct tail *t, const char *value, struct problem *p)
{
	static const char *const names[] = {"auto", "always", "never"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			t->colour = (enum tail_colour)i;
			return RESULT_OK;
		}
	}
	return problem_set(p, RESULT_INVALID, "--color: auto, always or never");
}

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct tail *t = context;
	switch (option) {
	case OPTION_CONFIG:
		t->config = value;
		return RESULT_OK;
	case OPTION_LINES:
		return set_lines(t, value, p);
	case OPTION_FOLLOW:
	case OPTION_NO_FOLLOW:
		t->follow = option == OPTION_FOLLOW;
		return RESULT_OK;
	case OPTION_SERVICE:
		t->filter.service = slice_of(value);
		return RESULT_OK;
	case OPTION_MEMBER:
		t->filter.member = slice_of(value);
		return RESULT_OK;
	case OPTION_SESSION:
		return tail_filter_set_session(&t->filter, slice_of(value), p);
	case OPTION_EVENT:
		return tail_filter_add_events(&t->filter, slice_of(value), p);
	case OPTION_SINCE:
		return tail_filter_set_since(&t->filter, value, clock_wall_ms(), p);
	case OPTION_SUMMARY:
		t->summary = true;
		return RESULT_OK;
	case OPTION_COLOR:
		return set_colour(t, value, p);
	default: /* the table lets no other through */
		t->json = true;
		return RESULT_OK;
	}
}

static enum result
set_operands(struct tail *t, const struct cli_operands *files, struct problem *p)
{
	if (files->count > 1)
		return problem_set(p, RESULT_INVALID, "more than one file");
	if (files->count == 1)
		t->path = files->at[0];
	if (t->summary && t->json)
		return problem_set(p, RESULT_INVALID, "--summary is a table: without --json");
	if ((t->path == NULL) == (t->config == NULL))
		return problem_set(
		    p, RESULT_INVALID,
		    "give the failover log, or -c and a configuration that names it");
	return RESULT_OK;
}

/* The log that the configuration names. What is wrong with that was said then, and *p is empty. */
static enum result
path_from_config(struct tail *t, struct problem *p)
{
	struct config *config = NULL;
	struct config_findings findings = {0};
	struct destination to;
	enum result r = config_load(t->config, CONFIG_FOR_EXPLAIN, &config, &findings);
	if (r != RESULT_OK) {
		config_findings_print(&findings, stderr);
	} else if (config->log_failover == NULL) {
		r = problem_set(p, RESULT_INVALID,
				"%s: no log.failover, so that log goes to stderr of the node",
				t->config);
	} else if (destination_parse(config->log_failover, &to, p) != RESULT_OK ||
		   to.kind != TO_FILE) {
		r = problem_set(p, RESULT_INVALID, "%s: log.failover is %s, which is no file",
				t->config, config->log_failover);
	} else {
		t->owned_path = strdup(config->log_failover);
		t->path = t->owned_path;
		r = t->path != NULL ? RESULT_OK : problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	config_findings_free(&findings);
	config_free(&config);
	return r;
}

static bool
colour_wanted(const struct tail *t)
{
	const char *terminal = getenv("TERM");
	if (t->json || t->colour != COLOUR_AUTO)
		return !t->json && t->colour == COLOUR_ALWAYS;
	return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

/* ---- output -------------------------------------------------------------------------------- */

/* False: nobody reads any more, or a signal came; `stopped` is set then. */
static bool
put(struct slice text)
{
	while (text.bytes > 0 && !stopped) {
		ssize_t n = write(STDOUT_FILENO, text.at, text.bytes);
		if (n > 0) {
			text.at += n;
			text.bytes -= (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1,
				   TAIL_POLL_MS);
		} else if (errno != EINTR) {
			unwritable = errno != EPIPE;
			stopped = 1;
		}
	}
	return !stopped;
}

/* A matching line as it is; a broken one is no JSON, so it goes to stderr. */
static bool
show_json(struct tail *t, struct slice line)
{
	struct writer w = writer_on(t->text, sizeof(t->text));
	enum tail_verdict verdict = tail_judge(&t->filter, line);
	if (verdict == TAIL_BROKEN) {
		tail_write_broken(&w, line, false);
		(void)fwrite(w.at, 1, w.bytes, stderr);
		return true;
	}
	if (verdict == TAIL_FILTERED)
		return true;
	write_slice(&w, line);
	write_char(&w, '\n');
	return put((struct slice){w.at, w.bytes});
}

static bool
show(struct tail *t, struct slice line, bool colour)
{
	if (t->json)
		return show_json(t, line);
	struct writer w = writer_on(t->text, sizeof(t->text));
	(void)tail_write(&w, &t->filter, line, colour);
	return put((struct slice){w.at, w.bytes});
}

/* Waits a little; false: nobody reads any more, or a signal came. */
static bool
idle(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};
	if (poll(&out, 1, TAIL_POLL_MS) > 0)
		return false;
	return !stopped;
}

/* ---- the command --------------------------------------------------------------------------- */

static bool
would_show(const void *context, struct slice line)
{
	return stopped || tail_judge(context, line) != TAIL_FILTERED; /* a long search ends, too */
}

static void
run(struct tail *t)
{
	bool colour = colour_wanted(t);
	bool from_then = t->filter.since_bytes > 0;
	struct slice line;
	if (t->lines_given || (t->follow && !from_then))
		tail_file_seek_last(&t->file, t->lines_given ? t->lines : TAIL_LINES_DEFAULT,
				    would_show, &t->filter);
	t->file.end = !t->follow;
	for (;;) {
		while (tail_file_next(&t->file, &line)) {
			if (!show(t, line, colour))
				return;
		}
		if (!t->follow || (!tail_file_follow(&t->file, clock_ms()) && !idle()))
			return;
	}
}

static void
summarise(struct tail *t)
{
	static struct tail_summary summary;
	struct slice line;
	t->file.end = true;
	tail_summary_init(&summary);
	while (!stopped && tail_file_next(&t->file, &line)) {
		if (tail_judge(&t->filter, line) == TAIL_PASSES)
			tail_summary_line(&summary, line);
	}
	tail_summary_print(&summary, stdout);
}

static void
listen_to_signals(void)
{
	struct sigaction stop = {.sa_handler = on_signal}; /* without SA_RESTART: waits end */
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	stopped = 0;
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

/* The file is open, or it is waited for. */
static int
open_and_run(struct tail *t)
{
	struct problem p = {""};
	tail_file_init(&t->file, t->path);
	enum result r = tail_file_open(&t->file, &p);
	if (r != RESULT_OK && !(r == RESULT_NOT_FOUND && t->follow)) {
		say(p.text);
		return EXIT_NEGATIVE;
	}
	if (r == RESULT_NOT_FOUND) {
		(void)problem_prefix(&p, r, "waiting for the log");
		say(p.text);
	}
	listen_to_signals();
	if (t->summary)
		summarise(t);
	else
		run(t);
	tail_file_deinit(&t->file);
	return unwritable ? usage("standard output cannot be written") : EXIT_SUCCESS;
}

static int
tail_main(struct tail *t, int argc, char **argv)
{
	struct problem p = {""};
	struct cli_operands files;
	t->follow = true;
	int code = cli_parse(SUBCOMMAND_tail, argc, argv, set_option, t, &files);
	if (code != CLI_GO_ON)
		return code;
	if (set_operands(t, &files, &p) != RESULT_OK)
		return usage(p.text);
	t->follow = t->follow && !t->summary;
	if (t->path == NULL && path_from_config(t, &p) != RESULT_OK)
		return p.text[0] != '\0' ? usage(p.text) : EXIT_USAGE;
	code = open_and_run(t);
	free(t->owned_path);
	return code;
}

int
cli_tail(int argc, char **argv)
{
	struct tail *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return usage("no memory");
	int code = tail_main(t, argc, argv);
	free(t);
	return code;
}
