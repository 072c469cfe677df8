/*
 * race.c: services whose new sessions are raced for, need tickets, or are placed by the master: who
 * would be asked, and whether the times fit each other.
 */
#include "config/loading.h"
#include "config/rows.h"

struct raced {
	struct loading *l;
	config_setting_t *group; /* the service's */
	const struct config_service *service;
	const char *key; /* why it must fit */
};

/* The address of the node beside a member; NULL: none is known. */
static const struct addr *
datagrams_of(const struct config_cluster *cluster, const struct config_member *member)
{
	for (size_t i = 0; i < cluster->node_count; i++) {
		if (addr_equal(&cluster->nodes[i].http, &member->node))
			return &cluster->nodes[i].address;
	}
	return NULL;
}

/* Places in cluster.nodes do not matter, only how many there are. */
static size_t
check_nodes_of(const struct raced *r)
{
	const struct config_service *s = r->service;
	config_setting_t *list = config_setting_get_member(r->group, "members");
	size_t nodes = 0;
	for (size_t i = 0; i < s->member_count; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		const struct addr *address = datagrams_of(&r->l->config->cluster, &s->members[i]);
		bool first = true;
		for (size_t j = 0; j < i; j++)
			first &= !addr_equal(&s->members[j].node, &s->members[i].node);
		nodes += first;
		if (s->members[i].node.family == 0)
			complain(r->l, group, "node", "missing: %s needs a node beside each member",
				 r->key);
		else if (address != NULL && address->family == 0)
			complain(r->l, group, "node",
				 "this node has no address in cluster.nodes for datagrams");
	}
	return nodes;
}

static void
check_race(const struct raced *r)
{
	const struct config_service *s = r->service;
	if (r->l->config->cluster.node_count < 2) {
		complain(r->l, r->group, r->key,
			 "without cluster.nodes there is nobody to ask: a gateway assigns by "
			 "ordering, least_requests or round_robin");
		return;
	}
	if (check_nodes_of(r) < 2)
		complain(r->l, r->group, r->key, "fewer than two nodes stand beside its members");
	if (s->race.stagger_ms >= s->race.limit_ms)
		complain(r->l, r->group, "session.race.stagger",
			 "not less than session.race.limit: one node alone would be asked");
	if (2 * s->race.spread_ms > s->race.limit_ms)
		complain(r->l, r->group, "session.race.spread",
			 "more than half of session.race.limit: busy members would never be heard");
}

void
check_races(struct loading *l)
{
	config_setting_t *services = config_setting_get_member(l->root, "services");
	for (size_t i = 0; i < l->config->service_count; i++) {
		const struct config_service *s = &l->config->services[i];
		struct raced r = {l, config_setting_get_elem(services, (unsigned)i), s, NULL};
		if (s->admission == ADMISSION_TICKET)
			r.key = "session.admission";
		if (s->assign == ASSIGN_RACE)
			r.key = "session.assign";
		if (r.key != NULL)
			check_race(&r);
		if (s->assign == ASSIGN_MASTER && l->config->cluster.listen.family == 0)
			complain(l, r.group, "session.assign",
				 "there is no master: cluster.nodes[].address is missing");
	}
}
