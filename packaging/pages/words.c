/* words.c: see words.h. */
#include "words.h"

#include <string.h>

enum command {
#define SUBCOMMAND(ident, name, usage, help, details, negative) COMMAND_##ident,
#include "tbl/subcommands.h"
};

enum option {
#define OPTION(ident, letter, name, value) OPTION_##ident,
#include "tbl/subcommands.h"
	OPTIONS
};

const struct command_word command_words[] = {
#define SUBCOMMAND(ident, name, usage, help, details, negative) {name, help},
#include "tbl/subcommands.h"
};
const size_t command_word_count = sizeof(command_words) / sizeof(command_words[0]);

static const struct {
	char letter;
	const char *name;
	const char *value;
} options[OPTIONS] = {
#define OPTION(ident, letter, name, value) {letter, name, value},
#include "tbl/subcommands.h"
};

static const struct {
	enum command command;
	enum option option;
	const char *help;
} takes[] = {
#define TAKES(command, option, help) {COMMAND_##command, OPTION_##option, help},
#include "tbl/subcommands.h"
};
const size_t option_word_count = sizeof(takes) / sizeof(takes[0]);

static const char event_choices[] =
#define EVENT(name, text, help) text "|"
#include "tbl/events.h"
#undef EVENT
    ;

struct option_word
option_word(size_t i)
{
	enum option o = takes[i].option;
	return (struct option_word){takes[i].command, options[o].letter, options[o].name,
				    options[o].value, takes[i].help};
}

bool
option_wants_file(const struct option_word *o)
{
	return o->value != NULL && strcmp(o->value, "FILE") == 0;
}

const char *
option_choices(const struct option_word *o)
{
	if (strcmp(o->name, "event") == 0)
		return event_choices;
	return o->value != NULL && strchr(o->value, '|') != NULL ? o->value : NULL;
}
