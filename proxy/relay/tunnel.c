/*
 * tunnel.c: an upgraded connection (RFC 9110 section 7.8): bytes in both
 * directions, untouched, until the member's side ended or nothing moved for
 * timeouts.tunnel. What came before an end is passed on; the client's end is told to the
 * member, the member's is the tunnel's (RFC 9110 section 9.3.6).
 */
#include "relay/exchange.h"

#include <errno.h>
#include <sys/socket.h>

static void
stir(struct exchange *x)
{
	deadline_set(x->worker, &x->upstream->deadline,
		     x->half_closed ? exchange_timeouts(x)->idle_ms
				    : exchange_timeouts(x)->tunnel_ms);
}

/* Towards the client; false: x is over. */
static bool
settle(struct exchange *x)
{
	struct door *door = x->door;
	struct upstream *u = x->upstream;
	door->ops->flush(door);
	if (door->gone) {
		exchange_over(x, CAUSE_TUNNEL_DONE);
		return false;
	}
	stir(x);
	unsigned wants = u->io.wants & IO_WRITE;
	if (!door->blocked)
		wants |= IO_READ;
	if (!io_want(&u->io, wants)) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return false;
	}
	return true;
}

void
tunnel_start(struct exchange *x, const char *at, size_t bytes)
{
	x->member_keeps = false;
	body_queue_no_replay(&x->body, &x->worker->bufs);
	x->body.ended = false; /* the request had no body; what follows is the tunnel's */
	if (bytes > 0)
		x->door->ops->data(x->door, at, bytes);
	if (settle(x))
		x->door->ops->want_body(x->door, true);
}

/* The client's side ended and everything it sent is at the member: the member is told. */
void
tunnel_on_sent(struct exchange *x)
{
	stir(x);
	if (x->body.ended && x->body.unsent == 0 && !x->half_closed) {
		x->half_closed = true;
		io_shutdown(&x->upstream->io);
		stir(x);
	}
}

void
tunnel_on_member(struct exchange *x, unsigned events)
{
	struct worker *w = x->worker;
	struct upstream *u = x->upstream;
	if ((events & IO_WRITE) != 0) {
		attempt_send(x);
		if (x->state == EXCHANGE_OVER)
			return;
	}
	if ((events & IO_READ) == 0)
		return;
	ssize_t n = io_recv(&u->io, w->bulk, sizeof(w->bulk));
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		exchange_over(x, CAUSE_TUNNEL_DONE);
		return;
	}
	x->door->ops->data(x->door, w->bulk, (size_t)n);
	(void)settle(x);
}

void
tunnel_on_drained(struct exchange *x)
{
	(void)settle(x);
}
