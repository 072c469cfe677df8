/* complete_zsh.c: completion for zsh(1), by its _arguments. */
#include "pages.h"
#include "words.h"

/* For the inside of '...': what _arguments takes for its own is escaped. */
static void
put_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			(void)fputs("'\\'", to);
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			(void)fputc('\\', to);
		(void)fputc(*text, to);
	}
}

/* Behind an option's explanation: what it wants, and what there is to choose from. */
static void
put_value(FILE *to, const struct option_word *o)
{
	const char *choices = option_choices(o);
	(void)fprintf(to, ":%s:", o->name);
	if (choices != NULL) {
		(void)fputc('(', to);
		for (; *choices != '\0'; choices++)
			(void)fputc(*choices == '|' ? ' ' : *choices, to);
		(void)fputc(')', to);
	} else if (option_wants_file(o)) {
		(void)fputs("_files", to);
	}
}

static void
option(FILE *to, const char *dashes, const char *name, const struct option_word *o)
{
	(void)fprintf(to, " \\\n\t\t\t'*%s%s[", dashes, name);
	put_text(to, o->help);
	(void)fputc(']', to);
	if (o->value != NULL)
		put_value(to, o);
	(void)fputc('\'', to);
}

static void
command(FILE *to, size_t c)
{
	(void)fprintf(to, "\t%s)\n\t\t_arguments '(-h --help)'{-h,--help}'[what it takes]'",
		      command_words[c].name);
	for (size_t i = 0; i < option_word_count; i++) {
		struct option_word o = option_word(i);
		const char letter[] = {o.letter, '\0'};
		if (o.command != c)
			continue;
		option(to, "--", o.name, &o);
		if (o.letter != 0)
			option(to, "-", letter, &o);
	}
	(void)fputs(" \\\n\t\t\t'*:operand:_files' ;;\n", to);
}

void
complete_zsh(FILE *to)
{
	(void)fputs("#compdef holdfast\n"
		    "# Completion for holdfast; written from include/tbl/subcommands.h.\n"
		    "_holdfast() {\n"
		    "\tlocal -a commands\n"
		    "\tcommands=(\n",
		    to);
	for (size_t i = 0; i < command_word_count; i++) {
		(void)fprintf(to, "\t\t'%s:", command_words[i].name);
		put_text(to, command_words[i].help);
		(void)fputs("'\n", to);
	}
	(void)fputs("\t\t'help:say more of a command'\n"
		    "\t)\n"
		    "\tif (( CURRENT == 2 )) || [[ CURRENT -eq 3 && $words[2] == help ]]; then\n"
		    "\t\t_describe command commands\n"
		    "\t\treturn\n"
		    "\tfi\n"
		    "\tlocal name=$words[2]\n"
		    "\tshift words\n"
		    "\t(( CURRENT-- ))\n"
		    "\tcase $name in\n",
		    to);
	for (size_t c = 0; c < command_word_count; c++)
		command(to, c);
	(void)fputs("\tesac\n}\n_holdfast \"$@\"\n", to);
}
