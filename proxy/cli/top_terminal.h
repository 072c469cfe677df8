/*
 * top_terminal.h: the terminal of a program that fills the screen: without line editing and echo,
 * on the alternate screen, and as it was before on every way out: return, signals, crashes.
 */
#ifndef HOLDFAST_CLI_TOP_TERMINAL_H
#define HOLDFAST_CLI_TOP_TERMINAL_H

#include "base/text.h"

#include <termios.h>

#define TERMINAL_INPUT_BYTES 64

enum top_key {
	TOP_KEY_NONE, /* nothing that is known */
	TOP_KEY_QUIT,
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_BACK,
	TOP_KEY_SORT,
	TOP_KEY_REVERSE,
	TOP_KEY_PAUSE,
	TOP_KEY_HELP,
};
/*
 * The key that `typed` begins with; it is cut off. An escape character with nothing behind it is
 * the key Escape. Sequences that are not known are taken whole.
 */
enum top_key top_key_next(struct slice *typed);

/* What became of the terminal. */
enum terminal_event {
	TERMINAL_NOTHING, /* the time was over */
	TERMINAL_TYPED,
	TERMINAL_RESIZED,     /* or it is ours again after a stop */
	TERMINAL_INTERRUPTED, /* SIGINT, or no terminal any more: end well */
	TERMINAL_KILLED,      /* by terminal->killed: end by the same signal */
};

struct terminal {
	int events; /* epoll: readable when there is something to attend to */
	int signals;
	int killed; /* a signal; 0: none */
	size_t columns;
	size_t lines;
	size_t typed_bytes;
	char typed[TERMINAL_INPUT_BYTES];
};

/* RESULT_INVALID: standard input or output is no terminal, or one that can do nothing. RESULT_IO.
 */
enum result terminal_open(struct terminal *t, struct problem *p);
/* As it was before terminal_open. May be called twice. */
void terminal_close(struct terminal *t);
/* Waits for so long. What was typed stands in t->typed. */
enum terminal_event terminal_wait(struct terminal *t, int wait_ms);
void terminal_write(const char *at, size_t bytes);

#endif
