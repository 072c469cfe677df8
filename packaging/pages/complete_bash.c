/* complete_bash.c: completion for bash(1), programmable completion of its own alone. */
#include "pages.h"
#include "words.h"

static void
put_choices(FILE *to, const char *choices)
{
	for (; *choices != '\0'; choices++)
		(void)fputc(*choices == '|' ? ' ' : *choices, to);
}

static void
commands(FILE *to)
{
	(void)fputs("\t\tCOMPREPLY=($(compgen -W 'help", to);
	for (size_t i = 0; i < command_word_count; i++)
		(void)fprintf(to, " %s", command_words[i].name);
	(void)fputs("' -- \"$word\"))\n", to);
}

/* What stands behind an option that wants a value. */
static void
values(FILE *to)
{
	(void)fputs("\tcase \"$command $before\" in\n", to);
	for (size_t i = 0; i < option_word_count; i++) {
		struct option_word o = option_word(i);
		const char *choices = option_choices(&o);
		const char *name = command_words[o.command].name;
		if (o.value == NULL)
			continue;
		(void)fprintf(to, "\t'%s --%s'", name, o.name);
		if (o.letter != 0)
			(void)fprintf(to, " | '%s -%c'", name, o.letter);
		(void)fputs(")\n", to);
		if (choices != NULL) {
			(void)fputs("\t\tCOMPREPLY=($(compgen -W '", to);
			put_choices(to, choices);
			(void)fputs("' -- \"$word\"))\n", to);
		} else if (option_wants_file(&o)) {
			(void)fputs("\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n", to);
		}
		(void)fputs("\t\treturn ;;\n", to);
	}
	(void)fputs("\tesac\n", to);
}

static void
options(FILE *to)
{
	(void)fputs("\tcase \"$command\" in\n", to);
	for (size_t c = 0; c < command_word_count; c++) {
		(void)fprintf(to, "\t%s) options='--help", command_words[c].name);
		for (size_t i = 0; i < option_word_count; i++) {
			struct option_word o = option_word(i);
			if (o.command == c)
				(void)fprintf(to, " --%s", o.name);
		}
		(void)fputs("' ;;\n", to);
	}
	(void)fputs("\tesac\n", to);
}

void
complete_bash(FILE *to)
{
	(void)fputs("# Completion for holdfast; written from include/tbl/subcommands.h.\n"
		    "_holdfast() {\n"
		    "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		    "\tlocal command=${COMP_WORDS[1]} options=\n"
		    "\tCOMPREPLY=()\n"
		    "\tif [ \"$COMP_CWORD\" = 1 ] || { [ \"$COMP_CWORD\" = 2 ] && [ \"$command\" = "
		    "help ]; }; then\n",
		    to);
	commands(to);
	(void)fputs("\t\treturn\n\tfi\n", to);
	values(to);
	options(to);
	(void)fputs("\tcase \"$word\" in\n"
		    "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
		    "\t*) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
		    "\tesac\n"
		    "}\n"
		    "complete -o filenames -F _holdfast holdfast\n",
		    to);
}
