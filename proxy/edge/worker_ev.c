/* worker_ev.c: a worker's thread; see worker_ev.h. */
#include "edge/worker_ev.h"

#include "edge/client.h"
#include "edge/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct worker_thread {
	pthread_t thread;
	struct worker *worker;   /* the thread's; only `told` and `ended` are shared */
	struct event_base *base; /* owned */
	struct event *tick;
	struct io command;
	int told; /* eventfd, written by the control thread */
	atomic_bool ended;
	atomic_int wanted; /* enum worker_command */
};

static void
end_if_done(struct worker_thread *t)
{
	struct worker *w = t->worker;
	if (w->stopping && w->client_count == 0)
		(void)event_base_loopbreak(t->base);
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	struct worker_thread *t = context;
	(void)fd;
	(void)what;
	worker_tick(t->worker);
	end_if_done(t);
}

static void
on_command(void *owner, unsigned events)
{
	struct worker_thread *t = owner;
	struct worker *w = t->worker;
	uint64_t count;
	(void)events;
	if (read(t->told, &count, sizeof(count)) == -1)
		return;
	listeners_close(w);
	w->stopping = true;
	clients_stop(w);
	if (atomic_load(&t->wanted) == WORKER_STOP_HARD)
		clients_abort(w);
	end_if_done(t);
}

static void *
run(void *context)
{
	struct worker_thread *t = context;
	struct worker *w = t->worker;
	while (!event_base_got_break(t->base)) {
		w->time_stale = true;
		w->round++;
		(void)event_base_loop(t->base, EVLOOP_ONCE);
	}
	worker_sweep(t->worker);
	atomic_store(&t->ended, true);
	return NULL;
}

static struct event_base *
base_create(void)
{
	struct event_config *config = event_config_new();
	if (config == NULL)
		return NULL;
	/*
	 * One thread uses it, and nothing asks it for the time. No changelist: it would tell the
	 * kernel of a descriptor after its close, when another worker may have the number.
	 */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static void
thread_free(struct worker_thread *t)
{
	if (t->worker != NULL) {
		listeners_close(t->worker);
		worker_sweep(t->worker);
	}
	if (t->command.worker != NULL)
		io_close(&t->command); /* closes `told` */
	if (t->tick != NULL)
		event_free(t->tick);
	worker_free(&t->worker);
	if (t->base != NULL)
		event_base_free(t->base);
	free(t);
}

static enum result
thread_prepare(struct worker_thread *t, unsigned number, struct worker_shared *shared,
	       struct problem *p)
{
	t->base = base_create();
	if (t->base == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	t->worker = worker_create(number, shared, t->base);
	if (t->worker == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	t->told = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->told == -1)
		return problem_set(p, RESULT_IO, "eventfd: %s", strerror(errno));
	io_init(&t->command, t->worker, t->told, on_command, t);
	t->tick = event_new(t->base, -1, EV_PERSIST, on_tick, t);
	struct timeval period = {.tv_usec = WORKER_PERIOD_MS * 1000L};
	if (!io_want(&t->command, IO_READ) || t->tick == NULL || event_add(t->tick, &period) == -1)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return RESULT_OK;
}

/* Signals are the control thread's. */
static int
start_thread(struct worker_thread *t)
{
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&t->thread, NULL, run, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

enum result
worker_thread_start(unsigned number, struct worker_shared *shared, const int *fds, size_t count,
		    struct worker_thread **out, struct problem *p)
{
	*out = NULL;
	struct worker_thread *t = calloc(1, sizeof(*t));
	enum result r = RESULT_NO_MEMORY;
	if (t != NULL)
		r = thread_prepare(t, number, shared, p);
	else
		(void)problem_set(p, r, "no memory");
	size_t started = 0;
	for (; t != NULL && r == RESULT_OK && started < count; started++) {
		if (!listener_start(t->worker, fds[started]))
			r = problem_set(p, RESULT_IO, "listen: %s", strerror(errno));
	}
	for (; started < count; started++)
		(void)close(fds[started]);
	if (t != NULL && r == RESULT_OK) {
		int error = start_thread(t);
		if (error != 0)
			r = problem_set(p, RESULT_IO, "worker thread: %s", strerror(error));
	}
	if (r != RESULT_OK && t != NULL)
		thread_free(t);
	if (r == RESULT_OK)
		*out = t;
	return r;
}

void
worker_thread_stop(struct worker_thread *t, enum worker_command command)
{
	uint64_t one = 1;
	atomic_store(&t->wanted, command);
	if (write(t->told, &one, sizeof(one)) == -1) {
		/* Only a counter at its limit refuses: the thread has not read for an age, but
		 * will. */
		return;
	}
}

bool
worker_thread_ended(const struct worker_thread *t)
{
	return atomic_load(&t->ended);
}

void
worker_thread_join(struct worker_thread **held)
{
	struct worker_thread *t = *held;
	if (t == NULL)
		return;
	*held = NULL;
	(void)pthread_join(t->thread, NULL);
	thread_free(t);
}
