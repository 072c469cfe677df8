/*
 * sink.c: a log and the thread that writes it; see sink.h.
 *
 *   sink_append -> filling --swap, under the lock--> writing -> outlet   (writer thread)
 *
 * Two halves of SINK_BYTES_MAX change places, so a line is copied once and the lock is held for
 * a copy in memory at most. What could not be written stays in `writing` and is tried again at
 * the next look; meanwhile `filling` runs full, and what comes then is lost and counted.
 */
#include "record/sink.h"

#include "base/clock.h"
#include "base/log.h"
#include "record/outlet.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SINK_HALF_BYTES (SINK_BYTES_MAX / 2)
#define SINK_LOOK_MS    1000 /* between looks at the path, and between tries after a failure */
#define SINK_SLOW_MS    100  /* a pipe that takes nothing is waited for this long at a time */
#define SINK_STOP_MS    2000 /* sink_free waits for the writer */
#define SINK_JOIN_MS    3000 /* ... and this long if it hangs inside write(2) */

struct lines {
	char *at; /* owned; SINK_HALF_BYTES */
	size_t bytes;
};

struct sink {
	bool process; /* the process log: what befalls it is said on stderr */
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_ullong lost;

	/* under the lock */
	struct lines filling;
	bool reopen;
	bool stop;
	bool redirect;   /* to next_path */
	char *next_path; /* owned; NULL: stderr */

	/* the writer's own */
	struct lines writing;
	size_t written; /* of `writing` */
	struct outlet out;
	uint64_t look_ms; /* when the path is looked at next */
	int trouble;      /* errno of the failure that is going on; 0: none */
	uint64_t lost_told;
};

/* What came of writing. */
enum flow {
	FLOW_DONE, /* nothing is left in `writing` */
	FLOW_SLOW, /* the reader of a pipe takes nothing just now */
	FLOW_STUCK /* cannot be written: try again at the next look */
};

struct orders {
	bool reopen;
	bool stop;
	bool redirect;
	char *path; /* owned; where to */
};

/* ---- what is said of it -------------------------------------------------------------------- */

#define say(s, level, ...)                               \
	do {                                             \
		if ((s)->process)                        \
			log_aside((level), __VA_ARGS__); \
		else                                     \
			log_line((level), __VA_ARGS__);  \
	} while (0)

static uint64_t
count_lines(struct slice lines)
{
	uint64_t count = 0;
	for (size_t i = 0; i < lines.bytes; i++)
		count += lines.at[i] == '\n';
	return count;
}

/* The lines lost since they were told last. */
static uint64_t
lost_news(struct sink *s)
{
	uint64_t lost = atomic_load(&s->lost);
	uint64_t news = lost - s->lost_told;
	s->lost_told = lost;
	return news;
}

static void
trouble_begins(struct sink *s, int error)
{
	if (s->trouble != 0)
		return;
	s->trouble = error;
	say(s, LOG_LEVEL_ERROR,
	    "log %s: %s; lines wait in memory, those that find no room are lost",
	    outlet_name(&s->out), strerror(error));
}

static void
trouble_ends(struct sink *s)
{
	if (s->trouble == 0)
		return;
	s->trouble = 0;
	say(s, LOG_LEVEL_WARN, "log %s: is written again; lines lost meanwhile: %llu",
	    outlet_name(&s->out), (unsigned long long)lost_news(s));
}

/* Lost although nothing failed: told once a look. */
static void
tell_overrun(struct sink *s)
{
	if (s->trouble != 0 || atomic_load(&s->lost) == s->lost_told)
		return;
	say(s, LOG_LEVEL_WARN,
	    "log %s: lines lost, they came faster than they could be written: %llu",
	    outlet_name(&s->out), (unsigned long long)lost_news(s));
}

/* ---- the outlet ------------------------------------------------------------------------------ */

/* What is written to next; a line of which the old file got a part goes to a new one whole. */
static void
outlet_begin(struct sink *s)
{
	bool other = false;
	int error = outlet_open(&s->out, &other);
	if (error != 0)
		trouble_begins(s, error);
	while (other && s->written > 0 && s->writing.at[s->written - 1] != '\n')
		s->written--;
}

static void
look(struct sink *s, bool reopen, uint64_t now_ms)
{
	s->look_ms = now_ms + SINK_LOOK_MS;
	if (s->out.fd == -1 || reopen || !outlet_in_place(&s->out)) {
		outlet_close(&s->out);
		outlet_begin(s);
	}
	tell_overrun(s);
}

/* A line that is too large for any datagram is passed over. */
static void
skip_line(struct sink *s)
{
	struct slice rest = {s->writing.at + s->written, s->writing.bytes - s->written};
	size_t bytes = slice_find(rest, '\n');
	s->written += bytes < rest.bytes ? bytes + 1 : bytes;
	atomic_fetch_add(&s->lost, 1);
}

static enum flow
flush(struct sink *s)
{
	if (s->out.fd == -1)
		return FLOW_STUCK;
	while (s->written < s->writing.bytes) {
		if (!outlet_wait(&s->out, SINK_SLOW_MS))
			return FLOW_SLOW;
		ssize_t n = outlet_write(&s->out, (struct slice){s->writing.at + s->written,
								 s->writing.bytes - s->written});
		if (n >= 0) {
			s->written += (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR) {
			return FLOW_SLOW;
		} else if (errno == EMSGSIZE) {
			skip_line(s);
		} else {
			trouble_begins(s, errno);
			if (destination_is_datagram(&s->out.to)) /* who listened is gone */
				outlet_close(&s->out);
			return FLOW_STUCK;
		}
	}
	trouble_ends(s);
	return FLOW_DONE;
}

/* ---- the writer ---------------------------------------------------------------------------- */

/* Until something is there to do, or the next look is due. */
static void
await_locked(struct sink *s, enum flow flow)
{
	struct timespec until = {.tv_sec = (time_t)(s->look_ms / 1000),
				 .tv_nsec = (long)(s->look_ms % 1000) * 1000000};
	while (!s->stop && !s->reopen && !(flow == FLOW_DONE && s->filling.bytes > 0)) {
		if (pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
			return;
	}
}

static struct orders
await(struct sink *s, enum flow flow)
{
	(void)pthread_mutex_lock(&s->lock);
	if (flow != FLOW_SLOW)
		await_locked(s, flow);
	if (s->written == s->writing.bytes) {
		struct lines empty = s->writing;
		empty.bytes = 0;
		s->writing = s->filling;
		s->filling = empty;
		s->written = 0;
	}
	struct orders orders = {
	    .reopen = s->reopen, .stop = s->stop, .redirect = s->redirect, .path = s->next_path};
	s->reopen = false;
	s->redirect = false;
	s->next_path = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	return orders;
}

/* What nobody will write any more. */
static void
abandon(struct sink *s)
{
	uint64_t lost =
	    count_lines((struct slice){s->writing.at + s->written, s->writing.bytes - s->written});
	(void)pthread_mutex_lock(&s->lock);
	lost += count_lines((struct slice){s->filling.at, s->filling.bytes});
	(void)pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->lost, lost);
	uint64_t news = lost_news(s);
	if (news > 0)
		say(s, LOG_LEVEL_ERROR, "log %s: lines lost at the end: %llu", outlet_name(&s->out),
		    (unsigned long long)news);
}

static void *
writer_main(void *context)
{
	struct sink *s = context;
	enum flow flow = FLOW_DONE;
	uint64_t give_up_ms = UINT64_MAX;
	for (;;) {
		struct orders orders = await(s, flow);
		uint64_t now_ms = clock_ms();
		if (orders.redirect)
			outlet_set(&s->out, orders.path);
		if (orders.reopen || orders.stop || now_ms >= s->look_ms)
			look(s, orders.reopen, now_ms);
		bool last = orders.stop && s->writing.bytes == 0;
		flow = flush(s);
		if (orders.stop && give_up_ms == UINT64_MAX)
			give_up_ms = now_ms + SINK_STOP_MS;
		if (last || now_ms >= give_up_ms || (orders.stop && flow == FLOW_STUCK))
			break;
	}
	abandon(s);
	return NULL;
}

/* ---- the face ------------------------------------------------------------------------------ */

/* Signals are for the threads that expect them; a closed pipe is an error of write(2) here. */
static int
writer_start(struct sink *s)
{
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSYS); /* a system call that is forbidden is said (base/filter.h) */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&s->writer, NULL, writer_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void
sink_release(struct sink *s)
{
	outlet_deinit(&s->out);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->writing.at);
	free(s->filling.at);
	free(s->next_path);
	free(s);
}

static void
locks_init(struct sink *s)
{
	pthread_condattr_t monotonic;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_mutex_init(&s->lock, NULL);
}

enum result
sink_create(enum log_kind kind, const char *to, struct sink **out, struct problem *p)
{
	struct sink *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	s->process = kind == LOG_PROCESS;
	outlet_init(&s->out, kind);
	locks_init(s);
	char *text = to != NULL ? strdup(to) : NULL;
	outlet_set(&s->out, text);
	s->filling.at = malloc(SINK_HALF_BYTES);
	s->writing.at = malloc(SINK_HALF_BYTES);
	if (s->filling.at == NULL || s->writing.at == NULL || (to != NULL && text == NULL)) {
		sink_release(s);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	/* Here and not in the thread: the caller may be about to drop its privileges. */
	look(s, false, clock_ms());
	int error = writer_start(s);
	if (error != 0) {
		sink_release(s);
		return problem_set(p, RESULT_IO, "no thread to write the log: %s", strerror(error));
	}
	*out = s;
	return RESULT_OK;
}

void
sink_free(struct sink **held)
{
	struct sink *s = *held;
	if (s == NULL)
		return;
	*held = NULL;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);

	uint64_t until_ms = clock_wall_ms() + SINK_JOIN_MS;
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
				 .tv_nsec = (long)(until_ms % 1000) * 1000000};
	if (pthread_timedjoin_np(s->writer, NULL, &until) != 0) {
		/* The disk hangs; the thread keeps what it uses until the process is over. */
		say(s, LOG_LEVEL_ERROR, "log %s: the disk does not answer", outlet_name(&s->out));
		(void)pthread_detach(s->writer);
		return;
	}
	sink_release(s);
}

void
sink_append(struct sink *s, struct slice lines)
{
	(void)pthread_mutex_lock(&s->lock);
	bool fits = lines.bytes <= SINK_HALF_BYTES - s->filling.bytes;
	bool first = s->filling.bytes == 0;
	if (fits && lines.bytes > 0) {
		memcpy(s->filling.at + s->filling.bytes, lines.at, lines.bytes);
		s->filling.bytes += lines.bytes;
	}
	if (first)
		(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	if (!fits)
		atomic_fetch_add(&s->lost, count_lines(lines));
}

bool
sink_redirect(struct sink *s, const char *path)
{
	char *copy = path == NULL ? NULL : strdup(path);
	if (path != NULL && copy == NULL)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	free(s->next_path); /* of a redirection that nobody saw */
	s->next_path = copy;
	s->redirect = true;
	s->reopen = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	return true;
}

void
sink_reopen(struct sink *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->reopen = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

uint64_t
sink_lost(const struct sink *s)
{
	return atomic_load(&s->lost);
}
