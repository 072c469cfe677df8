/*
 * probe_ev.c: the sockets and clocks of active checks; see probe_ev.h.
 *
 *   waiting --timer--> connecting --writable--> [shaking -->] asking --sent--> listening
 * --judged--. ^ |
 *      `------------------------ finish: evidence to the pool, next timer
 * <------------------------' (the same timer is the deadline of a check under way, and fires every
 * PROBE_TURN_MS before that, to see that this node runs)
 */
#include "members/probe_ev.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "members/probe.h"
#include "members/probe_h2.h"
#include "tls/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PROBE_FRAMES_BYTES 16384 /* of HTTP/2, read at once */

/* The checks of one member, one at a time. */
struct check {
	struct prober *prober;
	struct check *next_asked; /* in prober->asked */
	struct event *timer;      /* waiting: when the next one begins; else `due_ms` */
	struct event *io;         /* of fd; NULL: waiting */
	char *answer;             /* owned; NULL: nothing was read */
	size_t held;              /* bytes in answer */
	size_t sent;              /* bytes of the request */
	uint64_t begun_ms;        /* of the last check */
	uint64_t begun_wall_ms;   /* the same, by the wall clock */
	uint64_t ends_ms;         /* its deadline */
	uint64_t due_ms;          /* when its timer fires: later than that the node did not run */
	unsigned excused;         /* how often in a row it began anew, as the node did not */
	uint32_t member;
	int fd;                      /* -1: waiting */
	struct tls_channel *channel; /* owned; NULL: plain, or not connected yet */
	struct tls_tickets tickets;
	struct probe_h2 *h2; /* owned; NULL: HTTP/1.1, or not connected yet */
	bool connected;
	bool shaken;   /* the channel's handshake is done */
	bool heard;    /* after its deadline: what had come by then, and nothing was there */
	bool unsaid;   /* the last weight it said is none, and the process log has it */
	bool is_asked; /* in prober->asked; guarded by its lock */
};

struct prober {
	struct event_base *base; /* borrowed */
	const struct config_service *service;
	struct pool *pool;
	struct prober_node node;
	struct membership *membership; /* one reference */
	struct check *check;           /* by member */
	struct parser *parser;
	struct prng prng;
	struct event *wake; /* of `bell` */
	int bell;           /* eventfd: somebody asked for a check */
	bool lacking;       /* the last check could not begin for want of something here */
	pthread_mutex_t lock;
	struct check *asked;   /* by other threads, guarded by lock */
	struct http_head head; /* scratch */
};

static void begin(struct check *c);
static void on_writable(evutil_socket_t fd, short what, void *context);

static void
set_timer(struct check *c, uint64_t delay_ms)
{
	struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
				.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
	(void)event_add(c->timer, &delay);
}

/* The timer of a check under way. */
static void
set_due(struct check *c, uint64_t now_ms)
{
	uint64_t left_ms = c->ends_ms > now_ms ? c->ends_ms - now_ms : 0;
	uint64_t delay_ms = left_ms < PROBE_TURN_MS ? left_ms : PROBE_TURN_MS;
	c->due_ms = now_ms + delay_ms;
	set_timer(c, delay_ms);
}

/* From the start of one check to the next while a verdict is open. */
static uint64_t
fast_ms(const struct prober *p)
{
	const struct config_health *h = &p->service->health;
	return h->fast_interval_ms < h->interval_ms ? h->fast_interval_ms : h->interval_ms;
}

/* +-10 % */
static uint64_t
jittered(struct prober *p, uint64_t interval_ms)
{
	return interval_ms - interval_ms / 10 + prng_next(&p->prng) % (interval_ms / 5 + 1);
}

/* `open`: the verdict is. */
static void
wait_for_next(struct check *c, bool open, uint64_t now_ms)
{
	struct prober *p = c->prober;
	uint64_t interval_ms = open ? fast_ms(p) : p->service->health.interval_ms;
	uint64_t next_ms = c->begun_ms + jittered(p, interval_ms);
	set_timer(c, next_ms > now_ms ? next_ms - now_ms : 0);
}

static void
let_go(struct check *c)
{
	if (c->io != NULL)
		event_free(c->io);
	c->io = NULL;
	if (c->channel != NULL)
		tls_channel_goodbye(c->channel);
	tls_channel_free(&c->channel);
	probe_h2_free(&c->h2);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	free(c->answer);
	c->answer = NULL;
	c->held = 0;
	c->sent = 0;
	c->connected = false;
	c->shaken = false;
	c->heard = false;
}

/*
 * This node was stopped, or its machine, or it was kept from running: time passed for the member,
 * who may have given up on this check, and not for the check. It shows nothing, and begins anew.
 * A node that never runs in time has to judge all the same.
 */
static bool
start_over(struct check *c, uint64_t now_ms)
{
	if (now_ms <= c->due_ms + PROBE_LATE_MS || c->excused >= PROBE_EXCUSED_MAX)
		return false;
	log_debug("service %s: a check of %s begins anew: this node did not run for %llu ms",
		  c->prober->service->name, c->prober->membership->member[c->member].id,
		  (unsigned long long)(now_ms - c->due_ms));
	c->excused++;
	let_go(c);
	set_timer(c, 0);
	return true;
}

/* ---- ends of a check --------------------------------------------------------------------------
 */

static struct slice
origin_of(const struct check *c)
{
	return slice_of(c->prober->membership->member[c->member].origin_text);
}

/* What is no weight is said once, until a good one comes. */
static void
tell_unsaid(struct check *c, const struct probe_finding *f)
{
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer value = writer_on(text, sizeof(text));
	struct slice shown = f->unsaid_text;
	if (shown.bytes > WEIGHT_SHOWN_BYTES_MAX)
		shown.bytes = WEIGHT_SHOWN_BYTES_MAX;
	write_escaped(&value, shown);
	if (!c->unsaid)
		log_warn("service %s: member %s says Holdfast-Weight: %s, which is not one field "
			 "with a number up to %d or a percentage up to %d%%: ignored",
			 c->prober->service->name, c->prober->membership->member[c->member].id,
			 writer_text(&value), MEMBER_WEIGHT_MAX, WEIGHT_PERCENT_MAX);
	c->unsaid = true;
}

/* A member may say another one with every check: only what opens or closes it is news. */
static void
tell_weight(const struct check *c, const struct pool_outcome *o)
{
	char weight[WEIGHT_TEXT_BYTES];
	const char *service = c->prober->service->name;
	const char *member = c->prober->membership->member[c->member].id;
	weight_text(o->after, weight);
	if (weight_is_none(o->after))
		log_info("service %s: member %s takes no new sessions (Holdfast-Weight: %s)",
			 service, member, weight);
	else if (weight_is_none(o->before))
		log_info("service %s: member %s takes new sessions again", service, member);
	else
		log_debug("service %s: member %s has the weight %s for new sessions", service,
			  member, weight[0] != '\0' ? weight : "that is configured");
}

static void
finish(struct check *c, enum probe_outcome outcome, const struct probe_finding *f, const char *what)
{
	struct prober *p = c->prober;
	uint64_t now_ms = clock_ms();
	if (outcome != PROBE_WELL && start_over(c, now_ms))
		return;
	c->excused = 0;
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer seen = writer_on(text, sizeof(text));
	write_format(&seen, "probe %.*s: %s", SLICE_ARG(origin_of(c)), what);
	struct pool_check check = {.well = outcome == PROBE_WELL,
				   .why = f->why,
				   .now_ms = now_ms,
				   .seen = writer_text(&seen),
				   .said = f->said,
				   .unsaid = f->unsaid};
	if (f->unsaid)
		tell_unsaid(c, f);
	else if (check.well)
		c->unsaid = false;
	let_go(c);
	log_debug("service %s: %s", p->service->name, check.seen);
	struct pool_outcome told =
	    pool_checked(p->pool, p->membership->member[c->member].live, &check);
	wait_for_next(c, told.open, now_ms);
	if (!weight_equal(told.before, told.after))
		tell_weight(c, &told);
}

static void
finish_ill(struct check *c, enum reason why, const char *what)
{
	finish(c, PROBE_ILL, &(struct probe_finding){.why = why}, what);
}

static void
fail(struct check *c, int error)
{
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer what = writer_on(text, sizeof(text));
	write_text(&what, strerror(error));
	text[0] = ascii_lower(text[0]);
	finish_ill(c, REASON_PROBE_FAILED, writer_text(&what));
}

/* This node lacks something: no evidence. */
static void
put_off(struct check *c, int error)
{
	struct prober *p = c->prober;
	if (!p->lacking)
		log_warn("service %s: a check is put off: %s", p->service->name, strerror(error));
	p->lacking = true;
	let_go(c);
	wait_for_next(c, false, clock_ms());
}

static bool
is_lack(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL || error == EAGAIN;
}

static void
end_badly(struct check *c, int error)
{
	if (is_lack(error))
		put_off(c, error);
	else
		fail(c, error);
}

/* ---- a check under way ------------------------------------------------------------------------
 */

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
		put_off(c, ENOMEM);
	else
		finish_ill(c, why, writer_text(&what));
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
	enum probe_outcome outcome = probe_judge(
	    p->parser, &p->head, health, (struct slice){c->answer, c->held}, ended, &f, &seen);
	if (outcome != PROBE_OPEN)
		finish(c, outcome, &f, outcome == PROBE_WELL ? "well" : writer_text(&seen));
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
		finish_ill(c, REASON_PROBE_FAILED, why);
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
		put_off(c, ENOMEM);
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
			end_badly(c, errno);
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
		write_probe_request(w, &p->service->health, origin_of(c));
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
			end_badly(c, errno);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == request.bytes && !watch(c, EV_READ, on_readable))
		put_off(c, ENOMEM);
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
		end_badly(c, errno);
		return false;
	}
	if (n > 0)
		probe_h2_sent(c->h2, (size_t)n);
	bool rest = n < (ssize_t)out.bytes;
	if (watch(c, (short)(EV_READ | (rest ? EV_WRITE : 0)), on_frames))
		return true;
	put_off(c, ENOMEM);
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
		finish_ill(c, REASON_NOT_HTTP2, "TLS, but no HTTP/2 by ALPN");
		return false;
	}
	if (c->prober->service->health.path == NULL)
		return true;
	write_request(c, &request);
	c->h2 = probe_h2_create(text, request.bytes, c->channel != NULL);
	if (c->h2 == NULL)
		put_off(c, ENOMEM);
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
		end_badly(c, error);
		return false;
	}
	c->connected = true;
	const struct member_live *live = live_of(c);
	if (live->proxy != PROXY_OUT_OFF &&
	    !proxy_out_send(c->fd, (enum proxy_out)live->proxy, NULL, NULL, NULL)) {
		end_badly(c, errno);
		return false;
	}
	if (live->tls == NULL)
		return true;
	c->channel = tls_client_connect(live->tls, c->fd, &live->named, &c->tickets);
	if (c->channel == NULL)
		put_off(c, ENOMEM);
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
		put_off(c, ENOMEM);
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
		finish(c, PROBE_WELL, &(struct probe_finding){.why = REASON_NONE}, "well");
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
		finish_ill(c, REASON_UNRESOLVED, "the name does not resolve");
		return;
	}
	socklen_t bytes = addr_to_sockaddr(&p->membership->member[c->member].origin, &to);
	c->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1) {
		put_off(c, errno);
		return;
	}
	if (!addr_bind_source(c->fd, &p->membership->member[c->member].source)) {
		put_off(c, errno);
		return;
	}
	if (connect(c->fd, (struct sockaddr *)&to, bytes) == -1 && errno != EINPROGRESS) {
		end_badly(c, errno);
		return;
	}
	if (!watch(c, EV_WRITE, on_writable)) {
		put_off(c, ENOMEM);
		return;
	}
	p->lacking = false;
	set_due(c, c->begun_ms);
}

/* Of a check under way. What came in time, and stands in the socket, is heard before it ends. */
static void
go_on(struct check *c)
{
	uint64_t now_ms = clock_ms();
	bool over = now_ms >= c->ends_ms;
	if (start_over(c, now_ms))
		return;
	if (!over || !c->heard) {
		c->heard = over;
		set_due(c, now_ms);
		return;
	}
	finish_ill(c, REASON_PROBE_TIMEOUT,
		   !c->connected                      ? "no connection in time"
		   : c->channel != NULL && !c->shaken ? "no TLS handshake in time"
		   : c->held > 0                      ? "no whole answer in time"
						      : "no answer in time");
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct check *c = context;
	(void)fd;
	(void)what;
	if (c->fd == -1)
		begin(c);
	else
		go_on(c);
}

/* ---- asked for by others ----------------------------------------------------------------------
 */

void
prober_check_now(struct prober *p, const struct member_live *member)
{
	size_t at = 0;
	while (at < p->membership->count && p->membership->member[at].live != member)
		at++;
	if (at == p->membership->count)
		return;
	struct check *c = &p->check[at];
	(void)pthread_mutex_lock(&p->lock);
	bool news = !c->is_asked;
	if (news) {
		c->is_asked = true;
		c->next_asked = p->asked;
		p->asked = c;
	}
	(void)pthread_mutex_unlock(&p->lock);
	uint64_t one = 1;
	if (news && write(p->bell, &one, sizeof(one)) == -1)
		log_warn("a check is put off: %s", strerror(errno));
}

static struct check *
take_asked(struct prober *p)
{
	(void)pthread_mutex_lock(&p->lock);
	struct check *c = p->asked;
	if (c != NULL) {
		p->asked = c->next_asked;
		c->is_asked = false;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return c;
}

static void
on_bell(evutil_socket_t fd, short what, void *context)
{
	struct prober *p = context;
	uint64_t rings;
	(void)what;
	if (read(fd, &rings, sizeof(rings)) == -1)
		return;
	struct check *c;
	while ((c = take_asked(p)) != NULL) {
		if (c->fd != -1)
			continue;
		uint64_t since_ms = clock_ms() - c->begun_ms;
		uint64_t gap_ms = fast_ms(p);
		set_timer(c, since_ms < gap_ms ? gap_ms - since_ms : 0);
	}
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
checks_create(struct prober *p)
{
	size_t count = p->membership->count;
	uint64_t spread_ms = (uint64_t)count * PROBE_START_SPREAD_MS;
	if (spread_ms > p->service->health.interval_ms)
		spread_ms = p->service->health.interval_ms;
	p->check = calloc(count + 1, sizeof(*p->check));
	if (p->check == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		p->check[i].prober = p;
		p->check[i].member = (uint32_t)i;
		p->check[i].fd = -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct check *c = &p->check[i];
		c->timer = event_new(p->base, -1, 0, on_timer, c);
		if (c->timer == NULL)
			return false;
		set_timer(c, prng_next(&p->prng) % (spread_ms + 1));
	}
	return true;
}

static bool
prober_init(struct prober *p)
{
	prng_seed(&p->prng);
	p->parser = parser_create();
	p->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->parser == NULL || p->bell == -1)
		return false;
	p->wake = event_new(p->base, p->bell, EV_READ | EV_PERSIST, on_bell, p);
	return p->wake != NULL && event_add(p->wake, NULL) == 0 && checks_create(p);
}

enum result
prober_start(struct event_base *base, const struct config_service *service, struct pool *pool,
	     struct prober_node node, struct prober **out, struct problem *p)
{
	*out = NULL;
	struct prober *prober = calloc(1, sizeof(*prober));
	if (prober == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	prober->base = base;
	prober->service = service;
	prober->pool = pool;
	prober->node = node;
	prober->bell = -1;
	struct view *view = pool_view(pool);
	prober->membership = membership_ref(view->membership);
	view_unref(&view);
	(void)pthread_mutex_init(&prober->lock, NULL);
	if (!prober_init(prober)) {
		prober_stop(&prober);
		return problem_set(p, RESULT_NO_MEMORY, "no memory or no descriptor for checks");
	}
	*out = prober;
	return RESULT_OK;
}

void
prober_stop(struct prober **held)
{
	struct prober *p = *held;
	*held = NULL;
	if (p == NULL)
		return;
	for (size_t i = 0; p->check != NULL && i < p->membership->count; i++) {
		let_go(&p->check[i]);
		tls_tickets_deinit(&p->check[i].tickets);
		if (p->check[i].timer != NULL)
			event_free(p->check[i].timer);
	}
	free(p->check);
	if (p->wake != NULL)
		event_free(p->wake);
	if (p->bell != -1)
		(void)close(p->bell);
	parser_free(&p->parser);
	membership_unref(&p->membership);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}
