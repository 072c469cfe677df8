/*
 * reload.c: the configuration is read again, built, checked, and swapped, or the old one is
 * kept; see node.h.
 *
 *   load -> services (pools of the same names revised) -> sockets -> a change for every worker
 *     `------------ whatever fails, fails here: everything is dropped, nothing has changed
 *   commit: pools, logs, workers adopt, checks begin anew, the old generation is let go
 *
 * The old generation lasts as long as exchanges that began in it.
 */
#include "node/node.h"

#include "node/cluster.h"
#include "node/epochs.h"
#include "node/listening.h"
#include "node/names.h"

#include "base/clock.h"
#include "base/log.h"
#include "record/outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ADOPT_WAIT_S      2   /* for all workers; they adopt between two callbacks */
#define CHANGES_BYTES_MAX 256 /* of what is said to have changed */
#define NAMES_RELOAD_MS   250 /* new names are waited for; then their members are down */

/* Everything that a reload needs, before anything is changed. */
struct reload {
	struct node *node;
	struct config *before; /* borrowed; NULL once the services are swapped */
	struct services *next;
	struct sink *access;           /* where requests will be logged; NULL: nowhere */
	struct sink *made;             /* the same, when it was made here and nobody has it yet */
	struct worker_change **change; /* owned; one a worker */
};

/* ---- build -------------------------------------------------------------------------------------
 */

/* All findings to the process log; the first into the problem. */
static enum result
load(const char *file, struct config **config, struct problem *p)
{
	struct config_findings findings;
	enum result r = config_load(file, CONFIG_FOR_RUN, config, &findings);
	config_findings_print(&findings, stderr);
	if (r != RESULT_OK && findings.count > 0) {
		size_t first = 0;
		while (first + 1 < findings.count && findings.list[first].warning)
			first++;
		config_finding_text(&findings.list[first], p->text, sizeof(p->text));
		if (findings.errors > 1)
			(void)problem_prefix(p, r, "%zu findings, the first", findings.errors);
	} else if (r != RESULT_OK) {
		(void)problem_set(p, r, "%s: cannot be read", file);
	}
	config_findings_free(&findings);
	return r;
}

static bool
listens_on(const struct config *config, const struct addr *address)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (addr_equal(&config->listeners[i].address, address))
			return true;
	}
	return false;
}

/* Sockets for the listeners that are new, one for every worker. */
static enum result
bind_new(struct reload *r, struct problem *p)
{
	const struct config *config = r->next->config;
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *listener = &config->listeners[i];
		int fds[WORKERS_MAX];
		if (listens_on(r->before, &listener->address))
			continue;
		if (listener_bind_all(listener, r->node->workers, &r->node->files, fds, p) == 0)
			return RESULT_IO;
		for (unsigned worker = 0; worker < r->node->workers; worker++) {
			struct worker_change *c = r->change[worker];
			assert(c != NULL); /* made ahead of this, or nothing is bound */
			c->sockets[c->socket_count++] =
			    (struct listener_socket){fds[worker], worker, listener->address};
		}
	}
	return RESULT_OK;
}

static enum result
prepare_access(struct reload *r, struct problem *p)
{
	const char *path = r->next->config->log_access;
	r->access = path == NULL ? NULL : r->node->access;
	if (path == NULL || r->access != NULL)
		return RESULT_OK;
	enum result result = sink_create(LOG_ACCESS, path, &r->made, p);
	r->access = r->made;
	return result;
}

static enum result
prepare_changes(struct reload *r, struct problem *p)
{
	struct node *n = r->node;
	r->change = calloc(n->workers, sizeof(struct worker_change *));
	for (unsigned i = 0; r->change != NULL && i < n->workers; i++) {
		r->change[i] = worker_change_create(r->next, r->access,
						    r->next->config->listener_count, &n->adopted);
		if (r->change[i] == NULL)
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	return r->change == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : RESULT_OK;
}

static enum result
prepare(struct reload *r, struct config **config, struct problem *p)
{
	struct node *n = r->node;
	enum result result = node_names_lay(n, *config, NAMES_RELOAD_MS, p);
	if (result == RESULT_OK)
		result = services_create(config, n->workers, n->services, &r->next, p);
	if (result == RESULT_OK)
		result = node_watch(n, r->next, p);
	if (result == RESULT_OK)
		result = prepare_access(r, p);
	if (result == RESULT_OK)
		result = prepare_changes(r, p);
	if (result == RESULT_OK)
		result = bind_new(r, p);
	return result;
}

static void
reload_drop(struct reload *r)
{
	const struct config *config = r->node->services->config;
	listener_files_keep(&r->node->files, &r->node->admin_address, config->listeners,
			    config->listener_count);
	for (unsigned i = 0; r->change != NULL && i < r->node->workers; i++)
		worker_change_free(&r->change[i]);
	free(r->change);
	sink_free(&r->made);
	services_unref(&r->next);
}

/* ---- what changed ------------------------------------------------------------------------------
 */

static const struct config_member *
member_of(const struct config_service *service, const char *id)
{
	for (size_t i = 0; i < service->member_count; i++) {
		if (strcmp(service->members[i].id, id) == 0)
			return &service->members[i];
	}
	return NULL;
}

static const struct config_service *
service_of(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	}
	return NULL;
}

static bool
same_member(const struct config_member *a, const struct config_member *b)
{
	return addr_equal(&a->origin, &b->origin) && addr_equal(&a->resolved, &b->resolved) &&
	       a->weight == b->weight && a->order == b->order &&
	       a->connections_max == b->connections_max && addr_equal(&a->node, &b->node) &&
	       (a->zone == NULL) == (b->zone == NULL) &&
	       (a->zone == NULL || strcmp(a->zone, b->zone) == 0);
}

/* "shop +d -b ~c": came, left, changed. */
static void
write_service_changes(struct writer *w, const struct config_service *before,
		      const struct config_service *after)
{
	write_format(w, "%s%s", w->bytes > 0 ? " " : "", after->name);
	for (size_t i = 0; i < after->member_count; i++) {
		const struct config_member *m = &after->members[i];
		const struct config_member *was = member_of(before, m->id);
		if (was == NULL || !same_member(was, m))
			write_format(w, " %c%s", was == NULL ? '+' : '~', m->id);
	}
	for (size_t i = 0; i < before->member_count; i++) {
		if (member_of(after, before->members[i].id) == NULL)
			write_format(w, " -%s", before->members[i].id);
	}
}

static bool
members_changed(const struct config_service *before, const struct config_service *after)
{
	if (before->member_count != after->member_count)
		return true;
	for (size_t i = 0; i < after->member_count; i++) {
		const struct config_member *was = member_of(before, after->members[i].id);
		if (was == NULL || !same_member(was, &after->members[i]))
			return true;
	}
	return false;
}

static void
write_changes(struct writer *w, const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < after->service_count; i++) {
		const struct config_service *now = &after->services[i];
		const struct config_service *was = service_of(before, now->name);
		if (was == NULL)
			write_format(w, "%s+%s", w->bytes > 0 ? " " : "", now->name);
		else if (members_changed(was, now))
			write_service_changes(w, was, now);
	}
	for (size_t i = 0; i < before->service_count; i++) {
		if (service_of(after, before->services[i].name) == NULL)
			write_format(w, "%s-%s", w->bytes > 0 ? " " : "", before->services[i].name);
	}
	if (w->bytes == 0)
		write_text(w, "no member changed");
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Ranks may differ: they change at run time. `http` is the request path's, which was swapped. */
static bool
same_nodes(const struct config_cluster *a, const struct config_cluster *b)
{
	bool same = a->node_count == b->node_count;
	for (size_t i = 0; same && i < a->node_count; i++) {
		const struct config_node *x = &a->nodes[i];
		const struct config_node *y = &b->nodes[i];
		same = same_text(x->id, y->id) && x->voter == y->voter &&
		       addr_equal(&x->address, &y->address);
	}
	return same;
}

/* What is settled when the process starts. */
static void
say_what_waits(const struct config *before, const struct config *after)
{
	const struct {
		const char *key;
		bool changed;
	} keys[] = {
	    {"node", !same_text(before->node, after->node)},
	    {"workers", before->workers != after->workers},
	    {"seccomp", before->seccomp != after->seccomp},
	    {"user", !same_text(before->user, after->user)},
	    {"cluster.nodes", !same_nodes(&before->cluster, &after->cluster)},
	    {"cluster.name", !same_text(before->cluster.name, after->cluster.name)},
	    {"cluster.listen", !addr_equal(&before->cluster.listen, &after->cluster.listen)},
	    {"cluster.safety", before->cluster.safety != after->cluster.safety},
	    {"cluster.engine", before->cluster.engine != after->cluster.engine},
	    {"cluster.lease", before->cluster.lease_ms != after->cluster.lease_ms},
	    {"cluster.preempt", before->cluster.preempt_ms != after->cluster.preempt_ms},
	    {"cluster.on_master", !same_text(before->cluster.on_master, after->cluster.on_master)},
	    {"cluster.on_backup", !same_text(before->cluster.on_backup, after->cluster.on_backup)},
	    {"cluster.detect", memcmp(&before->cluster.detect, &after->cluster.detect,
				      sizeof(after->cluster.detect)) != 0},
	    {"admin.address", before->admin_enabled != after->admin_enabled ||
				  !addr_equal(&before->admin, &after->admin)},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].changed)
			log_warn(
			    "%s: a change of %s needs a restart or an upgrade; it stays as it was",
			    after->file, keys[i].key);
	}
}

/* ---- commit ------------------------------------------------------------------------------------
 */

/* Ends the outages of members that are no more. */
static void
forget_members(struct node *n, const struct config *before, struct services *next)
{
	for (size_t i = 0; i < before->service_count; i++) {
		const struct config_service *was = &before->services[i];
		const struct service *s = services_find(next, slice_of(was->name));
		for (size_t m = 0; m < was->member_count; m++) {
			const struct config_member *now =
			    s == NULL ? NULL : member_of(s->config, was->members[m].id);
			if (now == NULL || !addr_equal(&now->origin, &was->members[m].origin) ||
			    !addr_equal(&now->resolved, &was->members[m].resolved))
				failover_log_member_left(n->shared.failover, slice_of(was->name),
							 slice_of(was->members[m].id));
		}
	}
}

static void
redirect_logs(struct reload *r)
{
	struct node *n = r->node;
	const struct config *after = r->next->config;
	bool ok = true;
	outlet_facility_set(after->log_facility);
	if (!same_text(r->before->log_failover, after->log_failover))
		ok = failover_log_redirect(n->shared.failover, after->log_failover);
	if (r->made != NULL)
		n->access = r->made;
	else if (r->access != NULL && !same_text(r->before->log_access, after->log_access))
		ok = sink_redirect(n->access, after->log_access) && ok;
	r->made = NULL;
	if (!ok)
		log_error("reload: no memory: a log stays where it was");
	if (!exporter_direct(n->shared.spans, after->trace.endpoint))
		log_error("reload: no memory: spans go where they went");
	if (!node_log_process(n, after))
		log_error("reload: no memory: the process log stays where it was");
	log_level_set(after->log_level);
}

static void
await_workers(struct node *n)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ADOPT_WAIT_S;
	for (unsigned i = 0; i < n->workers; i++) {
		while (sem_timedwait(&n->adopted, &until) == -1) {
			if (errno == EINTR)
				continue;
			log_warn("reload: a worker is late to adopt it");
			return;
		}
	}
}

static void
tell_workers(struct reload *r)
{
	struct node *n = r->node;
	while (sem_trywait(&n->adopted) == 0)
		continue; /* of workers that were late the last time */
	for (unsigned i = 0; i < n->workers; i++)
		worker_thread_change(n->threads[i], &r->change[i]);
	await_workers(n);
}

static void
dress_file(const struct addr *address, const struct config_rights *of)
{
	const struct local_rights rights = {of->mode, of->owner};
	struct problem p = {""};
	if (address->family == AF_UNIX &&
	    local_socket_dress(addr_kept_text(address), &rights, &p) != RESULT_OK)
		log_warn("unix:%s: %s", addr_kept_text(address), p.text);
}

/* Files of UNIX sockets that stay may have got other rights. */
static void
dress_files(const struct node *n, const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++)
		dress_file(&config->listeners[i].address, &config->listeners[i].rights);
	if (addr_equal(&config->admin, &n->admin_address))
		dress_file(&config->admin, &config->admin_rights);
}

/* The sockets that are new, before the workers have them: known by number. */
static void
note_sockets(struct reload *r)
{
	bool noted = true;
	for (unsigned i = 0; i < r->node->workers; i++) {
		for (size_t j = 0; j < r->change[i]->socket_count; j++)
			noted = noted && node_listening_add(r->node, &r->change[i]->sockets[j]);
	}
	if (!noted)
		log_error("reload: no memory: an upgrade would not hand over all listeners");
}

static void
commit(struct reload *r)
{
	struct node *n = r->node;
	struct problem p;
	note_sockets(r);
	redirect_logs(r);
	services_commit(r->next);
	for (size_t i = 0; i < r->next->count; i++) {
		const struct service *service = &r->next->list[i];
		struct node_service *s = pool_context(service->pool);
		atomic_store_explicit(&s->fingerprint, service->fingerprint, memory_order_relaxed);
	}
	tell_workers(r);
	node_listening_keep(n, r->next->config);
	dress_files(n, r->next->config);
	forget_members(n, r->before, r->next);
	say_what_waits(r->before, r->next->config);
	node_probers_stop(n->services);
	struct services *before = n->services;
	n->services = r->next;
	n->shared.services = r->next;
	node_give_orders(n, r->before);
	services_unref(&before);
	n->config_ms = clock_ms();
	node_cluster_adopt(n, n->services->config);
	node_epochs_swapped(n);
	node_names_swapped(n);
	r->next = NULL;
	r->before = NULL;
	if (node_probers_start(n, &p) != RESULT_OK)
		log_error("reload: checks of members: %s", p.text);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

static enum member_state
order_of(const struct config_member *m)
{
	static const enum member_state states[] = {[MEMBER_ORDER_NONE] = MEMBER_UP,
						   [MEMBER_ORDER_DRAIN] = MEMBER_DRAIN,
						   [MEMBER_ORDER_MAINT] = MEMBER_MAINT};
	return m == NULL ? MEMBER_UP : states[m->order];
}

enum member_state
node_order_given(const struct config_service *service, const char *id)
{
	return order_of(member_of(service, id));
}

/* An order that was not changed leaves alone what an operator said of this node since. */
void
node_give_orders(struct node *n, const struct config *before)
{
	for (size_t i = 0; i < n->services->count; i++) {
		const struct service *s = &n->services->list[i];
		const struct config_service *was =
		    before == NULL ? NULL : service_of(before, s->config->name);
		struct view *view = pool_view(s->pool);
		for (uint32_t m = 0; m < view->membership->count; m++) {
			const struct membership_member *member = &view->membership->member[m];
			enum member_state order = order_of(member_of(s->config, member->id));
			if (order != order_of(was == NULL ? NULL : member_of(was, member->id)))
				pool_order(s->pool, member->live, order, clock_ms());
		}
		view_unref(&view);
	}
}

/* ---- the face ----------------------------------------------------------------------------------
 */

enum result
node_swap(struct node *n, struct config **config, struct writer *changed, struct problem *p)
{
	struct reload r = {.node = n, .before = n->services->config};
	enum result result = prepare(&r, config, p);
	if (result == RESULT_OK) {
		write_changes(changed, r.before, r.next->config);
		commit(&r);
	}
	reload_drop(&r);
	return result;
}

enum result
node_reload(struct node *n, const char *asked_by, struct problem *p)
{
	char changed_text[CHANGES_BYTES_MAX];
	struct writer changed = writer_on(changed_text, sizeof(changed_text));
	struct config *config = NULL;
	enum result result = load(n->services->config->file, &config, p);
	if (result == RESULT_OK)
		result = node_epochs_lay(n, &config, p);
	if (result == RESULT_OK)
		result = node_swap(n, &config, &changed, p);
	config_free(&config);
	if (result == RESULT_OK) {
		const struct config *after = n->services->config;
		char text[CHANGES_BYTES_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_format(&w, "%s: %zu service%s; ", after->file, after->service_count,
			     after->service_count == 1 ? "" : "s");
		write_slice(&w, (struct slice){changed.at, changed.bytes});
		failover_log_reload(n->shared.failover, EVENT_RELOAD, asked_by,
				    (struct slice){text, w.bytes});
		log_info("reloaded %.*s", (int)w.bytes, text);
	} else {
		failover_log_reload(n->shared.failover, EVENT_RELOAD_REFUSED, asked_by,
				    slice_of(p->text));
	}
	return result;
}
