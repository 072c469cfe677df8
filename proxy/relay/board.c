/* board.c: see board.h. */
#include "relay/board.h"

#include <stdlib.h>
#include <string.h>

void
board_init(struct board *b)
{
	memset(b, 0, sizeof(*b));
	(void)pthread_mutex_init(&b->lock, NULL);
}

void
board_deinit(struct board *b)
{
	free(b->text);
	b->text = NULL;
	(void)pthread_mutex_destroy(&b->lock);
}

void
board_hear(struct board *b, size_t node, uint64_t epoch)
{
	unsigned long long known = atomic_load_explicit(&b->heard[node], memory_order_relaxed);
	while (known < epoch) {
		if (atomic_compare_exchange_weak(&b->heard[node], &known, epoch)) {
			atomic_store(&b->news, true);
			return;
		}
	}
}

void
board_master(struct board *b, unsigned master, uint64_t term)
{
	atomic_store_explicit(&b->master_term, term, memory_order_relaxed);
	atomic_store_explicit(&b->master, master, memory_order_release);
}

void
board_hold(struct board *b, char *text, size_t bytes)
{
	(void)pthread_mutex_lock(&b->lock);
	char *before = b->text;
	b->text = text;
	b->bytes = bytes;
	(void)pthread_mutex_unlock(&b->lock);
	free(before);
}

char *
board_copy(struct board *b, size_t *bytes)
{
	char *copy = NULL;
	(void)pthread_mutex_lock(&b->lock);
	if (b->text != NULL)
		copy = malloc(b->bytes);
	if (copy != NULL) {
		memcpy(copy, b->text, b->bytes);
		*bytes = b->bytes;
	}
	(void)pthread_mutex_unlock(&b->lock);
	return copy;
}
