/* node_client.c: see node_client.h. Answers are read by the parser of the request path. */
#include "cli/node_client.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/grow.h"
#include "http/parse.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES ((size_t)64 * 1024)

struct node_client {
	char name[NODE_NAME_BYTES_MAX + 1]; /* as it was said; the Host of each question */
	char *token;                        /* owned; NULL: none */
	struct sockaddr_storage address;
	socklen_t address_bytes;
	int fd;        /* -1: not connected */
	int attend_fd; /* borrowed; -1: none */
	uint64_t limit_ms;
	struct parser *parser;
	struct http_head head;
	struct grow in; /* of the present answer */
};

/* ---- where it is ------------------------------------------------------------------------------
 */

static enum result
look_up(struct node_client *c, const char *name, const char *port, struct problem *p)
{
	struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int error = getaddrinfo(name, port, &hints, &found);
	if (error != 0)
		return problem_set(p, RESULT_NOT_FOUND, "%s: %s", name, gai_strerror(error));
	memcpy(&c->address, found->ai_addr, found->ai_addrlen);
	c->address_bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return RESULT_OK;
}

static enum result
find(struct node_client *c, const char *where, struct problem *p)
{
	struct addr address;
	char name[NODE_NAME_BYTES_MAX + 1];
	bool local = slice_has_prefix(slice_of(where), SLICE("unix:"));
	enum result r =
	    addr_parse_form(slice_of(where), ADDR_FORM_UNIX, &address, local ? p : NULL);
	if (r == RESULT_OK)
		c->address_bytes = addr_to_sockaddr(&address, &c->address);
	if (r == RESULT_OK || local)
		return r == RESULT_OK ? r : problem_prefix(p, r, "%s", where);
	(void)snprintf(name, sizeof(name), "%s", where);
	char *colon = strrchr(name, ':');
	if (colon == NULL || colon == name || colon[1] == '\0' || name[0] == '[')
		return problem_set(p, RESULT_INVALID, "%s: HOST:PORT is wanted, or unix:PATH",
				   where);
	*colon = '\0';
	uint64_t port;
	if (!slice_to_u64(slice_of(colon + 1), &port) || port == 0 || port > UINT16_MAX)
		return problem_set(p, RESULT_INVALID, "%s: the port is no number from 1 to %d",
				   where, UINT16_MAX);
	return look_up(c, name, colon + 1, p);
}

/* What stands in a field's line must not end it. */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	}
	return true;
}

static enum result
init(struct node_client *c, const char *where, const char *token, struct problem *p)
{
	if (strlen(where) > NODE_NAME_BYTES_MAX || !is_plain(where))
		return problem_set(p, RESULT_INVALID, "HOST:PORT is wanted, or unix:PATH");
	if (token != NULL && !is_plain(token))
		return problem_set(p, RESULT_INVALID,
				   "the token is not one line of printable ASCII without blanks");
	(void)snprintf(c->name, sizeof(c->name), "%s", where);
	c->token = token != NULL ? strdup(token) : NULL;
	c->parser = parser_create();
	if (c->parser == NULL || (token != NULL && c->token == NULL))
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return find(c, where, p);
}

enum result
node_client_create(const char *where, const char *token, struct node_client **out,
		   struct problem *p)
{
	struct node_client *c = calloc(1, sizeof(*c));
	*out = c;
	if (c == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	c->fd = -1;
	c->attend_fd = -1;
	c->limit_ms = NODE_ASK_MS;
	grow_init(&c->in, NODE_ANSWER_BYTES_MAX);
	enum result r = init(c, where, token, p);
	if (r != RESULT_OK)
		node_client_free(out);
	return r;
}

void
node_client_attend(struct node_client *c, int fd, uint64_t limit_ms)
{
	c->attend_fd = fd;
	c->limit_ms = limit_ms;
}

const char *
node_client_name(const struct node_client *c)
{
	return c->name;
}

static void
hang_up(struct node_client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

void
node_client_free(struct node_client **held)
{
	struct node_client *c = *held;
	*held = NULL;
	if (c == NULL)
		return;
	hang_up(c);
	grow_deinit(&c->in);
	parser_free(&c->parser);
	free(c->token);
	free(c);
}

/* ---- bytes, in time ---------------------------------------------------------------------------
 */

/* False: not before the deadline, errno says so. */
static bool
ready(const struct node_client *c, short events, uint64_t until_ms)
{
	for (;;) {
		uint64_t now_ms = clock_ms();
		struct pollfd fds[2] = {{.fd = c->fd, .events = events},
					{.fd = c->attend_fd, .events = POLLIN}};
		int got = poll(fds, 2, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);
		if (got > 0 && fds[1].revents != 0) {
			errno = ECANCELED;
			return false;
		}
		if (got > 0)
			return true;
		if (got == 0)
			errno = ETIMEDOUT;
		if (got == 0 || errno != EINTR)
			return false;
	}
}

static bool
call(struct node_client *c, uint64_t until_ms)
{
	int error = 0;
	int on = 1;
	socklen_t bytes = sizeof(error);
	c->fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return false;
	/* A UNIX socket knows no such option. */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (struct sockaddr *)&c->address, c->address_bytes) == 0)
		return true;
	if (errno != EINPROGRESS || !ready(c, POLLOUT, until_ms))
		return false;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0)
		errno = error;
	return errno == 0;
}

static bool
say(struct node_client *c, struct slice text, uint64_t until_ms)
{
	while (text.bytes > 0) {
		ssize_t n = send(c->fd, text.at, text.bytes, MSG_NOSIGNAL);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			if (!ready(c, POLLOUT, until_ms))
				return false;
			continue;
		}
		if (n == -1)
			return false;
		text.at += n;
		text.bytes -= (size_t)n;
	}
	return true;
}

/* More of the answer. False: its end, with errno 0, or an error. */
static bool
hear(struct node_client *c, uint64_t until_ms)
{
	char bytes[RECEIVE_BYTES];
	for (;;) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
		if (n > 0) {
			grow_bytes(&c->in, bytes, (size_t)n);
			errno = EMSGSIZE;
			return !c->in.failed;
		}
		if (n == 0)
			errno = 0;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return false;
		if (!ready(c, POLLIN, until_ms))
			return false;
	}
}

/* ---- one question -----------------------------------------------------------------------------
 */

static bool
compose(struct grow *out, const struct node_client *c, const char *method, const char *target)
{
	grow_format(out, "%s %s HTTP/1.1\r\nHost: %s\r\nHoldfast-Admin: 1\r\n", method, target,
		    c->address.ss_family == AF_UNIX ? "localhost" : c->name);
	if (c->token != NULL)
		grow_format(out, "Authorization: Bearer %s\r\n", c->token);
	grow_format(out, "Content-Length: 0\r\n\r\n");
	return !out->failed;
}

enum heard { HEARD_ALL, HEARD_NOTHING, HEARD_BROKEN, HEARD_OTHER /* not HTTP */ };

/* The whole answer into c->in; its body is *body. */
static enum heard
hear_answer(struct node_client *c, const char *method, uint64_t until_ms, struct slice *body)
{
	static const struct parse_limits limits = {.head_bytes_max = HTTP_HEAD_BYTES_MAX,
						   .target_bytes_max = HTTP_HEAD_BYTES_MAX,
						   .fields_max = HTTP_FIELDS_MAX};
	enum http_method asked = strcmp(method, "POST") == 0 ? METHOD_POST : METHOD_GET;
	enum parse_outcome outcome = PARSE_MORE;
	enum cause cause;
	const char *why;
	while (outcome == PARSE_MORE) {
		if (!hear(c, until_ms))
			return c->in.bytes == 0 && errno == 0 ? HEARD_NOTHING : HEARD_BROKEN;
		outcome = parse_response(c->parser, c->in.at, c->in.bytes, &limits, asked, &c->head,
					 &cause, &why);
	}
	if (outcome == PARSE_BAD || !c->head.has_length)
		return HEARD_OTHER;
	size_t head = c->head.bytes;
	while (c->in.bytes - head < c->head.content_length) {
		if (!hear(c, until_ms))
			return HEARD_BROKEN;
	}
	*body = (struct slice){c->in.at + head, (size_t)c->head.content_length};
	return HEARD_ALL;
}

/* Says the question and hears the answer; on a kept connection that was closed meanwhile, anew. */
static enum heard
exchange(struct node_client *c, const char *method, struct slice question, uint64_t until_ms,
	 struct slice *body)
{
	for (;;) {
		bool kept = c->fd != -1;
		grow_deinit(&c->in);
		grow_init(&c->in, NODE_ANSWER_BYTES_MAX);
		if (!kept && !call(c, until_ms))
			return HEARD_BROKEN;
		bool said = say(c, question, until_ms);
		enum heard heard = said ? hear_answer(c, method, until_ms, body) : HEARD_BROKEN;
		if (!kept || heard == HEARD_ALL || c->in.bytes > 0 || errno == ETIMEDOUT ||
		    errno == ECANCELED)
			return heard;
		hang_up(c);
	}
}

static enum result
take_json(struct node_client *c, struct slice body, struct node_answer *out, struct problem *p)
{
	json_error_t error;
	out->status = c->head.status;
	out->json = json_loadb(body.at, body.bytes, 0, &error);
	if (!c->head.keep_alive)
		hang_up(c);
	if (out->json == NULL)
		return problem_set(p, RESULT_IO, "%s: what answers there is not Holdfast", c->name);
	return RESULT_OK;
}

/* One question to its end: the answer's body is in *body. */
static enum result
ask(struct node_client *c, const char *method, const char *target, struct slice *body,
    struct problem *p)
{
	struct grow question;
	grow_init(&question, NODE_ANSWER_BYTES_MAX);
	if (!compose(&question, c, method, target)) {
		grow_deinit(&question);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	enum heard heard = exchange(c, method, (struct slice){question.at, question.bytes},
				    clock_ms() + c->limit_ms, body);
	int error = errno;
	grow_deinit(&question);
	if (heard == HEARD_ALL)
		return RESULT_OK;
	hang_up(c);
	if (heard == HEARD_OTHER)
		return problem_set(p, RESULT_IO, "%s: what answers there is not Holdfast", c->name);
	if (error == ECANCELED)
		return problem_set(p, RESULT_LIMIT, NODE_INTERRUPTED);
	return problem_set(p, RESULT_IO, "%s: %s", c->name,
			   error == 0 || heard == HEARD_NOTHING ? "closed without an answer"
								: strerror(error));
}

enum result
node_client_ask(struct node_client *c, const char *method, const char *target,
		struct node_answer *out, struct problem *p)
{
	struct slice body = SLICE_NONE;
	*out = (struct node_answer){.status = 0};
	enum result r = ask(c, method, target, &body, p);
	return r == RESULT_OK ? take_json(c, body, out, p) : r;
}

enum result
node_client_read(struct node_client *c, const char *target, int *status, struct slice *body,
		 struct problem *p)
{
	*body = SLICE_NONE;
	enum result r = ask(c, "GET", target, body, p);
	if (r != RESULT_OK)
		return r;
	*status = c->head.status;
	if (!c->head.keep_alive)
		hang_up(c);
	return RESULT_OK;
}

void
node_answer_deinit(struct node_answer *a)
{
	json_decref(a->json);
	a->json = NULL;
}

/* What a node says, for a terminal: quotes are no harm there. */
static void
write_said(struct writer *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"')
			write_char(w, *text);
		else
			write_escaped(w, (struct slice){text, 1});
	}
}

enum result
node_answer_check(const struct node_client *c, const struct node_answer *a, struct problem *p)
{
	char text[PROBLEM_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	const char *said = json_string_value(json_object_get(a->json, "error"));
	if (a->status == 200)
		return RESULT_OK;
	write_said(&w, said != NULL ? said : "no reason was given");
	return problem_set(p, a->status == 404 ? RESULT_NOT_FOUND : RESULT_INVALID, "%s: %d: %s",
			   c->name, a->status, writer_text(&w));
}
