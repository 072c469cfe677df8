/* listen.c: listeners that are UNIX sockets, or that the service manager hands over. */
#include "config/loading.h"

#include "base/handed.h"
#include "base/local_socket.h"

/* Of what may be read of this machine alone, where Holdfast is to run. */
static bool
is_here(const struct loading *l)
{
	return l->purpose != CONFIG_FOR_EXPLAIN;
}

static void
check_file(struct loading *l, config_setting_t *group, const struct addr *address,
	   const struct config_rights *rights)
{
	struct problem p = {""};
	mode_t mode;
	uid_t uid;
	gid_t gid;
	if (rights->mode != NULL && local_mode_parse(rights->mode, &mode, &p) != RESULT_OK)
		complain(l, group, "mode", "%s", p.text);
	if (rights->owner != NULL && is_here(l) &&
	    local_owner_find(rights->owner, &uid, &gid, &p) != RESULT_OK)
		complain(l, group, "owner", "%s", p.text);
	if (is_here(l) && local_path_check(addr_kept_text(address), &p) != RESULT_OK)
		complain(l, group, "address", "%s", p.text);
}

void
check_local(struct loading *l, config_setting_t *group, const struct addr *address,
	    const struct config_rights *rights)
{
	static const char *const keys[] = {"mode", "owner"};
	if (address->family == AF_UNIX) {
		check_file(l, group, address, rights);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (config_setting_get_member(group, keys[i]) != NULL)
			warn(l, group, keys[i], "means nothing unless address is a UNIX socket");
	}
}

static void
check_handed(struct loading *l, config_setting_t *group, const struct config_listener *c)
{
	struct problem p = {""};
	if (!is_here(l))
		return;
	if (l->purpose == CONFIG_FOR_CHECK && !handed_any())
		warn(l, group, "address",
		     "no socket is handed over to this check: whether there is one of that name is "
		     "seen when the service manager starts Holdfast");
	else if (handed_find(addr_kept_text(&c->address), &p) == -1)
		complain(l, group, "address", "%s", p.text);
}

static void
check_protocols(struct loading *l, config_setting_t *group, const struct config_listener *c)
{
	const struct config_cluster *cluster = &l->config->cluster;
	if (c->http1)
		return;
	if (!c->http2)
		complain(l, group, "http1", "neither HTTP/1.1 nor HTTP/2 is spoken here");
	for (size_t i = 0; i < cluster->node_count; i++) {
		if (addr_equal(&cluster->nodes[i].http, &c->address))
			complain(l, group, "http1",
				 "this is http of cluster.nodes[%u], where nodes speak HTTP/1.1",
				 (unsigned)i);
	}
}

void
check_place(struct loading *l, config_setting_t *group, const struct config_listener *c)
{
	if (!config_setting_is_group(group))
		return; /* was found */
	check_protocols(l, group, c);
	check_local(l, group, &c->address, &c->rights);
	if (c->address.family == ADDR_HANDED)
		check_handed(l, group, c);
}
