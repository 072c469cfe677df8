/* net.c: a network in memory; see net.h. */
#include "gate/net.h"

#include "base/clock.h"
#include "edge/h2_connection.h"
#include "gate/alloc.h"
#include "relay/io.h"
#include "relay/turn.h"
#include "relay/worker.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define DESCRIPTORS_MAX 256
#define DESCRIPTOR_BASE (1 << 20) /* above any that the kernel gives us */
#define PIPE_WINDOW     65536
#define LAZY_ROUNDS_MAX 64 /* in which events come and nothing moves */

struct mem_net mem_net;

void
mem_broken(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "broken: %s:%d: %s\n", file, line, what);
	if (mem_net.explain != NULL)
		mem_net.explain();
	abort();
}

/* ---- bytes that wait ----------------------------------------------------------------------- */

struct queue {
	char *at;
	size_t from;
	size_t to;
	size_t room;
};

static size_t
queue_held(const struct queue *q)
{
	return q->to - q->from;
}

static void
queue_put(struct queue *q, const char *at, size_t bytes)
{
	if (q->from == q->to)
		q->from = q->to = 0;
	if (q->to + bytes > q->room && q->from > 0) {
		memmove(q->at, q->at + q->from, queue_held(q));
		q->to -= q->from;
		q->from = 0;
	}
	if (q->to + bytes > q->room) {
		q->room = (q->to + bytes) * 2;
		q->at = alloc_safe(q->at, q->room);
	}
	if (bytes > 0)
		memcpy(q->at + q->to, at, bytes);
	q->to += bytes;
}

static size_t
queue_take(struct queue *q, char *at, size_t bytes, bool peek)
{
	size_t take = bytes < queue_held(q) ? bytes : queue_held(q);
	if (take > 0)
		memcpy(at, q->at + q->from, take);
	if (!peek)
		q->from += take;
	return take;
}

/* ---- connections --------------------------------------------------------------------------- */

/* One side of a connection; both look the same. */
struct mem_end {
	struct mem_end *peer; /* NULL: it closed */
	struct queue in;      /* what the peer sent and this side did not take */
	size_t window;        /* of `in` */
	uint64_t taken;       /* of all that came */
	bool in_ended;        /* the peer sends no more */
	bool out_ended;
	bool reset; /* by the peer: behind `in` comes an error */
	bool reset_told;
};

static uint64_t moved; /* grows with all that happens in the network */

static struct mem_end *
end_create(void)
{
	struct mem_end *e = alloc_safe(NULL, sizeof(*e));
	*e = (struct mem_end){.window = mem_net.window};
	return e;
}

static void
end_close(struct mem_end *e, bool hard)
{
	moved++;
	if (e->peer != NULL) {
		if (hard || queue_held(&e->in) > 0)
			e->peer->reset = true;
		else
			e->peer->in_ended = true;
		e->peer->peer = NULL;
	}
	free(e->in.at);
	free(e);
}

static ssize_t
end_read(struct mem_end *e, char *at, size_t bytes, bool peek)
{
	size_t n = queue_take(&e->in, at, bytes, peek);
	if (n > 0 || bytes == 0) {
		if (!peek) {
			moved++;
			e->taken += n;
		}
		return (ssize_t)n;
	}
	if (e->reset && !e->reset_told) {
		e->reset_told = !peek;
		moved += !peek;
		errno = ECONNRESET;
		return -1;
	}
	if (e->in_ended || e->reset || e->peer == NULL)
		return 0;
	errno = EAGAIN;
	return -1;
}

static size_t
end_room(const struct mem_end *e)
{
	size_t held = e->peer != NULL ? queue_held(&e->peer->in) : 0;
	return e->peer == NULL ? SIZE_MAX : held < e->peer->window ? e->peer->window - held : 0;
}

static ssize_t
end_write(struct mem_end *e, const char *at, size_t bytes)
{
	if (e->out_ended || e->reset) {
		errno = EPIPE;
		return -1;
	}
	if (e->peer == NULL) {
		e->reset = true; /* that is what comes back */
		moved++;
		return (ssize_t)bytes;
	}
	size_t room = end_room(e);
	size_t take = bytes < room ? bytes : room;
	if (take == 0 && bytes > 0) {
		errno = EAGAIN;
		return -1;
	}
	queue_put(&e->peer->in, at, take);
	moved++;
	return (ssize_t)take;
}

static unsigned
end_ready(const struct mem_end *e)
{
	if (e->reset || e->peer == NULL)
		return IO_READ | IO_WRITE;
	unsigned ready = queue_held(&e->in) > 0 || e->in_ended ? IO_READ : 0;
	if (end_room(e) * 3 >= e->peer->window || (e->in_ended && e->out_ended))
		ready |= IO_WRITE;
	return ready;
}

/* ---- descriptors --------------------------------------------------------------------------- */

struct pipe_queue {
	struct queue held;
	int ends; /* open */
};

enum descriptor_kind { CLOSED, FRESH, CONNECTING, REFUSED, HOLE, STREAM, PIPE_OUT, PIPE_IN };

struct descriptor {
	enum descriptor_kind kind;
	struct mem_end *end;     /* STREAM */
	struct pipe_queue *pipe; /* PIPE_* */
	uint16_t port;           /* CONNECTING */
	bool hard;               /* closing resets */
	struct io *io;           /* NULL: not watched */
	unsigned active;         /* seen in this round, not told yet */
};

static struct descriptor table[DESCRIPTORS_MAX];
static size_t used; /* table[used..] were not in use since mem_net_begin */

static struct descriptor *
find(int fd)
{
	if (fd < DESCRIPTOR_BASE || fd >= DESCRIPTOR_BASE + DESCRIPTORS_MAX)
		return NULL;
	struct descriptor *d = &table[fd - DESCRIPTOR_BASE];
	CHECK(d->kind != CLOSED);
	return d;
}

static struct descriptor *
must_find(int fd)
{
	struct descriptor *d = find(fd);
	CHECK(d != NULL);
	return d;
}

static int
number_of(const struct descriptor *d)
{
	return DESCRIPTOR_BASE + (int)(d - table);
}

static struct descriptor *
descriptor_get(enum descriptor_kind kind)
{
	for (size_t i = 0; i < DESCRIPTORS_MAX && !mem_net.no_descriptors; i++) {
		if (table[i].kind != CLOSED)
			continue;
		table[i] = (struct descriptor){.kind = kind};
		used = i < used ? used : i + 1;
		return &table[i];
	}
	errno = EMFILE;
	return NULL;
}

static void
descriptor_close(struct descriptor *d)
{
	if (d->end != NULL)
		end_close(d->end, d->hard);
	if (d->pipe != NULL && --d->pipe->ends == 0) {
		free(d->pipe->held.at);
		free(d->pipe);
	}
	moved++;
	*d = (struct descriptor){.kind = CLOSED};
}

void
mem_net_begin(void)
{
	CHECK(mem_net_open() == 0);
	used = 0;
	mem_net = (struct mem_net){
	    .now_ms = 1000000, .window = MEM_WINDOW, .small_calls = MEM_SMALL_CALLS};
}

size_t
mem_net_open(void)
{
	size_t count = 0;
	for (size_t i = 0; i < used; i++)
		count += table[i].kind != CLOSED;
	return count;
}

int
mem_pair(struct mem_end **end)
{
	*end = NULL;
	struct descriptor *d = descriptor_get(STREAM);
	if (d == NULL)
		return -1;
	d->end = end_create();
	*end = end_create();
	d->end->peer = *end;
	(*end)->peer = d->end;
	return number_of(d);
}

/* ---- the test's end ------------------------------------------------------------------------ */

size_t
mem_read(struct mem_end *end, char *at, size_t bytes)
{
	ssize_t n = bytes > 0 && queue_held(&end->in) > 0 ? end_read(end, at, bytes, false) : 0;
	return (size_t)n;
}

size_t
mem_waits(const struct mem_end *end)
{
	return queue_held(&end->in);
}

size_t
mem_write(struct mem_end *end, const char *at, size_t bytes)
{
	if (end->peer == NULL || end->reset || bytes == 0)
		return 0;
	ssize_t n = end_write(end, at, bytes);
	return n > 0 ? (size_t)n : 0;
}

void
mem_half_close(struct mem_end *end)
{
	if (end->peer != NULL && !end->out_ended)
		end->peer->in_ended = true;
	end->out_ended = true;
	moved++;
}

bool
mem_is_ended(const struct mem_end *end)
{
	return queue_held(&end->in) == 0 && (end->in_ended || end->reset || end->peer == NULL);
}

bool
mem_is_reset(const struct mem_end *end)
{
	return end->reset;
}

void
mem_close(struct mem_end **end)
{
	if (*end != NULL)
		end_close(*end, false);
	*end = NULL;
}

void
mem_reset(struct mem_end **end)
{
	if (*end != NULL)
		end_close(*end, true);
	*end = NULL;
}

/* ---- relay/io.h ---------------------------------------------------------------------------- */

void
io_init(struct io *io, struct worker *worker, int fd, io_ready_fn *ready, void *owner)
{
	io->fd = fd;
	io->wants = 0;
	io->ready = ready;
	io->owner = owner;
	io->worker = worker;
	io->channel = NULL;
	io->way = NULL;
}

void
io_through(struct io *io, struct tls_channel *channel)
{
	CHECK(channel == NULL);
	io->channel = NULL;
}

bool
io_change(struct io *io, unsigned wants)
{
	if (io->way != NULL) {
		io->wants = wants;
		io->way->want(io);
		return true;
	}
	struct descriptor *d = must_find(io->fd);
	CHECK(d->io == NULL || d->io == io);
	if (mem_net.no_writing && wants == (IO_READ | IO_WRITE)) {
		d->io = NULL;
		io->wants = 0;
		return false;
	}
	/* What was seen is told anew, as the kernel does after a change of interest. */
	d->active = 0;
	d->io = wants != 0 ? io : NULL;
	io->wants = wants;
	return true;
}

bool
io_is_ready(const struct io *io)
{
	return io->wants != 0 && must_find(io->fd)->active != 0;
}

/* Calls that take little are many: a script has so many of them, and no more. */
static size_t
bounded(size_t bytes, size_t most)
{
	if (most == 0 || bytes <= most || mem_net.small_calls == 0)
		return bytes;
	mem_net.small_calls--;
	return most;
}

ssize_t
io_recv(struct io *io, void *at, size_t bytes)
{
	if (io->way != NULL)
		return io->way->recv(io, at, bytes);
	return end_read(must_find(io->fd)->end, at, bounded(bytes, mem_net.read_max), false);
}

ssize_t
io_send(struct io *io, struct iovec *pieces, int count)
{
	if (io->way != NULL)
		return io->way->send(io, pieces, count);
	struct mem_end *end = must_find(io->fd)->end;
	size_t bytes = 0;
	for (int i = 0; i < count; i++)
		bytes += pieces[i].iov_len;
	size_t left = bounded(bytes, mem_net.write_max);
	ssize_t sent = 0;
	for (int i = 0; i < count && left > 0; i++) {
		size_t here = pieces[i].iov_len < left ? pieces[i].iov_len : left;
		ssize_t n = end_write(end, pieces[i].iov_base, here);
		if (n == -1)
			return sent > 0 ? sent : -1;
		sent += n;
		left -= (size_t)n;
		if ((size_t)n < here)
			break;
	}
	return sent;
}

bool
io_peek(const struct io *io, bool *end)
{
	char byte;
	ssize_t n = end_read(must_find(io->fd)->end, &byte, sizeof(byte), true);
	*end = n == 0 || (n == -1 && errno != EAGAIN);
	return n > 0 || *end;
}

bool
io_broke(const struct io *io)
{
	struct mem_end *e = must_find(io->fd)->end;
	bool news = e->reset && !e->reset_told;
	e->reset_told |= news;
	return news;
}

void
io_shutdown(struct io *io)
{
	if (io->way != NULL) {
		io->way->shutdown(io);
		return;
	}
	mem_half_close(must_find(io->fd)->end);
}

void
io_farewell(struct io *io)
{
	(void)io;
}

void
io_close(struct io *io)
{
	if (io->fd == -1)
		return;
	descriptor_close(must_find(io->fd));
	io->fd = -1;
	io->wants = 0;
}

/* ---- system calls -------------------------------------------------------------------------- */

/* The linker gives the names. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
int __real_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __wrap_socket(int family, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *name, socklen_t bytes);
int __wrap_close(int fd);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_fcntl(int fd, int command, ...);
ssize_t __wrap_splice(int from, off_t *from_at, int to, off_t *to_at, size_t bytes, unsigned flags);
int __wrap_getifaddrs(struct ifaddrs **list);
uint64_t __wrap_clock_ms(void);
uint64_t __wrap_clock_us(void);
uint64_t __wrap_clock_wall_ms(void);

int
__wrap_socket(int family, int type, int protocol)
{
	CHECK(family == AF_INET || family == AF_INET6);
	CHECK((type & SOCK_NONBLOCK) != 0 && (type & SOCK_CLOEXEC) != 0 && protocol == 0);
	struct descriptor *d = descriptor_get(FRESH);
	return d != NULL ? number_of(d) : -1;
}

/* The other side exists from here on. */
static void
establish(struct descriptor *d)
{
	struct mem_end *theirs = end_create();
	d->kind = STREAM;
	d->end = end_create();
	d->end->peer = theirs;
	theirs->peer = d->end;
	moved++;
	mem_net.accepted(d->port, theirs);
}

int
__wrap_connect(int fd, const struct sockaddr *name, socklen_t bytes)
{
	struct descriptor *d = must_find(fd);
	struct sockaddr_in to;
	CHECK(d->kind == FRESH && bytes >= sizeof(to));
	memcpy(&to, name, sizeof(to));
	d->port = ntohs(to.sin_port);
	errno = EINPROGRESS;
	switch (mem_net.connect(d->port)) {
	case MEM_ACCEPT:
		d->kind = CONNECTING;
		break;
	case MEM_ACCEPT_NOW:
		establish(d);
		return 0;
	case MEM_REFUSE:
		d->kind = REFUSED;
		break;
	case MEM_REFUSE_NOW:
		errno = ECONNREFUSED;
		break;
	case MEM_HOLE:
		d->kind = HOLE;
		break;
	case MEM_NO_PORT:
		errno = EADDRNOTAVAIL;
		break;
	}
	return -1;
}

int
__wrap_close(int fd)
{
	struct descriptor *d = find(fd);
	if (d == NULL)
		return __real_close(fd);
	CHECK(d->io == NULL); /* that is io_close's matter */
	descriptor_close(d);
	return 0;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
	struct descriptor *d = must_find(fd);
	if (level == SOL_SOCKET && name == SO_LINGER) {
		struct linger linger;
		CHECK(bytes == sizeof(linger));
		memcpy(&linger, value, sizeof(linger));
		d->hard = linger.l_onoff != 0 && linger.l_linger == 0;
	}
	return 0;
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes)
{
	struct descriptor *d = must_find(fd);
	if (level == SOL_SOCKET && name == SO_ERROR) {
		int error = d->kind == REFUSED ? ECONNREFUSED : 0;
		CHECK(*bytes == sizeof(error));
		memcpy(value, &error, sizeof(error));
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_DOMAIN) {
		int domain = AF_INET;
		CHECK(*bytes == sizeof(domain));
		memcpy(value, &domain, sizeof(domain));
		return 0;
	}
	CHECK(level == IPPROTO_TCP && name == TCP_INFO);
	struct tcp_info info = {0};
	if (d->end != NULL && d->end->peer != NULL)
		info.tcpi_bytes_acked = d->end->peer->taken;
	CHECK(*bytes == sizeof(info));
	memcpy(value, &info, sizeof(info));
	return 0;
}

int
__wrap_pipe2(int ends[2], int flags)
{
	(void)flags;
	struct descriptor *out = descriptor_get(PIPE_OUT);
	struct descriptor *in = out != NULL ? descriptor_get(PIPE_IN) : NULL;
	if (in == NULL) {
		if (out != NULL)
			out->kind = CLOSED;
		return -1;
	}
	out->pipe = in->pipe = alloc_safe(NULL, sizeof(*out->pipe));
	*out->pipe = (struct pipe_queue){.ends = 2};
	ends[0] = number_of(out);
	ends[1] = number_of(in);
	return 0;
}

int
__wrap_fcntl(int fd, int command, ...)
{
	va_list more;
	if (fd >= DESCRIPTOR_BASE) {
		(void)must_find(fd);
		return 0;
	}
	/* A file: the program's counts of a coverage build. */
	va_start(more, command);
	void *value = va_arg(more, void *);
	va_end(more);
	return __real_fcntl(fd, command, value);
}

static ssize_t
splice_in(struct mem_end *from, struct pipe_queue *pipe, size_t bytes)
{
	char piece[PIPE_WINDOW];
	size_t room = PIPE_WINDOW - queue_held(&pipe->held);
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	bytes = bounded(bytes < room ? bytes : room, mem_net.read_max);
	ssize_t n = end_read(from, piece, bytes, false);
	if (n > 0)
		queue_put(&pipe->held, piece, (size_t)n);
	return n;
}

static ssize_t
splice_out(struct pipe_queue *pipe, struct mem_end *to, size_t bytes)
{
	size_t held = queue_held(&pipe->held);
	bytes = bounded(bytes < held ? bytes : held, mem_net.write_max);
	CHECK(bytes > 0);
	ssize_t n = end_write(to, pipe->held.at + pipe->held.from, bytes);
	if (n > 0)
		pipe->held.from += (size_t)n;
	return n;
}

ssize_t
__wrap_splice(int from, off_t *from_at, int to, off_t *to_at, size_t bytes, unsigned flags)
{
	struct descriptor *source = must_find(from);
	struct descriptor *target = must_find(to);
	CHECK(from_at == NULL && to_at == NULL);
	(void)flags;
	if (source->kind == STREAM && target->kind == PIPE_IN)
		return splice_in(source->end, target->pipe, bytes);
	CHECK(source->kind == PIPE_OUT && target->kind == STREAM);
	return splice_out(source->pipe, target->end, bytes);
}

/* A machine without addresses of its own. */
int
__wrap_getifaddrs(struct ifaddrs **list)
{
	*list = NULL;
	return 0;
}

uint64_t
__wrap_clock_ms(void)
{
	return mem_net.now_ms;
}

uint64_t
__wrap_clock_us(void)
{
	return mem_net.now_ms * 1000;
}

uint64_t
__wrap_clock_wall_ms(void)
{
	return MEM_WALL_MS + mem_net.now_ms;
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- relay/turn.h ------------------------------------------------------------------------ */

bool
turn_prepare(struct worker *w)
{
	(void)w;
	return true;
}

void
turn_ask(struct worker *w)
{
	w->turn_asked = true;
}

static bool turn_asked_next;

void
turn_ask_next(struct worker *w)
{
	(void)w;
	turn_asked_next = true;
}

void
turn_release(struct worker *w)
{
	(void)w;
	turn_asked_next = false;
}

/* Behind all that was ready in the round. */
static void
turn_http2(struct worker *w, bool asked_before)
{
	if (!w->turn_asked && !asked_before)
		return;
	w->turn_asked = true;
	worker_time(w);
	turn_run(w);
	worker_sweep(w);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static unsigned
ready_now(struct descriptor *d)
{
	if (d->kind == CONNECTING)
		establish(d);
	if (d->kind == REFUSED)
		return IO_READ | IO_WRITE;
	return d->kind == STREAM ? end_ready(d->end) : 0;
}

/* True: something was told. */
static bool
round_of_loop(struct worker *w)
{
	bool asked_before = turn_asked_next; /* the loop does not wait then */
	bool any = asked_before;
	turn_asked_next = false;
	w->time_stale = true;
	w->round++;
	for (size_t i = 0; i < used; i++) {
		if (table[i].io != NULL)
			table[i].active = ready_now(&table[i]) & table[i].io->wants;
	}
	size_t count = used; /* what is opened meanwhile waits for the next round */
	for (size_t i = 0; i < count; i++) {
		struct descriptor *d = &table[mem_net.backwards ? count - 1 - i : i];
		if (d->io == NULL || d->active == 0)
			continue;
		unsigned events = d->active;
		d->active = 0;
		any = true;
		worker_time(w);
		d->io->ready(d->io->owner, events);
		worker_sweep(w);
	}
	turn_http2(w, asked_before);
	return any;
}

void
mem_run(struct worker *w)
{
	unsigned lazy = 0;
	for (;;) {
		uint64_t before = moved;
		bool told = round_of_loop(w);
		if (mem_net.turn != NULL)
			mem_net.turn();
		if (!told && moved == before)
			return;
		lazy = moved == before ? lazy + 1 : 0;
		CHECK(lazy < LAZY_ROUNDS_MAX); /* events come and nothing happens: it spins */
	}
}

void
mem_wait(struct worker *w, uint64_t ms, uint64_t step_ms)
{
	for (uint64_t passed = 0; passed < ms; passed += step_ms) {
		mem_net.now_ms += step_ms;
		worker_tick(w);
		mem_run(w);
	}
}
