/*
 * upstream.c: connections to members; see upstream.h. What happens on a busy one
 * is the exchange's matter (attempt.c, answer.c, tunnel.c).
 */
#include "relay/upstream.h"

#include "relay/exchange.h"
#include "relay/h2_links.h"
#include "relay/introduce.h"
#include "tls/channel.h"
#include "tls/client.h"

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

/* Asks the kernel, or TLS, whose own messages (tickets) are no news: nothing came, no end either.
 */
static bool
is_quiet(struct upstream *u)
{
	bool end;
	char byte;
	if (u->io.channel == NULL)
		return !io_peek(&u->io, &end);
	return io_recv(&u->io, &byte, sizeof(byte)) == -1 && errno == EAGAIN;
}

/* ---- connecting -------------------------------------------------------------------------------
 */

static enum reason
why_not_connected(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT: /* a UNIX socket that nobody made */
		return REASON_CONNECT_REFUSED;
	case ETIMEDOUT:
		return REASON_CONNECT_TIMEOUT;
	case EADDRNOTAVAIL: /* no local port */
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return REASON_NONE;
	default:
		return REASON_CONNECT_FAILED;
	}
}

/* BUSY. */
static void
tell_connected(struct upstream *u)
{
	if (u->link != NULL)
		h2_link_on_connected(u->link);
	else
		exchange_on_connected(u->exchange);
}

static void
tell_unconnected(struct upstream *u, enum reason why)
{
	if (u->link != NULL)
		h2_link_on_unconnected(u->link, why);
	else
		exchange_on_unconnected(u->exchange, why);
}

/* The channel is the connection's from here on; what it read ahead is told as readable. */
static void
shaken(struct upstream *u)
{
	(void)io_want(&u->io, 0);
	io_through(&u->io, u->shaking);
	u->shaking = NULL;
	u->state = UPSTREAM_BUSY;
	tell_connected(u);
}

static void
shake_hands(struct upstream *u)
{
	bool write;
	enum tls_handshake state = tls_channel_handshake(u->shaking, &write);
	if (state == TLS_HANDSHAKE_DONE)
		shaken(u);
	else if (state != TLS_HANDSHAKE_WAITS)
		tell_unconnected(u, tls_client_reason(u->shaking, state));
	else if (!io_want(&u->io, write ? IO_WRITE : IO_READ))
		tell_unconnected(u, REASON_NONE);
}

/* Apart, for mostly connections are plain. False: no memory. */
static __attribute__((noinline)) bool
begin_shaking(struct upstream *u)
{
	struct member_live *live = u->live;
	struct member_load *load = &live->load[u->worker->number];
	if (load->tickets == NULL)
		load->tickets = calloc(1, sizeof(*load->tickets)); /* NULL: without, then */
	u->shaking = tls_client_connect(live->tls, u->io.fd, &live->named, load->tickets);
	u->state = UPSTREAM_SHAKING;
	return u->shaking != NULL;
}

static void
on_connected(struct upstream *u)
{
	int error = 0;
	socklen_t bytes = sizeof(error);
	(void)getsockopt(u->io.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	if (error == 0 && u->live->proxy != PROXY_OUT_OFF && !introduce_client(u, u->exchange))
		error = errno;
	if (error != 0) {
		tell_unconnected(u, why_not_connected(error));
	} else if (u->live->tls == NULL) {
		u->state = UPSTREAM_BUSY;
		tell_connected(u);
	} else if (begin_shaking(u)) {
		shake_hands(u);
	} else {
		tell_unconnected(u, REASON_NONE);
	}
}

enum reason
upstream_why_broken(struct upstream *u)
{
	const struct tls_channel *channel = u->io.channel;
	if (u->leg != NULL)
		return h2_leg_why(u->leg);
	if (channel == NULL || u->reused || u->in != NULL || !tls_client_was_refused(channel))
		return REASON_RESET;
	u->sent = u->sent_before;
	return REASON_TLS_REFUSED;
}

bool
upstream_was_sent(const struct upstream *u)
{
	return u->leg != NULL ? h2_leg_was_sent(u->leg) : u->sent != u->sent_before;
}

enum reason
upstream_why_unconnected(const struct upstream *u)
{
	if (u->leg != NULL)
		return h2_link_why_unopened(u->leg->link);
	return u->state == UPSTREAM_SHAKING ? REASON_TLS_TIMEOUT : REASON_CONNECT_TIMEOUT;
}

/* ---- readiness --------------------------------------------------------------------------------
 */

static void
on_ready(void *owner, unsigned events)
{
	struct upstream *u = owner;
	switch ((enum upstream_state)u->state) {
	case UPSTREAM_IDLE:
		if (u->io.channel == NULL || !is_quiet(u))
			upstream_close(u);
		break;
	case UPSTREAM_CONNECTING:
		on_connected(u);
		break;
	case UPSTREAM_SHAKING:
		shake_hands(u);
		break;
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

struct upstream *
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

struct upstream *
upstream_connect(struct worker *w, struct member_live *live, const struct exchange *x,
		 enum reason *reason)
{
	*reason = REASON_NONE;
	const struct addr *origin = &live->origin;
	if (origin->family == 0) {
		*reason = REASON_UNRESOLVED;
		return NULL;
	}
	if (member_live_latency(live, w->number) == NULL)
		return NULL;
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
	if (status == 0 && live->proxy != PROXY_OUT_OFF && !introduce_client(u, x)) {
		*reason = why_not_connected(errno);
		upstream_close(u);
		return NULL;
	}
	bool busy = status == 0 && live->tls == NULL;
	u->state = busy ? UPSTREAM_BUSY : UPSTREAM_CONNECTING;
	if (status == 0 && !busy && !begin_shaking(u)) {
		upstream_close(u);
		return NULL;
	}
	if (!io_want(&u->io, busy ? IO_READ : IO_WRITE)) {
		upstream_close(u);
		return NULL;
	}
	return u;
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
		bool news = io_is_ready(&u->io);
		if (news ? u->io.channel != NULL && is_quiet(u) : !ask || is_quiet(u)) {
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
		u = live->http2 ? h2_links_get(w, live, x, choice, reason)
				: upstream_connect(w, live, x, reason);
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
	h2_links_close_idle(w, live);
}

void
upstream_close(struct upstream *u)
{
	if (u->state == UPSTREAM_CLOSED)
		return;
	if (u->state == UPSTREAM_IDLE) {
		idle_unlink(u);
		io_farewell(&u->io);
	}
	u->state = UPSTREAM_CLOSED;
	if (u->leg != NULL) {
		h2_leg_leave(u->leg);
		u->leg = NULL;
	}
	u->exchange = NULL;
	deadline_remove(u->worker, &u->deadline);
	buf_put(&u->worker->bufs, &u->in);
	buf_put(&u->worker->bufs, &u->trailers);
	tls_channel_free(&u->shaking);
	io_close(&u->io);
	worker_trash(u->worker, &u->trash, upstream_drop);
}
