/* roles.c: the node and the roles of applications; see roles.h. */
#include "node/roles.h"

#include "base/log.h"

#include <stdio.h>

static void
hear(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	roles_receive(self, now, in, out);
}

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	roles_tick(self, now, out);
}

static uint64_t
next(const void *self)
{
	return roles_next(self);
}

static void
on_role(void *self, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	roles_event(self, now, event, out);
}

void
node_roles_start(struct node_cluster *c, const struct engine *engine, uint32_t lease_ms)
{
	static const uint8_t types[] = {DATAGRAM_LEARN};
	roles_init(&c->roles, &c->nodes, engine, lease_ms);
	const struct plane_party party = {.name = "roles",
					  .self = &c->roles,
					  .types = types,
					  .type_count = sizeof(types),
					  .receive = hear,
					  .tick = tick,
					  .next = next,
					  .role = on_role};
	plane_join(cluster_plane(c->live), &party);
}

/* ---- telling ----------------------------------------------------------------------------------
 */

static void
log_notice(struct node_cluster *c, const struct role_notice *n)
{
	const char *id = n->node == NODE_NONE ? "-" : c->nodes.node[n->node].id;
	char text[FAILOVER_EVIDENCE_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_format(&w, "role %s: %s at %s %s, term %llu", n->role, n->holder, id,
		     n->held ? "holds it" : "does not hold it any more",
		     (unsigned long long)n->term);
	struct failover_mastership line = {
	    .event = n->held ? EVENT_ROLE_HELD : EVENT_ROLE_OVER,
	    .master = n->held ? slice_of(id) : SLICE_NONE,
	    .before = n->held ? SLICE_NONE : slice_of(id),
	    .term = n->term,
	    .epoch = cluster_plane(c->live)->epoch,
	    .evidence = (struct slice){text, w.bytes},
	};
	failover_log_master(c->node->shared.failover, &line);
	log_info("cluster: %s", writer_text(&w));
}

void
node_roles_turn(struct node_cluster *c)
{
	struct role_notice n;
	if (c->live == NULL)
		return;
	while (roles_take(&c->roles, &n))
		log_notice(c, &n);
	if (c->roles.changes == c->roles_seen)
		return;
	c->roles_seen = c->roles.changes;
	node_admin_wake(c->node);
}

void
node_roles_leave(struct node_cluster *c)
{
	roles_leave(&c->roles, cluster_now(), &cluster_plane(c->live)->out);
	cluster_settle(c->live);
}

/* ---- processes --------------------------------------------------------------------------------
 */

static enum role_verdict
carry_out(struct node_cluster *c, const struct admin_role_ask *ask, struct role_holder *holder)
{
	uint64_t now = cluster_now();
	struct plane *plane = cluster_plane(c->live);
	enum role_verdict verdict = ROLE_YOURS;
	switch (ask->what) {
	case ADMIN_ROLE_LOOK:
		roles_look(&c->roles, now, ask->role, holder);
		return ROLE_NOT_YOURS;
	case ADMIN_ROLE_ACQUIRE:
		verdict = roles_acquire(&c->roles, now, ask->role, ask->holder, ask->ttl_ms, holder,
					&plane->out);
		break;
	case ADMIN_ROLE_RENEW:
		verdict = roles_renew(&c->roles, now, ask->role, ask->holder, ask->ttl_ms, holder);
		break;
	case ADMIN_ROLE_RELEASE:
		verdict =
		    roles_release(&c->roles, now, ask->role, ask->holder, holder, &plane->out);
		break;
	}
	plane_turn(plane, now);
	cluster_settle(c->live);
	return verdict;
}

static const char *
reason_of(enum role_verdict verdict)
{
	switch (verdict) {
	case ROLE_YOURS:
		return NULL;
	case ROLE_PENDING:
		return "asked for, and not decided";
	case ROLE_TAKEN:
		return "somebody else holds it";
	case ROLE_NOT_YOURS:
		return "it is not yours";
	case ROLE_FULL:
		return "too many roles";
	case ROLE_RESERVED:
		return "cluster is the master's role";
	case ROLE_NO_ENGINE:
		break;
	}
	return "cluster.safety is advisory: no role has one holder";
}

static void
fill(const struct node_cluster *c, enum role_verdict verdict, const struct role_holder *holder,
     struct admin_role *out)
{
	*out = (struct admin_role){.yours = verdict == ROLE_YOURS,
				   .pending = verdict == ROLE_PENDING || verdict == ROLE_TAKEN,
				   .reason = reason_of(verdict),
				   .term = holder->term,
				   .expires_ms = holder->expires_ms};
	(void)snprintf(out->holder, sizeof(out->holder), "%s", holder->holder);
	if (holder->node != NODE_NONE)
		(void)snprintf(out->node, sizeof(out->node), "%s", c->nodes.node[holder->node].id);
}

/* The master's role has a holder, too: the node. */
static void
fill_master(const struct node_cluster *c, struct admin_role *out)
{
	const struct plane *plane = cluster_plane(c->live);
	uint64_t until = 0;
	uint64_t now = cluster_now();
	*out = (struct admin_role){.term = plane->master.term};
	if (plane->master.node == NODE_NONE)
		return;
	const char *id = c->nodes.node[plane->master.node].id;
	(void)snprintf(out->holder, sizeof(out->holder), "%s", id);
	(void)snprintf(out->node, sizeof(out->node), "%s", id);
	out->expires_ms = c->roles.settle_ms;
	if (plane->engine.ops != NULL &&
	    engine_owns(&plane->engine, now, ROLE_CLUSTER, NULL, &until))
		out->expires_ms = until - now;
}

enum result
node_role(void *context, const struct admin_role_ask *ask, struct admin_role *out,
	  struct problem *p)
{
	const struct node *n = context;
	struct node_cluster *c = n->cluster;
	struct role_holder holder;
	if (c == NULL || c->live == NULL)
		return problem_set(p, RESULT_IO, "this node is in no cluster");
	if (!role_name_good(ask->role))
		return problem_set(p, RESULT_INVALID, "a role is 1 to %d of A-Z a-z 0-9 . _ : -",
				   ROLE_BYTES_MAX);
	if (ask->what == ADMIN_ROLE_LOOK && strcmp(ask->role, ROLE_CLUSTER) == 0) {
		fill_master(c, out);
		return RESULT_OK;
	}
	if (ask->what != ADMIN_ROLE_LOOK && !role_holder_good(ask->holder))
		return problem_set(p, RESULT_INVALID,
				   "holder: 1 to %d printable characters, no blank, quote or "
				   "backslash",
				   ROLE_HOLDER_BYTES_MAX);
	enum role_verdict verdict = carry_out(c, ask, &holder);
	if (verdict == ROLE_NO_ENGINE)
		return problem_set(p, RESULT_IO, "%s", reason_of(verdict));
	fill(c, verdict, &holder, out);
	if (ask->what == ADMIN_ROLE_LOOK)
		out->reason = NULL;
	return RESULT_OK;
}
