/*
 * body_queue.h: the request body on its way to a member: bytes as they are to be
 * sent (chunk framing included), in pooled buffers, with a cursor of what has
 * been sent. While the whole body is still held it can be sent again to the next
 * member (replay); above the bound what was sent is let go.
 *
 *   first ........ cursor ........ last
 *   |  sent, kept  |   unsent      |
 */
#ifndef HOLDFAST_RELAY_BODY_QUEUE_H
#define HOLDFAST_RELAY_BODY_QUEUE_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/uio.h>

#define BODY_UNSENT_HIGH   65536 /* above: the client is not read */
#define BODY_UNSENT_RESUME 16384 /* below: it is read again */

struct body_queue {
	struct buf *first; /* owned, from the worker's pool */
	struct buf *last;
	struct buf *cursor; /* NULL: everything was sent */
	uint32_t cursor_at; /* bytes of the cursor's buffer that were sent */
	uint64_t unsent;
	uint64_t total;  /* appended since init */
	bool replayable; /* nothing was let go */
	bool ended;      /* no more will be appended */
};

void body_queue_init(struct body_queue *q);
/* False: no memory; what fitted was appended. */
bool body_queue_append(struct body_queue *q, struct buf_pool *pool, const void *at, size_t bytes);
/* `bytes` more went beside the queue, behind all of it, and will never be sent again. */
static inline void
body_queue_passed(struct body_queue *q, uint64_t bytes)
{
	q->unsent += bytes;
	q->total += bytes;
}
/* Unsent pieces; returns how many, up to `max`. */
int body_queue_pieces(const struct body_queue *q, struct iovec *pieces, int max);
/* `bytes` more were sent. */
void body_queue_sent(struct body_queue *q, struct buf_pool *pool, uint64_t bytes);
/* Is every byte since init still held, so that all can be sent again? */
static inline bool
body_queue_is_whole(const struct body_queue *q)
{
	return q->replayable || q->unsent == q->total;
}
/* For the next attempt: everything is unsent again. Only while it is whole. */
void body_queue_rewind(struct body_queue *q);
/* Lets go what was sent, now and from now on. */
void body_queue_no_replay(struct body_queue *q, struct buf_pool *pool);
void body_queue_clear(struct body_queue *q, struct buf_pool *pool);

#endif
