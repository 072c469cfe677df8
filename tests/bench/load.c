/*
 * load.c: the clients before the proxies that are compared: one epoll thread, N keep-alive
 * connections, each one session.
 *
 *   load -a PORT -c CONNECTIONS [-p PATH] [-w WARM] [-n REQUESTS] [-t SECONDS] [-r RATE]
 *        [-k COOKIE | -K COOKIE | -H FIELD] [-T CA [-R]] [-F] [-b BYTES [-C]]
 *
 * 1. opens CONNECTIONS connections to 127.0.0.1:PORT (64 at a time) and makes WARM requests on each
 *    (default 1); prints "ready";
 * 2. waits for a line on stdin, then makes REQUESTS requests, for SECONDS at most: without -r each
 *    connection sends its next request when it has its answer (closed loop); with -r one request is
 *    due every 1/RATE seconds, sent on the connection that has been idle longest, and its latency
 *    counts from when it was due, so that a stall shows (open loop);
 * 3. prints one line of JSON; a further line on stdin starts another window;
 * 4. ends when stdin does, with all connections still open until then.
 *
 * -k NAME: keep the cookie NAME that the proxy sets, send it from then on. -K NAME: send a cookie
 * NAME with a value of our own from the start. -H NAME: the same in a field. An answer that is not
 * "200", is neither chunked nor has a Content-Length, or ends early is an error, and so is one that
 * is not whole when time is up. Body bytes are thrown away in the kernel
 * (MSG_TRUNC): the clients cost next to nothing.
 *
 * -T CA: TLS (load_tls.h). -F: each request has a connection of its own, made and closed within
 * what is measured. -R: with -F, all but the first of a session resume it by its last ticket.
 *
 * -b BYTES: each request of a window is a POST with such a body, chunked with -C; "bytes" count
 * those too. Not with -T.
 */
#include "body.h"
#include "load_tls.h"

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPENING_MAX   64
#define COOKIE_BYTES  192
#define REQUEST_BYTES 512
#define IN_BYTES      16384
#define EVENTS        256
#define NS            1000000000ull
#define DRAIN_NS      (5 * NS)

struct conn {
	int fd;
	struct tls_link *tls; /* NULL: in the clear */
	bool busy;            /* a request is out */
	bool gone;
	bool shaking; /* in the handshake */
	unsigned warm_left;
	uint64_t since_ns;  /* when the request out was sent, or was due */
	uint64_t body_left; /* body bytes still to come; meaningful after the head */
	bool in_body;
	bool chunked; /* the answer's body */
	struct chunk_skip chunks;
	uint64_t sent; /* bytes of the request's body */
	bool sending;  /* more of it waits */
	struct conn *next_idle;
	uint16_t request_bytes;
	uint16_t in_bytes; /* bytes of a head that is not yet whole, in `in` */
	char *in;          /* allocated only while a head is not whole */
	char cookie[COOKIE_BYTES];
	char request[REQUEST_BYTES];
};

static struct {
	uint16_t port;
	unsigned conns;
	unsigned warm;
	uint64_t requests;
	uint64_t seconds;
	double rate;
	const char *path;
	const char *learn;
	const char *give;
	const char *field;
	const char *ca;
	bool resume;
	bool fresh;
	uint64_t body_bytes;
	bool chunked;
} o = {.conns = 256, .warm = 1, .requests = 10000, .seconds = 60, .path = "/"};

static struct conn *conns;
static struct conn *idle_head, **idle_tail = &idle_head;
static int epoll_fd;
static unsigned opening, warmed, gone_count;
static bool measuring;
static uint64_t started, finished, good, errors, bytes; /* finished = good + failed while out */
static uint64_t handshakes;                             /* of TLS, in this window */
static uint32_t *latency_ns;
static struct body body; /* of requests; when o.body_bytes > 0 */
static const char *first_error;
static char scratch[1 << 20];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void
idle_push(struct conn *c)
{
	c->next_idle = NULL;
	*idle_tail = c;
	idle_tail = &c->next_idle;
}

static struct conn *
idle_pop(void)
{
	struct conn *c = idle_head;

	if (c != NULL) {
		idle_head = c->next_idle;
		if (idle_head == NULL)
			idle_tail = &idle_head;
	}
	return c;
}

static void
conn_fail(struct conn *c, const char *why)
{
	if (first_error == NULL)
		first_error = why;
	errors++;
	gone_count++;
	c->gone = true;
	if (c->busy && measuring)
		finished++;
	if (!measuring) {
		/* Nothing can be measured on what never opened. */
		fprintf(stderr, "load: before the measurement: %s\n", why);
		exit(1);
	}
	c->busy = false;
	close(c->fd);
}

static void
request_write(struct conn *c)
{
	int n = snprintf(
	    c->request, sizeof(c->request),
	    "%s %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: load\r\nAccept: */*\r\n%s%s%s%s\r\n",
	    o.body_bytes > 0 ? "POST" : "GET", o.path, body.framing,
	    c->cookie[0] == '\0' || o.field != NULL ? "" : "Cookie: ", c->cookie,
	    c->cookie[0] == '\0' ? "" : "\r\n");

	if (n < 0 || (size_t)n >= sizeof(c->request)) {
		fprintf(stderr, "load: the request is too long\n");
		exit(1);
	}
	c->request_bytes = (uint16_t)n;
}

/* Begins a connection; what comes of it, conn_connected says. */
static void
conn_connect(struct conn *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = c};
	int one = 1;

	to.sin_port = htons(o.port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) == -1 && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("epoll_ctl");
}

/* What the kernel takes of the request's body. */
static void
conn_send_body(struct conn *c)
{
	int sent = body_send(&body, c->fd, &c->sent);

	if (sent == -1) {
		conn_fail(c, "a request's body could not be sent");
		return;
	}
	if (c->sending != (sent == 0)) {
		struct epoll_event ev = {.events = sent == 0 ? EPOLLIN | EPOLLOUT : EPOLLIN,
					 .data.ptr = c};
		c->sending = sent == 0;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == -1)
			die("epoll_ctl");
	}
	if (sent == 1 && measuring)
		bytes += o.body_bytes;
}

static void
conn_send(struct conn *c, uint64_t since)
{
	c->busy = true;
	c->in_body = false;
	c->since_ns = since;
	ssize_t n = c->tls != NULL ? tls_link_send(c->tls, c->request, c->request_bytes)
				   : send(c->fd, c->request, c->request_bytes, MSG_NOSIGNAL);
	if (n != (ssize_t)c->request_bytes) {
		conn_fail(c, "a request could not be sent");
	} else if (o.body_bytes > 0) {
		c->sent = 0;
		conn_send_body(c);
	}
}

static ssize_t
conn_recv(struct conn *c, void *at, size_t length, int flags)
{
	return c->tls != NULL ? tls_link_recv(c->tls, at, length) : recv(c->fd, at, length, flags);
}

/* Another connection for the same session; `since` as for conn_send. */
static void
conn_again(struct conn *c, uint64_t since)
{
	if (c->tls != NULL)
		tls_link_close(c->tls);
	close(c->fd);
	c->busy = true;
	c->in_body = false;
	c->since_ns = since;
	conn_connect(c);
}

/* The next request. */
static void
conn_next(struct conn *c, uint64_t since)
{
	if (o.fresh)
		conn_again(c, since);
	else
		conn_send(c, since);
}

/* The answer is whole. */
static void
conn_done(struct conn *c)
{
	c->busy = false;
	c->in_body = false;
	if (!measuring) {
		if (--c->warm_left > 0) {
			conn_next(c, now_ns());
			return;
		}
		warmed++;
		idle_push(c);
		return;
	}
	uint64_t took = now_ns() - c->since_ns;
	latency_ns[good++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	finished++;
	if (o.rate > 0 || started >= o.requests) {
		idle_push(c);
		return;
	}
	started++;
	conn_next(c, now_ns());
}

/* Keeps "NAME=value" when this is a Set-Cookie line for the cookie that we learn. */
static void
line_cookie(struct conn *c, const char *line, size_t length)
{
	static const char name[] = "set-cookie:";
	size_t skip = sizeof(name) - 1;
	size_t want = strlen(o.learn);

	if (length < skip || strncasecmp(line, name, skip) != 0)
		return;
	while (skip < length && line[skip] == ' ')
		skip++;
	if (length - skip <= want || memcmp(line + skip, o.learn, want) != 0 ||
	    line[skip + want] != '=')
		return;
	const char *end = memchr(line + skip, ';', length - skip);
	size_t n = end == NULL ? length - skip : (size_t)(end - line) - skip;
	if (n >= sizeof(c->cookie)) {
		fprintf(stderr, "load: a cookie of %zu bytes\n", n);
		exit(1);
	}
	memcpy(c->cookie, line + skip, n);
	c->cookie[n] = '\0';
	request_write(c);
}

/*
 * Reads the head in `in`. Returns its length; 0 when it is not whole; SIZE_MAX when it is not an
 * answer that we accept. Sets body_left, or chunked.
 */
static size_t
head_read(struct conn *c, const char *in, size_t length)
{
	static const char cl[] = "content-length:";
	static const char te[] = "transfer-encoding: chunked";
	size_t at = 0;
	bool known = false;

	c->chunked = false;

	if (memmem(in, length, "\r\n\r\n", 4) == NULL)
		return 0;
	if (memcmp(in, "HTTP/1.1 200", 12) != 0)
		return SIZE_MAX;
	for (;;) {
		const char *line = in + at;
		const char *end = memchr(line, '\n', length - at);
		size_t n = (size_t)(end - line) - 1;
		at += n + 2;
		if (n == 0)
			return known ? at : SIZE_MAX;
		if ((line[0] | 0x20) == 'c' && n > sizeof(cl) &&
		    strncasecmp(line, cl, sizeof(cl) - 1) == 0) {
			c->body_left = strtoull(line + sizeof(cl) - 1, NULL, 10);
			known = true;
		} else if ((line[0] | 0x20) == 't' && n == sizeof(te) - 1 &&
			   strncasecmp(line, te, n) == 0) {
			c->chunked = known = true;
			c->chunks = (struct chunk_skip){0};
		} else if ((line[0] | 0x20) == 's' && o.learn != NULL) {
			line_cookie(c, line, n);
		}
	}
}

/* A head did not come whole: keep its beginning. */
static void
head_keep(struct conn *c, const char *in, size_t length)
{
	if (length >= IN_BYTES) {
		conn_fail(c, "an answer's head is too long");
		return;
	}
	if (c->in == NULL && (c->in = malloc(IN_BYTES)) == NULL)
		die("malloc");
	memmove(c->in, in, length);
	c->in_bytes = (uint16_t)length;
}

/* Bytes of the answer's body, and nothing behind them. */
static void
conn_take(struct conn *c, const char *at, size_t length)
{
	uint64_t before = c->chunks.payload;
	size_t taken = length < c->body_left ? length : (size_t)c->body_left;

	if (c->chunked)
		taken = chunk_skip(&c->chunks, at, length);
	else
		c->body_left -= taken;
	if (taken < length) {
		conn_fail(c, "more bytes than the answer's body");
		return;
	}
	if (measuring)
		bytes += c->chunked ? c->chunks.payload - before : taken;
	if (c->chunked ? c->chunks.done : c->body_left == 0)
		conn_done(c);
}

static void
conn_head(struct conn *c)
{
	char buf[IN_BYTES];
	char *in = buf;

	if (c->in_bytes > 0)
		memcpy(buf, c->in, c->in_bytes);
	ssize_t got = conn_recv(c, in + c->in_bytes, sizeof(buf) - c->in_bytes, 0);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			conn_fail(c, c->busy ? "closed before an answer" : "closed while idle");
		return;
	}
	if (!c->busy) {
		conn_fail(c, "bytes that nobody asked for");
		return;
	}
	size_t length = c->in_bytes + (size_t)got;
	size_t head = head_read(c, in, length);
	c->in_bytes = 0;
	if (head == 0) {
		head_keep(c, in, length);
		return;
	}
	if (head == SIZE_MAX) {
		conn_fail(c, "an answer that is not 200 with a Content-Length");
		return;
	}
	c->in_body = true;
	conn_take(c, in + head, length - head);
}

static void
conn_body(struct conn *c)
{
	uint64_t *left = c->chunked ? &c->chunks.left : &c->body_left;
	char line[64]; /* what may be of a chunk's framing */
	char *at = *left > 0 ? scratch : line;
	size_t want = *left > 0 ? sizeof(scratch) : sizeof(line);
	if (*left > 0 && *left < want)
		want = (size_t)*left;
	ssize_t got = conn_recv(c, at, want, *left > 0 ? MSG_TRUNC : 0);

	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			conn_fail(c, "closed within a body");
		return;
	}
	if (*left == 0) {
		conn_take(c, at, (size_t)got);
		return;
	}
	*left -= (uint64_t)got;
	if (measuring && !c->chunked)
		bytes += (uint64_t)got;
	if (*left == 0 && !c->chunked)
		conn_done(c);
}

static void
conn_open(struct conn *c)
{
	if (o.ca != NULL && (c->tls = tls_link_create()) == NULL)
		die("tls");
	conn_connect(c);
	opening++;
	if (o.give != NULL || o.field != NULL)
		snprintf(c->cookie, sizeof(c->cookie), "%s%s%08x%08x%08x%08x",
			 o.field != NULL ? o.field : o.give, o.field != NULL ? ": " : "=",
			 (unsigned)(c - conns) * 2654435761u, (unsigned)(c - conns), 0x5eed5eedu,
			 (unsigned)(c - conns) * 40503u);
	request_write(c);
	c->warm_left = o.warm;
}

/* Sends the request that the connection was opened for; of a window's, it is out already. */
static void
conn_ready(struct conn *c)
{
	conn_send(c, c->busy ? c->since_ns : now_ns());
}

static void
conn_handshake(struct conn *c)
{
	const char *why = tls_link_handshake(c->tls);

	if (why != NULL && why[0] == '\0')
		return;
	c->shaking = false;
	if (why != NULL) {
		conn_fail(c, why);
		return;
	}
	handshakes++;
	conn_ready(c);
}

static void
conn_connected(struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int error = 0;
	socklen_t n = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		errno = error;
		die("connect");
	}
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		die("epoll_ctl");
	if (c->tls == NULL) {
		conn_ready(c);
		return;
	}
	if (!tls_link_open(c->tls, c->fd))
		die("tls");
	c->shaking = true;
	conn_handshake(c);
}

/* What came; of TLS, all that was taken from the socket: it is not readable for that again. */
static void
conn_readable(struct conn *c)
{
	do {
		if (c->shaking)
			conn_handshake(c);
		else if (c->in_body)
			conn_body(c);
		else
			conn_head(c);
	} while (c->tls != NULL && c->busy && !c->gone && !c->shaking && tls_link_holds(c->tls));
}

/* One turn of the loop; waits until `until_ns` at the longest (0: for ever). */
static void
turn(uint64_t until_ns)
{
	static struct epoll_event events[EVENTS];
	struct timespec wait, *limit = NULL;

	if (until_ns > 0) {
		uint64_t now = now_ns();
		uint64_t left = until_ns > now ? until_ns - now : 0;
		wait.tv_sec = (time_t)(left / NS);
		wait.tv_nsec = (long)(left % NS);
		limit = &wait;
	}
	int n = epoll_pwait2(epoll_fd, events, EVENTS, limit, NULL);
	if (n == -1 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		if (c->gone)
			continue;
		if ((events[i].events & EPOLLOUT) && !c->sending)
			conn_connected(c);
		else if (events[i].events & EPOLLOUT)
			conn_send_body(c);
		if ((events[i].events & ~(uint32_t)EPOLLOUT) && !c->gone)
			conn_readable(c);
	}
}

static void
open_all(void)
{
	uint64_t limit = now_ns() + 120 * NS;

	while (warmed < o.conns) {
		/* A connection counts as opening until its warm requests are answered. */
		while (opening < o.conns && opening - warmed < OPENING_MAX)
			conn_open(&conns[opening]);
		turn(limit);
		if (now_ns() > limit) {
			fprintf(stderr, "load: %u of %u connections ready after 120 s\n", warmed,
				o.conns);
			exit(1);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sends everything that is due by now; returns when the next one is. */
static uint64_t
send_due(uint64_t start, uint64_t now)
{
	while (started < o.requests) {
		uint64_t due = start + (uint64_t)((double)started * 1e9 / o.rate);
		if (due > now)
			return due;
		struct conn *c = idle_pop();
		if (c == NULL)
			return 0; /* all busy: the next answer frees one */
		if (c->gone)
			continue;
		started++;
		conn_next(c, due);
	}
	return 0;
}

/* The latency that `percent` of the sorted first `n` do not exceed. */
static double
percentile_us(uint64_t n, unsigned percent)
{
	size_t at = (size_t)(n * percent / 100);

	return n == 0 ? 0.0 : latency_ns[at] / 1e3;
}

static void
window(void)
{
	uint64_t start = now_ns(), stop = start + o.seconds * NS, target;

	started = finished = good = errors = bytes = handshakes = 0;
	first_error = NULL;
	measuring = true;
	if (o.rate <= 0) {
		for (struct conn *c; started < o.requests && (c = idle_pop()) != NULL;) {
			if (c->gone)
				continue;
			started++;
			conn_next(c, now_ns());
		}
	}
	target = o.requests;
	uint64_t end = start;
	while (finished < target && gone_count < o.conns) {
		uint64_t until = stop;
		if (o.rate > 0 && target == o.requests) {
			uint64_t due = send_due(start, now_ns());
			if (due > 0 && due < until)
				until = due;
		}
		turn(until);
		end = now_ns();
		if (end >= stop) {
			if (target != started) {
				/* Time is up: what is out may still finish. */
				o.requests = target = started;
				stop = end + DRAIN_NS;
			} else {
				errors += started - finished;
				if (first_error == NULL)
					first_error = "no answer in time";
				break;
			}
		}
	}
	measuring = false;
	qsort(latency_ns, (size_t)good, sizeof(*latency_ns), by_value);
	double seconds = (double)(end - start) / 1e9;
	printf("{\"requests\": %llu, \"errors\": %llu, \"error\": \"%s\", \"seconds\": %.6f, "
	       "\"rps\": %.1f, \"bytes\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	       "\"handshakes\": %llu}\n",
	       (unsigned long long)good, (unsigned long long)errors, first_error ? first_error : "",
	       seconds, (double)good / seconds, (unsigned long long)bytes, percentile_us(good, 50),
	       percentile_us(good, 99), (unsigned long long)handshakes);
	fflush(stdout);
}

static void
usage(void)
{
	fprintf(stderr,
		"usage: load -a PORT -c CONNECTIONS [-p PATH] [-w WARM] [-n REQUESTS] "
		"[-t SECONDS] [-r RATE] [-k COOKIE | -K COOKIE | -H FIELD] [-T CA [-R]] [-F] "
		"[-b BYTES [-C]]\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "a:b:c:p:w:n:t:r:k:K:H:T:CRF")) != -1) {
		switch (c) {
		case 'a':
			o.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			o.body_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'C':
			o.chunked = true;
			break;
		case 'c':
			o.conns = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			o.path = optarg;
			break;
		case 'w':
			o.warm = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			o.requests = strtoull(optarg, NULL, 10);
			break;
		case 't':
			o.seconds = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			o.rate = strtod(optarg, NULL);
			break;
		case 'k':
			o.learn = optarg;
			break;
		case 'K':
			o.give = optarg;
			break;
		case 'H':
			o.field = optarg;
			break;
		case 'T':
			o.ca = optarg;
			break;
		case 'R':
			o.resume = true;
			break;
		case 'F':
			o.fresh = true;
			break;
		default:
			usage();
		}
	}
	if (o.port == 0 || o.conns == 0 || o.warm == 0 || o.requests == 0 || optind != argc ||
	    (o.body_bytes > 0 && o.ca != NULL))
		usage();
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	char line[64];

	options(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	if (o.body_bytes > 0 && !body_make(&body, o.body_bytes, o.chunked))
		usage();
	if (o.ca != NULL)
		tls_begin(o.ca, o.resume);
	conns = calloc(o.conns, sizeof(*conns));
	latency_ns = malloc((size_t)(o.requests + 1) * sizeof(*latency_ns));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (conns == NULL || latency_ns == NULL || epoll_fd == -1)
		die("load");
	open_all();
	puts("ready");
	fflush(stdout);
	uint64_t requests = o.requests;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		o.requests = requests;
		window();
	}
	return 0;
}
