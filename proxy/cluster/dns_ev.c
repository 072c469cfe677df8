/* dns_ev.c: see dns_ev.h. */
#include "cluster/dns_ev.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct dns_server {
	int fd;
	struct event *readable;
	void (*zone)(void *context, struct dns_zone *out);
	void *context;
};

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	const struct dns_server *s = context;
	struct dns_zone zone;
	uint8_t in[DNS_BYTES_MAX];
	uint8_t out[DNS_BYTES_MAX];
	struct sockaddr_storage from;
	(void)what;
	s->zone(s->context, &zone);
	for (unsigned i = 0; i < DNS_A_WAKEUP; i++) {
		socklen_t from_bytes = sizeof(from);
		ssize_t got = recvfrom(fd, in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC,
				       (struct sockaddr *)&from, &from_bytes);
		if (got == -1)
			return;
		size_t bytes = dns_answer(&zone, in, (size_t)got, out);
		if (bytes > 0) /* what cannot be sent is asked for again */
			(void)sendto(fd, out, bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
				     (struct sockaddr *)&from, from_bytes);
	}
}

enum result
dns_server_create(struct event_base *base, int fd,
		  void (*zone)(void *context, struct dns_zone *out), void *context,
		  struct dns_server **out, struct problem *p)
{
	*out = NULL;
	struct dns_server *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)close(fd);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	*s = (struct dns_server){.fd = fd, .zone = zone, .context = context};
	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) == -1) {
		dns_server_free(&s);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	*out = s;
	return RESULT_OK;
}

void
dns_server_free(struct dns_server **held)
{
	struct dns_server *s = *held;
	*held = NULL;
	if (s == NULL)
		return;
	if (s->readable != NULL)
		event_free(s->readable);
	(void)close(s->fd);
	free(s);
}
