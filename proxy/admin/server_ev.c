/*
 * server_ev.c: the listener, the list of connections, their clock and their followers; see
 * server_ev.h. What is said on one connection is in connection_ev.c.
 */
#include "admin/connection_ev.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_PERIOD_S 1
#define BACKLOG        64

/* ---- accepting --------------------------------------------------------------------------------
 */

/* Room for one more: of those that ask for nothing, the one that does so for longest goes. */
static bool
make_room(struct admin_server *s)
{
	if (s->connections < ADMIN_CONNECTIONS_MAX)
		return true;
	struct connection *idle = NULL;
	for (struct connection *c = s->first; c != NULL; c = c->next) {
		bool waits = c->phase == CONNECTION_READING || c->phase == CONNECTION_LINGERING;
		if (waits && (idle == NULL || c->deadline_ms <= idle->deadline_ms))
			idle = c;
	}
	if (idle == NULL)
		return false;
	connection_free(idle);
	return true;
}

static void
on_accept(evutil_socket_t listener, short what, void *context)
{
	struct admin_server *s = context;
	struct sockaddr_storage from;
	socklen_t bytes = sizeof(from);
	(void)what;
	int fd = accept4(listener, (struct sockaddr *)&from, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("admin: new connections wait: %s", strerror(errno));
			(void)event_del(s->accept);
			s->paused = true;
		}
		return;
	}
	if (!make_room(s) || !connection_open(s, fd, (struct sockaddr *)&from))
		(void)close(fd);
}

/* ---- who waits ---------------------------------------------------------------------------------
 */

static void
ask_again(struct admin_server *s)
{
	struct connection *next;
	for (struct connection *c = s->first; c != NULL; c = next) {
		next = c->next; /* NOLINT(clang-analyzer-unix.Malloc) freed ones are unlinked */
		if (c->phase == CONNECTION_WAITING)
			(void)connection_take_request(c);
		else if (c->phase == CONNECTION_FOLLOWING && c->role[0] != '\0')
			connection_tell_role(c);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	ask_again(context);
}

void
admin_server_wake(struct admin_server *s)
{
	event_active(s->wake, EV_TIMEOUT, 0);
}

/* ---- followers --------------------------------------------------------------------------------
 */

/* Followers of roles as well: what keeps a connection alive. */
static void
tell_followers(struct admin_server *s, struct slice text, bool of_roles)
{
	struct connection *next;
	for (struct connection *c = s->first; c != NULL; c = next) {
		/* Freed ones are unlinked; the analyzer forgets it in libevent's calls. */
		next = c->next; /* NOLINT(clang-analyzer-unix.Malloc) */
		if (c->phase != CONNECTION_FOLLOWING || (c->role[0] != '\0' && !of_roles))
			continue;
		struct evbuffer *out = bufferevent_get_output(c->io);
		if (evbuffer_get_length(out) + text.bytes <= ADMIN_FOLLOWER_BYTES_MAX &&
		    evbuffer_add(out, text.at, text.bytes) == 0)
			continue;
		log_warn("admin: %s reads /events too slowly and is dropped", c->peer);
		s->dropped++;
		connection_free(c);
	}
}

static void
on_bell(evutil_socket_t fd, short what, void *context)
{
	struct admin_server *s = context;
	uint64_t lost = 0;
	(void)fd;
	(void)what;
	struct slice text = events_take(s->events, &lost);
	if (text.bytes > 0)
		tell_followers(s, text, false);
	s->lost += lost;
	if (lost > 0) {
		char line[64];
		int bytes = snprintf(line, sizeof(line),
				     "event: lost\ndata: {\"lost\":%" PRIu64 "}\n\n", lost);
		tell_followers(s, (struct slice){line, (size_t)bytes}, false);
	}
}

/* ---- clock ------------------------------------------------------------------------------------
 */

static void
expire(struct admin_server *s, uint64_t now_ms)
{
	struct connection *next;
	for (struct connection *c = s->first; c != NULL; c = next) {
		next = c->next;
		if (now_ms < c->deadline_ms || c->phase == CONNECTION_WAITING)
			continue;
		/* A head that was begun is told that it came too slowly. */
		if (c->phase == CONNECTION_READING &&
		    evbuffer_get_length(bufferevent_get_input(c->io)) > 0)
			connection_refuse(c, 408, "the request did not come in time");
		else
			connection_free(c);
	}
}

static void
on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct admin_server *s = context;
	uint64_t now_ms = clock_ms();
	(void)fd;
	(void)what;
	expire(s, now_ms);
	ask_again(s);
	if (s->paused && event_add(s->accept, NULL) == 0)
		s->paused = false;
	if (now_ms - s->heartbeat_ms >= ADMIN_HEARTBEAT_MS) {
		s->heartbeat_ms = now_ms;
		tell_followers(s, SLICE(":\n\n"), true);
	}
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
server_init(struct admin_server *s)
{
	struct timeval period = {.tv_sec = SWEEP_PERIOD_S};
	s->parser = parser_create();
	s->accept = event_new(s->base, s->fd, EV_READ | EV_PERSIST, on_accept, s);
	s->sweep = event_new(s->base, -1, EV_PERSIST, on_sweep, s);
	s->wake = event_new(s->base, -1, 0, on_wake, s);
	s->bell = event_new(s->base, events_bell(s->events), EV_READ | EV_PERSIST, on_bell, s);
	return s->parser != NULL && s->accept != NULL && s->sweep != NULL && s->bell != NULL &&
	       s->wake != NULL && event_add(s->accept, NULL) == 0 &&
	       event_add(s->sweep, &period) == 0 && event_add(s->bell, NULL) == 0;
}

enum result
admin_server_create(struct event_base *base, int fd, const struct admin_face *face,
		    struct events *events, struct admin_server **out, struct problem *p)
{
	*out = NULL;
	struct admin_server *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)close(fd);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	s->base = base;
	s->face = *face;
	s->events = events;
	s->fd = fd;
	s->heartbeat_ms = clock_ms();
	enum result r = RESULT_OK;
	if (!server_init(s))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	else if (listen(fd, BACKLOG) == -1)
		r = problem_set(p, RESULT_IO, "listen: %s", strerror(errno));
	if (r != RESULT_OK)
		admin_server_free(&s);
	*out = s;
	return r;
}

static void
event_drop(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
admin_server_leave(struct admin_server *s)
{
	struct connection *next;
	s->left = true;
	s->paused = false;
	event_drop(s->accept);
	s->accept = NULL;
	(void)close(s->fd);
	s->fd = -1;
	for (struct connection *c = s->first; c != NULL; c = next) {
		next = c->next;
		/* Followers come again, to the other process; so does who has nothing under way. */
		bool idle = c->phase == CONNECTION_READING &&
			    evbuffer_get_length(bufferevent_get_input(c->io)) == 0;
		if (idle || c->phase == CONNECTION_FOLLOWING)
			connection_free(c);
		else
			c->close_after = true;
	}
}

void
admin_server_free(struct admin_server **held)
{
	struct admin_server *s = *held;
	*held = NULL;
	if (s == NULL)
		return;
	while (s->first != NULL)
		connection_free(s->first); /* NOLINT(clang-analyzer-unix.Malloc) as above */
	event_drop(s->accept);
	event_drop(s->sweep);
	event_drop(s->bell);
	event_drop(s->wake);
	if (s->fd != -1)
		(void)close(s->fd);
	parser_free(&s->parser);
	free(s);
}

unsigned
admin_server_followers(const struct admin_server *s)
{
	return s->followers;
}

uint64_t
admin_server_dropped(const struct admin_server *s)
{
	return s->dropped;
}

uint64_t
admin_server_lost(const struct admin_server *s)
{
	return s->lost;
}
