/* race_open.c: see race_open.h. */
#include "cli/race_open.h"

#include "http/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 2048

void
write_race_ticket(struct writer *w, const struct race_run *run)
{
	ticket_write(w, run->race.ticket);
	if (run->bind != TICKET_BIND_SECRET)
		return;
	write_literal(w, "; secret=");
	write_hex_bytes(w, run->secret, sizeof(run->secret));
}

/* "http://ADDRESS:PORT/" */
static bool
find_url(const char *url, struct slice *authority, struct addr *to)
{
	struct slice rest = slice_of(url);
	struct slice scheme = SLICE("http://");
	if (!slice_has_prefix(rest, scheme))
		return false;
	rest.at += scheme.bytes;
	rest.bytes -= scheme.bytes;
	*authority = (struct slice){rest.at, slice_find(rest, '/')};
	return addr_parse(*authority, false, to, NULL) == RESULT_OK;
}

static int
call(const struct addr *to)
{
	struct sockaddr_storage name;
	const struct timeval limit = {.tv_sec = RACE_OPEN_MS / 1000};
	socklen_t name_bytes = addr_to_sockaddr(to, &name);
	int fd = socket(to->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* of connect, too */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&name, name_bytes) == 0)
		return fd;
	int error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static bool
ask(int fd, const struct race_run *run, struct slice host)
{
	char text[REQUEST_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_together(&w, SLICE("GET / HTTP/1.1\r\nHost: "), host, SLICE("\r\nHoldfast-Ticket: "));
	write_race_ticket(&w, run);
	write_literal(&w, "\r\nConnection: close\r\n\r\n");
	for (size_t sent = 0; sent < w.bytes && !w.overflow;) {
		ssize_t n = send(fd, text + sent, w.bytes - sent, MSG_NOSIGNAL);
		if (n == -1)
			return false;
		sent += (size_t)n;
	}
	return !w.overflow;
}

static void
copy_value(const struct http_head *head, struct slice name, char *out, size_t capacity)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(head, name, &at);
	struct slice value = field != NULL ? http_field_value(head, field) : SLICE_NONE;
	size_t bytes = value.bytes < capacity ? value.bytes : capacity - 1;
	if (value.at != NULL)
		memcpy(out, value.at, bytes);
	out[bytes] = '\0';
}

/* Answers' heads, one after the other. */
struct heads {
	struct parser *parser;
	struct http_head head; /* the present one */
	size_t held;
	char bytes[HTTP_HEAD_BYTES_MAX];
};

/* The head at the front into h->head, and out of the bytes. */
static enum parse_outcome
take_head(struct heads *h)
{
	static const struct parse_limits limits = {.head_bytes_max = HTTP_HEAD_BYTES_MAX,
						   .target_bytes_max = HTTP_HEAD_BYTES_MAX,
						   .fields_max = HTTP_FIELDS_MAX};
	enum cause cause;
	const char *why;
	enum parse_outcome outcome = parse_response(h->parser, h->bytes, h->held, &limits,
						    METHOD_GET, &h->head, &cause, &why);
	if (outcome == PARSE_MORE && h->held == sizeof(h->bytes))
		return PARSE_BAD;
	if (outcome == PARSE_OK && h->head.status < 200) { /* interim: another one follows */
		h->held -= h->head.bytes;
		memmove(h->bytes, h->bytes + h->head.bytes, h->held);
		return take_head(h);
	}
	return outcome;
}

static bool
hear(int fd, struct heads *h, struct race_opened *out)
{
	enum parse_outcome outcome = PARSE_MORE;
	while (outcome == PARSE_MORE) {
		ssize_t n = recv(fd, h->bytes + h->held, sizeof(h->bytes) - h->held, 0);
		if (n <= 0)
			return false;
		h->held += (size_t)n;
		outcome = take_head(h);
	}
	if (outcome != PARSE_OK)
		return false;
	out->status = h->head.status;
	copy_value(&h->head, SLICE("holdfast-ticket"), out->reason, sizeof(out->reason));
	copy_value(&h->head, SLICE("set-cookie"), out->cookie, sizeof(out->cookie));
	return true;
}

enum result
race_open(const struct race_run *run, const char *host, struct race_opened *out, struct problem *p)
{
	struct slice authority;
	struct addr to;
	memset(out, 0, sizeof(*out));
	if (!find_url(run->race.url, &authority, &to))
		return problem_set(p, RESULT_INVALID,
				   "an offer of %s: not of the form http://ADDRESS:PORT/",
				   run->race.url);
	static struct heads heads;
	heads = (struct heads){.parser = parser_create()};
	if (heads.parser == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	errno = 0;
	int fd = call(&to);
	bool ok = fd != -1 && ask(fd, run, host != NULL ? slice_of(host) : authority) &&
		  hear(fd, &heads, out);
	if (!ok)
		(void)problem_set(p, RESULT_IO, "%s: %s", run->race.url,
				  errno != 0 ? strerror(errno) : "no answer that is HTTP");
	if (fd != -1)
		(void)close(fd);
	parser_free(&heads.parser);
	return ok ? RESULT_OK : RESULT_IO;
}
