/*
 * origin.c: the servers behind the proxies that are compared: one epoll thread, several ports.
 *
 *   origin [-a] PORT... all on 127.0.0.1, with -a on every address of 127.0.0.0/8; runs until it
 *                       is killed; prints "ready" when it listens, and on SIGUSR1 how many
 *                       connections it took
 *
 * Answers GET, HTTP/1.1, keep-alive, pipelined requests in order:
 *   /10k   10 KiB body        /1m    1 MiB body, sent from a memfd so that it costs next to nothing
 *   else   64 bytes of body: about 200 bytes in all
 * It is made to cost little and always the same, not to be a web server: a request that does not
 * fit into its buffer, or carries a body, ends the connection.
 */
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
#define BODY_1M    (1024 * 1024)
#define IN_BYTES   8192
#define EVENTS     256

/* One answer, complete: head and, unless it comes from the memfd, body. */
struct answer {
	char *bytes;
	size_t length;
	size_t file_bytes; /* body bytes to send from the memfd after `bytes` */
};

struct conn {
	int fd;
	bool listener;
	bool want_out;            /* EPOLLOUT is asked for: an answer is half sent */
	const struct answer *now; /* the answer being sent, or NULL */
	size_t sent;              /* bytes of now->bytes already sent */
	off_t file_sent;          /* bytes of the memfd already sent */
	size_t in_bytes;          /* bytes waiting in `in` */
	char in[IN_BYTES];
};

static struct answer answer_small, answer_10k, answer_1m;
static int epoll_fd, body_fd;

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
	int n =
	    snprintf(head, sizeof(head),
		     "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: origin\r\n"
		     "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		     body_bytes);
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
		ssize_t n = send(c->fd, a->bytes + c->sent, a->length - c->sent,
				 MSG_NOSIGNAL | (a->file_bytes > 0 ? MSG_MORE : 0));
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		c->sent += (size_t)n;
	}
	while ((size_t)c->file_sent < a->file_bytes) {
		ssize_t n =
		    sendfile(c->fd, body_fd, &c->file_sent, a->file_bytes - (size_t)c->file_sent);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
	}
	c->now = NULL;
	return 1;
}

static const struct answer *
answer_for(const char *head, size_t length)
{
	if (length > 9 && memcmp(head, "GET /10k ", 9) == 0)
		return &answer_10k;
	if (length > 8 && memcmp(head, "GET /1m ", 8) == 0)
		return &answer_1m;
	return &answer_small;
}

/* Answers every whole request head in the buffer. False: close. */
static bool
conn_answer(struct conn *c)
{
	size_t at = 0;

	while (c->now == NULL) {
		char *end = memmem(c->in + at, c->in_bytes - at, "\r\n\r\n", 4);
		if (end == NULL)
			break;
		c->now = answer_for(c->in + at, c->in_bytes - at);
		c->sent = 0;
		c->file_sent = 0;
		at = (size_t)(end + 4 - c->in);
		if (conn_send(c) == -1)
			return false;
	}
	memmove(c->in, c->in + at, c->in_bytes - at);
	c->in_bytes -= at;
	return c->now != NULL || c->in_bytes < IN_BYTES;
}

/* Reads one buffer full and answers it. False: close. */
static bool
conn_read(struct conn *c)
{
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
	answer_init(&answer_1m, BODY_1M, true);
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
