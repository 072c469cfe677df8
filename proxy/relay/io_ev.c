/* io_ev.c: readiness by libevent; see io.h. */
#include "relay/io.h"

#include "relay/worker.h"

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
}

bool
io_change(struct io *io, unsigned wants)
{
	assert(io->fd != -1);
	if (io->wants != 0)
		(void)event_del(event_of(io));
	io->wants = wants;
	if (wants == 0)
		return true;
	short what = EV_PERSIST;
	if ((wants & IO_READ) != 0)
		what |= EV_READ;
	if ((wants & IO_WRITE) != 0)
		what |= EV_WRITE;
	(void)event_assign(event_of(io), io->worker->base, io->fd, what, on_event, io);
	if (event_add(event_of(io), NULL) == -1) {
		io->wants = 0;
		return false;
	}
	return true;
}

bool
io_is_ready(const struct io *io)
{
	const struct event *event = (const struct event *)(const void *)io->event;
	return io->wants != 0 && (event->ev_evcallback.evcb_flags & EVLIST_ACTIVE) != 0;
}

ssize_t
io_recv(int fd, void *at, size_t bytes)
{
	ssize_t n;
	do
		n = syscall(SYS_recvfrom, fd, at, bytes, MSG_DONTWAIT, NULL, NULL);
	while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
io_send(int fd, struct iovec *pieces, int count)
{
	const long flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
	ssize_t n;
	do {
		if (count == 1)
			n = syscall(SYS_sendto, fd, pieces[0].iov_base, pieces[0].iov_len, flags,
				    NULL, 0);
		else
			n = syscall(SYS_sendmsg, fd, &message, flags);
	} while (n == -1 && errno == EINTR);
	return n;
}

void
io_close(struct io *io)
{
	if (io->fd == -1)
		return;
	if (io->wants != 0)
		(void)event_del(event_of(io));
	io->wants = 0;
	(void)close(io->fd);
	io->fd = -1;
}
