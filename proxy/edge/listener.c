/* listener.c: from a listening socket to clients; see listener.h. */
#include "edge/listener.h"

#include "base/handed.h"
#include "base/handover.h"
#include "base/log.h"
#include "edge/admission.h"
#include "edge/arrival.h"
#include "edge/client.h"
#include "edge/h2_connection.h"

#include <errno.h>
#include <fcntl.h>
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
	bool http1;                      /* is spoken there */
	bool http2;
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

/* ---- one for all workers ----------------------------------------------------------------------
 */

static void
note_file(struct listener_files *files, const struct addr *address, const struct local_file *file)
{
	if (files->count == sizeof(files->list) / sizeof(files->list[0]))
		return; /* bind_local has looked; of those before us one may stay */
	files->list[files->count].address = *address;
	files->list[files->count++].file = *file;
}

static int
bind_local(const struct addr *address, const struct config_rights *of, struct listener_files *files,
	   struct problem *p)
{
	const struct local_rights rights = {of->mode, of->owner};
	struct local_file file;
	if (files->count == sizeof(files->list) / sizeof(files->list[0])) {
		(void)problem_set(p, RESULT_LIMIT, "too many UNIX sockets");
		return -1;
	}
	int fd = local_socket_bind(addr_kept_text(address), &rights, &file, p);
	if (fd != -1)
		note_file(files, address, &file);
	return fd;
}

static int
take_handed(const struct config_listener *c, struct problem *p)
{
	int fd = handed_find(addr_kept_text(&c->address), p);
	if (fd == -1)
		return -1;
	int flags = fcntl(fd, F_GETFL);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (flags == -1 || own == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		(void)problem_set(p, RESULT_IO, "%s", strerror(errno));
	/* A UNIX socket knows no such option. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return own;
}

/* The first worker's, or copies of it for the others. */
static int
bind_next(const struct config_listener *c, unsigned worker, struct listener_files *files,
	  const int *fds, struct problem *p)
{
	if (addr_is_ip(&c->address))
		return listener_bind(&c->address, worker == 0, p);
	int fd = worker > 0                     ? fcntl(fds[0], F_DUPFD_CLOEXEC, 0)
		 : c->address.family == AF_UNIX ? bind_local(&c->address, &c->rights, files, p)
						: take_handed(c, p);
	if (fd == -1 && worker > 0)
		(void)problem_set(p, RESULT_IO, "%s", strerror(errno));
	if (fd == -1) {
		char text[ADDR_TEXT_BYTES_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_addr(&w, &c->address);
		(void)problem_prefix(p, RESULT_IO, "listen on %s", writer_text(&w));
	}
	return fd;
}

/* What the process before listened on; shared by workers when there are more than sockets. */
static size_t
take_inherited(const struct config_listener *c, unsigned workers, struct listener_files *files,
	       int fds[WORKERS_MAX])
{
	char name[HANDOVER_BYTES_MAX];
	struct local_file file;
	size_t count = 0;
	(void)inherited_name("listener", &c->address, name, sizeof(name));
	size_t there = inherited_count(name);
	while (count < there && count < WORKERS_MAX)
		fds[count++] = inherited_socket(name);
	while (there > 0 && count < workers) {
		fds[count] = fcntl(fds[count % there], F_DUPFD_CLOEXEC, 0);
		if (fds[count] == -1)
			break; /* one worker less listens: said when it is counted */
		count++;
	}
	if (there > 0 && c->address.family == AF_UNIX &&
	    inherited_file(addr_kept_text(&c->address), &file))
		note_file(files, &c->address, &file);
	return count;
}

size_t
listener_bind_all(const struct config_listener *c, unsigned workers, struct listener_files *files,
		  int fds[WORKERS_MAX], struct problem *p)
{
	size_t inherited = take_inherited(c, workers, files, fds);
	if (inherited > 0)
		return inherited;
	for (unsigned worker = 0; worker < workers; worker++) {
		fds[worker] = bind_next(c, worker, files, fds, p);
		if (fds[worker] != -1)
			continue;
		while (worker-- > 0)
			(void)close(fds[worker]);
		return 0;
	}
	return workers;
}

int
listener_bind_admin(const struct config *config, struct listener_files *files, struct problem *p)
{
	char name[HANDOVER_BYTES_MAX];
	struct local_file file;
	const struct addr *address = &config->admin;
	bool local = address->family == AF_UNIX;
	int fd = inherited_socket(inherited_name("admin", address, name, sizeof(name)));
	if (fd != -1 && local && inherited_file(addr_kept_text(address), &file))
		note_file(files, address, &file);
	if (fd != -1 || !local)
		return fd != -1 ? fd : listener_bind(address, true, p);
	fd = bind_local(address, &config->admin_rights, files, p);
	if (fd == -1)
		(void)problem_prefix(p, RESULT_IO, "listen on unix:%s", addr_kept_text(address));
	return fd;
}

static bool is_listed(const struct addr *address, const struct config_listener *list, size_t count);

void
listener_files_keep(struct listener_files *files, const struct addr *also,
		    const struct config_listener *list, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < files->count; i++) {
		const struct addr *address = &files->list[i].address;
		if ((also != NULL && addr_equal(address, also)) || is_listed(address, list, count))
			files->list[kept++] = files->list[i];
		else
			local_socket_unlink(addr_kept_text(address), &files->list[i].file);
	}
	files->count = kept;
}

/* ---- accepting --------------------------------------------------------------------------------
 */

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
	else if (!admit(w, peer, &counted))
		(void)close(fd);
	else if (l->http1)
		(void)client_open(w, fd, NULL, peer, counted, l->http2);
	else
		(void)h2_connection_open(w, fd, NULL, peer, counted, SLICE_NONE);
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
		l->http1 = e->config->http1;
		l->http2 = e->config->http2;
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
listener_close(struct worker *w, struct listener *l, bool goes)
{
	goes = goes && l->address.family != ADDR_HANDED;
	for (int i = 0; goes && i < LISTEN_BACKLOG && accept_one(l); i++)
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

void
listeners_leave(struct worker *w)
{
	while (w->listeners != NULL) {
		struct listener *l = w->listeners;
		w->listeners = l->next;
		listener_close(w, l, false);
	}
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
		listener_close(w, l, true);
	}
}
