/*
 * io.h: one descriptor's readiness, by a raw libevent event kept inside its
 * owner. The only interest that costs a system call is one that changes: a
 * connection that reads all its life is registered once.
 *
 * The callback runs on its worker's thread, one at a time, and may stop or close
 * any io, its own too. Owners are freed by worker_trash, after the callback.
 *
 * With a channel the bytes go through TLS, and readiness is that of its bytes:
 *   - what was read ahead and waits in the channel is told in the next round of
 *     the loop, although the descriptor is silent; a part of a record never is;
 *   - where TLS must write before it can read, or the other way, the descriptor is
 *     watched for that, and the owner is told what it wanted.
 *
 * An io need not have a descriptor at all: bytes may go another way (h2_leg.h: a stream of
 * HTTP/2), which then says when they can.
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

struct tls_channel;
struct worker;

typedef void io_ready_fn(void *owner, unsigned events);

struct io;

/* How bytes go that do not go plainly through the descriptor. */
struct io_way {
	ssize_t (*recv)(struct io *io, void *at, size_t bytes);
	ssize_t (*send)(struct io *io, struct iovec *pieces, int count);
	/* Both NULL: the descriptor's. */
	void (*want)(struct io *io); /* io->wants changed */
	void (*shutdown)(struct io *io);
};

struct io {
	int fd;         /* owned; -1: closed */
	unsigned wants; /* IO_READ | IO_WRITE */
	io_ready_fn *ready;
	void *owner;                 /* handed to ready */
	struct worker *worker;       /* borrowed; its loop */
	struct tls_channel *channel; /* owned; NULL: plain */
	const struct io_way *way;    /* static; NULL: plain */
	_Alignas(8) unsigned char event[IO_EVENT_BYTES];
};

void io_init(struct io *io, struct worker *worker, int fd, io_ready_fn *ready, void *owner);
/* Bytes go through the channel from now on, which is taken over; NULL: they do not. */
void io_through(struct io *io, struct tls_channel *channel);
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
 * io_send never raises SIGPIPE; one piece costs the kernel less than a list. Through a channel:
 * tls/channel.h says what they mean; an end without TLS's goodbye is ECONNRESET.
 */
ssize_t io_recv(struct io *io, void *at, size_t bytes);
ssize_t io_send(struct io *io, struct iovec *pieces, int count);
/* Is there anything to be read: bytes, which stay, or the end? *end: it is that, or an error. */
bool io_peek(const struct io *io, bool *end);
/* Behind the end of the other side, where reading tells nothing any more: it said that it takes
 * nothing either. Told once. */
bool io_broke(const struct io *io);
/* Nothing more will be sent: goodbye (TLS), then SHUT_WR. */
void io_shutdown(struct io *io);
/* TLS says goodbye, if it can at once; a plain one has nothing to say. Before io_close. */
void io_farewell(struct io *io);
/* Something was seen on it in this round of the loop that its callback was not told yet. */
bool io_is_ready(const struct io *io);
/* What the ios of a worker share, when none is left. */
void io_release(struct worker *w);
/* Stops watching, frees the channel, closes the descriptor; allowed twice. */
void io_close(struct io *io);

#endif
