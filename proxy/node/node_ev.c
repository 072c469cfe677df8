/* node_ev.c: the control thread's loop: signals, active checks, slow clocks; see node.h. */
#include "node/node.h"

#include "node/cluster.h"
#include "node/epochs.h"
#include "node/notify.h"
#include "node/takeover.h"
#include "node/upgrade.h"

#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#define CONTROL_PERIOD_MS  50
#define CONTROL_REST_MS    250 /* the same, while all workers rest */
#define LOG_TICK_PERIOD_MS 1000

enum { SIGNALS = 6 };

struct control {
	struct node *node;
	struct event *signals[SIGNALS];
	struct event *clock;
	bool rests;
	uint64_t log_tick_ms;    /* of the last tick of the failover log */
	uint64_t stop_until_ms;  /* 0: not stopping */
	uint64_t drain_until_ms; /* 0: nobody has taken our place */
	bool hard;
	struct notify notify;
	uint64_t *ticks; /* owned; of the workers, when the watchdog was fed */
};

/* False: no memory; it stays as it was. */
static bool
set_pace(struct control *c, bool rests)
{
	long period_ms = rests ? CONTROL_REST_MS : CONTROL_PERIOD_MS;
	const struct timeval period = {.tv_usec = period_ms * 1000L};
	if (event_add(c->clock, &period) == -1)
		return false;
	c->rests = rests;
	return true;
}

static bool
may_rest(const struct control *c)
{
	bool rest = c->stop_until_ms == 0 && c->drain_until_ms == 0 && !c->hard;
	for (unsigned i = 0; i < c->node->started; i++)
		rest = rest && worker_thread_rests(c->node->threads[i]);
	return rest;
}

static void
tell_workers(struct node *n, enum worker_command command)
{
	for (unsigned i = 0; i < n->started; i++)
		worker_thread_stop(n->threads[i], command);
}

static void
stop(struct control *c, bool hard)
{
	(void)set_pace(c, false);
	c->hard = hard || c->stop_until_ms != 0;
	c->node->stopping = true;
	node_upgrade_abandon(c->node, "this process was told to stop");
	if (c->hard) {
		tell_workers(c->node, WORKER_STOP_HARD);
		return;
	}
	uint64_t stop_ms = c->node->services->config->stop_ms;
	c->stop_until_ms = clock_ms() + stop_ms;
	node_cluster_leave(c->node);
	notify_say(&c->notify, "STOPPING=1\nSTATUS=exchanges may finish");
	log_info("stopping: exchanges may finish for %llu ms", (unsigned long long)stop_ms);
	tell_workers(c->node, WORKER_STOP_SOFT);
}

static void
reopen_logs(struct node *n)
{
	failover_log_reopen(n->shared.failover);
	if (n->access != NULL)
		sink_reopen(n->access);
	if (n->process_log != NULL)
		sink_reopen(n->process_log);
	log_info("logs re-opened");
}

static void
reload(struct control *c)
{
	struct problem p;
	if (node_upgrade_is_under_way(c->node)) {
		log_info("a reload waits for the upgrade that is under way");
		node_upgrade_reload_later(c->node);
		return;
	}
	const char *status = "READY=1\nSTATUS=serves";
	notify_reloading(&c->notify);
	if (node_reload(c->node, "signal", &p) != RESULT_OK) {
		log_error("reload refused, the configuration stays: %s", p.text);
		status = "READY=1\nSTATUS=serves; a reload was refused, the log says why";
	}
	notify_say(&c->notify, status);
}

static void
upgrade(struct control *c)
{
	struct problem p;
	if (node_upgrade(c->node, "signal", &p) != RESULT_OK)
		log_error("upgrade refused, this process goes on: %s", p.text);
}

/* Another process has our place. What is left here ends by itself, or in time. */
static void
drain(struct control *c)
{
	struct node *n = c->node;
	uint64_t drain_ms = n->services->config->upgrade.drain_ms;
	(void)set_pace(c, false);
	c->drain_until_ms = clock_ms() + drain_ms;
	notify_close(&c->notify); /* it is the other process's */
	c->notify.feed_every_ms = 0;
	node_probers_stop(n->services);
	tell_workers(n, WORKER_DRAIN);
	log_info("draining: connections may go on for %llu ms", (unsigned long long)drain_ms);
}

static void
on_signal(evutil_socket_t number, short what, void *context)
{
	struct control *c = context;
	(void)what;
	switch (number) {
	case SIGTERM:
	case SIGINT:
		stop(c, false);
		break;
	case SIGQUIT:
		stop(c, true);
		break;
	case SIGUSR1:
		reopen_logs(c->node);
		break;
	case SIGHUP:
		if (!c->node->stopping && !c->node->handed_over)
			reload(c);
		break;
	case SIGUSR2:
		upgrade(c);
		break;
	default:
		break;
	}
}

static bool
all_ended(const struct node *n)
{
	for (unsigned i = 0; i < n->started; i++) {
		if (!worker_thread_ended(n->threads[i]))
			return false;
	}
	return true;
}

/* A worker that hangs is a dead one: the manager starts another process. */
static void
feed_watchdog(struct control *c, uint64_t now_ms)
{
	if (!notify_is_due(&c->notify, now_ms))
		return;
	for (unsigned i = 0; i < c->node->started; i++) {
		const struct worker_thread *t = c->node->threads[i];
		if (worker_thread_ticks(t) == c->ticks[i] && !worker_thread_ended(t))
			return;
	}
	for (unsigned i = 0; i < c->node->started; i++)
		c->ticks[i] = worker_thread_ticks(c->node->threads[i]);
	notify_feed(&c->notify, now_ms);
}

static void
on_clock(evutil_socket_t fd, short what, void *context)
{
	struct control *c = context;
	struct node *n = c->node;
	uint64_t now_ms = clock_ms();
	(void)fd;
	(void)what;
	for (size_t i = 0; i < n->services->count; i++)
		pool_tick(n->services->list[i].pool, now_ms);
	node_cluster_tick(n);
	node_epochs_tick(n);
	feed_watchdog(c, now_ms);
	if (now_ms - c->log_tick_ms >= LOG_TICK_PERIOD_MS) {
		c->log_tick_ms = now_ms;
		failover_log_tick(n->shared.failover, now_ms);
	}
	if (c->drain_until_ms != 0 && c->stop_until_ms == 0 && now_ms >= c->drain_until_ms)
		stop(c, false);
	if (c->stop_until_ms != 0 && !c->hard && now_ms >= c->stop_until_ms) {
		log_warn("exchanges did not finish in time and are broken off");
		stop(c, true);
	}
	if (all_ended(n))
		(void)event_base_loopbreak(n->base);
	else if (may_rest(c) != c->rests)
		(void)set_pace(c, !c->rests);
}

#define STOPS 3 /* the first ones end the process */
static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP, SIGUSR2};

static void
hold_signals(int how)
{
	sigset_t set;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaddset(&set, numbers[i]);
	(void)pthread_sigmask(how, &set, NULL);
}

static void
on_libevent_says(int severity, const char *text)
{
	static const enum log_level levels[] = {[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
						[EVENT_LOG_MSG] = LOG_LEVEL_INFO,
						[EVENT_LOG_WARN] = LOG_LEVEL_WARN,
						[EVENT_LOG_ERR] = LOG_LEVEL_ERROR};
	log_line(levels[severity], "libevent: %s", text);
}

void
node_log_libevent(void)
{
	event_set_log_callback(on_libevent_says);
}

void
node_hold_signals(void)
{
	hold_signals(SIG_BLOCK);
}

int
node_held_stop(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < STOPS; i++)
		(void)sigaddset(&set, numbers[i]);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool
arm(struct control *c)
{
	struct node *n = c->node;
	for (size_t i = 0; i < SIGNALS; i++) {
		c->signals[i] = evsignal_new(n->base, numbers[i], on_signal, c);
		if (c->signals[i] == NULL || event_add(c->signals[i], NULL) == -1)
			return false;
	}
	c->ticks = calloc(n->workers, sizeof(*c->ticks));
	if (c->ticks == NULL)
		return false;
	c->clock = event_new(n->base, -1, EV_PERSIST, on_clock, c);
	hold_signals(SIG_UNBLOCK);
	return c->clock != NULL && set_pace(c, false);
}

/* Signals wait first: libevent gives each back its default, and one more of them, while the
 * process ends already, would kill it before its logs are written. */
static void
disarm(struct control *c)
{
	hold_signals(SIG_BLOCK);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (c->signals[i] != NULL)
			event_free(c->signals[i]);
	}
	if (c->clock != NULL)
		event_free(c->clock);
	free(c->ticks);
	notify_close(&c->notify);
}

void
node_say_manager(struct node *n, const char *lines)
{
	if (n->control != NULL)
		notify_say(&n->control->notify, lines);
}

void
node_say_manager_reloading(struct node *n)
{
	if (n->control != NULL)
		notify_reloading(&n->control->notify);
}

void
node_hand_over(struct node *n)
{
	n->handed_over = true;
	node_admin_leave(n);
	node_cluster_handed_over(n);
	if (n->control != NULL)
		drain(n->control);
}

enum result
node_control(struct node *n, struct problem *p)
{
	struct control control = {.node = n, .log_tick_ms = clock_ms()};
	notify_open(&control.notify);
	n->control = &control;
	enum result r = arm(&control) ? RESULT_OK : problem_set(p, RESULT_NO_MEMORY, "no memory");
	/* Last: from here on clients are served. */
	if (r == RESULT_OK)
		r = node_workers_start(n, p);
	if (r == RESULT_OK) {
		node_takeover_ready(n);
		notify_say(&control.notify, "READY=1\nSTATUS=serves");
		(void)event_base_dispatch(n->base);
	}
	n->control = NULL;
	disarm(&control);
	return r;
}

enum result
node_probers_start(struct node *n, struct problem *p)
{
	for (size_t i = 0; i < n->services->count; i++) {
		const struct service *service = &n->services->list[i];
		struct node_service *s = pool_context(service->pool);
		struct prober *prober = NULL;
		if (!service->config->health.enabled)
			continue;
		struct prober_node node = {n->services->hops, n->services->config->cluster.self};
		enum result r =
		    prober_start(n->base, service->config, service->pool, node, &prober, p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "service %s", service->config->name);
		(void)pthread_mutex_lock(&s->lock);
		s->prober = prober;
		(void)pthread_mutex_unlock(&s->lock);
	}
	return RESULT_OK;
}

void
node_probers_stop(struct services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		struct node_service *s = pool_context(services->list[i].pool);
		(void)pthread_mutex_lock(&s->lock);
		struct prober *prober = s->prober;
		s->prober = NULL;
		(void)pthread_mutex_unlock(&s->lock);
		prober_stop(&prober);
	}
}
