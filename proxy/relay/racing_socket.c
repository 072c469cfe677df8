/* racing_socket.c: see racing_socket.h. */
#include "relay/racing_socket.h"

#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- hearing ----------------------------------------------------------------------------------
 */

static void
hear(struct racing_socket *s, int fd)
{
	uint8_t bytes[RACING_BATCH][RACE_DATAGRAM_BYTES_MAX + 1]; /* what is longer is seen to be */
	struct iovec piece[RACING_BATCH];
	struct mmsghdr header[RACING_BATCH];
	for (unsigned batch = 0; batch < RACING_BATCHES_MAX; batch++) {
		memset(header, 0, sizeof(header));
		for (size_t i = 0; i < RACING_BATCH; i++) {
			piece[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
			header[i].msg_hdr.msg_iov = &piece[i];
			header[i].msg_hdr.msg_iovlen = 1;
		}
		int count = recvmmsg(fd, header, RACING_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++)
			s->ear.datagram(s->ear.context, bytes[i], header[i].msg_len);
		if (count < RACING_BATCH)
			return;
	}
}

static void
on_ipv4(void *owner, unsigned events)
{
	struct racing_socket *s = owner;
	(void)events;
	hear(s, s->udp[0].fd);
}

static void
on_ipv6(void *owner, unsigned events)
{
	struct racing_socket *s = owner;
	(void)events;
	hear(s, s->udp[1].fd);
}

static void
on_timer(void *owner, unsigned events)
{
	struct racing_socket *s = owner;
	uint64_t times;
	(void)events;
	if (read(s->timer.fd, &times, sizeof(times)) == -1)
		return; /* set anew since */
	s->wakes_us = RACE_NEVER;
	s->ear.time(s->ear.context);
}

/* ---- life -------------------------------------------------------------------------------------
 */

bool
racing_socket_open(struct racing_socket *s, struct worker *w, const struct addr *own,
		   struct racing_ear ear)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd == -1)
		return false;
	s->own = *own;
	s->own.port = 0;
	s->ear = ear;
	s->wakes_us = RACE_NEVER;
	io_init(&s->udp[0], w, -1, on_ipv4, s);
	io_init(&s->udp[1], w, -1, on_ipv6, s);
	io_init(&s->timer, w, fd, on_timer, s);
	if (io_want(&s->timer, IO_READ))
		return true;
	io_close(&s->timer);
	return false;
}

void
racing_socket_close(struct racing_socket *s)
{
	io_close(&s->udp[0]);
	io_close(&s->udp[1]);
	io_close(&s->timer);
}

/* ---- saying -----------------------------------------------------------------------------------
 */

static void
open_udp(struct racing_socket *s, struct io *io, int family)
{
	struct sockaddr_storage name;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (s->own.family == family) /* else any of this machine's will do */
		(void)bind(fd, (struct sockaddr *)&name, addr_to_sockaddr(&s->own, &name));
	io->fd = fd;
	if (!io_want(io, IO_READ))
		io_close(io);
}

static void
send_family(struct racing_socket *s, const struct racing_batch *batch, int family)
{
	struct io *io = &s->udp[family == AF_INET6];
	struct sockaddr_storage name[RACE_SERVERS_MAX];
	struct mmsghdr header[RACE_SERVERS_MAX];
	struct iovec piece = {(void *)(uintptr_t)batch->datagram, batch->bytes};
	unsigned count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->to[i]->family != family)
			continue;
		header[count] = (struct mmsghdr){
		    .msg_hdr = {.msg_name = &name[count],
				.msg_namelen = addr_to_sockaddr(batch->to[i], &name[count]),
				.msg_iov = &piece,
				.msg_iovlen = 1}};
		count++;
	}
	if (count > 0 && io->fd == -1)
		open_udp(s, io, family);
	/* An error is of the first that is left: who is not there must not hide the others. */
	for (unsigned done = 0; count > 0 && io->fd != -1 && done < count;) {
		int sent =
		    sendmmsg(io->fd, header + done, count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		done += sent > 0 ? (unsigned)sent : 1;
	}
}

void
racing_socket_send(struct racing_socket *s, const struct racing_batch *batch)
{
	send_family(s, batch, AF_INET);
	send_family(s, batch, AF_INET6);
}

void
racing_socket_wake(struct racing_socket *s, uint64_t at_us)
{
	if (at_us >= s->wakes_us)
		return;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_us / 1000000),
					       .tv_nsec = (long)(at_us % 1000000) * 1000L}};
	s->wakes_us = at_us;
	(void)timerfd_settime(s->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}
