/* status.c: what a node says of itself, from pools, counters and logs; see admin/status.h. */
#include "node/race.h"

#include "node/cluster.h"
#include "node/names.h"

#include "admin/server_ev.h"
#include "admin/status.h"
#include "base/clock.h"
#include "base/filter.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_COUNTED_MAX 65536 /* where the kernel does not say how many there are */
#define WALL_STEP_MS            500   /* above it the wall clock was set */

/* ---- the process ------------------------------------------------------------------------------
 */

static uint64_t
descriptors(void)
{
	struct stat st;
	uint64_t count = 0;
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return 0;
	const struct dirent *entry;
	while (count < DESCRIPTORS_COUNTED_MAX && (entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count > 0 ? count - 1 : 0; /* the directory itself was open */
}

static uint64_t
resident_bytes(void)
{
	char line[128]; /* pages: all of it, resident, ... */
	FILE *from = fopen("/proc/self/statm", "re");
	if (from == NULL)
		return 0;
	bool got = fgets(line, sizeof(line), from) != NULL;
	(void)fclose(from);
	const char *resident = got ? strchr(line, ' ') : NULL;
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	return resident != NULL ? strtoull(resident, NULL, 10) * page_bytes : 0;
}

static uint64_t
to_ms(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000;
}

static void
read_process(struct status_process *p)
{
	struct rusage used;
	struct rlimit limit;
	p->pid = (int)getpid();
	if (getrusage(RUSAGE_SELF, &used) == 0)
		p->cpu_ms = to_ms(&used.ru_utime) + to_ms(&used.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		p->descriptors_max = limit.rlim_cur;
	p->seccomp = filter_state();
	p->resident_bytes = resident_bytes();
	p->descriptors = descriptors();
}

/* ---- services ---------------------------------------------------------------------------------
 */

static uint64_t
since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* What is filled, and the one moment that it is of. */
struct filling {
	const struct node *node;
	struct status *out;
	uint64_t now_ms; /* monotonic */
};

static void
read_transitions(const struct filling *f, const struct history *h, struct status_history *to)
{
	size_t count = history_transitions_kept(h);
	to->transitions = h->transitions;
	to->at = count > 0 ? status_alloc(f->out, count * sizeof(*to->at)) : NULL;
	if (to->at == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct history_transition *t = history_transition_at(h, i);
		to->at[i] = (struct status_transition){.ago_ms = since(t->at_ms, f->now_ms),
						       .from = (enum member_state)t->from,
						       .to = (enum member_state)t->to,
						       .reason = (enum reason)t->reason};
	}
	to->kept = count;
}

static void
read_history(const struct filling *f, const struct pool_member *now, struct status_history *to)
{
	char text[HISTORY_CHECKS_MAX + 1];
	char weight[WEIGHT_TEXT_BYTES];
	history_checks_text(&now->history, text);
	weight_text(now->said, weight);
	*to = (struct status_history){
	    .well = now->history.well,
	    .failed = now->history.failed,
	    .last = status_text(f->out, text),
	    .weight = status_text(f->out, weight[0] != '\0' ? weight : NULL),
	    .weights_refused = now->weights_refused,
	    .slow_start_left_ms = now->slow_start_left_ms,
	};
	read_transitions(f, &now->history, to);
}

static void
read_member(const struct filling *f, const struct membership_member *m,
	    const struct pool_member *now, struct status_member *to)
{
	struct status *out = f->out;
	*to = (struct status_member){
	    .id = status_text(out, m->id),
	    .origin = status_text(out, m->origin_text),
	    .zone = status_text(out, m->zone),
	    .weight = m->weight,
	    .share = now->share,
	    .state = now->state,
	    .order = now->order,
	    .reason = now->reason,
	    .state_ms = since(now->since_ms != 0 ? now->since_ms : f->node->started_ms, f->now_ms),
	    .active = now->active,
	    .active_max = m->connections_max,
	    .waiting = now->waiting,
	    .attempts = now->attempts,
	    .failures = now->failures,
	};
	read_history(f, now, &to->history);
	if (now->check.at_ms != 0)
		to->check = (struct status_check){.any = true,
						  .well = now->check.well,
						  .ago_ms = since(now->check.at_ms, f->now_ms),
						  .seen = status_text(out, now->check.seen)};
}

/* False: no memory. */
static bool
read_latencies(const struct filling *f, const struct tally *tally,
	       const struct membership *membership, struct status_service *to)
{
	bool ok = status_latency_add_endings(f->out, &to->latencies, tally);
	for (size_t i = 0; ok && i < to->member_count; i++) {
		struct latency_sum done[AFFINITIES] = {0};
		member_live_read_latency(membership->member[i].live, done);
		ok = status_latency_add_done(f->out, &to->latencies, to->member[i].id, done);
	}
	return ok;
}

static enum result
read_service(const struct filling *f, const struct service *service, struct status_service *to)
{
	struct pool_reading reading;
	if (pool_read(service->pool, f->now_ms, &reading) != RESULT_OK)
		return RESULT_NO_MEMORY;
	size_t count = reading.membership->count;
	to->name = status_text(f->out, service->config->name);
	to->pool = service->fingerprint;
	tally_read(service->tally, &to->tally);
	to->member = status_alloc(f->out, (count + 1) * sizeof(*to->member));
	for (size_t i = 0; to->member != NULL && i < count; i++) {
		read_member(f, &reading.membership->member[i], &reading.member[i], &to->member[i]);
		to->member_count++;
	}
	bool ok = to->member != NULL && read_latencies(f, service->tally, reading.membership, to);
	pool_reading_deinit(&reading);
	return ok ? RESULT_OK : RESULT_NO_MEMORY;
}

static enum result
read_services(const struct filling *f)
{
	const struct services *services = f->node->services;
	struct status *out = f->out;
	out->service = status_alloc(out, (services->count + 1) * sizeof(*out->service));
	if (out->service == NULL)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < services->count; i++) {
		enum result r = read_service(f, &services->list[i], &out->service[i]);
		if (r != RESULT_OK)
			return r;
		out->service_count++;
	}
	return RESULT_OK;
}

/* ---- hops -------------------------------------------------------------------------------------
 */

static_assert(HOP_FAULTS <= STATUS_HOPS_MAX, "each has its place");

static void
read_hops(const struct node *n, struct status *out)
{
	uint64_t fault[HOP_FAULTS] = {0};
	for (unsigned i = 0; i < n->started; i++)
		worker_thread_read_hops(n->threads[i], fault);
	for (size_t i = 0; i < HOP_FAULTS; i++)
		out->hops[i] = (struct status_hops){hop_fault_text((enum hop_fault)i), fault[i]};
	out->hop_kinds = HOP_FAULTS;
}

/* ---- all --------------------------------------------------------------------------------------
 */

/*
 * The two clocks' difference is kept until one of them is set: a time that is shown twice is the
 * same twice.
 */
static uint64_t
wall_ms_of(struct node *n, uint64_t now_ms)
{
	uint64_t offset_ms = clock_wall_ms() - now_ms;
	uint64_t kept_ms = n->wall_offset_ms;
	uint64_t apart_ms = offset_ms > kept_ms ? offset_ms - kept_ms : kept_ms - offset_ms;
	if (apart_ms > WALL_STEP_MS)
		n->wall_offset_ms = offset_ms;
	return now_ms + n->wall_offset_ms;
}

static void
read_arrivals(struct arrivals *from, struct status_arrivals *to)
{
	to->handshakes = atomic_load_explicit(&from->handshakes, memory_order_relaxed);
	to->resumed = atomic_load_explicit(&from->resumed, memory_order_relaxed);
	to->tls_1_3 = atomic_load_explicit(&from->tls_1_3, memory_order_relaxed);
	to->proxied = atomic_load_explicit(&from->proxied, memory_order_relaxed);
	for (size_t i = 0; i < ARRIVAL_ENDS; i++)
		to->ended[i] = atomic_load_explicit(&from->ended[i], memory_order_relaxed);
}

enum result
node_status(struct node *n, struct status *out)
{
	const struct config *config = n->services->config;
	struct filling f = {n, out, clock_ms()};
	out->wall_ms = wall_ms_of(n, f.now_ms);
	out->uptime_ms = since(n->started_ms, f.now_ms);
	out->node = status_text(out, config->node);
	out->stopping = n->stopping;
	out->config_file = status_text(out, config->file);
	out->config_ms = since(n->config_ms, f.now_ms);
	out->epoch = config->epoch;
	out->workers = n->workers;
	out->clients = atomic_load_explicit(&n->shared.clients, memory_order_relaxed);
	out->crowded = atomic_load_explicit(&n->shared.crowded, memory_order_relaxed);
	read_arrivals(&n->shared.arrivals, &out->arrivals);
	for (unsigned i = 0; i < n->started; i++)
		worker_thread_read_http2(n->threads[i], &out->http2);
	if (config->cluster.node_count > 0)
		read_hops(n, out);
	out->failover_lost = failover_log_lost(n->shared.failover);
	out->access_lost = n->access != NULL ? sink_lost(n->access) : 0;
	out->spans = exporter_counts(n->shared.spans);
	if (n->admin != NULL) {
		out->followers = admin_server_followers(n->admin);
		out->followers_dropped = admin_server_dropped(n->admin);
		out->events_lost = admin_server_lost(n->admin);
	}
	read_process(&out->process);
	tally_read(n->shared.unrouted, &out->unrouted);
	if (!status_latency_add_endings(out, &out->unrouted_latencies, n->shared.unrouted))
		return RESULT_NO_MEMORY;
	if (node_cluster_status(n, out) != RESULT_OK || node_names_status(n, out) != RESULT_OK)
		return RESULT_NO_MEMORY;
	node_race_status(n, &out->race);
	return read_services(&f);
}
