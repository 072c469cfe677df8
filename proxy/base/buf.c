/* buf.c: pooled byte buffers; see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>

void
buf_pool_init(struct buf_pool *pool, size_t held_max)
{
	*pool = (struct buf_pool){.held_max = held_max};
}

void
buf_pool_deinit(struct buf_pool *pool)
{
	assert(pool->held == 0);
	while (pool->spare != NULL) {
		struct buf *b = pool->spare;
		pool->spare = b->next;
		free(b);
	}
	pool->spares = 0;
}

struct buf *
buf_make(void)
{
	return malloc(sizeof(struct buf));
}

void
buf_put(struct buf_pool *pool, struct buf **held)
{
	struct buf *b = *held;
	if (b == NULL)
		return;
	*held = NULL;
	assert(pool->held > 0);
	pool->held--;
	if (pool->spares >= BUF_SPARES_MAX) {
		free(b);
		return;
	}
	b->next = pool->spare;
	pool->spare = b;
	pool->spares++;
}

void
buf_chain_put(struct buf_pool *pool, struct buf **first)
{
	while (*first != NULL) {
		struct buf *b = *first;
		*first = b->next;
		buf_put(pool, &b);
	}
}

void
buf_chain_drop(struct buf_pool *pool, struct buf **first, size_t bytes)
{
	while (*first != NULL) {
		struct buf *b = *first;
		size_t take = bytes < buf_held(b) ? bytes : buf_held(b);
		b->from += (uint32_t)take;
		bytes -= take;
		if (buf_held(b) > 0)
			return;
		*first = b->next;
		buf_put(pool, &b);
	}
}
