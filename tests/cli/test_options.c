/* test_options.c: the table of commands is whole; command lines are parsed by it. */
#include "cli/options.h"

#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS_MAX 16
#define TAKEN_MAX 16

/* What was handed to `set`, in order. */
struct taken {
	int count;
	enum cli_option option[TAKEN_MAX];
	const char *value[TAKEN_MAX];
	bool refuses;
};

static char copy[1024];
static char *words[WORDS_MAX + 1];
static struct cli_operands operands;
static char said[8192]; /* on the stream that was read back */

static enum result
take(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct taken *t = context;
	assert_true(t->count < TAKEN_MAX);
	t->option[t->count] = option;
	t->value[t->count++] = value;
	return t->refuses ? problem_set(p, RESULT_INVALID, "not this") : RESULT_OK;
}

/* Points stream `fd` at a file, parses `line`, and reads back what it said. */
static int
parse(enum subcommand command, const char *line, int fd, struct taken *t)
{
	int count = 0;
	(void)snprintf(copy, sizeof(copy), "%s %s", subcommand_name(command), line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	(void)fflush(NULL);
	int kept = dup(fd);
	FILE *to = tmpfile();
	assert_non_null(to);
	assert_int_equal(dup2(fileno(to), fd), fd);
	int status = cli_parse(command, count, words, take, t, &operands);
	(void)fflush(NULL);
	assert_int_equal(dup2(kept, fd), fd);
	(void)close(kept);
	rewind(to);
	said[fread(said, 1, sizeof(said) - 1, to)] = '\0';
	(void)fclose(to);
	return status;
}

/* ---- the table ---- */

static const struct {
	enum subcommand command;
	const char *name;
	const char *usage;
	const char *help;
} commands[] = {
#define SUBCOMMAND(ident, name, usage, help, details, negative) \
	{SUBCOMMAND_##ident, name, usage, help},
#include "tbl/subcommands.h"
};

static const struct {
	const char *name;
	char letter;
	const char *value;
} options[] = {
#define OPTION(ident, letter, name, value) {name, letter, value},
#include "tbl/subcommands.h"
};

static const struct {
	enum subcommand command;
	enum cli_option option;
} takes[] = {
#define TAKES(command, option, help) {SUBCOMMAND_##command, OPTION_##option},
#include "tbl/subcommands.h"
};

static const struct {
	enum subcommand command;
	const char *line;
} examples[] = {
#define EXAMPLE(command, line) {SUBCOMMAND_##command, line},
#include "tbl/subcommands.h"
};

/* "--name", with its value, or "-c" with it. */
static void
assert_usage_names(enum subcommand command, enum cli_option option)
{
	char longer[64];
	char shorter[64];
	const char *value = options[option].value != NULL ? options[option].value : "";
	const char *blank = value[0] != '\0' ? " " : "";
	(void)snprintf(longer, sizeof(longer), "--%s%s%s", options[option].name, blank, value);
	(void)snprintf(shorter, sizeof(shorter), "-%c%s%s", options[option].letter, blank, value);
	if (strstr(commands[command].usage, longer) == NULL &&
	    (options[option].letter == 0 || strstr(commands[command].usage, shorter) == NULL))
		fail_msg("the usage of %s has neither %s nor %s", commands[command].name, longer,
			 shorter);
}

static void
usage_names_every_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		if (takes[i].option != OPTION_FOLLOW) /* the default: left out */
			assert_usage_names(takes[i].command, takes[i].option);
	}
}

/* Each command is found by its name, and its help has a usage, each option and an example. */
static void
every_command_is_explained(void **state)
{
	(void)state;
	for (int i = 0; i < SUBCOMMANDS; i++) {
		struct taken t = {.count = 0};
		assert_int_equal(subcommand_find(commands[i].name), commands[i].command);
		assert_int_equal(parse(commands[i].command, "--help", STDOUT_FILENO, &t),
				 EXIT_SUCCESS);
		assert_non_null(strstr(said, commands[i].help));
		assert_non_null(strstr(said, "\nusage: holdfast "));
		assert_non_null(strstr(said, "\nexamples:\n  holdfast "));
		for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n"))
			assert_in_range(strlen(line), 1, 100);
	}
	assert_int_equal(subcommand_find("frobnicate"), SUBCOMMANDS);
}

/* Examples name their command and only options that it takes. */
static void
examples_can_be_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct taken t = {.count = 0};
		char start[64];
		(void)snprintf(start, sizeof(start), "holdfast %s",
			       subcommand_name(examples[i].command));
		const char *at = strstr(examples[i].line, start);
		assert_non_null(at);
		assert_int_equal(parse(examples[i].command, at + strlen(start), STDERR_FILENO, &t),
				 CLI_GO_ON);
		assert_string_equal(said, "");
	}
}

/* ---- parsing ---- */

static void
options_and_operands_in_any_order(void **state)
{
	(void)state;
	struct taken t = {.count = 0};
	assert_int_equal(
	    parse(SUBCOMMAND_explain, "key -c x.conf --down=a,b --json -- -k", STDERR_FILENO, &t),
	    CLI_GO_ON);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.option[0], OPTION_CONFIG);
	assert_string_equal(t.value[0], "x.conf");
	assert_int_equal(t.option[1], OPTION_DOWN);
	assert_string_equal(t.value[1], "a,b");
	assert_int_equal(t.option[2], OPTION_JSON);
	assert_null(t.value[2]);
	assert_int_equal(operands.count, 2);
	assert_string_equal(operands.at[0], "key");
	assert_string_equal(operands.at[1], "-k");
}

static void
errors_name_the_option(void **state)
{
	static const struct {
		const char *line;
		const char *want;
	} bad[] = {
	    {"--frob",
	     "holdfast explain: --frob: unknown option; holdfast help explain lists them\n"},
	    {"-c x -zc",
	     "holdfast explain: -z: unknown option; holdfast help explain lists them\n"},
	    {"-n 5", "holdfast explain: -n: unknown option; holdfast help explain lists them\n"},
	    {"--a\033b\n", "holdfast explain: --a\\x1bb\\x0a: unknown option; "
			   "holdfast help explain lists them\n"},
	    {"k -c", "holdfast explain: -c: a value is wanted\n"},
	    {"k --down", "holdfast explain: --down: a value is wanted\n"},
	    {"--json=yes", "holdfast explain: --json: takes no value\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct taken t = {.count = 0};
		assert_int_equal(parse(SUBCOMMAND_explain, bad[i].line, STDERR_FILENO, &t),
				 EXIT_USAGE);
		assert_string_equal(said, bad[i].want);
	}
}

static void
a_value_may_be_refused(void **state)
{
	(void)state;
	struct taken t = {.refuses = true};
	assert_int_equal(parse(SUBCOMMAND_explain, "--down x --last y", STDERR_FILENO, &t),
			 EXIT_USAGE);
	assert_string_equal(said, "holdfast explain: not this\n");
	assert_int_equal(t.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usage_names_every_option),
	    cmocka_unit_test(every_command_is_explained),
	    cmocka_unit_test(examples_can_be_parsed),
	    cmocka_unit_test(options_and_operands_in_any_order),
	    cmocka_unit_test(errors_name_the_option),
	    cmocka_unit_test(a_value_may_be_refused),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
