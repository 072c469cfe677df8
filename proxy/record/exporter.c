/* exporter.c: see exporter.h. */
#include "record/exporter.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPORT_PERIOD_MS      1000
#define EXPORT_LIMIT_MS       5000 /* of one request, from connecting to the answer */
#define EXPORT_STOP_MS        1000 /* the same when the process ends */
#define EXPORT_DRAIN_MS       200
#define EXPORT_BODY_BYTES_MAX ((size_t)4 << 20)

struct exporter {
	const char *node; /* owned */
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_ullong sent;
	atomic_ullong dropped;
	atomic_ullong refused;

	/* under the lock */
	struct span *queued; /* owned; a ring of SPANS_QUEUED_MAX */
	size_t first;
	size_t count;
	bool stop;
	char endpoint[ENDPOINT_BYTES_MAX + 1]; /* "": none */

	/* the thread's own */
	struct span *batch; /* owned; SPANS_SENT_MAX */
	bool away;          /* the collector; it was said */
};

/* ---- the queue --------------------------------------------------------------------------------
 */

void
exporter_add(struct exporter *e, const struct span *span)
{
	(void)pthread_mutex_lock(&e->lock);
	bool room = e->queued != NULL && e->count < SPANS_QUEUED_MAX;
	if (room) {
		e->queued[(e->first + e->count) % SPANS_QUEUED_MAX] = *span;
		e->count++;
	}
	if (e->count == SPANS_QUEUED_MAX / 2)
		(void)pthread_cond_signal(&e->wake);
	(void)pthread_mutex_unlock(&e->lock);
	if (!room)
		atomic_fetch_add(&e->dropped, 1);
}

/* Until a period is over, or half of the queue waits. *stop: this was the last call of any worker.
 */
static size_t
take_batch(struct exporter *e, char endpoint[ENDPOINT_BYTES_MAX + 1], bool *stop)
{
	uint64_t until_ms = clock_ms() + EXPORT_PERIOD_MS;
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
				 .tv_nsec = (long)(until_ms % 1000) * 1000000};
	(void)pthread_mutex_lock(&e->lock);
	while (!e->stop && e->count < SPANS_SENT_MAX &&
	       pthread_cond_timedwait(&e->wake, &e->lock, &until) == 0)
		;
	size_t count = e->count < SPANS_SENT_MAX ? e->count : SPANS_SENT_MAX;
	for (size_t i = 0; i < count; i++)
		e->batch[i] = e->queued[(e->first + i) % SPANS_QUEUED_MAX];
	e->first = (e->first + count) % SPANS_QUEUED_MAX;
	e->count -= count;
	*stop = e->stop;
	memcpy(endpoint, e->endpoint, sizeof(e->endpoint));
	(void)pthread_mutex_unlock(&e->lock);
	return count;
}

/* ---- the collector ----------------------------------------------------------------------------
 */

static bool
is_ready(int fd, short what, uint64_t until_ms)
{
	uint64_t now_ms = clock_ms();
	struct pollfd p = {.fd = fd, .events = what};
	return now_ms < until_ms && poll(&p, 1, (int)(until_ms - now_ms)) == 1;
}

/* 0 or errno. */
static int
connect_to(int fd, const struct addr *to, uint64_t until_ms)
{
	struct sockaddr_storage at;
	int error = 0;
	socklen_t bytes = addr_to_sockaddr(to, &at);
	if (connect(fd, (struct sockaddr *)&at, bytes) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (!is_ready(fd, POLLOUT, until_ms))
		return ETIMEDOUT;
	bytes = sizeof(error);
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	return error;
}

static int
send_all(int fd, const char *at, size_t bytes, uint64_t until_ms)
{
	while (bytes > 0) {
		ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return errno;
		if (n > 0) {
			at += n;
			bytes -= (size_t)n;
		} else if (!is_ready(fd, POLLOUT, until_ms)) {
			return ETIMEDOUT;
		}
	}
	return 0;
}

/* The rest of the answer is of no interest, but who writes it is not cut short. */
static void
drain(int fd, uint64_t until_ms)
{
	char rest[1024];
	uint64_t patience_ms = clock_ms() + EXPORT_DRAIN_MS;
	ssize_t n = 1;
	while (n > 0 && is_ready(fd, POLLIN, patience_ms < until_ms ? patience_ms : until_ms))
		n = recv(fd, rest, sizeof(rest), 0);
}

/* "HTTP/1.1 200": the status; 0: errno. */
static unsigned
read_status(int fd, uint64_t until_ms)
{
	char line[16];
	size_t bytes = 0;
	while (bytes < 12) {
		ssize_t n = recv(fd, line + bytes, sizeof(line) - bytes, 0);
		if (n == 0)
			errno = ECONNRESET;
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n > 0)
			bytes += (size_t)n;
		else if (!is_ready(fd, POLLIN, until_ms)) {
			errno = ETIMEDOUT;
			return 0;
		}
	}
	uint64_t status = 0;
	errno = EPROTO;
	if (memcmp(line, "HTTP/1.", 7) != 0 || !slice_to_u64((struct slice){line + 9, 3}, &status))
		return 0;
	return (unsigned)status;
}

/* The status of the collector's answer; 0: errno. */
static unsigned
post(const struct endpoint *to, const struct grow *body, uint64_t limit_ms)
{
	char head[ENDPOINT_BYTES_MAX + 256];
	uint64_t until_ms = clock_ms() + limit_ms;
	int bytes = snprintf(head, sizeof(head),
			     "POST %s HTTP/1.1\r\nHost: %.*s\r\nContent-Type: application/json\r\n"
			     "Content-Length: %zu\r\nUser-Agent: holdfast/" HOLDFAST_VERSION
			     "\r\nConnection: close\r\n\r\n",
			     to->path, SLICE_ARG(to->host), body->bytes);
	int fd = socket(to->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return 0;
	int error = connect_to(fd, &to->addr, until_ms);
	if (error == 0)
		error = send_all(fd, head, (size_t)bytes, until_ms);
	if (error == 0)
		error = send_all(fd, body->at, body->bytes, until_ms);
	errno = error;
	unsigned status = error == 0 ? read_status(fd, until_ms) : 0;
	error = errno;
	if (status != 0)
		drain(fd, until_ms);
	(void)close(fd);
	errno = error;
	return status;
}

unsigned
exporter_try(const char *endpoint, uint64_t limit_ms)
{
	struct endpoint to;
	struct grow body;
	unsigned status = 0;
	grow_init(&body, EXPORT_BODY_BYTES_MAX);
	write_spans(&body, NULL, NULL, 0);
	errno = body.failed ? ENOMEM : EINVAL;
	if (!body.failed && endpoint_parse(endpoint, &to, NULL) == RESULT_OK)
		status = post(&to, &body, limit_ms);
	int error = errno;
	grow_deinit(&body);
	errno = error;
	return status;
}

/* Once when it begins, once when it is over. */
static void
tell(struct exporter *e, const char *endpoint, unsigned status)
{
	bool away = status < 200 || status > 299;
	if (away == e->away)
		return;
	e->away = away;
	if (!away)
		log_info("trace: %s takes spans again", endpoint);
	else if (status == 0)
		log_warn("trace: %s: %s; spans are lost until it takes them", endpoint,
			 strerror(errno));
	else
		log_warn("trace: %s answers %u; spans are lost until it takes them", endpoint,
			 status);
}

static void export(struct exporter *e, const char *endpoint, size_t count, uint64_t limit_ms)
{
	struct endpoint to;
	struct grow body;
	unsigned status = 0;
	grow_init(&body, EXPORT_BODY_BYTES_MAX);
	write_spans(&body, e->node, e->batch, count);
	errno = ENOMEM;
	bool known = endpoint[0] != '\0' && endpoint_parse(endpoint, &to, NULL) == RESULT_OK;
	if (known && !body.failed)
		status = post(&to, &body, limit_ms);
	if (known)
		tell(e, endpoint, status);
	grow_deinit(&body);
	atomic_fetch_add(status >= 200 && status <= 299 ? &e->sent : &e->refused, count);
}

static void *
run(void *context)
{
	struct exporter *e = context;
	char endpoint[ENDPOINT_BYTES_MAX + 1];
	bool stop = false;
	uint64_t until_ms = UINT64_MAX;
	for (;;) {
		size_t count = take_batch(e, endpoint, &stop);
		uint64_t now_ms = clock_ms();
		if (stop && until_ms == UINT64_MAX)
			until_ms = now_ms + EXPORT_STOP_MS;
		if (stop && (count == 0 || now_ms >= until_ms))
			return NULL;
		if (count > 0)
			export(e, endpoint, count, stop ? until_ms - now_ms : EXPORT_LIMIT_MS);
	}
}

/* ---- the face ---------------------------------------------------------------------------------
 */

struct exporter *
exporter_create(const char *node)
{
	struct exporter *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	pthread_condattr_t monotonic;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&e->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_mutex_init(&e->lock, NULL);
	e->node = node == NULL ? NULL : strdup(node);
	if (node != NULL && e->node == NULL)
		exporter_free(&e);
	return e;
}

/* Signals are for the threads that expect them. */
static bool
start(struct exporter *e)
{
	sigset_t all;
	sigset_t before;
	struct span *queued = calloc(SPANS_QUEUED_MAX, sizeof(*queued));
	e->batch = calloc(SPANS_SENT_MAX, sizeof(*e->batch));
	if (queued == NULL || e->batch == NULL) {
		free(queued);
		free(e->batch);
		e->batch = NULL;
		return false;
	}
	(void)pthread_mutex_lock(&e->lock);
	e->queued = queued;
	(void)pthread_mutex_unlock(&e->lock);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e->runs = pthread_create(&e->thread, NULL, run, e) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e->runs;
}

bool
exporter_direct(struct exporter *e, const char *endpoint)
{
	if (endpoint == NULL)
		return true; /* what still comes goes where it went */
	if (!e->runs && !start(e))
		return false;
	(void)pthread_mutex_lock(&e->lock);
	span_text(e->endpoint, sizeof(e->endpoint), slice_of(endpoint));
	(void)pthread_mutex_unlock(&e->lock);
	return true;
}

void
exporter_free(struct exporter **held)
{
	struct exporter *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	(void)pthread_mutex_lock(&e->lock);
	e->stop = true;
	(void)pthread_cond_signal(&e->wake);
	(void)pthread_mutex_unlock(&e->lock);
	if (e->runs)
		(void)pthread_join(e->thread, NULL);
	(void)pthread_cond_destroy(&e->wake);
	(void)pthread_mutex_destroy(&e->lock);
	free(e->queued);
	free(e->batch);
	free((void *)(uintptr_t)e->node);
	free(e);
}

struct exporter_counts
exporter_counts(const struct exporter *e)
{
	return (struct exporter_counts){.sent = atomic_load(&e->sent),
					.dropped = atomic_load(&e->dropped),
					.refused = atomic_load(&e->refused)};
}
