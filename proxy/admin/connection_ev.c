/*
 * connection_ev.c: see connection_ev.h. The parser is that of the request path: as strict here as
 * there.
 */
#include "admin/connection_ev.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* At once: answers of a thousand members would go out in many small pieces. */
#define WRITE_BYTES_MAX ((size_t)1024 * 1024)

/* ---- connections ------------------------------------------------------------------------------
 */

void
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
	if (c->phase == CONNECTION_OWED)
		c->later.cancel(&c->later);
	if (c->phase == CONNECTION_FOLLOWING && c->role[0] != '\0')
		s->role_followers--;
	else if (c->phase == CONNECTION_FOLLOWING && --s->followers == 0)
		events_follow(s->events, false);
	bufferevent_free(c->io); /* closes the socket */
	free(c);
}

static void
enter(struct connection *c, enum connection_phase phase, uint64_t limit_ms)
{
	c->phase = phase;
	c->deadline_ms = limit_ms == UINT64_MAX ? UINT64_MAX : clock_ms() + limit_ms;
}

/* What the client still sends must not reset the answer away (RFC 9112 section 9.6). */
static void
linger(struct connection *c)
{
	(void)shutdown(bufferevent_getfd(c->io), SHUT_WR);
	enter(c, CONNECTION_LINGERING, ADMIN_LINGER_MS);
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

void
connection_tell_role(struct connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->io);
	struct grow text;
	if (evbuffer_get_length(out) > 0) {
		if (c->deadline_ms == UINT64_MAX)
			enter(c, CONNECTION_FOLLOWING, ADMIN_ANSWER_MS);
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
	enter(c, CONNECTION_FOLLOWING, UINT64_MAX);
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
		enter(c, CONNECTION_ANSWERING, ADMIN_ANSWER_MS);
		return true;
	}
	begin_following(c, a);
	return true;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

void
connection_refuse(struct connection *c, uint16_t status, const char *text)
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
		connection_refuse(c, 411, "a body is not wanted; if there is one, its length is");
		return false;
	}
	if (head->content_length > ADMIN_BODY_BYTES_MAX) {
		connection_refuse(c, 413, "a body is not wanted, least of all one so large");
		return false;
	}
	*bytes += (size_t)head->content_length;
	if (held < *bytes && head->expect_continue && !c->continued) {
		c->continued = true;
		(void)bufferevent_write(c->io, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
	return held >= *bytes;
}

static unsigned
waiters(const struct admin_server *s)
{
	unsigned count = 0;
	for (const struct connection *c = s->first; c != NULL; c = c->next)
		count += c->phase == CONNECTION_WAITING;
	return count;
}

/* True: the request stays where it is, and is asked again: see ask_again. */
static bool
wait(struct connection *c, const struct admin_answer *a)
{
	uint64_t now_ms = clock_ms();
	if (a->wait_ms == 0 || (c->wait_ends != 0 && now_ms >= c->wait_ends))
		return false;
	if (c->wait_ends == 0 && waiters(c->server) >= ADMIN_WAITERS_MAX)
		return false;
	if (c->wait_ends == 0)
		c->wait_ends = now_ms + a->wait_ms;
	c->phase = CONNECTION_WAITING;
	c->deadline_ms = c->wait_ends;
	return true;
}

/* Whoever took the question has the answer. */
static void
answer_later(struct admin_later *later, struct admin_answer *a)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)later - offsetof(struct connection, later));
	assert(c->phase == CONNECTION_OWED);
	a->head_only = c->head_only;
	enter(c, CONNECTION_ANSWERING, ADMIN_ANSWER_MS);
	(void)send_answer(c, a);
}

bool
connection_take_request(struct connection *c)
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
		connection_refuse(c, cause_table[cause].status, cause_table[cause].help);
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
		enter(c, CONNECTION_OWED, ADMIN_OWED_MS);
	bool there = a.later || send_answer(c, &a);
	admin_answer_deinit(&a);
	return there;
}

/* The next one waits until this answer is taken: one at a time. */
static void
on_read(struct bufferevent *io, void *context)
{
	struct connection *c = context;
	if (c->phase == CONNECTION_READING)
		(void)connection_take_request(c);
	else if (c->phase == CONNECTION_LINGERING || c->phase == CONNECTION_FOLLOWING)
		(void)evbuffer_drain(bufferevent_get_input(io), SIZE_MAX);
}

/* Everything was given to the kernel. */
static void
on_written(struct bufferevent *io, void *context)
{
	struct connection *c = context;
	(void)io;
	if (c->phase == CONNECTION_FOLLOWING && c->role[0] != '\0') {
		enter(c, CONNECTION_FOLLOWING, UINT64_MAX);
		connection_tell_role(c);
	}
	if (c->phase != CONNECTION_ANSWERING)
		return;
	if (c->close_after) {
		linger(c);
		return;
	}
	enter(c, CONNECTION_READING, ADMIN_REQUEST_MS);
	(void)connection_take_request(c);
}

/* The client ended, or the connection broke. Half-closed clients get what waits. */
static void
on_event(struct bufferevent *io, short what, void *context)
{
	struct connection *c = context;
	bool broken = (what & BEV_EVENT_ERROR) != 0;
	if (!broken && c->phase == CONNECTION_ANSWERING &&
	    evbuffer_get_length(bufferevent_get_output(io)) > 0) {
		c->close_after = true;
		return;
	}
	connection_free(c);
}

bool
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
	enter(c, CONNECTION_READING, ADMIN_REQUEST_MS);
	bufferevent_setcb(c->io, on_read, on_written, on_event, c);
	/* Never more than one head and one body: what comes behind waits in the kernel. */
	bufferevent_setwatermark(c->io, EV_READ, 0, HTTP_HEAD_BYTES_MAX + ADMIN_BODY_BYTES_MAX);
	(void)bufferevent_set_max_single_write(c->io, WRITE_BYTES_MAX);
	(void)bufferevent_enable(c->io, EV_READ | EV_WRITE);
	return true;
}
