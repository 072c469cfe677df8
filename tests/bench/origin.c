/*
 * origin.c: the servers behind the proxies that are compared: one epoll thread, several ports.
 *
 *   origin [-a] PORT... all on 127.0.0.1, with -a on every address of 127.0.0.0/8; runs until it
 *                       is killed; prints "ready" when it listens, and on SIGUSR1 how many
 *                       connections it took
 *
 * Answers GET, HTTP/1.1, keep-alive, pipelined requests in order:
 *   /10k   10 KiB body
 *   /64k, /1m, /100m   so much body, sent from a memfd so that it costs next to nothing
 *   /1m-chunked        1 MiB in chunks of 64 KiB
 *   else   64 bytes of body: about 200 bytes in all
 * Request bodies, with a length or chunked, are thrown away, and answered when they are whole.
 * It is made to cost little and always the same, not to be a web server: a request whose head does
 * not fit into its buffer ends the connection.
 */
#include "body.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_SMALL 64
#define BODY_10K   (10 * 1024)
#define BODY_64K   (64 * 1024)
#define BODY_1M    (1024 * 1024)
#define BODY_100M  (100 * BODY_1M)
#define IN_BYTES   8192
#define EVENTS     256

/* One answer, complete: head and, unless it comes from the memfd, body. */
struct answer {
	char *bytes;
	size_t length;
	size_t file_bytes; /* body bytes to send from the memfd after `bytes`, again and again */
	struct body *body; /* what follows instead; NULL: nothing */
};

struct conn {
	int fd;
	bool listener;
	bool want_out;            /* EPOLLOUT is asked for: an answer is half sent */
	const struct answer *now; /* the answer being sent, or NULL */
	size_t sent;              /* bytes of now->bytes already sent */
	uint64_t body_sent;       /* bytes of the body behind it already sent */
	const struct answer *due; /* when the request's body is here; NULL: no request */
	uint64_t body_left;       /* of a body with a length */
	bool chunked;             /* it is, and ends with `chunks` */
	struct chunk_skip chunks;
	size_t in_bytes; /* bytes waiting in `in` */
	char in[IN_BYTES];
};

static struct answer answer_small, answer_10k, answer_64k, answer_1m, answer_100m, answer_chunked;
static struct body chunked_1m;
static int epoll_fd, body_fd;
static char thrown_away[BODY_1M];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
answer_init(struct answer *a, size_t body_bytes, bool from_file)
{
	char head[256];
	char length[64];
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body_bytes);
	int n =
	    snprintf(head, sizeof(head),
		     "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: origin\r\n"
		     "Content-Type: text/plain\r\n%s\r\n",
		     a->body != NULL ? a->body->framing : length);
	size_t head_bytes = (size_t)n;

	a->length = head_bytes + (from_file ? 0 : body_bytes);
	a->file_bytes = from_file ? body_bytes : 0;
	a->bytes = malloc(a->length);
	if (a->bytes == NULL)
		die("malloc");
	memcpy(a->bytes, head, head_bytes);
	memset(a->bytes + head_bytes, 'x', a->length - head_bytes);
}

/* A memfd of BODY_1M bytes. */
static int
body_file(void)
{
	int fd = memfd_create("body", MFD_CLOEXEC);
	char block[4096];

	if (fd == -1)
		die("memfd_create");
	memset(block, 'x', sizeof(block));
	for (size_t n = 0; n < BODY_1M; n += sizeof(block))
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			die("write");
	return fd;
}

static void
watch(struct conn *c, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (epoll_ctl(epoll_fd, op, c->fd, &ev) == -1)
		die("epoll_ctl");
}

/* Owned by the epoll set from here on, until conn_free. */
static void
conn_new(int fd, bool listener)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		die("calloc");
	c->fd = fd;
	c->listener = listener;
	watch(c, EPOLL_CTL_ADD, EPOLLIN);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the kernel holds the pointer */
}

static void
conn_free(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* Sends what is left of c->now. 1 all sent, 0 the socket is full, -1 the connection is gone. */
static int
conn_send(struct conn *c)
{
	const struct answer *a = c->now;

	while (c->sent < a->length) {
		ssize_t n =
		    send(c->fd, a->bytes + c->sent, a->length - c->sent,
			 MSG_NOSIGNAL | (a->file_bytes > 0 || a->body != NULL ? MSG_MORE : 0));
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		c->sent += (size_t)n;
	}
	while (c->body_sent < a->file_bytes) {
		off_t at = (off_t)(c->body_sent % BODY_1M);
		uint64_t left = a->file_bytes - c->body_sent;
		uint64_t here = BODY_1M - (uint64_t)at;
		ssize_t n = sendfile(c->fd, body_fd, &at, left < here ? left : here);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		c->body_sent += (uint64_t)n;
	}
	if (a->body != NULL) {
		int sent = body_send(a->body, c->fd, &c->body_sent);
		if (sent != 1)
			return sent;
	}
	c->now = NULL;
	return 1;
}

static const struct answer *
answer_for(const char *head, size_t length)
{
	static const struct {
		const char *path;
		const struct answer *answer;
	} large[] = {{" /10k ", &answer_10k},
		     {" /64k ", &answer_64k},
		     {" /1m ", &answer_1m},
		     {" /100m ", &answer_100m},
		     {" /1m-chunked ", &answer_chunked}};
	const char *path = memchr(head, ' ', length);

	for (size_t i = 0; path != NULL && path[2] != ' ' && i < sizeof(large) / sizeof(*large);
	     i++)
		if (length - (size_t)(path - head) > strlen(large[i].path) &&
		    memcmp(path, large[i].path, strlen(large[i].path)) == 0)
			return large[i].answer;
	return &answer_small;
}

/* What a POST's head says of its body; a GET has none. */
static void
expect_body(struct conn *c, char *head, char *end)
{
	static const char length[] = "\r\ncontent-length:";

	c->chunked = false;
	c->body_left = 0;
	if (head[0] != 'P')
		return;
	*end = '\0';
	const char *found = strcasestr(head, length);
	if (found != NULL)
		c->body_left = strtoull(found + sizeof(length) - 1, NULL, 10);
	else
		c->chunked = strcasestr(head, "\r\ntransfer-encoding:") != NULL;
	c->chunks = (struct chunk_skip){0};
}

static bool
body_is_whole(const struct conn *c)
{
	return c->chunked ? c->chunks.done : c->body_left == 0;
}

/* How many of the bytes at `at` are of the request's body. */
static size_t
take_body(struct conn *c, const char *at, size_t bytes)
{
	if (c->chunked)
		return chunk_skip(&c->chunks, at, bytes);
	size_t take = c->body_left < bytes ? (size_t)c->body_left : bytes;
	c->body_left -= take;
	return take;
}

/* Answers every whole request in the buffer. False: close. */
static bool
conn_answer(struct conn *c)
{
	size_t at = 0;

	while (c->now == NULL) {
		if (c->due == NULL) {
			char *head = c->in + at;
			char *end = memmem(head, c->in_bytes - at, "\r\n\r\n", 4);
			if (end == NULL)
				break;
			c->due = answer_for(head, c->in_bytes - at);
			expect_body(c, head, end);
			at = (size_t)(end + 4 - c->in);
		}
		at += take_body(c, c->in + at, c->in_bytes - at);
		if (!body_is_whole(c))
			break;
		c->now = c->due;
		c->due = NULL;
		c->sent = 0;
		c->body_sent = 0;
		if (conn_send(c) == -1)
			return false;
	}
	memmove(c->in, c->in + at, c->in_bytes - at);
	c->in_bytes -= at;
	return c->now != NULL || c->in_bytes < IN_BYTES;
}

/* Of a long body, what is surely of it, without copying it. -1: nothing is, or there is nothing. */
static ssize_t
throw_away(struct conn *c)
{
	uint64_t *left = c->chunked ? &c->chunks.left : &c->body_left;

	if (c->due == NULL || *left <= IN_BYTES)
		return -1;
	ssize_t n = recv(c->fd, thrown_away,
			 *left < sizeof(thrown_away) ? *left : sizeof(thrown_away), MSG_TRUNC);
	if (n > 0)
		*left -= (uint64_t)n;
	return n;
}

/* Reads one buffer full, or throws away what is to be, and answers it. False: close. */
static bool
conn_read(struct conn *c)
{
	if (throw_away(c) > 0)
		return conn_answer(c);
	ssize_t n = recv(c->fd, c->in + c->in_bytes, IN_BYTES - c->in_bytes, 0);

	if (n == -1)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	c->in_bytes += (size_t)n;
	return conn_answer(c);
}

/* While an answer is half sent we wait for room only: no reading ahead. */
static void
conn_event(struct conn *c)
{
	bool ok;

	if (c->now != NULL)
		ok = conn_send(c) != -1 && (c->now != NULL || conn_answer(c));
	else
		ok = conn_read(c);
	if (!ok) {
		conn_free(c);
		return;
	}
	bool want_out = c->now != NULL;
	if (want_out != c->want_out) {
		watch(c, EPOLL_CTL_MOD, want_out ? EPOLLOUT : EPOLLIN);
		c->want_out = want_out;
	}
}

static unsigned long long accepted;
static volatile sig_atomic_t asked; /* to say it */

static void
on_ask(int number)
{
	(void)number;
	asked = 1;
}

static void
say_accepted(void)
{
	asked = 0;
	printf("%llu\n", accepted);
	fflush(stdout);
}

static void
accept_all(struct conn *listener)
{
	int one = 1;

	for (;;) {
		struct sockaddr_in from = {.sin_family = AF_INET};
		socklen_t bytes = sizeof(from);
		int fd = accept4(listener->fd, (struct sockaddr *)&from, &bytes,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		if (ntohl(from.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		conn_new(fd, false);
		accepted++;
	}
}

/* 127.0.0.1, or with `all` every address of 127.0.0.0/8: thousands of members in one server. */
static void
listen_on(const char *port, bool all)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(all ? INADDR_ANY : INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) == -1 || listen(fd, 4096) == -1)
		die(port);
	conn_new(fd, true);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct rlimit files;

	if (argc < 2) {
		fprintf(stderr, "usage: origin [-a] PORT...\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_ask}, NULL);
	answer_init(&answer_small, BODY_SMALL, false);
	answer_init(&answer_10k, BODY_10K, false);
	answer_init(&answer_64k, BODY_64K, true);
	answer_init(&answer_1m, BODY_1M, true);
	answer_init(&answer_100m, BODY_100M, true);
	if (!body_make(&chunked_1m, BODY_1M, true))
		die("body");
	answer_chunked.body = &chunked_1m;
	answer_init(&answer_chunked, 0, false);
	body_fd = body_file();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		die("epoll_create1");
	bool all = strcmp(argv[1], "-a") == 0;
	for (int i = all ? 2 : 1; i < argc; i++)
		listen_on(argv[i], all);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);
		if (n == -1 && errno != EINTR)
			die("epoll_wait");
		if (asked)
			say_accepted();
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c->listener)
				accept_all(c);
			else
				conn_event(c);
		}
	}
}
