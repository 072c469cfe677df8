/* node_status.c: what a node says of itself, from pools, counters and logs; see admin/status.h. */
#include "node.h"

#include "admin/server_ev.h"
#include "admin/status.h"
#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_COUNTED_MAX 65536 /* where the kernel does not say how many there are */

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
	unsigned long long size = 0;
	unsigned long long pages = 0;
	FILE *from = fopen("/proc/self/statm", "re");
	if (from == NULL)
		return 0;
	int got = fscanf(from, "%llu %llu", &size, &pages);
	(void)fclose(from);
	return got == 2 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
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

static void
read_member(const struct node *n, struct status *out, const struct membership_member *m,
	    const struct pool_member *now, struct status_member *to)
{
	uint64_t now_ms = clock_ms();
	*to = (struct status_member){
	    .id = status_text(out, m->id),
	    .origin = status_text(out, m->origin_text),
	    .zone = status_text(out, m->zone),
	    .weight = m->weight,
	    .state = now->state,
	    .order = now->order,
	    .reason = now->reason,
	    .state_ms = since(now->since_ms != 0 ? now->since_ms : n->started_ms, now_ms),
	    .active = now->active,
	    .attempts = now->attempts,
	    .failures = now->failures,
	};
	if (now->check.at_ms != 0)
		to->check = (struct status_check){.any = true,
						  .well = now->check.well,
						  .ago_ms = since(now->check.at_ms, now_ms),
						  .seen = status_text(out, now->check.seen)};
}

static enum result
read_service(const struct node *n, struct status *out, const struct service *service,
	     struct status_service *to)
{
	struct pool_reading reading;
	if (pool_read(service->pool, &reading) != RESULT_OK)
		return RESULT_NO_MEMORY;
	size_t count = reading.membership->count;
	to->name = status_text(out, service->config->name);
	to->pool = service->fingerprint;
	tally_read(service->tally, &to->tally);
	to->member = status_alloc(out, (count + 1) * sizeof(*to->member));
	for (size_t i = 0; to->member != NULL && i < count; i++) {
		read_member(n, out, &reading.membership->member[i], &reading.member[i],
			    &to->member[i]);
		to->member_count++;
	}
	pool_reading_deinit(&reading);
	return to->member != NULL ? RESULT_OK : RESULT_NO_MEMORY;
}

/* ---- all --------------------------------------------------------------------------------------
 */

enum result
node_status(const struct node *n, struct status *out)
{
	const struct config *config = n->services->config;
	uint64_t now_ms = clock_ms();
	out->wall_ms = clock_wall_ms();
	out->uptime_ms = since(n->started_ms, now_ms);
	out->node = status_text(out, config->node);
	out->stopping = n->stopping;
	out->config_file = status_text(out, config->file);
	out->config_ms = since(n->config_ms, now_ms);
	out->workers = n->workers;
	out->clients = atomic_load_explicit(&n->shared.clients, memory_order_relaxed);
	out->failover_lost = failover_log_lost(n->shared.failover);
	out->access_lost = n->access != NULL ? sink_lost(n->access) : 0;
	if (n->admin != NULL) {
		out->followers = admin_server_followers(n->admin);
		out->followers_dropped = admin_server_dropped(n->admin);
		out->events_lost = admin_server_lost(n->admin);
	}
	read_process(&out->process);
	tally_read(n->shared.unrouted, &out->unrouted);
	out->service = status_alloc(out, (n->services->count + 1) * sizeof(*out->service));
	if (out->service == NULL)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < n->services->count; i++) {
		enum result r = read_service(n, out, &n->services->list[i], &out->service[i]);
		if (r != RESULT_OK)
			return r;
		out->service_count++;
	}
	return RESULT_OK;
}
