/* doctor_reach.c: see doctor_reach.h. */
#include "cli/doctor_reach.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static bool
resolve(const struct addr *to, struct addr *out)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	*out = *to;
	if (to->family != ADDR_NAME)
		return true;
	if (getaddrinfo(addr_kept_text(to), NULL, &want, &found) != 0)
		return false;
	addr_from_sockaddr(found->ai_addr, out);
	out->port = to->port;
	freeaddrinfo(found);
	return true;
}

/* The descriptor; -1: r->error says what became of it at once. */
static int
begin(struct reach *r)
{
	struct sockaddr_storage name;
	r->error = ENXIO;
	if (!resolve(r->to, &r->at)) {
		r->at = (struct addr){.family = 0};
		return -1;
	}
	socklen_t bytes = addr_to_sockaddr(&r->at, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	r->error = fd == -1 ? errno : 0;
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&name, bytes) == 0)
		r->error = 0;
	else
		r->error = errno;
	if (r->error == EINPROGRESS)
		return fd;
	(void)close(fd);
	return -1;
}

static void
finish(struct reach *r, struct pollfd *p)
{
	socklen_t bytes = sizeof(r->error);
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &r->error, &bytes) == -1)
		r->error = errno;
	(void)close(p->fd);
	p->fd = -1;
}

/* Until all have answered, or their time is over. */
static void
await(struct reach *list, struct pollfd *waiting, size_t count)
{
	uint64_t began = clock_ms();
	size_t left = 0;
	for (size_t i = 0; i < count; i++)
		left += waiting[i].fd != -1;
	while (left > 0) {
		uint64_t spent = clock_ms() - began;
		int wait_ms = 0;
		for (size_t i = 0; i < count; i++)
			if (waiting[i].fd != -1 && list[i].limit_ms > spent &&
			    (int)(list[i].limit_ms - spent) > wait_ms)
				wait_ms = (int)(list[i].limit_ms - spent);
		int ready = poll(waiting, count, wait_ms);
		for (size_t i = 0; i < count; i++) {
			if (waiting[i].fd == -1)
				continue;
			bool late = clock_ms() - began >= list[i].limit_ms;
			if (waiting[i].revents == 0 && !late)
				continue;
			bool answered = ready > 0 && waiting[i].revents != 0;
			finish(&list[i], &waiting[i]);
			if (!answered)
				list[i].error = ETIMEDOUT;
			left--;
		}
	}
}

void
reach_all(struct reach *list, size_t count)
{
	struct pollfd waiting[REACH_AT_ONCE_MAX];
	for (size_t from = 0; from < count; from += REACH_AT_ONCE_MAX) {
		size_t some = count - from < REACH_AT_ONCE_MAX ? count - from : REACH_AT_ONCE_MAX;
		for (size_t i = 0; i < some; i++)
			waiting[i] =
			    (struct pollfd){.fd = begin(&list[from + i]), .events = POLLOUT};
		await(list + from, waiting, some);
	}
}
