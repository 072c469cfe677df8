/* listener.c: from a listening socket to clients; see listener.h. */
#include "edge/listener.h"

#include "base/log.h"
#include "edge/addresses.h"
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
	uint64_t said_ms;    /* when it was last said that no descriptor is left; 0: never */
	uint64_t crowded_ms; /* the same, that an address holds too many connections */
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

/* Closes it unheard: an answer would cost more than the connection. */
static void
close_crowded(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->io.worker;
	(void)close(fd);
	journal_refused(w, peer, CAUSE_CLIENT_CONNECTIONS);
	unsigned long long count =
	    1 + atomic_fetch_add_explicit(&w->shared->crowded, 1, memory_order_relaxed);
	if (l->crowded_ms != 0 && w->now_ms - l->crowded_ms < LISTENER_SAY_MS)
		return;
	l->crowded_ms = w->now_ms;
	char ip[ADDR_TEXT_BYTES_MAX];
	struct slice text = addr_ip_text(peer, ip);
	log_warn("connections above limits.connections_per_address are closed, %llu so far, now "
		 "one of %.*s",
		 count, (int)text.bytes, text.at);
}

/* A client, or the end of a connection too many. */
static void
take(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->io.worker;
	uint32_t most = w->services->config->limits.connections_per_address;
	enum address_answer answer = ADDRESS_UNCOUNTED;
	if (most != 0)
		answer = addresses_enter(w->shared->addresses, peer, most);
	if (answer == ADDRESS_REFUSED)
		close_crowded(l, fd, peer);
	else
		(void)client_open(w, fd, peer, answer == ADDRESS_COUNTED);
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
	return listen(socket->fd, LISTEN_BACKLOG) == 0 && io_want(&l->io, IO_READ);
}

static void
listener_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
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
			at = &l->next;
			continue;
		}
		*at = l->next;
		listener_close(w, l);
	}
}
