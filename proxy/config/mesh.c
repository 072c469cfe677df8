/*
 * mesh.c: the nodes of the cluster, which of them this one is, and which stands before which
 * member (struct config_member, hop).
 */
#include "config/loading.h"
#include "config/rows.h"
#include "config/unique.h"

#include <stdlib.h>

#define PLACE_NONE UINT16_MAX

static config_setting_t *
node_list(const struct loading *l)
{
	return config_setting_lookup(l->root, "cluster.nodes");
}

/* Place in the list, or PLACE_NONE. */
static uint16_t
find_by_http(const struct config_cluster *cluster, const struct addr *http)
{
	for (size_t i = 0; i < cluster->node_count; i++) {
		if (addr_equal(&cluster->nodes[i].http, http))
			return (uint16_t)i;
	}
	return PLACE_NONE;
}

static uint16_t
find_by_id(const struct config_cluster *cluster, const char *id)
{
	for (size_t i = 0; id != NULL && i < cluster->node_count; i++) {
		if (cluster->nodes[i].id != NULL && strcmp(cluster->nodes[i].id, id) == 0)
			return (uint16_t)i;
	}
	return PLACE_NONE;
}

static void
check_node_admin(struct loading *l, config_setting_t *group, size_t place)
{
	const struct config_cluster *cluster = &l->config->cluster;
	const struct addr *admin = &cluster->nodes[place].admin;
	if (admin->family == 0)
		return;
	if (addr_is_any(admin))
		complain(l, group, "admin", "not the address of one node");
	for (size_t i = 0; i < place; i++) {
		if (addr_equal(&cluster->nodes[i].admin, admin))
			complain(l, group, "admin", "the same as that of cluster.nodes[%zu]", i);
	}
}

static void
check_nodes(struct loading *l)
{
	struct config_cluster *cluster = &l->config->cluster;
	config_setting_t *list = node_list(l);
	check_unique_names(l, list, cluster->nodes, cluster->node_count, sizeof(cluster->nodes[0]),
			   offsetof(struct config_node, id), "id");
	for (size_t i = 0; i < cluster->node_count; i++) {
		const struct addr *http = &cluster->nodes[i].http;
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		if (http->family != 0 && addr_is_any(http))
			complain(l, group, "http", "not the address of one node");
		if (http->family != 0 && find_by_http(cluster, http) != i)
			complain(l, group, "http", "the same as that of cluster.nodes[%u]",
				 (unsigned)find_by_http(cluster, http));
		check_node_admin(l, group, i);
	}
}

static void
check_self(struct loading *l)
{
	struct config *config = l->config;
	struct config_cluster *cluster = &config->cluster;
	if (cluster->name == NULL)
		complain(l, l->root, "cluster.name", "missing: nodes of a cluster share its name");
	cluster->self = find_by_id(cluster, config->node);
	if (config->node == NULL)
		complain(l, l->root, "node", "missing: which of cluster.nodes is this one");
	else if (cluster->self == PLACE_NONE)
		complain(l, l->root, "node", "none of cluster.nodes has this id");
	if (cluster->node_count > 1 && config->secret_count == 0)
		complain(l, l->root, "secrets",
			 "missing: nodes of a cluster share a secret, it cannot be made here");
}

static void
check_member(struct loading *l, config_setting_t *group, struct config_member *member)
{
	const struct config_cluster *cluster = &l->config->cluster;
	if (member->node.family == 0)
		return;
	uint16_t node = find_by_http(cluster, &member->node);
	if (cluster->node_count == 0)
		complain(l, group, "node", "without cluster.nodes no node is known");
	else if (node == PLACE_NONE)
		complain(l, group, "node", "none of cluster.nodes has this http address");
	else if (node != cluster->self) {
		member->hop = (uint16_t)(node + 1);
		if (cluster->self != PLACE_NONE)
			member->source = cluster->nodes[cluster->self].http;
	}
}

void
check_mesh_members(struct loading *l)
{
	struct config *config = l->config;
	config_setting_t *services = config_setting_get_member(l->root, "services");
	for (size_t i = 0; i < config->service_count; i++) {
		config_setting_t *group = config_setting_get_elem(services, (unsigned)i);
		for (size_t m = 0; m < config->services[i].member_count; m++)
			check_member(l,
				     config_setting_get_elem(
					 config_setting_get_member(group, "members"), (unsigned)m),
				     &config->services[i].members[m]);
	}
}

void
check_mesh(struct loading *l)
{
	if (l->config->cluster.node_count > 0) {
		check_nodes(l);
		check_self(l);
	}
	check_mesh_members(l);
}
