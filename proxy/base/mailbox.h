/*
 * mailbox.h: letters from any thread to one: a list with a bound, and a bell. A letter stands
 * inside of what it tells; the mailbox never allocates.
 */
#ifndef HOLDFAST_BASE_MAILBOX_H
#define HOLDFAST_BASE_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct letter {
	struct letter *next;
	/* By the reader's thread; the letter is the callee's from then on. */
	void (*deliver)(struct letter *letter, void *reader);
	/* Instead, when the mailbox ends before the letter was read; by whoever ends it. */
	void (*drop)(struct letter *letter);
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first;
	struct letter *last;
	size_t count;
	size_t count_max;
	/* There is something in it; any thread, no lock is held. */
	void (*ring)(void *context);
	void *context;
};

/* count_max 0: no bound, where each letter is an answer to one that had one. */
void mailbox_init(struct mailbox *m, size_t count_max, void (*ring)(void *), void *context);
/* Nobody posts any more; letters that were not read are dropped. */
void mailbox_deinit(struct mailbox *m);
/* False: it is full, and the letter is still the caller's. Any thread. */
bool mailbox_post(struct mailbox *m, struct letter *letter);
/* The oldest; NULL: none. */
struct letter *mailbox_take(struct mailbox *m);

#endif
