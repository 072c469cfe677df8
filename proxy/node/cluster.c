/* cluster.c: the node and its control plane; see cluster.h. */
#include "node/cluster.h"

#include "node/placement.h"
#include "node/question.h"
#include "node/race.h"
#include "node/roles.h"

#include "base/clock.h"
#include "base/handover.h"
#include "base/log.h"
#include "node/epochs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_DIR_MODE 0750

/* ---- how the service is -----------------------------------------------------------------------
 */

/* Its own member, where the node has one beside it; else any of them. */
static bool
service_lives(const struct service *service)
{
	struct view *view = pool_view(service->pool);
	bool has_own = false;
	bool own = false;
	bool any = false;
	for (uint32_t i = 0; i < view->membership->count; i++) {
		bool lives = view_is_operational(view, i);
		has_own |= view->membership->member[i].own;
		own |= lives && view->membership->member[i].own;
		any |= lives;
	}
	view_unref(&view);
	return has_own ? own : any;
}

static bool
all_live(const struct services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		if (!service_lives(&services->list[i]))
			return false;
	}
	return true;
}

static uint64_t
generations(const struct services *services)
{
	uint64_t sum = 1;
	for (size_t i = 0; i < services->count; i++)
		sum += pool_generation(services->list[i].pool);
	return sum;
}

void
node_cluster_tick(struct node *n)
{
	struct node_cluster *c = n->cluster;
	if (c == NULL || c->live == NULL)
		return;
	uint64_t pools = generations(n->services);
	if (pools == c->pools)
		return;
	c->pools = pools;
	plane_set_fit(cluster_plane(c->live), cluster_now(), all_live(n->services));
	cluster_settle(c->live);
}

/* ---- what clients send to the same socket -----------------------------------------------------
 */

static bool
on_stray(void *context, const struct addr *from, const uint8_t *bytes, size_t count)
{
	const struct node_cluster *c = context;
	return node_placement_hear(c->node, from, bytes, count) ||
	       node_race_hear(c->node, from, bytes, count);
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* Of the process before, or bound. */
static int
bind_there(const struct addr *address, const char *kind, const char *key, struct problem *p)
{
	char name[HANDOVER_BYTES_MAX];
	int fd = inherited_socket(inherited_name(kind, address, name, sizeof(name)));
	return fd != -1 ? fd : cluster_bind(address, key, p);
}

enum result
node_cluster_bind(struct node *n, struct problem *p)
{
	const struct config *config = n->services->config;
	if (config->cluster.listen.family == 0)
		return RESULT_OK;
	struct node_cluster *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->cluster = c;
	c->node = n;
	c->fd = c->dns_fd = c->listening = c->dns_listening = c->kept_fd = c->kept_dns_fd = -1;
	c->fd = bind_there(&config->cluster.listen, "cluster", "cluster.listen", p);
	c->listening = c->fd;
	if (c->fd == -1)
		return RESULT_IO;
	if (config->cluster.dns_listen.family == 0)
		return RESULT_OK;
	c->dns_fd = bind_there(&config->cluster.dns_listen, "dns", "cluster.dns.listen", p);
	c->dns_listening = c->dns_fd;
	return c->dns_fd == -1 ? RESULT_IO : RESULT_OK;
}

static void
on_answered(void *context)
{
	const struct node_cluster *c = context;
	if (c->questions != NULL)
		node_questions_answer(c->questions);
}

static void
on_turned(void *context)
{
	struct node_cluster *c = context;
	if (c->engine != NULL)
		embedded_live_turn(c->engine);
	if (c->etcd != NULL)
		etcd_live_turn(c->etcd);
	if (c->disk != NULL)
		disk_live_turn(c->disk);
	node_roles_turn(c);
}

static void
on_stored(void *context)
{
	struct node_cluster *c = context;
	uint64_t now = cluster_now();
	struct plane *plane = cluster_plane(c->live);
	embedded_live_stored(c->engine, now, &plane->out);
	plane_turn(plane, now);
	cluster_settle(c->live);
}

static void
on_engine(void *context)
{
	struct node_cluster *c = context;
	plane_turn(cluster_plane(c->live), cluster_now());
	cluster_settle(c->live);
}

static enum result
start_etcd(struct node_cluster *c, const struct config *config, struct engine *engine,
	   struct problem *p)
{
	const struct etcd_live_setup setup = {
	    .nodes = &c->nodes,
	    .timing = lease_timing_of(config->cluster.lease_ms),
	    .boot = c->file.boot,
	    .cluster = config->cluster.name,
	    .endpoint = config->cluster.etcd,
	    .answered = on_engine,
	    .context = c,
	};
	enum result r = etcd_live_create(c->node->base, &setup, &c->etcd, p);
	if (r == RESULT_OK)
		*engine = etcd_live_engine(c->etcd);
	return r;
}

static enum result
start_disk(struct node_cluster *c, const struct config *config, struct engine *engine,
	   struct problem *p)
{
	const struct config_cluster *cluster = &config->cluster;
	const struct disk_live_setup setup = {
	    .nodes = &c->nodes,
	    .timing = lease_timing_of(cluster->lease_ms),
	    .boot = c->file.boot,
	    .cluster = cluster->name,
	    .slot = cluster->nodes[cluster->self].block - 1,
	    .files = cluster->disk_files,
	    .file_count = cluster->disk_file_count,
	    .answered = on_engine,
	    .context = c,
	};
	enum result r = disk_live_create(c->node->base, &setup, cluster_now(), &c->disk, p);
	if (r == RESULT_OK)
		*engine = disk_live_engine(c->disk);
	return r;
}

/* The engine that grants the role `cluster`; *engine stays without ops where none is wanted. */
static enum result
start_engine(struct node_cluster *c, const struct config *config, struct register_image *image,
	     const struct problem *damaged, struct engine *engine, struct problem *p)
{
	if (config->cluster.safety != CLUSTER_SAFETY_LEASE)
		return RESULT_OK;
	if (config->cluster.engine == CLUSTER_ENGINE_ETCD)
		return start_etcd(c, config, engine, p);
	if (config->cluster.engine == CLUSTER_ENGINE_DISK)
		return start_disk(c, config, engine, p);
	struct problem missing;
	if (damaged == NULL && image == NULL && config->cluster.founded) {
		(void)problem_set(&missing, RESULT_NOT_FOUND,
				  "the register's file is missing, and the cluster is not a new "
				  "one: cluster.founded");
		damaged = &missing;
	}
	const struct embedded_live_setup setup = {
	    .file = &c->file,
	    .image = image,
	    .damaged = damaged,
	    .nodes = &c->nodes,
	    .timing = lease_timing_of(config->cluster.lease_ms),
	    .stored = on_stored,
	    .context = c,
	};
	assert(lease_timing_sound(&setup.timing));
	enum result r = embedded_live_create(c->node->base, &setup, cluster_now(), &c->engine, p);
	if (r == RESULT_OK)
		*engine = embedded_live_engine(c->engine);
	return r;
}

static void
start_roles(struct node_cluster *c, const struct config *config, const struct engine *engine)
{
	node_roles_start(c, engine, config->cluster.lease_ms);
	node_fences_start(&c->fences, cluster_plane(c->live), engine, &c->node->shared.fences,
			  config->cluster.lease_ms);
	node_fences_adopt(&c->fences, config);
}

static enum result
start_plane(struct node_cluster *c, const struct config *config, struct register_image *image,
	    const struct problem *damaged, struct problem *p)
{
	struct plane_setup setup;
	struct engine engine = {.ops = NULL};
	const struct cluster_ear ear = {.context = c,
					.changed = node_master_changed,
					.answered = on_answered,
					.turned = on_turned,
					.stray = on_stray};
	enum result r = plane_setup_of(config, c->file.boot, &c->nodes, &setup, p);
	if (r == RESULT_OK)
		r = start_engine(c, config, image, damaged, &engine, p);
	if (r == RESULT_OK)
		r = node_race_start(c->node, c->fd, p);
	if (r != RESULT_OK)
		return r;
	int fd = c->fd;
	c->fd = -1; /* the plane's, whatever happens */
	r = cluster_create(c->node->base, fd, &setup, &engine, &ear, &c->live, p);
	if (r == RESULT_OK)
		start_roles(c, config, &engine);
	return r;
}

/* A node without a register to be believed is a node without a vote, and no more. */
static enum result
start_with_file(struct node_cluster *c, const struct config *config, struct problem *p)
{
	struct register_image image;
	bool has_image;
	(void)mkdir(config->state_dir, STATE_DIR_MODE); /* what else is wrong is said below */
	enum result r =
	    register_file_open(&c->file, config->state_dir, config->cluster.name, config->node,
			       clock_wall_ms() / 1000, &image, &has_image, p);
	if (r != RESULT_OK && r != RESULT_INVALID)
		return r;
	struct problem damaged = *p;
	bool whole = r == RESULT_OK;
	c->has_file = true;
	r = start_plane(c, config, has_image ? &image : NULL, whole ? NULL : &damaged, p);
	register_image_deinit(&image);
	if (!whole && c->engine == NULL)
		log_warn("cluster: the number of this start is not kept: %s", damaged.text);
	return r;
}

enum result
node_cluster_start(struct node *n, struct problem *p)
{
	struct node_cluster *c = n->cluster;
	const struct config *config = n->services->config;
	if (c == NULL)
		return RESULT_OK;
	enum result r = start_with_file(c, config, p);
	if (r == RESULT_OK)
		r = node_questions_start(n, p);
	if (r == RESULT_OK)
		r = node_master_start(c, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "cluster");
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, &config->cluster.listen);
	log_info("cluster %s: node %s of %zu on %s, safety %s, start %llu", config->cluster.name,
		 config->node, config->cluster.node_count, writer_text(&w),
		 config->cluster.safety == CLUSTER_SAFETY_LEASE ? "lease" : "advisory",
		 (unsigned long long)c->file.boot);
	cluster_settle(c->live);
	return RESULT_OK;
}

void
node_cluster_leave(struct node *n)
{
	if (n->cluster == NULL || n->cluster->live == NULL)
		return;
	node_roles_leave(n->cluster);
	plane_leave(cluster_plane(n->cluster->live), cluster_now());
	cluster_settle(n->cluster->live);
}

/* What speaks, and what keeps the register; questions may come on. */
static void
stop_plane(struct node_cluster *c)
{
	node_master_stop(c);
	node_race_stop(c->node);
	cluster_free(&c->live);
	embedded_live_free(&c->engine);
	etcd_live_free(&c->etcd);
	disk_live_free(&c->disk);
	if (c->has_file)
		register_file_close(&c->file);
	c->has_file = false;
}

static void
close_socket(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
node_cluster_stop(struct node *n)
{
	struct node_cluster *c = n->cluster;
	if (c == NULL)
		return;
	node_questions_stop(&c->questions);
	stop_plane(c);
	n->cluster = NULL;
	close_socket(&c->fd);
	close_socket(&c->dns_fd);
	close_socket(&c->kept_fd);
	close_socket(&c->kept_dns_fd);
	free(c);
}

/* ---- upgrade ----------------------------------------------------------------------------------
 */

void
node_cluster_sockets(struct node *n, struct node_upgrade *u, node_socket_fn *say)
{
	const struct node_cluster *c = n->cluster;
	const struct config *config = n->services->config;
	if (c == NULL)
		return;
	say(u, "cluster", &config->cluster.listen, c->listening);
	say(u, "dns", &config->cluster.dns_listen, c->dns_listening);
}

void
node_cluster_yield(struct node *n)
{
	struct node_cluster *c = n->cluster;
	if (c == NULL || c->live == NULL)
		return;
	c->kept_fd = fcntl(c->listening, F_DUPFD_CLOEXEC, 0);
	c->kept_dns_fd = c->dns_listening == -1 ? -1 : fcntl(c->dns_listening, F_DUPFD_CLOEXEC, 0);
	node_cluster_leave(n);
	if (c->questions != NULL)
		node_questions_answer(c->questions);
	node_epochs_yield(n);
	stop_plane(c);
	c->listening = c->dns_listening = -1;
	log_info("cluster: this process has left, for the one that takes its place");
}

void
node_cluster_resume(struct node *n)
{
	struct node_cluster *c = n->cluster;
	struct problem p = {""};
	if (c == NULL || c->live != NULL || c->kept_fd == -1)
		return;
	c->fd = c->listening = c->kept_fd;
	c->dns_fd = c->dns_listening = c->kept_dns_fd;
	c->kept_fd = c->kept_dns_fd = -1;
	enum result r = start_with_file(c, n->services->config, &p);
	if (r == RESULT_OK)
		r = node_master_start(c, &p);
	if (r != RESULT_OK) {
		log_error("cluster: this process cannot take part again, it serves without: %s",
			  p.text);
		return;
	}
	node_epochs_resume(n);
	c->hooked = false;
	c->pools = 0;
	cluster_settle(c->live);
	log_info("cluster: this process takes part again");
}

void
node_cluster_handed_over(struct node *n)
{
	if (n->cluster == NULL)
		return;
	close_socket(&n->cluster->kept_fd);
	close_socket(&n->cluster->kept_dns_fd);
}

/* ---- a voter that lost its register -----------------------------------------------------------
 */

enum result
node_cluster_readmit(void *node, struct slice id, struct admin_readmitted *out, struct problem *p)
{
	const struct node *n = node;
	struct node_cluster *c = n->cluster;
	if (c == NULL || c->live == NULL || c->engine == NULL)
		return problem_set(p, RESULT_NOT_FOUND,
				   "no register is kept here: no cluster with leases among its "
				   "nodes is configured");
	const char *self = c->nodes.node[c->nodes.self].id;
	if (!slice_equal(id, slice_of(self)))
		return problem_set(
		    p, RESULT_NOT_FOUND,
		    "this is node %s: a voter is re-admitted at its own node, by its "
		    "own id",
		    self);
	uint64_t now = cluster_now();
	enum result r = embedded_live_readmit(c->engine, now, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "voter %s", self);
	*out = (struct admin_readmitted){.silent_ms = embedded_live_silent_ms(c->engine, now)};
	(void)snprintf(out->node, sizeof(out->node), "%s", self);
	cluster_settle(c->live);
	return RESULT_OK;
}

/* ---- reload -----------------------------------------------------------------------------------
 */

void
node_cluster_adopt(struct node *n, const struct config *config)
{
	struct node_cluster *c = n->cluster;
	struct plane_setup setup;
	struct cluster_nodes nodes;
	struct problem p;
	if (c == NULL || c->live == NULL)
		return;
	struct plane *plane = cluster_plane(c->live);
	if (config->cluster.listen.family == 0 ||
	    plane_setup_of(config, c->file.boot, &nodes, &setup, &p) != RESULT_OK)
		return; /* said: it needs a restart */
	uint32_t rank[CLUSTER_NODES_MAX];
	for (cluster_node i = 0; i < plane->nodes->count; i++) {
		rank[i] = plane->nodes->node[i].rank;
		for (cluster_node j = 0; j < nodes.count; j++) {
			if (nodes.node[j].alias == plane->nodes->node[i].alias)
				rank[i] = nodes.node[j].rank;
		}
	}
	plane_rank(plane, rank);
	node_master_tell(c, config);
	node_fences_adopt(&c->fences, config);
	datagram_codec_rekey(&plane->codec, setup.name, setup.secrets, setup.secret_count);
	c->pools = 0;
	cluster_settle(c->live);
}
