/*
 * buf.h: pooled byte buffers of one fixed size. A pool belongs to one worker; a
 * buffer is got when a socket has bytes and put back as soon as it is empty, so
 * that an idle connection holds none.
 */
#ifndef HOLDFAST_BASE_BUF_H
#define HOLDFAST_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#define BUF_BYTES      16384 /* of data */
#define BUF_SPARES_MAX 1024  /* kept by a pool for reuse; more are freed */

/*
 *   data[ 0 .. from )  consumed
 *   data[from .. to )  held
 *   data[ to .. BUF_BYTES ) room
 */
struct buf {
	struct buf *next; /* in a queue, or in the pool; owned by whoever holds the first */
	uint32_t from;
	uint32_t to;
	char data[BUF_BYTES];
};

struct buf_pool {
	struct buf *spare; /* owned */
	size_t spares;     /* in the list */
	size_t held;       /* got and not yet put back */
	size_t held_max;   /* bound on `held`; 0: none */
};

void buf_pool_init(struct buf_pool *pool, size_t held_max);
void buf_pool_deinit(struct buf_pool *pool);
/* A buffer that no list has; NULL: no memory. */
struct buf *buf_make(void);
/* Empty, next NULL. NULL: no memory, or the pool's bound is hit. */
static inline struct buf *
buf_get(struct buf_pool *pool)
{
	if (pool->held_max != 0 && pool->held >= pool->held_max)
		return NULL;
	struct buf *b = pool->spare;
	if (b != NULL) {
		pool->spare = b->next;
		pool->spares--;
	} else if ((b = buf_make()) == NULL) {
		return NULL;
	}
	b->next = NULL;
	b->from = 0;
	b->to = 0;
	pool->held++;
	return b;
}
/* Puts one buffer back and nulls the pointer; NULL is allowed. */
void buf_put(struct buf_pool *pool, struct buf **b);

/* All of a chain (by `next`); *first is NULL behind it. */
void buf_chain_put(struct buf_pool *pool, struct buf **first);
/* The first `bytes` of a chain are done with; *first is what is left, NULL: nothing. */
void buf_chain_drop(struct buf_pool *pool, struct buf **first, size_t bytes);

static inline size_t
buf_held(const struct buf *b)
{
	return b->to - b->from;
}

static inline size_t
buf_room(const struct buf *b)
{
	return BUF_BYTES - b->to;
}

#endif
