/* server_ev.c: see server_ev.h. The parser is that of the request path: as strict here as there. */
#include "admin/server_ev.h"

#include "admin/answers.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/parse.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_PERIOD_S 1
#define BACKLOG        64
/* At once: answers of a thousand members would go out in many small pieces. */
#define WRITE_BYTES_MAX ((size_t)1024 * 1024)

enum phase { READING, WAITING, OWED, ANSWERING, FOLLOWING, LINGERING };

struct connection {
	struct admin_server *server;
	struct connection *next;
	struct connection *prev;
	struct bufferevent *io; /* owned */
	enum phase phase;
	bool close_after;            /* the present answer is the last */
	bool continued;              /* the present request's body was asked for */
	uint64_t deadline_ms;        /* of the phase */
	uint64_t wait_ends;          /* of the present request; 0: it has not waited */
	bool head_only;              /* OWED: of the answer */
	char role[ID_BYTES_MAX + 1]; /* FOLLOWING: of this role; "": of the log */
	struct admin_role_seen seen; /* of the role */
	struct admin_later later;    /* OWED: whoever has the question answers by it */
	char peer[ADDR_TEXT_BYTES_MAX];
};

struct admin_server {
	struct event_base *base; /* borrowed */
	struct admin_face face;
	struct events *events; /* borrowed */
	struct event *accept;
	struct event *sweep; /* deadlines, every SWEEP_PERIOD_S */
	struct event *bell;  /* of `events` */
	struct event *wake;  /* who waits asks again */
	int fd;
	bool left;                /* another process listens */
	bool paused;              /* no descriptor was left: accepts again at the next sweep */
	struct connection *first; /* the newest */
	unsigned connections;
	unsigned followers; /* of the log */
	unsigned role_followers;
	uint64_t dropped;
	uint64_t lost;
	uint64_t heartbeat_ms; /* of the last one */
	struct parser *parser;
	struct http_head head; /* scratch */
};

/* ---- connections ------------------------------------------------------------------------------
 */

static void
connection_free(struct connection *c)
{
	struct admin_server *s = c->server;
	assert((c->prev == NULL) == (c == s->first));
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->connections--;
	if (c->phase == OWED)
		c->later.cancel(&c->later);
	if (c->phase == FOLLOWING && c->role[0] != '\0')
		s->role_followers--;
	else if (c->phase == FOLLOWING && --s->followers == 0)
		events_follow(s->events, false);
	bufferevent_free(c->io); /* closes the socket */
	free(c);
}

static void
enter(struct connection *c, enum phase phase, uint64_t limit_ms)
{
	c->phase = phase;
	c->deadline_ms = limit_ms == UINT64_MAX ? UINT64_MAX : clock_ms() + limit_ms;
}

/* What the client still sends must not reset the answer away (RFC 9112 section 9.6). */
static void
linger(struct connection *c)
{
	(void)shutdown(bufferevent_getfd(c->io), SHUT_WR);
	enter(c, LINGERING, ADMIN_LINGER_MS);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static const char *
phrase_of(uint16_t status)
{
	static const struct {
		uint16_t status;
		const char *phrase;
	} phrases[] = {
	    {200, "OK"},
	    {307, "Temporary Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {411, "Length Required"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {417, "Expectation Failed"},
	    {422, "Unprocessable Content"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {503, "Service Unavailable"},
	    {505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "";
}

static void
free_body(const void *at, size_t bytes, void *context)
{
	(void)bytes;
	(void)context;
	free((void *)(uintptr_t)at);
}

/* The body changes hands: answers are large. */
static bool
send_body(struct evbuffer *out, struct admin_answer *a)
{
	if (a->body.bytes == 0)
		return true;
	if (evbuffer_add_reference(out, a->body.at, a->body.bytes, free_body, NULL) == -1)
		return false;
	a->body.at = NULL;
	return true;
}

static bool
send_head(struct evbuffer *out, const struct connection *c, const struct admin_answer *a)
{
	char date[32];
	char length[64] = "";
	struct writer w = writer_on(date, sizeof(date));
	write_http_date(&w, clock_wall_ms());
	if (!a->follow)
		(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", a->body.bytes);
	/* Nothing here is for other sites, for frames, or for caches. */
	return evbuffer_add_printf(out,
				   "HTTP/1.1 %u %s\r\nDate: %s\r\nServer: holdfast\r\n"
				   "Content-Type: %s\r\n%sCache-Control: no-store\r\n"
				   "X-Content-Type-Options: nosniff\r\n"
				   "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
				   "Cross-Origin-Resource-Policy: same-origin\r\n%s%s\r\n",
				   a->status, phrase_of(a->status), writer_text(&w), a->type,
				   length, a->fields,
				   c->close_after ? "Connection: close\r\n" : "") != -1;
}

/*
 * What became of its role since, in one event; nothing while it has not read the last one, which is
 * told when it has, if it still is so. Who reads nothing at all is gone with his deadline.
 */
static void
tell_role(struct connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->io);
	struct grow text;
	if (evbuffer_get_length(out) > 0) {
		if (c->deadline_ms == UINT64_MAX)
			enter(c, FOLLOWING, ADMIN_ANSWER_MS);
		return;
	}
	grow_init(&text, ADMIN_FOLLOWER_BYTES_MAX);
	if (admin_role_event(&c->server->face, c->role, &c->seen, &text) &&
	    evbuffer_add(out, text.at, text.bytes) == -1)
		c->seen.told = false;
	grow_deinit(&text);
}

static void
begin_following(struct connection *c, const struct admin_answer *a)
{
	int bytes = ADMIN_SEND_BUFFER_BYTES;
	(void)setsockopt(bufferevent_getfd(c->io), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	enter(c, FOLLOWING, UINT64_MAX);
	memcpy(c->role, a->role, sizeof(c->role));
	if (c->role[0] != '\0') {
		c->server->role_followers++;
		return; /* the first event goes out behind the head: on_written */
	}
	c->server->followers++;
	events_follow(c->server->events, true);
}

/* False: the connection is gone. */
static bool
send_answer(struct connection *c, struct admin_answer *a)
{
	struct admin_server *s = c->server;
	struct evbuffer *out = bufferevent_get_output(c->io);
	bool follows = a->follow && !a->head_only;
	bool full = a->role[0] != '\0' ? s->role_followers == ADMIN_ROLE_FOLLOWERS_MAX
				       : s->followers == ADMIN_FOLLOWERS_MAX;
	if (follows && full) {
		admin_refuse(a, 503, "too many followers");
		follows = false;
	}
	c->close_after |= follows;
	if (!send_head(out, c, a) || (!a->head_only && !send_body(out, a))) {
		connection_free(c);
		return false;
	}
	if (!follows) {
		enter(c, ANSWERING, ADMIN_ANSWER_MS);
		return true;
	}
	begin_following(c, a);
	return true;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

/* An answer to what is no request that could be carried out; the last one. */
static void
refuse(struct connection *c, uint16_t status, const char *text)
{
	struct admin_answer a = {.status = 0};
	c->close_after = true;
	admin_refuse(&a, status, text);
	(void)send_answer(c, &a);
	admin_answer_deinit(&a);
}

/* The head is whole; true: so is the body that belongs to it, *bytes together. */
static bool
body_is_there(struct connection *c, const struct http_head *head, size_t held, size_t *bytes)
{
	*bytes = head->bytes;
	if (head->framing == BODY_CHUNKED) {
		refuse(c, 411, "a body is not wanted; if there is one, its length is");
		return false;
	}
	if (head->content_length > ADMIN_BODY_BYTES_MAX) {
		refuse(c, 413, "a body is not wanted, least of all one so large");
		return false;
	}
	*bytes += (size_t)head->content_length;
	if (held < *bytes && head->expect_continue && !c->continued) {
		c->continued = true;
		(void)bufferevent_write(c->io, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
	return held >= *bytes;
}

/* True: the request stays where it is, and is asked again: see ask_again. */
static bool
wait(struct connection *c, const struct admin_answer *a)
{
	uint64_t now_ms = clock_ms();
	if (a->wait_ms == 0 || (c->wait_ends != 0 && now_ms >= c->wait_ends))
		return false;
	if (c->wait_ends == 0)
		c->wait_ends = now_ms + a->wait_ms;
	c->phase = WAITING;
	c->deadline_ms = c->wait_ends;
	return true;
}

/* Whoever took the question has the answer. */
static void
answer_later(struct admin_later *later, struct admin_answer *a)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)later - offsetof(struct connection, later));
	assert(c->phase == OWED);
	a->head_only = c->head_only;
	enter(c, ANSWERING, ADMIN_ANSWER_MS);
	(void)send_answer(c, a);
}

/* Takes one request from the front. False: there is none, or the connection is gone. */
static bool
take_request(struct connection *c)
{
	static const struct parse_limits limits = {
	    .head_bytes_max = HTTP_HEAD_BYTES_MAX, .target_bytes_max = 8192, .fields_max = 100};
	struct admin_server *s = c->server;
	struct evbuffer *in = bufferevent_get_input(c->io);
	size_t held = evbuffer_get_length(in);
	const char *at = (const char *)evbuffer_pullup(in, -1);
	size_t skipped = 0;
	size_t bytes;
	enum cause cause;
	const char *why;
	if (held == 0 || at == NULL)
		return false;
	switch (parse_request(s->parser, at, held, &limits, &s->head, &skipped, &cause, &why)) {
	case PARSE_MORE:
		return false;
	case PARSE_BAD:
		refuse(c, cause_table[cause].status, cause_table[cause].help);
		return false;
	case PARSE_OK:
		break;
	}
	if (!body_is_there(c, &s->head, held - skipped, &bytes))
		return false;
	struct admin_answer a = {.status = 0};
	c->close_after = !s->head.keep_alive || s->left;
	c->continued = false;
	c->later = (struct admin_later){.answer = answer_later};
	admin_answer(&s->face, &s->head, c->peer, &c->later, &a);
	if (wait(c, &a)) {
		admin_answer_deinit(&a);
		return false;
	}
	c->wait_ends = 0;
	(void)evbuffer_drain(in, skipped + bytes);
	c->head_only = a.head_only;
	if (a.later)
		enter(c, OWED, ADMIN_OWED_MS);
	bool there = a.later || send_answer(c, &a);
	admin_answer_deinit(&a);
	return there;
}

static void
ask_again(struct admin_server *s)
{
	struct connection *next;
	for (struct connection *c = s->first; c != NULL; c = next) {
		next = c->next; /* NOLINT(clang-analyzer-unix.Malloc) freed ones are unlinked */
		if (c->phase == WAITING)
			(void)take_request(c);
		else if (c->phase == FOLLOWING && c->role[0] != '\0')
			tell_role(c);
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

/* The next one waits until this answer is taken: one at a time. */
static void
on_read(struct bufferevent *io, void *context)
{
	struct connection *c = context;
	if (c->phase == READING)
		(void)take_request(c);
	else if (c->phase == LINGERING || c->phase == FOLLOWING)
		(void)evbuffer_drain(bufferevent_get_input(io), SIZE_MAX);
}

/* Everything was given to the kernel. */
static void
on_written(struct bufferevent *io, void *context)
{
	struct connection *c = context;
	(void)io;
	if (c->phase == FOLLOWING && c->role[0] != '\0') {
		enter(c, FOLLOWING, UINT64_MAX);
		tell_role(c);
	}
	if (c->phase != ANSWERING)
		return;
	if (c->close_after) {
		linger(c);
		return;
	}
	enter(c, READING, ADMIN_REQUEST_MS);
	(void)take_request(c);
}

/* The client ended, or the connection broke. Half-closed clients get what waits. */
static void
on_event(struct bufferevent *io, short what, void *context)
{
	struct connection *c = context;
	bool broken = (what & BEV_EVENT_ERROR) != 0;
	if (!broken && c->phase == ANSWERING &&
	    evbuffer_get_length(bufferevent_get_output(io)) > 0) {
		c->close_after = true;
		return;
	}
	connection_free(c);
}

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
		bool waits = c->phase == READING || c->phase == LINGERING;
		if (waits && (idle == NULL || c->deadline_ms <= idle->deadline_ms))
			idle = c;
	}
	if (idle == NULL)
		return false;
	connection_free(idle);
	return true;
}

static bool
connection_open(struct admin_server *s, int fd, const struct sockaddr *from)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->io = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->io == NULL) {
		free(c);
		return false;
	}
	struct addr peer;
	struct writer w = writer_on(c->peer, sizeof(c->peer));
	addr_from_sockaddr(from, &peer);
	write_addr(&w, &peer);
	(void)writer_text(&w);
	c->server = s;
	c->next = s->first;
	if (s->first != NULL)
		s->first->prev = c;
	s->first = c;
	s->connections++;
	enter(c, READING, ADMIN_REQUEST_MS);
	bufferevent_setcb(c->io, on_read, on_written, on_event, c);
	/* Never more than one head and one body: what comes behind waits in the kernel. */
	bufferevent_setwatermark(c->io, EV_READ, 0, HTTP_HEAD_BYTES_MAX + ADMIN_BODY_BYTES_MAX);
	(void)bufferevent_set_max_single_write(c->io, WRITE_BYTES_MAX);
	(void)bufferevent_enable(c->io, EV_READ | EV_WRITE);
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
		if (c->phase != FOLLOWING || (c->role[0] != '\0' && !of_roles))
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
		if (now_ms < c->deadline_ms || c->phase == WAITING)
			continue;
		/* A head that was begun is told that it came too slowly. */
		if (c->phase == READING && evbuffer_get_length(bufferevent_get_input(c->io)) > 0)
			refuse(c, 408, "the request did not come in time");
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
		bool idle =
		    c->phase == READING && evbuffer_get_length(bufferevent_get_input(c->io)) == 0;
		if (idle || c->phase == FOLLOWING)
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
