/* check_ev.c: a check under way, from its socket to its answer; see check_ev.h. */
#include "members/check_ev.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/parse.h"
#include "members/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PROBE_FRAMES_BYTES 16384 /* of HTTP/2, read at once */

static void on_writable(evutil_socket_t fd, short what, void *context);

static bool
watch(struct check *c, short what, event_callback_fn callback)
{
	if (c->io != NULL)
		event_free(c->io);
	c->io = event_new(c->prober->base, c->fd, (short)(what | EV_PERSIST), callback, c);
	return c->io != NULL && event_add(c->io, NULL) == 0;
}

/* The node before the member is asked how it is, if there is one. */
static const struct membership_member *
asked_through_node(const struct check *c)
{
	const struct membership_member *m = &c->prober->membership->member[c->member];
	return m->hop != 0 ? m : NULL;
}

/* What TLS failed of is evidence, but for want of memory here. */
static void
fail_shaking(struct check *c, enum tls_handshake failure)
{
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer what = writer_on(text, sizeof(text));
	enum reason why = tls_client_reason(c->channel, failure);
	write_tls_failure(&what, c->channel, failure);
	if (why == REASON_NONE)
		check_put_off(c, ENOMEM);
	else
		check_finish_ill(c, why, writer_text(&what));
}

static void
judge(struct check *c, bool ended)
{
	struct prober *p = c->prober;
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer seen = writer_on(text, sizeof(text));
	struct probe_finding f;
	static const struct config_health node_health = {.expect_low = 200, .expect_high = 200};
	const struct config_health *health =
	    asked_through_node(c) != NULL ? &node_health : &p->service->health;
	if (c->held > 0)
		(void)parse_mend_names(c->answer, c->held);
	enum probe_outcome outcome = probe_judge(
	    p->parser, &p->head, health, (struct slice){c->answer, c->held}, ended, &f, &seen);
	if (outcome != PROBE_OPEN)
		check_finish(c, outcome, &f, outcome == PROBE_WELL ? "well" : writer_text(&seen));
}

/* As recv(2). */
static ssize_t
receive(const struct check *c, char *at, size_t room)
{
	return c->channel != NULL ? tls_channel_recv(c->channel, at, room)
				  : recv(c->fd, at, room, 0);
}

/* With TLS 1.3 a client is refused only after its own handshake is done. */
static bool
was_refused(const struct check *c)
{
	return c->channel != NULL && c->held == 0 && tls_client_was_refused(c->channel);
}

static bool send_frames(struct check *c);

/* Frames that came are turned into the answer's text, and what they ask for is sent. */
static void
take_frames(struct check *c, const char *at, size_t bytes)
{
	const char *why;
	struct writer answer = writer_on(c->answer, PROBE_ANSWER_BYTES_MAX);
	answer.bytes = c->held;
	enum probe_h2_state state = probe_h2_feed(c->h2, at, bytes, &answer, &why);
	c->held = answer.bytes;
	if (state == PROBE_H2_BROKEN)
		check_finish_ill(c, REASON_PROBE_FAILED, why);
	else if (send_frames(c))
		judge(c, state == PROBE_H2_OVER);
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct check *c = context;
	(void)fd;
	(void)what;
	if (c->answer == NULL)
		c->answer = malloc(PROBE_ANSWER_BYTES_MAX);
	if (c->answer == NULL) {
		check_put_off(c, ENOMEM);
		return;
	}
	char frames[PROBE_FRAMES_BYTES];
	ssize_t n = c->h2 != NULL
			? receive(c, frames, sizeof(frames))
			: receive(c, c->answer + c->held, PROBE_ANSWER_BYTES_MAX - c->held);
	if (n == -1 && was_refused(c)) {
		fail_shaking(c, TLS_HANDSHAKE_ALERT);
		return;
	}
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			check_end_badly(c, errno);
		return;
	}
	if (c->h2 != NULL && n > 0) {
		take_frames(c, frames, (size_t)n);
		return;
	}
	c->held += (size_t)n;
	judge(c, n == 0);
}

/* The same bytes each time: they may leave in several pieces. */
static void
write_request(const struct check *c, struct writer *w)
{
	const struct prober *p = c->prober;
	const struct membership_member *m = asked_through_node(c);
	if (m == NULL)
		write_probe_request(w, &p->service->health, check_origin(c));
	else
		write_node_probe_request(w, p->node.hops, p->node.self, &m->source,
					 slice_of(p->service->name), c->begun_wall_ms);
}

static void
send_request(struct check *c)
{
	char text[PROBE_REQUEST_BYTES_MAX];
	struct writer request = writer_on(text, sizeof(text));
	write_request(c, &request);
	struct iovec rest = {text + c->sent, request.bytes - c->sent};
	ssize_t n = c->channel != NULL ? tls_channel_send(c->channel, &rest, 1)
				       : send(c->fd, rest.iov_base, rest.iov_len, MSG_NOSIGNAL);
	if (n == -1 && c->channel != NULL && c->channel->deaf) {
		on_readable(c->fd, EV_READ, c); /* perhaps it said why */
		return;
	}
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			check_end_badly(c, errno);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == request.bytes && !watch(c, EV_READ, on_readable))
		check_put_off(c, ENOMEM);
}

static void on_frames(evutil_socket_t fd, short what, void *context);

/* What waits to be sent of HTTP/2. False: the check is over. */
static bool
send_frames(struct check *c)
{
	struct slice out = probe_h2_out(c->h2);
	struct iovec piece = {(void *)(uintptr_t)out.at, out.bytes};
	ssize_t n = 0;
	if (out.bytes > 0)
		n = c->channel != NULL ? tls_channel_send(c->channel, &piece, 1)
				       : send(c->fd, out.at, out.bytes, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		check_end_badly(c, errno);
		return false;
	}
	if (n > 0)
		probe_h2_sent(c->h2, (size_t)n);
	bool rest = n < (ssize_t)out.bytes;
	if (watch(c, (short)(EV_READ | (rest ? EV_WRITE : 0)), on_frames))
		return true;
	check_put_off(c, ENOMEM);
	return false;
}

static void
on_frames(evutil_socket_t fd, short what, void *context)
{
	struct check *c = context;
	if ((what & EV_WRITE) != 0 && !send_frames(c))
		return;
	if ((what & EV_READ) != 0)
		on_readable(fd, what, context);
}

/* Does the member speak it, as far as TLS says? False: the check is over. */
static bool
begin_http2(struct check *c)
{
	char text[PROBE_REQUEST_BYTES_MAX];
	struct writer request = writer_on(text, sizeof(text));
	if (c->channel != NULL && !slice_equal(c->channel->facts.protocol, SLICE("h2"))) {
		check_finish_ill(c, REASON_NOT_HTTP2, "TLS, but no HTTP/2 by ALPN");
		return false;
	}
	if (c->prober->service->health.path == NULL)
		return true;
	write_request(c, &request);
	c->h2 = probe_h2_create(text, request.bytes, c->channel != NULL);
	if (c->h2 == NULL)
		check_put_off(c, ENOMEM);
	return c->h2 != NULL;
}

/* Nobody listens, but the port that the kernel chose for us was the one we asked for. */
static bool
is_own_reflection(int fd)
{
	struct sockaddr_storage name;
	struct addr ours;
	struct addr theirs;
	socklen_t bytes = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &bytes) == -1)
		return false;
	addr_from_sockaddr((struct sockaddr *)&name, &ours);
	bytes = sizeof(name);
	if (getpeername(fd, (struct sockaddr *)&name, &bytes) == -1)
		return false;
	addr_from_sockaddr((struct sockaddr *)&name, &theirs);
	return addr_is_ip(&ours) && addr_equal(&ours, &theirs);
}

static struct member_live *
live_of(const struct check *c)
{
	return c->prober->membership->member[c->member].live;
}

/* False: the check is over. */
static bool
connected(struct check *c)
{
	int error = 0;
	socklen_t bytes = sizeof(error);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == -1)
		error = errno;
	if (error == 0 && is_own_reflection(c->fd))
		error = ECONNREFUSED;
	if (error != 0) {
		check_end_badly(c, error);
		return false;
	}
	c->connected = true;
	const struct member_live *live = live_of(c);
	if (live->proxy != PROXY_OUT_OFF &&
	    !proxy_out_send(c->fd, (enum proxy_out)live->proxy, NULL, NULL, NULL)) {
		check_end_badly(c, errno);
		return false;
	}
	if (live->tls == NULL)
		return true;
	c->channel = tls_client_connect(live->tls, c->fd, &live->named, &c->tickets);
	if (c->channel == NULL)
		check_put_off(c, ENOMEM);
	return c->channel != NULL;
}

/* False: it goes on later, or the check is over. */
static bool
shake(struct check *c)
{
	bool write;
	enum tls_handshake state = tls_channel_handshake(c->channel, &write);
	c->shaken = state == TLS_HANDSHAKE_DONE;
	bool waits = state == TLS_HANDSHAKE_WAITS;
	if (!waits && !c->shaken)
		fail_shaking(c, state);
	else if (!watch(c, waits && !write ? EV_READ : EV_WRITE, on_writable))
		check_put_off(c, ENOMEM);
	else
		return c->shaken;
	return false;
}

/* It is writable, or, while hands are shaken, what that waits for. */
static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	struct check *c = context;
	(void)fd;
	(void)what;
	if (!c->connected && !connected(c))
		return;
	if (c->channel != NULL && !c->shaken && !shake(c))
		return;
	if (live_of(c)->http2 && c->h2 == NULL && !begin_http2(c))
		return;
	if (c->h2 != NULL)
		(void)send_frames(c);
	else if (c->prober->service->health.path == NULL && asked_through_node(c) == NULL)
		check_finish(c, PROBE_WELL, &(struct probe_finding){.why = REASON_NONE}, "well");
	else
		send_request(c);
}

static void
begin(struct check *c)
{
	struct prober *p = c->prober;
	struct sockaddr_storage to;
	c->begun_ms = clock_ms();
	c->begun_wall_ms = clock_wall_ms();
	c->ends_ms = c->begun_ms + p->service->health.timeout_ms;
	c->due_ms = c->begun_ms;
	if (p->membership->member[c->member].origin.family == 0) {
		check_finish_ill(c, REASON_UNRESOLVED, "the name does not resolve");
		return;
	}
	socklen_t bytes = addr_to_sockaddr(&p->membership->member[c->member].origin, &to);
	c->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1) {
		check_put_off(c, errno);
		return;
	}
	if (!addr_bind_source(c->fd, &p->membership->member[c->member].source)) {
		check_put_off(c, errno);
		return;
	}
	if (connect(c->fd, (struct sockaddr *)&to, bytes) == -1 && errno != EINPROGRESS) {
		check_end_badly(c, errno);
		return;
	}
	if (!watch(c, EV_WRITE, on_writable)) {
		check_put_off(c, ENOMEM);
		return;
	}
	p->lacking = false;
	check_set_due(c, c->begun_ms);
}

/* Of a check under way. What came in time, and stands in the socket, is heard before it ends. */
static void
go_on(struct check *c)
{
	uint64_t now_ms = clock_ms();
	bool over = now_ms >= c->ends_ms;
	if (check_start_over(c, now_ms))
		return;
	if (!over || !c->heard) {
		c->heard = over;
		check_set_due(c, now_ms);
		return;
	}
	check_finish_ill(c, REASON_PROBE_TIMEOUT,
			 !c->connected                      ? "no connection in time"
			 : c->channel != NULL && !c->shaken ? "no TLS handshake in time"
			 : c->held > 0                      ? "no whole answer in time"
							    : "no answer in time");
}

void
check_on_timer(evutil_socket_t fd, short what, void *context)
{
	struct check *c = context;
	(void)fd;
	(void)what;
	if (c->fd == -1)
		begin(c);
	else
		go_on(c);
}
