/* complete_fish.c: completion for fish(1). */
#include "pages.h"
#include "words.h"

/* 'text' with what ends a quote escaped. */
static void
put_quoted(FILE *to, const char *text)
{
	(void)fputc('\'', to);
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			(void)fputc('\\', to);
		(void)fputc(*text == '|' ? ' ' : *text, to);
	}
	(void)fputc('\'', to);
}

static void
option(FILE *to, const struct option_word *o)
{
	const char *choices = option_choices(o);
	(void)fprintf(to, "complete -c holdfast -n '__fish_seen_subcommand_from %s' -l %s",
		      command_words[o->command].name, o->name);
	if (o->letter != 0)
		(void)fprintf(to, " -s %c", o->letter);
	if (option_wants_file(o)) {
		(void)fputs(" -r -F", to);
	} else if (o->value != NULL) {
		(void)fputs(" -x", to);
		if (choices != NULL) {
			(void)fputs(" -a ", to);
			put_quoted(to, choices);
		}
	}
	(void)fputs(" -d ", to);
	put_quoted(to, o->help);
	(void)fputc('\n', to);
}

void
complete_fish(FILE *to)
{
	(void)fputs("# Completion for holdfast; written from include/tbl/subcommands.h.\n", to);
	for (size_t i = 0; i < command_word_count; i++) {
		(void)fprintf(to, "complete -c holdfast -f -n __fish_use_subcommand -a %s -d ",
			      command_words[i].name);
		put_quoted(to, command_words[i].help);
		(void)fputc('\n', to);
	}
	(void)fputs(
	    "complete -c holdfast -f -n __fish_use_subcommand -a help -d 'say more of a command'\n",
	    to);
	(void)fputs("complete -c holdfast -l help -s h -d 'what the command takes'\n", to);
	for (size_t i = 0; i < option_word_count; i++) {
		struct option_word o = option_word(i);
		option(to, &o);
	}
}
