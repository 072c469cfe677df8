/* cluster_ev.c: the control plane's socket and timer; see cluster_ev.h. */
#include "cluster/cluster_ev.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "cluster/twin.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define DATAGRAM_ROOM (DATAGRAM_BYTES_MAX + 1) /* what is longer is seen to be */

struct cluster {
	int fd;
	int timer_fd;
	struct event *readable;
	struct event *timer;
	uint64_t timer_at; /* CLUSTER_NEVER: not set */
	struct cluster_ear ear;
	struct cluster_counts counts;
	uint64_t twin_said; /* last warning of each kind */
	uint64_t unsent_said;
	uint8_t nonce[TWIN_NONCE_BYTES];
	struct mmsghdr header[CLUSTER_BATCH];
	struct iovec piece[CLUSTER_BATCH];
	struct sockaddr_storage from[CLUSTER_BATCH];
	uint8_t bytes[CLUSTER_BATCH][DATAGRAM_ROOM];
	struct plane plane;
};

uint64_t
cluster_now(void)
{
	return clock_boot_ms();
}

struct plane *
cluster_plane(struct cluster *c)
{
	return &c->plane;
}

const struct cluster_counts *
cluster_counted(const struct cluster *c)
{
	return &c->counts;
}

/* ---- saying -----------------------------------------------------------------------------------
 */

static void
send_to(struct cluster *c, const struct addr *to, const uint8_t *bytes, size_t count)
{
	struct sockaddr_storage name;
	socklen_t name_bytes = addr_to_sockaddr(to, &name);
	if (sendto(c->fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&name,
		   name_bytes) != -1)
		return;
	/* ECONNREFUSED is of an earlier datagram: nobody listens there. */
	uint64_t now = cluster_now();
	c->counts.unsent++;
	if (errno == ECONNREFUSED || now - c->unsent_said < CLUSTER_WARN_MS)
		return;
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, to);
	c->unsent_said = now;
	log_warn("cluster: a datagram to %s cannot be sent: %s", writer_text(&w), strerror(errno));
}

static void
on_send(void *context, cluster_node to, const uint8_t *bytes, size_t count)
{
	struct cluster *c = context;
	send_to(c, &c->plane.nodes->node[to].address, bytes, count);
}

static void
set_timer(struct cluster *c)
{
	uint64_t at = plane_next(&c->plane);
	if (at == c->timer_at)
		return;
	c->timer_at = at;
	if (at == 0)
		at = 1; /* all zeros would stop it */
	struct itimerspec when = {.it_interval = {0, 0}};
	if (at != CLUSTER_NEVER) {
		when.it_value.tv_sec = (time_t)(at / 1000);
		when.it_value.tv_nsec = (long)(at % 1000) * 1000000L;
	}
	int set = timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	assert(set == 0);
	(void)set;
}

void
cluster_settle(struct cluster *c)
{
	struct plane_change change;
	plane_flush(&c->plane, on_send, c);
	if (plane_take_change(&c->plane, cluster_now(), &change) && c->ear.changed != NULL)
		c->ear.changed(c->ear.context, &change);
	if (plane_take_answered(&c->plane) && c->ear.answered != NULL)
		c->ear.answered(c->ear.context);
	if (c->ear.turned != NULL)
		c->ear.turned(c->ear.context);
	plane_flush(&c->plane, on_send, c);
	set_timer(c);
}

/* ---- twins: cluster/twin.h --------------------------------------------------------------------
 */

static void
say_own_id(struct cluster *c, const struct addr *to, const uint8_t *asked)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	size_t count = twin_say(&c->plane.codec, c->nonce, asked, bytes);
	send_to(c, to, bytes, count);
}

static void
hear_twin(struct cluster *c, const struct addr *from, const uint8_t *bytes, size_t count)
{
	uint64_t now = cluster_now();
	if (twin_look(c->nonce, bytes, count) != TWIN_ASKS || now - c->twin_said < TWIN_ANSWER_MS)
		return;
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, from);
	c->twin_said = now;
	log_error("cluster: another process at %s starts as node %s, and is told not to",
		  writer_text(&w), c->plane.nodes->node[c->plane.nodes->self].id);
	say_own_id(c, from, twin_asked(bytes));
}

static enum result
refuse_twin(const struct cluster *c, const struct addr *from, struct problem *p)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, from);
	return problem_set(p, RESULT_INVALID,
			   "node %s runs already, at %s: ids are for one node each",
			   c->plane.nodes->node[c->plane.nodes->self].id, writer_text(&w));
}

/* RESULT_LIMIT: nothing is known yet. */
static enum result
hear_for_twin(struct cluster *c, struct problem *p)
{
	struct incoming in;
	struct addr from;
	uint8_t *bytes = c->bytes[0];
	socklen_t name_bytes = sizeof(c->from[0]);
	ssize_t count = recvfrom(c->fd, bytes, DATAGRAM_ROOM, MSG_DONTWAIT,
				 (struct sockaddr *)&c->from[0], &name_bytes);
	if (count == -1 ||
	    datagram_decode(&c->plane.codec, bytes, (size_t)count, &in) != DATAGRAM_DROP_TWIN)
		return RESULT_LIMIT; /* what it was is said again */
	switch (twin_look(c->nonce, bytes, (size_t)count)) {
	case TWIN_IS_US:
		c->plane.codec.dropped[DATAGRAM_DROP_TWIN]--;
		return RESULT_OK;
	case TWIN_ANSWERS:
		addr_from_sockaddr((struct sockaddr *)&c->from[0], &from);
		return refuse_twin(c, &from, p);
	default:
		return RESULT_LIMIT;
	}
}

static enum result
look_for_twin(struct cluster *c, uint32_t timeout_ms, struct problem *p)
{
	uint64_t ends = cluster_now() + timeout_ms;
	digest_random(c->nonce);
	say_own_id(c, &c->plane.nodes->node[c->plane.nodes->self].address, NULL);
	for (;;) {
		uint64_t now = cluster_now();
		if (now >= ends)
			return RESULT_OK; /* nobody is there, or nothing comes back to us from us */
		struct pollfd ready = {.fd = c->fd, .events = POLLIN};
		if (poll(&ready, 1, (int)(ends - now)) <= 0)
			continue;
		enum result r = hear_for_twin(c, p);
		if (r != RESULT_LIMIT)
			return r;
	}
}

/* ---- hearing ----------------------------------------------------------------------------------
 */

static void
hear(struct cluster *c, size_t i)
{
	struct addr from;
	const uint8_t *bytes = c->bytes[i];
	size_t count = c->header[i].msg_len;
	addr_from_sockaddr((struct sockaddr *)&c->from[i], &from);
	if (c->ear.stray != NULL && !datagram_is_ours(bytes, count) &&
	    c->ear.stray(c->ear.context, &from, bytes, count)) {
		c->counts.strays++;
		return;
	}
	if (plane_receive(&c->plane, cluster_now(), bytes, count) == DATAGRAM_DROP_TWIN)
		hear_twin(c, &from, bytes, count);
	/* The outbox has room for the answers to one. */
	plane_flush(&c->plane, on_send, c);
}

static void
hear_all(struct cluster *c)
{
	for (unsigned batch = 0; batch < CLUSTER_BATCHES_MAX; batch++) {
		for (size_t i = 0; i < CLUSTER_BATCH; i++)
			c->header[i].msg_hdr.msg_namelen = sizeof(c->from[i]);
		int count = recvmmsg(c->fd, c->header, CLUSTER_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++)
			hear(c, (size_t)i);
		if (count < CLUSTER_BATCH)
			break;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct cluster *c = context;
	(void)fd;
	(void)what;
	c->counts.wakeups++;
	hear_all(c);
	cluster_settle(c);
}

/* What came before the time was over counts, also when this node was late to look. */
static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct cluster *c = context;
	uint64_t times;
	(void)what;
	c->counts.wakeups++;
	if (read(fd, &times, sizeof(times)) == -1)
		return; /* set anew since */
	c->timer_at = CLUSTER_NEVER;
	hear_all(c);
	plane_tick(&c->plane, cluster_now());
	cluster_settle(c);
}

/* ---- life -------------------------------------------------------------------------------------
 */

int
cluster_bind(const struct addr *address, const char *key, struct problem *p)
{
	struct sockaddr_storage name;
	socklen_t bytes = addr_to_sockaddr(address, &name);
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	int on = 1;
	int room = CLUSTER_RECEIVE_BYTES;
	write_addr(&w, address);
	int fd = socket(address->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool ok = fd != -1;
	if (ok && address->family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
	ok = ok && bind(fd, (struct sockaddr *)&name, bytes) == 0;
	if (!ok) {
		(void)problem_set(p, RESULT_IO, "%s: %s: %s", key, writer_text(&w),
				  strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	/* A burst waits there while the thread does something else; less is no error. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static bool
arm(struct cluster *c, struct event_base *base)
{
	c->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (c->timer_fd == -1)
		return false;
	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->timer = event_new(base, c->timer_fd, EV_READ | EV_PERSIST, on_timer, c);
	return c->readable != NULL && c->timer != NULL && event_add(c->readable, NULL) == 0 &&
	       event_add(c->timer, NULL) == 0;
}

static void
prepare_batch(struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_BATCH; i++) {
		c->piece[i] = (struct iovec){c->bytes[i], DATAGRAM_ROOM};
		c->header[i].msg_hdr = (struct msghdr){.msg_name = &c->from[i],
						       .msg_namelen = sizeof(c->from[i]),
						       .msg_iov = &c->piece[i],
						       .msg_iovlen = 1};
	}
}

enum result
cluster_create(struct event_base *base, int fd, const struct plane_setup *setup,
	       const struct engine *engine, const struct cluster_ear *ear, struct cluster **out,
	       struct problem *p)
{
	struct cluster *c = calloc(1, sizeof(*c));
	*out = NULL;
	if (c == NULL) {
		(void)close(fd);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	c->fd = fd;
	c->timer_fd = -1;
	c->timer_at = CLUSTER_NEVER;
	c->ear = *ear;
	prepare_batch(c);
	enum result r = arm(c, base) ? RESULT_OK : problem_set(p, RESULT_IO, "%s", strerror(errno));
	if (r == RESULT_OK) {
		plane_init(&c->plane, setup, engine, cluster_now());
		r = look_for_twin(c, setup->election.timeout_ms, p);
	}
	if (r != RESULT_OK) {
		cluster_free(&c);
		return r;
	}
	*out = c;
	return RESULT_OK;
}

void
cluster_free(struct cluster **held)
{
	struct cluster *c = *held;
	*held = NULL;
	if (c == NULL)
		return;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->timer_fd != -1)
		(void)close(c->timer_fd);
	(void)close(c->fd);
	free(c);
}
