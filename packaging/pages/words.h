/* words.h: the command line as data, of include/tbl/subcommands.h and events.h. */
#ifndef HOLDFAST_PAGES_WORDS_H
#define HOLDFAST_PAGES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct command_word {
	const char *name;
	const char *help;
};

/* An option of one command. */
struct option_word {
	size_t command; /* place in command_words */
	char letter;    /* 0: none */
	const char *name;
	const char *value; /* "FILE", "auto|always|never"; NULL: a switch */
	const char *help;
};

extern const struct command_word command_words[];
extern const size_t command_word_count;
extern const size_t option_word_count;

/* i < option_word_count; those of one command follow one another. */
struct option_word option_word(size_t i);
/* A file name stands behind it. */
bool option_wants_file(const struct option_word *o);
/* What may stand behind it, '|' between; NULL: whatever. */
const char *option_choices(const struct option_word *o);

#endif
