/*
 * places.h: how many requests may be at one member at once (members[].connections_max), over all
 * workers, and who waits for a place there, first come first served whoever's worker it is.
 *
 *   places_enter --room, and nobody waits--> a place --places_leave--> to who waits first, or free
 *       `--- else places_wait: in the queue --granted--> mailbox of its worker, which is rung
 *
 * While there is room, entering and leaving is one atomic operation each on a word of their own,
 * and no lock. The lock is taken when the member is full, for a few steps in a list. Without a
 * bound nothing is counted: ask places_bounds first.
 *
 * Neither clock nor socket: who waits too long is taken out by its owner.
 */
#ifndef HOLDFAST_MEMBERS_PLACES_H
#define HOLDFAST_MEMBERS_PLACES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One that waits for a place, or was given one and has not been told yet; inside its owner. */
struct places_waiter {
	struct places_waiter *next;
	struct places_waiter *prev;
	struct places_mailbox *mailbox; /* borrowed; where it is told */
	bool granted;                   /* in the mailbox; else in the queue */
};

struct places_list {
	struct places_waiter *first;
	struct places_waiter *last;
};

/* Where one worker finds those of its waiters that were given a place. */
struct places_mailbox {
	pthread_mutex_t lock;
	struct places_list list; /* under the lock */
	void (*ring)(
	    void *context); /* there is something in it; any thread, a lock is held: be quick */
	void *context;
};

struct places {
	atomic_uint max;       /* places; 0: no bound */
	_Atomic uint64_t word; /* low half: places taken; high half: waiters */
	pthread_mutex_t lock;
	struct places_list queue; /* under the lock; the longest wait first */
};

void places_init(struct places *g);
void places_deinit(struct places *g); /* nobody waits any more */
/* Another bound; more room is given to those that wait. Any thread. */
void places_set_max(struct places *g, unsigned max);
/* Places taken, and who waits. */
unsigned places_taken(const struct places *g);
unsigned places_waiting(const struct places *g);

static inline bool
places_bounds(const struct places *g)
{
	return atomic_load_explicit(&g->max, memory_order_relaxed) != 0;
}
/* A place at once; false: there is none, or others wait for one. */
bool places_enter(struct places *g);
/* Gives a place back: to who waits first, if the bound allows, else free. */
void places_leave(struct places *g);
/* Queues up. True: there was a place after all, and it is taken; `w` is not used. */
bool places_wait(struct places *g, struct places_waiter *w, struct places_mailbox *mailbox);
/*
 * Takes a waiter out, by its own worker. True: it had been given a place, which is the caller's to
 * leave; its word in the mailbox is gone.
 */
bool places_cancel(struct places *g, struct places_waiter *w);

/* Its owner sets ring and context before anybody waits; NULL: it looks by itself. */
void places_mailbox_init(struct places_mailbox *m);
void places_mailbox_deinit(struct places_mailbox *m);
/* The next one that was given a place, taken out; NULL: none. By the mailbox's worker. */
struct places_waiter *places_mailbox_take(struct places_mailbox *m);

#endif
