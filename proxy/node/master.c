/* master.c: what follows from who is master: log, hooks, name; see cluster.h. */
#include "node/cluster.h"

#include "base/log.h"

/* ---- the log ----------------------------------------------------------------------------------
 */

static struct slice
id_of(const struct plane *plane, cluster_node node)
{
	return node == NODE_NONE ? SLICE_NONE : slice_of(plane->nodes->node[node].id);
}

static void
log_change(struct node_cluster *c, enum event_kind event, const struct plane_change *change)
{
	const struct plane *plane = cluster_plane(c->live);
	bool lost = event == EVENT_MASTER_LOST;
	const struct claim *about = lost ? &change->before : &change->after;
	char text[FAILOVER_EVIDENCE_MAX];
	struct writer w = writer_on(text, sizeof(text));
	bool self = about->node == plane->nodes->self;
	write_format(&w, "%s %s in term %llu",
		     self ? "this node" : plane->nodes->node[about->node].id,
		     lost                         ? "is not master any more"
		     : event == EVENT_MASTER_BACK ? "is master still"
						  : "is master",
		     (unsigned long long)about->term);
	if (lost || change->before.node == NODE_NONE)
		write_format(&w, ", %s for %llu ms", lost ? "it was" : "nobody was",
			     (unsigned long long)change->for_ms);
	struct failover_mastership line = {
	    .event = event,
	    .master = id_of(plane, change->after.node),
	    .before = id_of(plane, change->before.node),
	    .term = about->term,
	    .epoch = plane->epoch,
	    .evidence = (struct slice){text, w.bytes},
	};
	failover_log_master(c->node->shared.failover, &line);
	log_info("cluster: %s", writer_text(&w));
}

/* ---- hooks ------------------------------------------------------------------------------------
 */

/* Told when this node becomes master or is it no more, and once at first. */
static void
tell_hooks(struct node_cluster *c)
{
	const struct plane *plane = cluster_plane(c->live);
	const struct config_cluster *config = &c->node->services->config->cluster;
	bool master = plane->master.node == plane->nodes->self;
	const struct hook_news news = {.master = master,
				       .rank = plane->nodes->node[plane->nodes->self].rank,
				       .term = plane->master.term};
	if (c->hooks == NULL || (c->hooked && c->hooked_master == master))
		return;
	c->hooked = true;
	c->hooked_master = master;
	hooks_tell(c->hooks, config->hook_timeout_ms, &news);
}

/* ---- the workers ------------------------------------------------------------------------------
 */

void
node_master_tell(struct node_cluster *c, const struct config *config)
{
	const struct plane *plane = cluster_plane(c->live);
	struct slice id = id_of(plane, plane->master.node);
	unsigned master = 0;
	for (size_t i = 0; i < config->cluster.node_count; i++) {
		if (slice_equal(slice_of(config->cluster.nodes[i].id), id))
			master = (unsigned)i + 1;
	}
	board_master(&c->node->shared.board, master, plane->master.term);
}

void
node_master_changed(void *context, const struct plane_change *change)
{
	struct node_cluster *c = context;
	node_master_tell(c, c->node->services->config);
	if (change->before.node != NODE_NONE && change->before.node != change->after.node)
		log_change(c, EVENT_MASTER_LOST, change);
	if (change->after.node != NODE_NONE)
		log_change(c, change->again ? EVENT_MASTER_BACK : EVENT_MASTER_ELECTED, change);
	tell_hooks(c);
}

/* ---- the name ---------------------------------------------------------------------------------
 */

static void
fill_zone(void *context, struct dns_zone *out)
{
	const struct node_cluster *c = context;
	const struct plane *plane = cluster_plane(c->live);
	const struct config_cluster *config = &c->node->services->config->cluster;
	*out = (struct dns_zone){.cluster = slice_of(config->name),
				 .term = plane->master.term,
				 .ttl_s = config->dns_ttl_s};
	if (plane->master.node == NODE_NONE)
		return;
	struct slice id = slice_of(plane->nodes->node[plane->master.node].id);
	for (size_t i = 0; i < config->node_count; i++) {
		if (!slice_equal(slice_of(config->nodes[i].id), id))
			continue;
		out->id = id;
		out->http = config->nodes[i].http;
	}
}

enum result
node_master_start(struct node_cluster *c, struct problem *p)
{
	c->hooks = hooks_create(node_starter(c->node), &c->node->services->config->cluster);
	if (c->hooks == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (c->dns_fd == -1)
		return RESULT_OK;
	int fd = c->dns_fd;
	c->dns_fd = -1; /* the server's, whatever happens */
	return dns_server_create(c->node->base, fd, fill_zone, c, &c->dns, p);
}

void
node_master_stop(struct node_cluster *c)
{
	dns_server_free(&c->dns);
	hooks_free(&c->hooks);
}
