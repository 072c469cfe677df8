/* io_ev.c: readiness by libevent; see io.h. */
#include "relay/io.h"

#include "relay/worker.h"
#include "tls/channel.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(sizeof(struct event) <= IO_EVENT_BYTES, "an io has room for an event");

static struct event *
event_of(struct io *io)
{
	return (struct event *)(void *)io->event;
}

/* What the descriptor is watched for, so that `wants` can be had through the channel. */
static unsigned
through(const struct tls_channel *c, unsigned wants)
{
	unsigned watched = 0;
	if ((wants & IO_READ) != 0)
		watched |= c->recv_waits_write ? IO_WRITE : IO_READ;
	if ((wants & IO_WRITE) != 0)
		watched |= c->send_waits_read ? IO_READ : IO_WRITE;
	return watched;
}

/* The other way: what of `wants` may go on, when this was seen. */
static unsigned
seen_through(const struct tls_channel *c, unsigned wants, unsigned seen)
{
	unsigned events = 0;
	bool readable = c->recv_waits_write ? (seen & IO_WRITE) != 0 : (seen & IO_READ) != 0;
	bool writable = c->send_waits_read ? (seen & IO_READ) != 0 : (seen & IO_WRITE) != 0;
	if (readable)
		events |= IO_READ;
	if (writable)
		events |= IO_WRITE;
	return events & wants;
}

static void
on_event(evutil_socket_t fd, short what, void *context)
{
	struct io *io = context;
	(void)fd;
	unsigned events = 0;
	if ((what & EV_READ) != 0)
		events |= IO_READ;
	if ((what & EV_WRITE) != 0)
		events |= IO_WRITE;
	struct worker *w = io->worker;
	worker_time(w);
	if (io->channel != NULL)
		events = seen_through(io->channel, io->wants, events);
	if (events != 0)
		io->ready(io->owner, events);
	worker_sweep(w);
}

void
io_init(struct io *io, struct worker *worker, int fd, io_ready_fn *ready, void *owner)
{
	io->fd = fd;
	io->wants = 0;
	io->ready = ready;
	io->owner = owner;
	io->worker = worker;
	io->channel = NULL;
	io->way = NULL;
}

/* ---- bytes that are held -----------------------------------------------------------------------
 */

static void
unlink_held(struct tls_channel *c)
{
	if (c->slot == NULL)
		return;
	*c->slot = c->next;
	if (c->next != NULL)
		c->next->slot = c->slot;
	c->slot = NULL;
}

static void
link_held(struct tls_channel **first, struct tls_channel *c)
{
	c->next = *first;
	if (c->next != NULL)
		c->next->slot = &c->next;
	c->slot = first;
	*first = c;
}

/* Who is told may hold bytes again: that is the next round's. */
static void
on_held(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;
	struct tls_channel *now = w->held;
	(void)fd;
	(void)what;
	w->held = NULL;
	if (now != NULL)
		now->slot = &now;
	worker_time(w);
	while (now != NULL) {
		struct tls_channel *c = now;
		struct io *io = c->reader;
		unlink_held(c);
		if (c->held && (io->wants & IO_READ) != 0)
			io->ready(io->owner, IO_READ);
		worker_sweep(w);
	}
}

/* In the next round of the loop, as if the descriptor were readable: other connections come first.
 */
static bool
tell_held(struct io *io)
{
	static const struct timeval now = {0, 0};
	struct worker *w = io->worker;
	struct tls_channel *c = io->channel;
	if (c->slot != NULL)
		return true;
	if (w->held_timer == NULL)
		w->held_timer = event_new(w->base, -1, 0, on_held, w);
	if (w->held_timer == NULL || (w->held == NULL && event_add(w->held_timer, &now) == -1))
		return false;
	c->reader = io;
	link_held(&w->held, c);
	return true;
}

void
io_release(struct worker *w)
{
	if (w->held_timer != NULL)
		event_free(w->held_timer);
	w->held_timer = NULL;
}

/* ---- interest ---------------------------------------------------------------------------------
 */

static bool
watch(struct io *io, unsigned watched)
{
	short what = EV_PERSIST;
	if ((watched & IO_READ) != 0)
		what |= EV_READ;
	if ((watched & IO_WRITE) != 0)
		what |= EV_WRITE;
	(void)event_assign(event_of(io), io->worker->base, io->fd, what, on_event, io);
	if (event_add(event_of(io), NULL) == -1) {
		io->wants = 0;
		return false;
	}
	return true;
}

bool
io_change(struct io *io, unsigned wants)
{
	if (io->way != NULL && io->way->want != NULL) {
		io->wants = wants;
		io->way->want(io);
		return true;
	}
	assert(io->fd != -1);
	if (io->wants != 0)
		(void)event_del(event_of(io));
	io->wants = wants;
	if (wants == 0)
		return true;
	if (io->channel == NULL)
		return watch(io, wants);
	if (!watch(io, through(io->channel, wants)))
		return false;
	return (wants & IO_READ) == 0 || !io->channel->held || tell_held(io);
}

bool
io_is_ready(const struct io *io)
{
	const struct event *event = (const struct event *)(const void *)io->event;
	if (io->channel != NULL && io->channel->held)
		return true;
	return io->wants != 0 && (event->ev_evcallback.evcb_flags & EVLIST_ACTIVE) != 0;
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

/* After a call that may have changed what the channel waits for, and by what it is waited for. */
static void
follow(struct io *io, unsigned watched_before)
{
	if (io->wants == 0)
		return;
	if (through(io->channel, io->wants) != watched_before)
		(void)io_change(io, io->wants); /* refused: a deadline ends it */
	else if (io->channel->held && (io->wants & IO_READ) != 0)
		(void)tell_held(io);
}

static inline ssize_t
send_plain(struct io *io, struct iovec *pieces, int count)
{
	const long flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
	ssize_t n;
	do {
		if (count == 1)
			n = syscall(SYS_sendto, io->fd, pieces[0].iov_base, pieces[0].iov_len,
				    flags, NULL, 0);
		else
			n = syscall(SYS_sendmsg, io->fd, &message, flags);
	} while (n == -1 && errno == EINTR);
	return n;
}

static ssize_t
recv_through(struct io *io, void *at, size_t bytes)
{
	unsigned watched = through(io->channel, io->wants);
	ssize_t n = tls_channel_recv(io->channel, at, bytes);
	int error = errno;
	follow(io, watched);
	errno = error;
	return n;
}

static ssize_t
send_through(struct io *io, struct iovec *pieces, int count)
{
	if (io->channel->kernel_sends)
		return send_plain(io, pieces, count);
	unsigned watched = through(io->channel, io->wants);
	ssize_t n = tls_channel_send(io->channel, pieces, count);
	int error = errno;
	if (through(io->channel, io->wants) != watched)
		follow(io, watched);
	errno = error;
	return n;
}

void
io_through(struct io *io, struct tls_channel *channel)
{
	static const struct io_way tls = {.recv = recv_through, .send = send_through};
	io->channel = channel;
	io->way = channel != NULL ? &tls : NULL;
}

/* A plain socket pays for one comparison. */
ssize_t
io_recv(struct io *io, void *at, size_t bytes)
{
	ssize_t n;
	if (__builtin_expect(io->way != NULL, 0))
		return io->way->recv(io, at, bytes);
	do
		n = syscall(SYS_recvfrom, io->fd, at, bytes, MSG_DONTWAIT, NULL, NULL);
	while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
io_send(struct io *io, struct iovec *pieces, int count)
{
	if (__builtin_expect(io->way != NULL, 0))
		return io->way->send(io, pieces, count);
	return send_plain(io, pieces, count);
}

bool
io_peek(const struct io *io, bool *end)
{
	char byte;
	*end = false;
	if (io->channel != NULL && io->channel->held)
		return true;
	ssize_t n = recv(io->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
	*end = n == 0 || (n == -1 && errno != EAGAIN);
	return n > 0 || *end;
}

bool
io_broke(const struct io *io)
{
	int error = 0;
	socklen_t bytes = sizeof(error);
	return getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error != 0;
}

void
io_farewell(struct io *io)
{
	if (io->channel != NULL)
		tls_channel_goodbye(io->channel);
}

void
io_shutdown(struct io *io)
{
	if (io->way != NULL && io->way->shutdown != NULL) {
		io->way->shutdown(io);
		return;
	}
	io_farewell(io);
	(void)shutdown(io->fd, SHUT_WR);
}

void
io_close(struct io *io)
{
	if (io->fd == -1)
		return;
	if (io->wants != 0)
		(void)event_del(event_of(io));
	io->wants = 0;
	if (io->channel != NULL) {
		unlink_held(io->channel);
		tls_channel_free(&io->channel);
	}
	(void)close(io->fd);
	io->fd = -1;
}
