/*
 * places.c: places at a member; see places.h.
 *
 * The number of waiters is changed under the lock alone. While it is not 0 neither entering nor
 * leaving goes without the lock, so the word belongs to who holds it; while it is 0 the queue is
 * empty.
 */
#include "members/places.h"

#include <assert.h>
#include <stddef.h>

#define WAITER (UINT64_C(1) << 32)

static uint32_t
taken_of(uint64_t word)
{
	return (uint32_t)word;
}

static uint32_t
waiting_of(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static void
list_append(struct places_list *list, struct places_waiter *w)
{
	w->next = NULL;
	w->prev = list->last;
	if (list->last != NULL)
		list->last->next = w;
	else
		list->first = w;
	list->last = w;
}

static void
list_remove(struct places_list *list, struct places_waiter *w)
{
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		list->first = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	else
		list->last = w->prev;
}

/* ---- mailboxes --------------------------------------------------------------------------------
 */

void
places_mailbox_init(struct places_mailbox *m)
{
	(void)pthread_mutex_init(&m->lock, NULL);
	m->list = (struct places_list){NULL, NULL};
	m->ring = NULL;
	m->context = NULL;
}

void
places_mailbox_deinit(struct places_mailbox *m)
{
	assert(m->list.first == NULL);
	(void)pthread_mutex_destroy(&m->lock);
}

static void
tell(struct places_waiter *w)
{
	struct places_mailbox *m = w->mailbox;
	(void)pthread_mutex_lock(&m->lock);
	bool news = m->list.first == NULL;
	list_append(&m->list, w);
	(void)pthread_mutex_unlock(&m->lock);
	if (news && m->ring != NULL)
		m->ring(m->context);
}

struct places_waiter *
places_mailbox_take(struct places_mailbox *m)
{
	(void)pthread_mutex_lock(&m->lock);
	struct places_waiter *w = m->list.first;
	if (w != NULL)
		list_remove(&m->list, w);
	(void)pthread_mutex_unlock(&m->lock);
	return w;
}

/* ---- the places -------------------------------------------------------------------------------
 */

void
places_init(struct places *g)
{
	atomic_init(&g->max, 0);
	atomic_init(&g->word, 0);
	(void)pthread_mutex_init(&g->lock, NULL);
	g->queue = (struct places_list){NULL, NULL};
}

void
places_deinit(struct places *g)
{
	assert(g->queue.first == NULL);
	(void)pthread_mutex_destroy(&g->lock);
}

unsigned
places_taken(const struct places *g)
{
	return taken_of(atomic_load_explicit(&g->word, memory_order_relaxed));
}

unsigned
places_waiting(const struct places *g)
{
	return waiting_of(atomic_load_explicit(&g->word, memory_order_relaxed));
}

static bool
has_room(const struct places *g, uint64_t word)
{
	uint32_t max = atomic_load_explicit(&g->max, memory_order_relaxed);
	return max == 0 || taken_of(word) < max;
}

bool
places_enter(struct places *g)
{
	uint64_t word = atomic_load_explicit(&g->word, memory_order_relaxed);
	do {
		if (waiting_of(word) > 0 || !has_room(g, word))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
	    &g->word, &word, word + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

/* Gives what room there is to those that wait. The lock is held. */
static void
admit(struct places *g)
{
	struct places_waiter *w;
	while ((w = g->queue.first) != NULL && has_room(g, atomic_load(&g->word))) {
		list_remove(&g->queue, w);
		w->granted = true;
		atomic_fetch_add(&g->word, 1 - WAITER);
		tell(w);
	}
}

static void
leave_locked(struct places *g)
{
	(void)pthread_mutex_lock(&g->lock);
	atomic_fetch_sub(&g->word, 1);
	admit(g);
	(void)pthread_mutex_unlock(&g->lock);
}

void
places_leave(struct places *g)
{
	uint64_t word = atomic_load_explicit(&g->word, memory_order_relaxed);
	assert(taken_of(word) > 0);
	do {
		if (waiting_of(word) > 0) {
			leave_locked(g);
			return;
		}
	} while (!atomic_compare_exchange_weak_explicit(
	    &g->word, &word, word - 1, memory_order_release, memory_order_relaxed));
}

void
places_set_max(struct places *g, unsigned max)
{
	(void)pthread_mutex_lock(&g->lock);
	atomic_store(&g->max, max);
	admit(g);
	(void)pthread_mutex_unlock(&g->lock);
}

/* Whoever leaves after this sees the waiter; whoever left before made room that is seen here. */
static bool
enter_or_count(struct places *g)
{
	uint64_t word = atomic_load(&g->word);
	uint64_t next;
	bool enters;
	do {
		enters = waiting_of(word) == 0 && has_room(g, word);
		next = word + (enters ? 1 : WAITER);
	} while (!atomic_compare_exchange_weak(&g->word, &word, next));
	return enters;
}

bool
places_wait(struct places *g, struct places_waiter *w, struct places_mailbox *mailbox)
{
	w->mailbox = mailbox;
	w->granted = false;
	(void)pthread_mutex_lock(&g->lock);
	bool enters = enter_or_count(g);
	if (!enters)
		list_append(&g->queue, w);
	(void)pthread_mutex_unlock(&g->lock);
	return enters;
}

bool
places_cancel(struct places *g, struct places_waiter *w)
{
	(void)pthread_mutex_lock(&g->lock);
	bool granted = w->granted;
	if (granted) {
		(void)pthread_mutex_lock(&w->mailbox->lock);
		list_remove(&w->mailbox->list, w);
		(void)pthread_mutex_unlock(&w->mailbox->lock);
	} else {
		list_remove(&g->queue, w);
		atomic_fetch_sub(&g->word, WAITER);
	}
	(void)pthread_mutex_unlock(&g->lock);
	return granted;
}
