/* options.c: getopt_long over the table's rows; see options.h. */
#include "cli/options.h"

#include "base/text.h"
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define LONG_OPTION_BASE  256 /* above every letter */
#define HELP_COLUMNS      96
#define HELP_OPTION_WIDTH 26
#define CULPRIT_BYTES_MAX 64 /* shown of an option that is none */

struct option_row {
	char letter;
	const char *name;
	const char *value;
};

struct subcommand_row {
	const char *name;
	const char *usage;
	const char *help;
	const char *details;
	const char *negative;
};

struct takes_row {
	enum subcommand command;
	enum cli_option option;
	const char *help;
};

struct example_row {
	enum subcommand command;
	const char *line;
};

static const struct option_row option_rows[OPTIONS] = {
#define OPTION(ident, letter, name, value) {letter, name, value},
#include "tbl/subcommands.h"
};

static const struct subcommand_row subcommand_rows[SUBCOMMANDS] = {
#define SUBCOMMAND(ident, name, usage, help, details, negative) \
	{name, usage, help, details, negative},
#include "tbl/subcommands.h"
};

static const struct takes_row takes_rows[] = {
#define TAKES(command, option, help) {SUBCOMMAND_##command, OPTION_##option, help},
#include "tbl/subcommands.h"
};

static const struct example_row example_rows[] = {
#define EXAMPLE(command, line) {SUBCOMMAND_##command, line},
#include "tbl/subcommands.h"
};

#define TAKES_ROWS   (sizeof(takes_rows) / sizeof(takes_rows[0]))
#define EXAMPLE_ROWS (sizeof(example_rows) / sizeof(example_rows[0]))

const char *
subcommand_name(enum subcommand command)
{
	return subcommand_rows[command].name;
}

enum subcommand
subcommand_find(const char *name)
{
	int i = 0;
	while (i < SUBCOMMANDS && strcmp(subcommand_rows[i].name, name) != 0)
		i++;
	return (enum subcommand)i;
}

int
cli_refuse(enum subcommand command, int status, const char *text)
{
	(void)fprintf(stderr, "holdfast %s: %s\n", subcommand_name(command), text);
	return status;
}

/* ---- help ---------------------------------------------------------------------------------- */

void
cli_print_commands(FILE *to)
{
	(void)fprintf(to, "Holdfast: a session-affinity failover reverse proxy.\n\n");
	for (int i = 0; i < SUBCOMMANDS; i++)
		(void)fprintf(to, "  holdfast %-10s %s\n", subcommand_rows[i].name,
			      subcommand_rows[i].help);
	(void)fprintf(to, "\nholdfast help COMMAND says more of one.\n"
			  "Exit status: 0 ok, 1 negative answer, 2 usage or configuration.\n");
}

/* Bytes of the next word: up to a blank; what stands in brackets belongs together. */
static size_t
word_bytes(const char *text)
{
	size_t bytes = 0;
	size_t depth = 0;
	for (; text[bytes] != '\0' && (text[bytes] != ' ' || depth > 0); bytes++) {
		depth += text[bytes] == '[';
		depth -= text[bytes] == ']' && depth > 0;
	}
	return bytes;
}

/*
 * Words of `text` from `column` on, those that do not fit in further lines that begin at `indent`.
 */
static void
print_wrapped(const char *text, size_t column, size_t indent, FILE *to)
{
	bool first = true;
	while (*text != '\0') {
		size_t bytes = word_bytes(text);
		bool wraps = !first && column + 1 + bytes > HELP_COLUMNS;
		if (wraps)
			(void)fprintf(to, "\n%*s", (int)indent, "");
		(void)fprintf(to, "%s%.*s", first || wraps ? "" : " ", (int)bytes, text);
		column = (wraps ? indent : column + !first) + bytes;
		first = false;
		text += bytes;
		text += *text == ' ';
	}
	(void)fputc('\n', to);
}

/* "  -c, --config FILE        its configuration" */
static void
print_option(enum cli_option option, const char *help, FILE *to)
{
	const struct option_row *row = &option_rows[option];
	char text[64];
	(void)snprintf(text, sizeof(text), "--%s%s%s", row->name, row->value != NULL ? " " : "",
		       row->value != NULL ? row->value : "");
	(void)fprintf(to, "  %c%c%c %-*s ", row->letter != 0 ? '-' : ' ',
		      row->letter != 0 ? row->letter : ' ', row->letter != 0 ? ',' : ' ',
		      HELP_OPTION_WIDTH, text);
	print_wrapped(help, HELP_OPTION_WIDTH + 7, HELP_OPTION_WIDTH + 7, to);
}

void
cli_print_help(enum subcommand command, FILE *to)
{
	const struct subcommand_row *row = &subcommand_rows[command];
	size_t name = strlen("usage: holdfast  ") + strlen(row->name);
	(void)fprintf(to, "holdfast %s: %s\n\nusage: holdfast %s ", row->name, row->help,
		      row->name);
	print_wrapped(row->usage, name, name, to);
	if (row->details[0] != '\0') {
		(void)fputc('\n', to);
		print_wrapped(row->details, 0, 0, to);
	}
	(void)fprintf(to, "\noptions:\n");
	for (size_t i = 0; i < TAKES_ROWS; i++) {
		if (takes_rows[i].command == command)
			print_option(takes_rows[i].option, takes_rows[i].help, to);
	}
	print_option(OPTION_HELP, "this text", to);
	(void)fprintf(to, "\nexamples:\n");
	for (size_t i = 0; i < EXAMPLE_ROWS; i++) {
		if (example_rows[i].command == command)
			(void)fprintf(to, "  %s\n", example_rows[i].line);
	}
	(void)fprintf(to, "\nexit status:\n  0  ok\n");
	if (row->negative != NULL)
		(void)fprintf(to, "  1  %s\n", row->negative);
	(void)fprintf(to, "  2  usage or configuration\n");
}

/* ---- parsing ------------------------------------------------------------------------------- */

/* What getopt_long wants to know of one command. */
struct spec {
	struct option longs[OPTIONS + 1];
	char shorts[2 * OPTIONS + 2]; /* ":c:hn:" */
};

static void
spec_add(struct spec *s, size_t *longs, size_t *shorts, enum cli_option option)
{
	const struct option_row *row = &option_rows[option];
	s->longs[(*longs)++] = (struct option){
	    .name = row->name,
	    .has_arg = row->value != NULL ? required_argument : no_argument,
	    .val = LONG_OPTION_BASE + (int)option,
	};
	if (row->letter == 0)
		return;
	s->shorts[(*shorts)++] = row->letter;
	if (row->value != NULL)
		s->shorts[(*shorts)++] = ':';
}

static void
spec_make(struct spec *s, enum subcommand command)
{
	size_t longs = 0;
	size_t shorts = 1;
	*s = (struct spec){.shorts = ":"}; /* a missing value is told from an unknown option */
	spec_add(s, &longs, &shorts, OPTION_HELP);
	for (size_t i = 0; i < TAKES_ROWS; i++) {
		if (takes_rows[i].command == command)
			spec_add(s, &longs, &shorts, takes_rows[i].option);
	}
}

/* What getopt_long returned; OPTIONS: nothing that the command takes. */
static enum cli_option
option_of(int got)
{
	if (got >= LONG_OPTION_BASE)
		return (enum cli_option)(got - LONG_OPTION_BASE);
	int i = 0;
	while (i < OPTIONS && (got == '?' || option_rows[i].letter != got))
		i++;
	return (enum cli_option)i;
}

/* The option at fault as it was written; getopt_long says in optopt what it knows of it. */
static void
write_culprit(struct writer *w, const char *word)
{
	if (optopt >= LONG_OPTION_BASE)
		write_format(w, "--%s", option_rows[optopt - LONG_OPTION_BASE].name);
	else if (optopt > ' ' && optopt < 0x7f)
		write_format(w, "-%c", optopt);
	else
		write_escaped(w, (struct slice){word, strnlen(word, CULPRIT_BYTES_MAX)});
}

static int
refuse_option(enum subcommand command, int got, const char *word)
{
	struct problem p;
	char text[4 * CULPRIT_BYTES_MAX + 1];
	struct writer w = writer_on(text, sizeof(text));
	write_culprit(&w, word);
	if (got == ':')
		(void)problem_set(&p, RESULT_INVALID, "%s: a value is wanted", writer_text(&w));
	else if (optopt >= LONG_OPTION_BASE)
		(void)problem_set(&p, RESULT_INVALID, "%s: takes no value", writer_text(&w));
	else
		(void)problem_set(&p, RESULT_INVALID,
				  "%s: unknown option; holdfast help %s lists them",
				  writer_text(&w), subcommand_name(command));
	return cli_refuse(command, EXIT_USAGE, p.text);
}

/* A variable of a script that was not set. */
static bool
is_no_file(enum cli_option option, const char *value)
{
	return value != NULL && value[0] == '\0' && strcmp(option_rows[option].value, "FILE") == 0;
}

int
cli_parse(enum subcommand command, int argc, char **argv, cli_set *set, void *context,
	  struct cli_operands *operands)
{
	struct spec spec;
	struct problem p;
	int got;
	spec_make(&spec, command);
	opterr = 0;
	optind = 0; /* begins anew, whatever was parsed before */
	while ((got = getopt_long(argc, argv, spec.shorts, spec.longs, NULL)) != -1) {
		enum cli_option option = option_of(got);
		if (option == OPTIONS)
			return refuse_option(command, got, argv[optind - 1]);
		if (option == OPTION_HELP) {
			cli_print_help(command, stdout);
			return EXIT_SUCCESS;
		}
		if (is_no_file(option, optarg)) {
			(void)problem_set(&p, RESULT_INVALID, "--%s: the name of a file is wanted",
					  option_rows[option].name);
			return cli_refuse(command, EXIT_USAGE, p.text);
		}
		if (set(context, option, optarg, &p) != RESULT_OK)
			return cli_refuse(command, EXIT_USAGE, p.text);
	}
	*operands = (struct cli_operands){argv + optind, argc - optind};
	return CLI_GO_ON;
}
