/*
 * upstream.c: connections to members; see upstream.h. What happens on a busy one
 * is the exchange's matter (attempt.c, answer.c, tunnel.c).
 */
#include "relay/upstream.h"

#include "relay/exchange.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct idle_list *
idle_list_of(const struct worker *w, struct member_live *live)
{
	return &live->load[w->number].idle;
}

static void
idle_unlink(struct upstream *u)
{
	struct idle_list *list = idle_list_of(u->worker, u->live);
	if (u->prev != NULL)
		u->prev->next = u->next;
	else
		list->first = u->next;
	if (u->next != NULL)
		u->next->prev = u->prev;
	else
		list->last = u->prev;
	u->next = NULL;
	u->prev = NULL;
	list->count--;
}

static void
on_ready(void *owner, unsigned events)
{
	struct upstream *u = owner;
	switch ((enum upstream_state)u->state) {
	case UPSTREAM_IDLE:
		upstream_close(u);
		break;
	case UPSTREAM_CONNECTING: {
		int error = 0;
		socklen_t bytes = sizeof(error);
		(void)getsockopt(u->io.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
		exchange_on_connect(u->exchange, error);
		break;
	}
	case UPSTREAM_BUSY:
		exchange_on_member(u->exchange, events);
		break;
	case UPSTREAM_CLOSED:
		break;
	}
}

static void
on_deadline(struct deadline *d)
{
	struct upstream *u =
	    (struct upstream *)(void *)((char *)d - offsetof(struct upstream, deadline));
	if (u->state == UPSTREAM_IDLE)
		upstream_close(u);
	else if (u->exchange != NULL)
		exchange_on_member_deadline(u->exchange);
}

static struct upstream *
upstream_create(struct worker *w, struct member_live *live, int fd)
{
	struct upstream *u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	u->worker = w;
	u->live = member_live_ref(live);
	u->deadline.fire = on_deadline;
	io_init(&u->io, w, fd, on_ready, u);
	return u;
}

static enum reason
why_not_connected(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT: /* a UNIX socket that nobody made */
		return REASON_CONNECT_REFUSED;
	case EADDRNOTAVAIL: /* no local port */
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return REASON_NONE;
	default:
		return REASON_CONNECT_FAILED;
	}
}

static struct upstream *
upstream_connect(struct worker *w, struct member_live *live, enum reason *reason)
{
	*reason = REASON_NONE;
	const struct addr *origin = &live->origin;
	int fd = socket(origin->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return NULL;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	struct sockaddr_storage to;
	socklen_t bytes = addr_to_sockaddr(origin, &to);
	if (!addr_bind_source(fd, &live->source)) {
		(void)close(fd);
		return NULL;
	}
	int status = connect(fd, (struct sockaddr *)&to, bytes);
	if (status == -1 && errno != EINPROGRESS) {
		/* Of a UNIX socket EAGAIN says that too many wait there. */
		bool full = errno == EAGAIN && origin->family == AF_UNIX;
		*reason = full ? REASON_CONNECT_FAILED : why_not_connected(errno);
		(void)close(fd);
		return NULL;
	}
	struct upstream *u = upstream_create(w, live, fd);
	if (u == NULL) {
		(void)close(fd);
		return NULL;
	}
	u->state = status == 0 ? UPSTREAM_BUSY : UPSTREAM_CONNECTING;
	if (!io_want(&u->io, status == 0 ? IO_READ : IO_WRITE)) {
		upstream_close(u);
		return NULL;
	}
	return u;
}

/* Asks the kernel: nothing came, no end either. */
static bool
is_quiet(const struct upstream *u)
{
	bool end;
	return !io_peek(&u->io, &end);
}

/*
 * Bytes that a member sent before a request are no answer to it. A connection of which the loop
 * has news is closed. Of one that came to rest in this round the loop could have no news yet: it is
 * taken when there is no other, and then the kernel is asked.
 */
static struct upstream *
idle_take(struct idle_list *list, bool certain)
{
	while (list->first != NULL) {
		struct upstream *u = list->first;
		if (u->rested_from == u->worker->round)
			u = list->last;
		bool ask = certain || u->rested_from == u->worker->round;
		if (!io_is_ready(&u->io) && (!ask || is_quiet(u))) {
			idle_unlink(u);
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

struct upstream *
upstream_get(struct worker *w, struct member_live *live, struct exchange *x,
	     enum upstream_choice choice, enum reason *reason)
{
	struct upstream *u = choice == UPSTREAM_FRESH
				 ? NULL
				 : idle_take(idle_list_of(w, live), choice == UPSTREAM_CERTAIN);
	if (u != NULL) {
		deadline_clear(&u->deadline);
		u->state = UPSTREAM_BUSY;
		u->reused = true;
		u->sent_before = u->sent;
	} else {
		u = upstream_connect(w, live, reason);
		if (u == NULL)
			return NULL;
	}
	u->exchange = x;
	return u;
}

void
upstream_put_idle(struct upstream *u, const struct config_service *config)
{
	assert(u->state == UPSTREAM_BUSY && u->in == NULL);
	struct idle_list *list = idle_list_of(u->worker, u->live);
	u->exchange = NULL;
	if (list->count >= config->pool_max || u->worker->stopping ||
	    atomic_load_explicit(&u->live->retired, memory_order_relaxed) ||
	    !io_want(&u->io, IO_READ)) {
		upstream_close(u);
		return;
	}
	u->state = UPSTREAM_IDLE;
	u->rested_from = u->worker->round;
	u->prev = NULL;
	u->next = list->first;
	if (list->first != NULL)
		list->first->prev = u;
	else
		list->last = u;
	list->first = u;
	list->count++;
	deadline_set(u->worker, &u->deadline, config->timeouts.pool_idle_ms);
}

static void
upstream_drop(struct worker *w, struct trash *t)
{
	struct upstream *u = (struct upstream *)(void *)t;
	(void)w;
	member_live_unref(&u->live);
	free(u);
}

void
upstreams_close_idle(struct worker *w, struct member_live *live)
{
	struct idle_list *list = idle_list_of(w, live);
	while (list->first != NULL)
		upstream_close(list->first);
}

void
upstream_close(struct upstream *u)
{
	if (u->state == UPSTREAM_CLOSED)
		return;
	if (u->state == UPSTREAM_IDLE)
		idle_unlink(u);
	u->state = UPSTREAM_CLOSED;
	u->exchange = NULL;
	deadline_remove(u->worker, &u->deadline);
	buf_put(&u->worker->bufs, &u->in);
	io_close(&u->io);
	worker_trash(u->worker, &u->trash, upstream_drop);
}
