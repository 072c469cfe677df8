/* body_queue.c: the request body on its way; see body_queue.h. */
#include "relay/body_queue.h"

#include <assert.h>
#include <string.h>

void
body_queue_init(struct body_queue *q)
{
	*q = (struct body_queue){.replayable = true};
}

bool
body_queue_append(struct body_queue *q, struct buf_pool *pool, const void *at, size_t bytes)
{
	const char *from = at;
	while (bytes > 0) {
		if (q->last == NULL || buf_room(q->last) == 0) {
			struct buf *b = buf_get(pool);
			if (b == NULL)
				return false;
			if (q->last == NULL)
				q->first = b;
			else
				q->last->next = b;
			q->last = b;
		}
		struct buf *b = q->last;
		size_t take = bytes < buf_room(b) ? bytes : buf_room(b);
		memcpy(b->data + b->to, from, take);
		if (q->cursor == NULL) {
			q->cursor = b;
			q->cursor_at = b->to;
		}
		b->to += (uint32_t)take;
		q->unsent += take;
		q->total += take;
		from += take;
		bytes -= take;
	}
	return true;
}

int
body_queue_pieces(const struct body_queue *q, struct iovec *pieces, int max)
{
	int count = 0;
	uint32_t at = q->cursor_at;
	for (struct buf *b = q->cursor; b != NULL && count < max; b = b->next) {
		pieces[count].iov_base = b->data + at;
		pieces[count].iov_len = b->to - at;
		count++;
		at = 0;
	}
	return count;
}

static void
let_go_sent(struct body_queue *q, struct buf_pool *pool)
{
	while (q->first != NULL && q->first != q->cursor) {
		struct buf *b = q->first;
		q->first = b->next;
		buf_put(pool, &b);
	}
	if (q->first == NULL)
		q->last = NULL;
}

void
body_queue_sent(struct body_queue *q, struct buf_pool *pool, uint64_t bytes)
{
	assert(bytes <= q->unsent);
	q->unsent -= bytes;
	while (bytes > 0) {
		uint64_t here = q->cursor->to - q->cursor_at;
		if (bytes < here) {
			q->cursor_at += (uint32_t)bytes;
			break;
		}
		bytes -= here;
		q->cursor = q->cursor->next;
		q->cursor_at = 0;
	}
	if (!q->replayable)
		let_go_sent(q, pool);
}

void
body_queue_rewind(struct body_queue *q)
{
	assert(body_queue_is_whole(q));
	q->cursor = q->first;
	q->cursor_at = 0;
	q->unsent = q->total;
}

void
body_queue_no_replay(struct body_queue *q, struct buf_pool *pool)
{
	q->replayable = false;
	let_go_sent(q, pool);
}

void
body_queue_clear(struct body_queue *q, struct buf_pool *pool)
{
	while (q->first != NULL) {
		struct buf *b = q->first;
		q->first = b->next;
		buf_put(pool, &b);
	}
	body_queue_init(q);
}
