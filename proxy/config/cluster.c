/*
 * cluster.c: the control plane's part of the configuration: where datagrams go, who votes, and
 * times that must fit each other.
 */
#include "config/loading.h"
#include "config/rows.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define VOTERS_MAX       9 /* as CLUSTER_VOTERS_MAX, cluster/machine.h */
#define LEASE_VOTERS_MIN 3 /* from here on "auto" is "lease" */

static void __attribute__((format(printf, 4, 5)))
complain_of_node(struct loading *l, size_t place, const char *child, const char *format, ...)
{
	config_setting_t *list = config_setting_lookup(l->root, "cluster.nodes");
	char reason[PROBLEM_BYTES_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	complain(l, config_setting_get_elem(list, (unsigned)place), child, "%s", reason);
}

static bool
has_listen(const struct loading *l)
{
	return config_setting_lookup(l->root, "cluster.listen") != NULL;
}

/* Any node's address makes the control plane live: then every node needs one. */
static bool
is_live(const struct loading *l)
{
	const struct config_cluster *cluster = &l->config->cluster;
	bool live = has_listen(l);
	for (size_t i = 0; i < cluster->node_count; i++)
		live |= cluster->nodes[i].address.family != 0;
	return live;
}

static void
check_address(struct loading *l, size_t place)
{
	const struct config_cluster *cluster = &l->config->cluster;
	const struct addr *address = &cluster->nodes[place].address;
	if (address->family == 0) {
		complain_of_node(l, place, "address",
				 "missing: every node needs one, or none has one");
		return;
	}
	if (addr_is_any(address))
		complain_of_node(l, place, "address", "not the address of one node");
	if (cluster->listen.family != 0 && address->family != cluster->listen.family)
		complain_of_node(l, place, "address",
				 "of another family than where this node listens");
	for (size_t i = 0; i < place; i++) {
		if (addr_equal(&cluster->nodes[i].address, address)) {
			complain_of_node(l, place, "address", "the same as that of another node");
			return;
		}
	}
}

static void
check_addresses(struct loading *l)
{
	struct config_cluster *cluster = &l->config->cluster;
	if (cluster->node_count == 0) {
		complain(l, l->root, "cluster.listen", "without cluster.nodes nobody would speak");
		return;
	}
	if (cluster->listen.family == 0 && cluster->self < cluster->node_count)
		cluster->listen = cluster->nodes[cluster->self].address;
	for (size_t i = 0; i < cluster->node_count; i++)
		check_address(l, i);
}

static void
check_safety(struct loading *l)
{
	struct config_cluster *cluster = &l->config->cluster;
	size_t voters = 0;
	for (size_t i = 0; i < cluster->node_count; i++)
		voters += cluster->nodes[i].voter;
	if (voters > VOTERS_MAX)
		complain(l, l->root, "cluster.nodes", "%zu voters, more than %d", voters,
			 VOTERS_MAX);
	bool others = cluster->engine != CLUSTER_ENGINE_EMBEDDED; /* who votes elsewhere */
	if (cluster->safety == CLUSTER_SAFETY_AUTO)
		cluster->safety = others || voters >= LEASE_VOTERS_MIN ? CLUSTER_SAFETY_LEASE
								       : CLUSTER_SAFETY_ADVISORY;
	if (cluster->engine == CLUSTER_ENGINE_ETCD && cluster->etcd.family == 0)
		complain(l, l->root, "cluster.etcd.endpoint", "missing: the engine is etcd");
	if (cluster->safety != CLUSTER_SAFETY_LEASE || cluster->engine != CLUSTER_ENGINE_EMBEDDED)
		return;
	if (voters == 0)
		complain(l, l->root, "cluster.nodes",
			 "no voter: with safety \"lease\" there would never be a master");
	else if (voters % 2 == 0)
		complain(l, l->root, "cluster.nodes",
			 "%zu voters: an odd number is wanted, one more would let none more fail",
			 voters);
}

/* ---- the engine disk --------------------------------------------------------------------------
 */

static void
check_blocks(struct loading *l)
{
	struct config_cluster *cluster = &l->config->cluster;
	for (size_t i = 0; i < cluster->node_count; i++) {
		if (cluster->nodes[i].block == 0)
			cluster->nodes[i].block = (uint32_t)i + 1;
		for (size_t j = 0; j < i; j++)
			if (cluster->nodes[j].block == cluster->nodes[i].block)
				complain_of_node(l, i, "block", "the block of node %s",
						 cluster->nodes[j].id);
	}
}

/* Whether it can be used from here; a shared disk that hangs would hold up the start. */
static void
check_file(struct loading *l, config_setting_t *list, size_t place, struct stat *found)
{
	const char *path = l->config->cluster.disk_files[place];
	config_setting_t *at = config_setting_get_elem(list, (unsigned)place);
	if (stat(path, found) == -1)
		complain(l, at, NULL, "%s%s", strerror(errno),
			 errno == ENOENT ? ": it is to be created, empty, before the first start"
					 : "");
	else if (!S_ISREG(found->st_mode) && !S_ISBLK(found->st_mode))
		complain(l, at, NULL, "neither a file nor a block device");
	else if (access(path, R_OK | W_OK) == -1)
		complain(l, at, NULL, "%s", strerror(errno));
}

static void
check_files(struct loading *l)
{
	const struct config_cluster *cluster = &l->config->cluster;
	config_setting_t *list = config_setting_lookup(l->root, "cluster.disk.files");
	struct stat found[DISK_FILES_MAX] = {{0}};
	for (size_t i = 0; i < cluster->disk_file_count; i++) {
		if (l->purpose == CONFIG_FOR_CHECK)
			check_file(l, list, i, &found[i]);
		for (size_t j = 0; j < i; j++) {
			bool same = strcmp(cluster->disk_files[i], cluster->disk_files[j]) == 0 ||
				    (found[i].st_ino != 0 && found[i].st_ino == found[j].st_ino &&
				     found[i].st_dev == found[j].st_dev);
			if (same) {
				complain(l, config_setting_get_elem(list, (unsigned)i), NULL,
					 "the same file as cluster.disk.files[%zu]", j);
				break;
			}
		}
	}
}

static void
check_disk(struct loading *l)
{
	const struct config_cluster *cluster = &l->config->cluster;
	if (cluster->engine != CLUSTER_ENGINE_DISK)
		return;
	check_blocks(l);
	check_files(l);
	if (cluster->disk_file_count == 0)
		complain(l, l->root, "cluster.disk.files", "missing: the engine is disk");
	else if (cluster->disk_file_count % 2 == 0)
		complain(l, l->root, "cluster.disk.files",
			 "%zu files: an odd number is wanted, one more would let none more fail",
			 cluster->disk_file_count);
}

/* A fence asks who holds a role, which nobody knows without a majority. */
static void
check_fences(struct loading *l)
{
	config_setting_t *list = config_setting_lookup(l->root, "services");
	bool lease = is_live(l) && l->config->cluster.safety == CLUSTER_SAFETY_LEASE;
	for (size_t i = 0; i < l->config->service_count; i++)
		if (l->config->services[i].fence != NULL && !lease)
			complain(l, config_setting_get_elem(list, (unsigned)i), "fence",
				 "a fence needs a cluster with safety \"lease\"");
}

static void
check_times(struct loading *l)
{
	const struct config_cluster *cluster = &l->config->cluster;
	const struct config_detect *detect = &cluster->detect;
	if (detect->timeout_ms >= detect->period_ms)
		complain(l, l->root, "cluster.detect.timeout",
			 "not less than cluster.detect.period");
	if (cluster->safety == CLUSTER_SAFETY_LEASE && cluster->lease_ms < 5 * detect->timeout_ms)
		complain(l, l->root, "cluster.lease",
			 "less than 5 times cluster.detect.timeout: a negotiation would not fit");
}

static void
check_hook(struct loading *l, const char *path, const char *key)
{
	if (path != NULL && l->purpose != CONFIG_FOR_EXPLAIN && access(path, X_OK) == -1)
		complain(l, l->root, key, "%s", strerror(errno));
}

static void
check_dns(struct loading *l)
{
	const struct config_cluster *cluster = &l->config->cluster;
	if (cluster->dns_listen.family != 0 && addr_equal(&cluster->dns_listen, &cluster->listen))
		complain(l, l->root, "cluster.dns.listen",
			 "the same as where the nodes' datagrams go");
}

void
check_cluster(struct loading *l)
{
	if (is_live(l))
		check_addresses(l);
	else if (l->config->cluster.dns_listen.family != 0)
		complain(l, l->root, "cluster.dns.listen",
			 "without addresses of cluster.nodes there is no master to tell of");
	check_safety(l);
	check_disk(l);
	check_times(l);
	check_fences(l);
	check_hook(l, l->config->cluster.on_master, "cluster.on_master");
	check_hook(l, l->config->cluster.on_backup, "cluster.on_backup");
	check_dns(l);
}
