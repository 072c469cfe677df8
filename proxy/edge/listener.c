/* listener.c: from a listening socket to clients; see listener.h. */
#include "edge/listener.h"

#include "base/log.h"
#include "edge/admission.h"
#include "edge/arrival.h"
#include "edge/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener {
	struct trash trash; /* first */
	struct io io;
	struct deadline pause;
	struct listener *next;
	struct addr address;
	uint64_t said_ms;          /* when it was last said that no descriptor is left; 0: never */
	struct services *services; /* one reference: `entrance` is in it */
	const struct entrance *entrance; /* NULL: a connection is a client at once */
};

static int
bind_one(const struct addr *address, bool shared)
{
	struct sockaddr_storage name;
	socklen_t bytes = addr_to_sockaddr(address, &name);
	int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	int on = 1;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
	if (shared)
		ok = ok && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
	if (address->family == AF_INET6)
		ok = ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
	/* Inherited by what is accepted. */
	ok = ok && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
	ok = ok && bind(fd, (struct sockaddr *)&name, bytes) == 0;
	if (ok)
		return fd;
	int error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

int
listener_bind(const struct addr *address, bool first, struct problem *p)
{
	/* With SO_REUSEPORT a second process would silently get half of the connections. */
	int fd = first ? bind_one(address, false) : -1;
	if (fd != -1)
		(void)close(fd);
	if (fd != -1 || !first)
		fd = bind_one(address, true);
	if (fd == -1) {
		char text[ADDR_TEXT_BYTES_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_addr(&w, address);
		(void)problem_set(p, RESULT_IO, "listen on %s: %s", writer_text(&w),
				  strerror(errno));
	}
	return fd;
}

static void
pause_accepting(struct listener *l)
{
	(void)io_want(&l->io, 0);
	deadline_set(l->io.worker, &l->pause, LISTENER_PAUSE_MS);
}

static void
on_pause_over(struct deadline *d)
{
	struct listener *l =
	    (struct listener *)(void *)((char *)d - offsetof(struct listener, pause));
	if (!io_want(&l->io, IO_READ))
		deadline_set(l->io.worker, &l->pause, LISTENER_PAUSE_MS);
}

static bool
is_full(const struct worker *w)
{
	uint32_t most = w->services->config->limits.connections_max;
	return most != 0 && atomic_load_explicit(&w->shared->clients, memory_order_relaxed) >= most;
}

/* Once in a while: a shortage lasts, and comes and goes. */
static void
say_short(struct listener *l, const char *why)
{
	uint64_t now_ms = l->io.worker->now_ms;
	if (l->said_ms != 0 && now_ms - l->said_ms < LISTENER_SAY_MS)
		return;
	l->said_ms = now_ms;
	log_warn("new connections wait: %s", why);
}

/* A client, or the end of a connection too many; or first what the listener wants of it. */
static void
take(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->io.worker;
	bool counted;
	if (l->entrance != NULL)
		arrival_open(w, fd, peer, l->entrance);
	else if (admit(w, peer, &counted))
		(void)client_open(w, fd, NULL, peer, counted);
	else
		(void)close(fd);
}

/* One connection. False: none waits, or none can be taken now. */
static bool
accept_one(struct listener *l)
{
	struct worker *w = l->io.worker;
	if (is_full(w)) {
		pause_accepting(l);
		return false;
	}
	struct sockaddr_storage from;
	socklen_t bytes = sizeof(from);
	int fd = accept4(l->io.fd, (struct sockaddr *)&from, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		struct addr peer;
		addr_from_sockaddr((struct sockaddr *)&from, &peer);
		take(l, fd, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		say_short(l, strerror(errno));
		pause_accepting(l);
		return false;
	}
	/* A connection that broke while it waited (ECONNABORTED and the network's errors) is no
	 * end. */
	return errno != EAGAIN && errno != EINVAL && errno != EBADF;
}

static void
on_ready(void *owner, unsigned events)
{
	struct listener *l = owner;
	(void)events;
	for (int i = 0; i < LISTENER_ACCEPT_MAX; i++) {
		if (!accept_one(l))
			return;
	}
}

/* What it wants of connections from here on, by the worker's present generation; of a listener that
 * is not in it, as before. */
static void
follow_generation(struct listener *l)
{
	struct services *services = l->io.worker->services;
	const struct config *config = services->config;
	for (size_t i = 0; i < config->listener_count; i++) {
		if (!addr_equal(&l->address, &config->listeners[i].address))
			continue;
		struct services *before = l->services;
		l->services = services_ref(services);
		if (before != NULL)
			services_unref(&before);
		const struct entrance *e = &services->entrance[i];
		l->entrance = entrance_is_plain(e) ? NULL : e;
		return;
	}
}

bool
listener_start(struct worker *w, const struct listener_socket *socket)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		(void)close(socket->fd);
		return false;
	}
	io_init(&l->io, w, socket->fd, on_ready, l);
	l->address = socket->address;
	l->pause.fire = on_pause_over;
	l->next = w->listeners;
	w->listeners = l;
	follow_generation(l);
	return listen(socket->fd, LISTEN_BACKLOG) == 0 && io_want(&l->io, IO_READ);
}

static void
listener_drop(struct worker *w, struct trash *t)
{
	struct listener *l = (struct listener *)(void *)t;
	(void)w;
	if (l->services != NULL)
		services_unref(&l->services);
	free(l);
}

static void
listener_close(struct worker *w, struct listener *l)
{
	for (int i = 0; i < LISTEN_BACKLOG && accept_one(l); i++)
		continue;
	deadline_remove(w, &l->pause);
	io_close(&l->io);
	worker_trash(w, &l->trash, listener_drop);
}

void
listeners_close(struct worker *w)
{
	listeners_keep(w, NULL, 0);
}

static bool
is_listed(const struct addr *address, const struct config_listener *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_equal(address, &list[i].address))
			return true;
	}
	return false;
}

void
listeners_keep(struct worker *w, const struct config_listener *list, size_t count)
{
	struct listener **at = &w->listeners;
	while (*at != NULL) {
		struct listener *l = *at;
		if (is_listed(&l->address, list, count)) {
			follow_generation(l);
			at = &l->next;
			continue;
		}
		*at = l->next;
		listener_close(w, l);
	}
}
