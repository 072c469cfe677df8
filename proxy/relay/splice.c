/*
 * splice.c: the rest of a body of known length from socket to socket through
 * a pipe, without copying it (splice(2)): of an answer, and of a request.
 */
#include "relay/exchange.h"

#include <errno.h>
#include <fcntl.h>

#define SPLICE_LEFT_MIN   32768 /* below, one more copy is cheaper than two more calls */
#define SPLICE_MORE_MIN   65536 /* so much waited that more will come at once */
#define SPLICE_ROUNDS_MAX 16    /* of one event: other connections wait */

bool
splice_wanted(const struct exchange *x)
{
	return x->answer_framing == BODY_LENGTH && x->answer_left >= SPLICE_LEFT_MIN &&
	       x->door->spliceable && x->upstream->io.channel == NULL;
}

enum moved { MOVED_SOME, MOVED_NOTHING, MOVED_END, MOVED_BROKEN };

static enum moved
move(int from, int to, uint64_t bytes, unsigned flags, uint64_t *moved)
{
	ssize_t n;
	do
		n = splice(from, NULL, to, NULL, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK | flags);
	while (n == -1 && errno == EINTR);
	*moved = n > 0 ? (uint64_t)n : 0;
	if (n > 0)
		return MOVED_SOME;
	if (n == 0)
		return MOVED_END;
	return errno == EAGAIN ? MOVED_NOTHING : MOVED_BROKEN;
}

/* Member to pipe. */
static enum moved
fill(struct exchange *x)
{
	uint64_t room = PIPE_BYTES - x->piped;
	if (room > x->answer_left)
		room = x->answer_left;
	if (room == 0)
		return MOVED_NOTHING;
	uint64_t n;
	enum moved moved = move(x->upstream->io.fd, x->pipe->in, room, 0, &n);
	x->answer_left -= n;
	x->piped += n;
	return moved;
}

/* Pipe to client. */
static enum moved
drain(struct exchange *x)
{
	uint64_t n;
	struct door *door = x->door;
	/* The kernel holds back a part of a segment when it is told that more follows. */
	bool more = x->answer_left > 0 && x->piped >= SPLICE_MORE_MIN;
	enum moved moved = move(x->pipe->out, door->fd, x->piped, more ? SPLICE_F_MORE : 0, &n);
	x->piped -= n;
	door->ops->spliced(door, n, x->piped > 0);
	return moved;
}

static void
pause_or_wait(struct exchange *x)
{
	struct upstream *u = x->upstream;
	unsigned writes = u->io.wants & IO_WRITE;
	if (x->door->blocked)
		deadline_clear(&u->deadline);
	else
		deadline_set(x->worker, &u->deadline, exchange_timeouts(x)->idle_ms);
	if (!io_want(&u->io, writes | (x->door->blocked ? 0 : IO_READ)))
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
}

void
splice_pump(struct exchange *x)
{
	for (int round = 0; round < SPLICE_ROUNDS_MAX; round++) {
		enum moved in = fill(x);
		if (x->piped > 0 && drain(x) == MOVED_BROKEN) {
			x->door->gone = true;
			exchange_over(x, CAUSE_CLIENT_ABORT);
			return;
		}
		if (x->piped == 0 && x->answer_left == 0) {
			answer_complete(x, SLICE_NONE);
			return;
		}
		if (x->piped > 0)
			break;
		if (in == MOVED_END || in == MOVED_BROKEN) {
			answer_truncated(x);
			return;
		}
		if (in == MOVED_NOTHING)
			break;
	}
	pause_or_wait(x);
}

/* Of few answers: kept out of the way of the others. */
__attribute__((noinline)) void
splice_start(struct exchange *x)
{
	x->pipe = worker_pipe_get(x->worker);
	if (x->pipe == NULL)
		return; /* by copying, then */
	x->splicing = true;
	x->upstream->large = true;
	splice_pump(x);
}

/* ---- bodies of requests -----------------------------------------------------------------------
 */

/* Only what nobody may ask for again: all that came before has left. */
bool
exchange_splices_body(struct exchange *x, uint64_t left)
{
	const struct upstream *u = x->upstream;
	if (x->body_piped > 0)
		return true;
	if (left < SPLICE_LEFT_MIN || x->state < EXCHANGE_WAITING || x->body.replayable ||
	    x->body.unsent > 0 || x->head_rest != NULL || u->io.way != NULL || u->write_broken)
		return false;
	if (x->body_pipe == NULL)
		x->body_pipe = worker_pipe_get(x->worker);
	return x->body_pipe != NULL;
}

ssize_t
exchange_splice_body(struct exchange *x, int fd, uint64_t left)
{
	uint64_t room = PIPE_BYTES - x->body_piped;
	uint64_t n;
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	enum moved moved = move(fd, x->body_pipe->in, left < room ? left : room, 0, &n);
	x->body_piped += n;
	x->body_received += n;
	body_queue_passed(&x->body, n);
	if (moved == MOVED_SOME || moved == MOVED_END)
		return (ssize_t)n;
	return -1;
}

size_t
splice_body_on(struct exchange *x)
{
	struct upstream *u = x->upstream;
	uint64_t n;
	bool more =
	    x->body_received < x->request.content_length && x->body_piped >= SPLICE_MORE_MIN;
	enum moved moved =
	    move(x->body_pipe->out, u->io.fd, x->body_piped, more ? SPLICE_F_MORE : 0, &n);
	if (moved == MOVED_BROKEN)
		u->write_broken = true;
	u->sent += n;
	x->body_piped -= n;
	x->body.unsent -= n;
	return n;
}

void
splice_body_drop(struct exchange *x)
{
	x->body.unsent -= x->body_piped;
	worker_pipe_put(x->worker, &x->body_pipe, x->body_piped == 0);
	x->body_piped = 0;
}
