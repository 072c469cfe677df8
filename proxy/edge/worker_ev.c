/* worker_ev.c: a worker's thread; see worker_ev.h. */
#include "edge/worker_ev.h"

#include "base/clock.h"
#include "base/filter.h"
#include "base/log.h"
#include "edge/arrival.h"
#include "edge/client.h"
#include "edge/h2_connection.h"
#include "relay/mirror.h"
#include "relay/turn.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKER_LATE_MS  100 /* a tick comes later by more: the thread did not run */
#define WORKER_HEARS_MS 200 /* then it hears for so long before deadlines count */
#define WORKER_SLEPT_MAX                                                        \
	10 /* so often in a row: a thread that is always late has to judge, too \
	    */

struct worker_thread {
	pthread_t thread;
	struct worker *worker;   /* the thread's; what is atomic and `told` are shared */
	struct event_base *base; /* owned */
	struct event *tick;
	struct io command;
	int told; /* eventfd, written by the control thread */
	atomic_bool ended;
	atomic_bool rests; /* written by the thread: it ticks every WORKER_REST_MS */
	long period_ms;    /* of `tick` */
	uint64_t due_ms;   /* the next tick */
	unsigned slept;    /* ticks in a row before which the process did */
	atomic_ullong ticks;
	atomic_int wanted; /* enum worker_command; 0: none */
	pthread_mutex_t lock;
	struct worker_change *changes; /* under the lock; oldest first */
};

/* Wakes the thread: there is something to be done. */
static void
ring(struct worker_thread *t)
{
	uint64_t one = 1;
	if (write(t->told, &one, sizeof(one)) == -1) {
		/* Only a counter at its limit refuses: the thread has not read for an age, but
		 * will. */
		return;
	}
}

static void
ring_for_places(void *context)
{
	ring(context);
}

static void
end_if_done(struct worker_thread *t)
{
	struct worker *w = t->worker;
	if (w->stopping && w->client_count == 0 && w->arrivals == NULL)
		(void)event_base_loopbreak(t->base);
}

static bool
tick_every(struct worker_thread *t, long period_ms)
{
	const struct timeval period = {.tv_usec = period_ms * 1000L};
	t->period_ms = period_ms;
	t->due_ms = clock_ms() + (uint64_t)period_ms;
	return event_add(t->tick, &period) == 0;
}

/* False: no memory; it stays as it was. */
static bool
set_pace(struct worker_thread *t, bool rests)
{
	if (!tick_every(t, rests ? WORKER_REST_MS : WORKER_PERIOD_MS))
		return false;
	atomic_store_explicit(&t->rests, rests, memory_order_relaxed);
	return true;
}

/*
 * The process was stopped, or the machine: what came in time stands in the sockets, and the
 * deadlines are over. What came is heard first.
 */
static bool
has_slept(struct worker_thread *t)
{
	uint64_t now_ms = clock_ms();
	bool slept = now_ms > t->due_ms + WORKER_LATE_MS && t->slept < WORKER_SLEPT_MAX;
	t->due_ms = now_ms + (uint64_t)t->period_ms;
	if (slept)
		slept = tick_every(t, WORKER_HEARS_MS);
	else if (t->slept > 0)
		(void)set_pace(t, false);
	t->slept = slept ? t->slept + 1 : 0;
	return slept;
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	struct worker_thread *t = context;
	(void)fd;
	(void)what;
	(void)atomic_fetch_add_explicit(&t->ticks, 1, memory_order_relaxed);
	if (has_slept(t))
		return;
	worker_tick(t->worker);
	end_if_done(t);
	if (!worker_thread_rests(t) && worker_at_rest(t->worker))
		(void)set_pace(t, true);
}

/* Whatever came has a deadline. */
static void
wake_up(struct worker_thread *t)
{
	if (worker_thread_rests(t) && !worker_at_rest(t->worker))
		(void)set_pace(t, false);
}

/* ---- changes ----------------------------------------------------------------------------------
 */

struct worker_change *
worker_change_create(struct services *services, struct sink *access, size_t sockets, sem_t *done)
{
	struct worker_change *c = calloc(1, sizeof(*c) + sockets * sizeof(c->sockets[0]));
	if (c == NULL)
		return NULL;
	c->access = access;
	c->done = done;
	c->generation = worker_generation_create(services);
	if (c->generation == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
worker_change_free(struct worker_change **held)
{
	struct worker_change *c = *held;
	*held = NULL;
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->socket_count; i++)
		(void)close(c->sockets[i].fd);
	if (c->generation != NULL)
		worker_generation_put(c->generation);
	free(c);
}

void
worker_thread_change(struct worker_thread *t, struct worker_change **held)
{
	(void)pthread_mutex_lock(&t->lock);
	struct worker_change **last = &t->changes;
	while (*last != NULL)
		last = &(*last)->next;
	*last = *held;
	*held = NULL;
	(void)pthread_mutex_unlock(&t->lock);
	ring(t);
}

static struct worker_change *
take_change(struct worker_thread *t)
{
	(void)pthread_mutex_lock(&t->lock);
	struct worker_change *c = t->changes;
	if (c != NULL)
		t->changes = c->next;
	(void)pthread_mutex_unlock(&t->lock);
	return c;
}

/* New listeners first: nobody may find none. */
static void
adopt(struct worker *w, struct worker_change *c)
{
	const struct config *config = c->generation->services->config;
	bool reload = config->epoch == w->services->config->epoch;
	bool logs = worker_adopt(w, c->generation, c->access);
	c->generation = NULL; /* the worker's now */
	if (reload)           /* and no other membership alone */
		h2_connections_reload(w);
	if (!logs)
		log_error("worker %u: no memory for the access log", w->number);
	for (; c->socket_count > 0; c->socket_count--) {
		if (!w->stopping && !listener_start(w, &c->sockets[c->socket_count - 1]))
			log_error("worker %u: listen: %s", w->number, strerror(errno));
	}
	listeners_keep(w, config->listeners, w->stopping ? 0 : config->listener_count);
	(void)sem_post(c->done);
	worker_change_free(&c);
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
	struct worker_change *c;
	while ((c = take_change(t)) != NULL)
		adopt(w, c);
	place_admit_all(w);
	struct letter *letter;
	while ((letter = mailbox_take(&w->letters)) != NULL)
		letter->deliver(letter, w);
	int wanted = atomic_load(&t->wanted);
	if (wanted == 0)
		return;
	w->stopping = true;
	w->draining = wanted == WORKER_DRAIN;
	if (w->draining) {
		listeners_leave(w);
		clients_drain(w);
	} else {
		listeners_close(w);
		arrivals_abort(w);
		clients_stop(w);
	}
	h2_connections_stop(w);
	if (wanted == WORKER_STOP_HARD) {
		clients_abort(w);
		h2_connections_abort(w);
	}
	end_if_done(t);
}

static void *
run(void *context)
{
	struct worker_thread *t = context;
	struct worker *w = t->worker;
	if (!filter_enter_worker())
		log_warn("worker %u: its system calls are filtered as the control thread's",
			 w->number);
	while (!event_base_got_break(t->base)) {
		w->time_stale = true;
		w->round++;
		(void)event_base_loop(t->base, EVLOOP_ONCE);
		wake_up(t);
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
		arrivals_abort(t->worker);
		mirror_stop(t->worker);
		worker_sweep(t->worker);
		io_release(t->worker);
		h2_release(t->worker);
		turn_release(t->worker);
	}
	if (t->command.worker != NULL)
		io_close(&t->command); /* closes `told` */
	if (t->tick != NULL)
		event_free(t->tick);
	worker_free(&t->worker);
	if (t->base != NULL)
		event_base_free(t->base);
	struct worker_change *c;
	while ((c = take_change(t)) != NULL)
		worker_change_free(&c);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static enum result
thread_prepare(struct worker_thread *t, unsigned number, struct worker_shared *shared,
	       struct problem *p)
{
	(void)pthread_mutex_init(&t->lock, NULL);
	t->base = base_create();
	if (t->base == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	t->worker = worker_create(number, shared, t->base);
	if (t->worker == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	t->worker->mailbox.ring = ring_for_places;
	t->worker->mailbox.context = t;
	t->worker->letters.ring = ring_for_places;
	t->worker->letters.context = t;
	t->told = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->told == -1)
		return problem_set(p, RESULT_IO, "eventfd: %s", strerror(errno));
	io_init(&t->command, t->worker, t->told, on_command, t);
	t->tick = event_new(t->base, -1, EV_PERSIST, on_tick, t);
	if (!io_want(&t->command, IO_READ) || t->tick == NULL || !set_pace(t, false))
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
	(void)sigdelset(&all, SIGSYS); /* a system call that is forbidden is said (base/filter.h) */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&t->thread, NULL, run, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

enum result
worker_thread_start(unsigned number, struct worker_shared *shared,
		    const struct listener_socket *sockets, size_t count, struct worker_thread **out,
		    struct problem *p)
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
		if (!listener_start(t->worker, &sockets[started]))
			r = problem_set(p, RESULT_IO, "listen: %s", strerror(errno));
	}
	for (; started < count; started++)
		(void)close(sockets[started].fd);
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
	atomic_store(&t->wanted, command);
	ring(t);
}

void
worker_thread_read_http2(const struct worker_thread *t, struct http2_sum *sum)
{
	http2_sum_add(sum, &t->worker->http2);
}

void
worker_thread_read_hops(const struct worker_thread *t, uint64_t fault[HOP_FAULTS])
{
	for (size_t i = 0; i < HOP_FAULTS; i++)
		fault[i] += atomic_load_explicit(&t->worker->hops.fault[i], memory_order_relaxed);
}

uint64_t
worker_thread_ticks(const struct worker_thread *t)
{
	return atomic_load_explicit(&t->ticks, memory_order_relaxed);
}

bool
worker_thread_rests(const struct worker_thread *t)
{
	return atomic_load_explicit(&t->rests, memory_order_relaxed);
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
