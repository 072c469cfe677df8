/*
 * floor.c: the least a proxy can cost: copies bytes both ways and looks at none of them.
 *
 *   floor [-s] LISTEN_PORT ORIGIN_PORT...     all on 127.0.0.1; prints "ready" when it listens
 *
 * -s: bytes go through a pipe by splice(2) and never enter this process: the floor for large
 * bodies. Each client connection gets one connection of its own to the next origin. Edge-triggered
 * epoll, one read and one write a message and side. A row of `make bench`, no more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK       65536
#define EVENTS      256
#define ORIGINS_MAX 16

/* One end of a pair; what was read here and does not yet fit into the other end waits here. */
struct side {
	int fd;
	struct pair *pair;
	struct side *peer;
	char *kept; /* copy of bytes that the peer could not take, or NULL */
	size_t kept_at;
	size_t kept_end;
	int pipe[2]; /* splice only */
	size_t in_pipe;
};

struct pair {
	struct side side[2];
	bool dead;
	struct pair *next_dead; /* freed after the turn: other events may still name it */
};

static int epoll_fd;
static bool use_splice;
static struct pair *dead;
static struct sockaddr_in origins[ORIGINS_MAX];
static size_t origin_count, origin_next;
static char scratch[CHUNK];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in
loopback(const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	return a;
}

static void
pair_end(struct pair *p)
{
	if (p->dead)
		return;
	p->dead = true;
	p->next_dead = dead;
	dead = p;
	for (int i = 0; i < 2; i++) {
		close(p->side[i].fd);
		free(p->side[i].kept);
		if (use_splice) {
			close(p->side[i].pipe[0]);
			close(p->side[i].pipe[1]);
		}
	}
}

static void
side_init(struct pair *p, int which, int fd)
{
	struct side *s = &p->side[which];
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				 .data.ptr = s};
	int one = 1;

	s->fd = fd;
	s->pair = p;
	s->peer = &p->side[1 - which];
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (use_splice) {
		if (pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
			die("pipe2");
		/* As much as an unprivileged process may ask for. */
		fcntl(s->pipe[1], F_SETPIPE_SZ, 1 << 20);
	}
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
}

static void
accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const struct sockaddr_in *to = &origins[origin_next++ % origin_count];
		if (up == -1 || connect(up, (const struct sockaddr *)to, sizeof(*to)) == -1 ||
		    fcntl(up, F_SETFL, O_NONBLOCK) == -1)
			die("origin");
		struct pair *p = calloc(1, sizeof(*p));
		if (p == NULL)
			die("calloc");
		side_init(p, 0, fd);
		side_init(p, 1, up);
	}
}

/* Moves what `from` has to its peer by copying. False: an end is gone. */
static bool
pump_copy(struct side *from)
{
	for (;;) {
		while (from->kept_at < from->kept_end) {
			ssize_t n = send(from->peer->fd, from->kept + from->kept_at,
					 from->kept_end - from->kept_at, MSG_NOSIGNAL);
			if (n == -1)
				return errno == EAGAIN;
			from->kept_at += (size_t)n;
		}
		ssize_t got = recv(from->fd, scratch, sizeof(scratch), 0);
		if (got <= 0)
			return got == -1 && errno == EAGAIN;
		ssize_t sent = send(from->peer->fd, scratch, (size_t)got, MSG_NOSIGNAL);
		if (sent == -1 && errno != EAGAIN)
			return false;
		if (sent < got) {
			size_t done = sent == -1 ? 0 : (size_t)sent;
			if (from->kept == NULL && (from->kept = malloc(CHUNK)) == NULL)
				return false;
			memcpy(from->kept, scratch + done, (size_t)got - done);
			from->kept_at = 0;
			from->kept_end = (size_t)got - done;
		} else if (got < (ssize_t)sizeof(scratch)) {
			return true; /* a short read: there is no more, epoll will tell */
		}
	}
}

/* The same through the pipe. */
static bool
pump_splice(struct side *from)
{
	for (;;) {
		while (from->in_pipe > 0) {
			ssize_t n = splice(from->pipe[0], NULL, from->peer->fd, NULL, from->in_pipe,
					   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
			if (n == -1)
				return errno == EAGAIN;
			from->in_pipe -= (size_t)n;
		}
		ssize_t got = splice(from->fd, NULL, from->pipe[1], NULL, 1 << 20,
				     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (got <= 0)
			return got == -1 && errno == EAGAIN;
		from->in_pipe = (size_t)got;
	}
}

static void
side_event(struct side *s, uint32_t events)
{
	bool (*pump)(struct side *) = use_splice ? pump_splice : pump_copy;
	bool ok = true;

	if (s->pair->dead)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ok = pump(s);
	if (ok && (events & EPOLLOUT) &&
	    (s->peer->kept_at < s->peer->kept_end || s->peer->in_pipe > 0))
		ok = pump(s->peer);
	if (!ok)
		pair_end(s->pair);
}

static int
listen_on(const char *port)
{
	struct sockaddr_in a = loopback(port);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) == -1 || listen(fd, 4096) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1)
		die(port);
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct rlimit files;
	int at = 1;

	if (argc > 1 && strcmp(argv[1], "-s") == 0) {
		use_splice = true;
		at = 2;
	}
	if (argc - at < 2 || argc - at > ORIGINS_MAX) {
		fprintf(stderr, "usage: floor [-s] LISTEN_PORT ORIGIN_PORT...\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		die("epoll_create1");
	int listener = listen_on(argv[at]);
	for (int i = at + 1; i < argc; i++)
		origins[origin_count++] = loopback(argv[i]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);
		if (n == -1 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_all(listener);
			else
				side_event(events[i].data.ptr, events[i].events);
		}
		while (dead != NULL) {
			struct pair *p = dead;
			dead = p->next_dead;
			free(p);
		}
	}
}
