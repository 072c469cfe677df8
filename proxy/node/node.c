/* node.c: the parts of a node, in order; see node.h. */
#include "node/node.h"

#include "node/cluster.h"
#include "node/epochs.h"
#include "node/listening.h"
#include "node/members.h"
#include "node/names.h"
#include "node/programs.h"
#include "node/rights.h"
#include "node/takeover.h"
#include "node/upgrade.h"

#include "admin/events.h"
#include "base/clock.h"
#include "base/log.h"
#include "edge/addresses.h"
#include "edge/listener.h"
#include "record/outlet.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the ground -------------------------------------------------------------------------------
 */

static unsigned
cores(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < WORKERS_MAX ? (unsigned)count : WORKERS_MAX;
}

static void
name_node(struct node *n, const struct config *config)
{
	uint8_t random[16];
	digest_random(random);
	memcpy(&n->shared.instance, random, sizeof(n->shared.instance));
	digest_random(n->shared.tickets);
	static const char *const versions[VIA_VERSIONS] = {"1.0", "1.1", [HTTP_MINOR_OF_2] = "2.0"};
	for (size_t i = 0; i < VIA_VERSIONS; i++) {
		struct writer via = writer_on(n->shared.via[i], VIA_BYTES_MAX);
		write_text(&via, versions[i]);
		write_literal(&via, " holdfast-");
		if (config->node != NULL)
			write_text(&via, config->node);
		else
			write_hex_bytes(&via, random + 8, 8);
		(void)writer_text(&via);
	}
}

/* ---- what pools tell --------------------------------------------------------------------------
 */

static void
on_change(void *context, const struct pool_change *change)
{
	const struct node_service *s = context;
	if (atomic_load_explicit(&s->node->handed_over, memory_order_relaxed))
		return; /* the other process tells */
	failover_log_member(s->node->shared.failover, slice_of(s->name),
			    atomic_load_explicit(&s->fingerprint, memory_order_relaxed), change);
}

static void
on_probe_wanted(void *context, struct member_live *member)
{
	struct node_service *s = context;
	(void)pthread_mutex_lock(&s->lock);
	if (s->prober != NULL)
		prober_check_now(s->prober, member);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
on_drop(void *context)
{
	struct node_service *s = context;
	(void)pthread_mutex_destroy(&s->lock);
	free(s->name);
	free(s);
}

enum result
node_watch(struct node *n, struct services *services, struct problem *p)
{
	for (size_t i = 0; i < services->count; i++) {
		const struct service *service = &services->list[i];
		if (pool_context(service->pool) != NULL)
			continue;
		struct node_service *s = calloc(1, sizeof(*s));
		char *name = strdup(service->config->name);
		if (s == NULL || name == NULL) {
			free(s);
			free(name);
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
		}
		s->node = n;
		s->name = name;
		atomic_init(&s->fingerprint, service->fingerprint);
		(void)pthread_mutex_init(&s->lock, NULL);
		pool_observe(service->pool, (struct pool_observer){.changed = on_change,
								   .probe = on_probe_wanted,
								   .drop = on_drop,
								   .context = s});
	}
	return RESULT_OK;
}

static void
take_line(void *context, struct slice line)
{
	sink_append(context, line);
}

bool
node_log_process(struct node *n, const struct config *config)
{
	if (n->process_log != NULL)
		return sink_redirect(n->process_log, config->log_process);
	if (config->log_process == NULL)
		return true; /* stderr, without a thread */
	if (sink_create(LOG_PROCESS, config->log_process, &n->process_log, NULL) != RESULT_OK)
		return false;
	log_divert(take_line, n->process_log);
	return true;
}

static enum result
open_logs(struct node *n, const struct config *config, struct problem *p)
{
	outlet_facility_set(config->log_facility);
	if (!node_log_process(n, config))
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->shared.spans = exporter_create(config->node);
	if (n->shared.spans == NULL || !exporter_direct(n->shared.spans, config->trace.endpoint))
		return problem_set(p, RESULT_NO_MEMORY, "no memory for spans");
	enum result r =
	    failover_log_create(config->log_failover, config->node, &n->shared.failover, p);
	if (r != RESULT_OK || config->log_access == NULL)
		return r;
	r = sink_create(LOG_ACCESS, config->log_access, &n->access, p);
	n->shared.access = n->access;
	return r;
}

/* ---- together ---------------------------------------------------------------------------------
 */

static enum result
assemble(struct node *n, struct config **held, struct problem *p)
{
	const struct config *config = *held;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
	(void)sem_init(&n->adopted, 0, 0);
	node_log_libevent();
	rights_raise_descriptors();
	n->workers = config->workers != 0 ? config->workers : cores();
	n->shared.workers = n->workers;
	name_node(n, config);
	board_init(&n->shared.board);
	enum result r = node_epochs_create(n, held, p);
	if (r == RESULT_OK)
		r = node_names_create(n, *held, p);
	if (r == RESULT_OK)
		r = services_create(held, n->workers, NULL, &n->services, p);
	if (r != RESULT_OK)
		return r;
	n->shared.services = n->services;
	n->shared.unrouted = tally_create(n->workers);
	if (n->shared.unrouted == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	config = n->services->config;
	n->shared.addresses = addresses_create();
	if (n->shared.addresses == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	r = node_listening_bind(n, p);
	if (r == RESULT_OK)
		r = node_admin_bind(n, p);
	if (r == RESULT_OK)
		r = node_cluster_bind(n, p);
	if (r == RESULT_OK)
		r = rights_drop(config->user, p);
	if (r == RESULT_OK)
		r = node_programs_create(n, p);
	if (r == RESULT_OK)
		rights_narrow(config);
	if (r == RESULT_OK)
		r = node_upgrade_create(n, p);
	if (r == RESULT_OK)
		r = open_logs(n, config, p);
	if (r == RESULT_OK)
		r = node_watch(n, n->services, p);
	if (r == RESULT_OK)
		node_give_orders(n, NULL);
	n->threads = calloc(n->workers, sizeof(struct worker_thread *));
	n->base = event_base_new();
	if (r == RESULT_OK && (n->threads == NULL || n->base == NULL))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	return r;
}

enum result
node_create(struct config **config, struct node **out, struct problem *p)
{
	*out = NULL;
	struct node *n = calloc(1, sizeof(*n));
	if (n == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->admin_fd = -1;
	n->admin_listening = -1;
	n->started_ms = clock_ms();
	n->config_ms = n->started_ms;
	enum result r = assemble(n, config, p);
	if (r != RESULT_OK)
		node_free(&n);
	*out = n;
	return r;
}

static void
join_workers(struct node *n)
{
	for (unsigned i = 0; i < n->started; i++)
		worker_thread_join(&n->threads[i]);
	n->started = 0;
}

static void
say_ready(const struct node *n)
{
	const struct config *config = n->services->config;
	for (size_t i = 0; i < config->listener_count; i++) {
		char text[ADDR_TEXT_BYTES_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_addr(&w, &config->listeners[i].address);
		log_info("holdfast %s listens on %s, %u worker%s", HOLDFAST_VERSION,
			 writer_text(&w), n->workers, n->workers == 1 ? "" : "s");
	}
}

enum result
node_workers_start(struct node *n, struct problem *p)
{
	node_listening_given(n); /* the workers', whatever happens */
	enum result r = RESULT_OK;
	for (unsigned i = 0; i < n->workers; i++) {
		const struct listener_socket *sockets;
		size_t count = node_listening_of(n, i, &sockets);
		if (r == RESULT_OK) {
			r = worker_thread_start(i, &n->shared, sockets, count, &n->threads[i], p);
			n->started += r == RESULT_OK;
			continue;
		}
		for (size_t j = 0; j < count; j++)
			(void)close(sockets[j].fd);
	}
	if (r == RESULT_OK)
		say_ready(n);
	return r;
}

enum result
node_run(struct node *n, struct problem *p)
{
	enum result r = node_takeover_state(n, p);
	if (r == RESULT_OK)
		r = node_probers_start(n, p);
	if (r == RESULT_OK)
		r = node_programs_start(n, p);
	if (r == RESULT_OK)
		r = node_admin_start(n, p);
	if (r == RESULT_OK)
		r = node_cluster_start(n, p);
	if (r == RESULT_OK)
		r = node_epochs_start(n, p);
	if (r == RESULT_OK)
		r = node_names_start(n, p);
	if (r == RESULT_OK)
		r = node_control(n, p);
	for (unsigned i = 0; r != RESULT_OK && i < n->started; i++)
		worker_thread_stop(n->threads[i], WORKER_STOP_HARD);
	join_workers(n);
	node_names_stop(n);
	node_epochs_stop(n);
	node_admin_stop(n);
	node_cluster_stop(n);
	node_programs_stop(n);
	node_probers_stop(n->services);
	return r;
}

void
node_free(struct node **held)
{
	struct node *n = *held;
	if (n == NULL)
		return;
	*held = NULL;
	node_listening_free(n);
	listener_files_keep(&n->files, NULL, NULL, 0);
	node_upgrade_free(n);
	if (n->admin_fd != -1)
		(void)close(n->admin_fd);
	free(n->threads);
	node_names_free(n);
	node_epochs_stop(n);
	node_cluster_stop(n);
	node_epochs_free(n);
	node_changes_free(n);
	node_programs_free(n);
	board_deinit(&n->shared.board);
	if (n->base != NULL)
		event_base_free(n->base);
	services_unref(&n->services);
	addresses_free(&n->shared.addresses);
	sink_free(&n->access);
	failover_log_free(&n->shared.failover);
	(void)sem_destroy(&n->adopted);
	tally_unref(&n->shared.unrouted);
	events_free(&n->events);
	exporter_free(&n->shared.spans);
	log_divert(NULL, NULL);
	sink_free(&n->process_log);
	free(n);
}
