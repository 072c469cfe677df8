/*
 * io.h: one descriptor's readiness, by a raw libevent event kept inside its
 * owner. The only interest that costs a system call is one that changes: a
 * connection that reads all its life is registered once.
 *
 * The callback runs on its worker's thread, one at a time, and may stop or close
 * any io, its own too. Owners are freed by worker_trash, after the callback.
 */
#ifndef HOLDFAST_RELAY_IO_H
#define HOLDFAST_RELAY_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define IO_READ        1U
#define IO_WRITE       2U
#define IO_EVENT_BYTES 128 /* holds a struct event; asserted in io_ev.c */

struct worker;

typedef void io_ready_fn(void *owner, unsigned events);

struct io {
	int fd;         /* owned; -1: closed */
	unsigned wants; /* IO_READ | IO_WRITE */
	io_ready_fn *ready;
	void *owner;           /* handed to ready */
	struct worker *worker; /* borrowed; its loop */
	_Alignas(8) unsigned char event[IO_EVENT_BYTES];
};

void io_init(struct io *io, struct worker *worker, int fd, io_ready_fn *ready, void *owner);
/* Sets the interest. False: the kernel refused (out of memory); nothing is watched then. */
bool io_change(struct io *io, unsigned wants);
static inline bool
io_want(struct io *io, unsigned wants)
{
	return io->wants == wants || io_change(io, wants);
}

/*
 * recv(2) and send(2) of sockets that do not block, again after EINTR. By syscall(2): the C
 * library's own are cancellation points, which costs more than all else in user space.
 * io_send never raises SIGPIPE; one piece costs the kernel less than a list.
 */
ssize_t io_recv(int fd, void *at, size_t bytes);
ssize_t io_send(int fd, struct iovec *pieces, int count);
/* Something was seen on it in this round of the loop that its callback was not told yet. */
bool io_is_ready(const struct io *io);
/* Stops watching and closes the descriptor; allowed twice. */
void io_close(struct io *io);

#endif
