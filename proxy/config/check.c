/*
 * check.c: what no single key shows: one service's parts against each other, and
 * its session rules as affinity will compile them.
 */
#include "config/loading.h"
#include "config/overlap.h"
#include "config/rows.h"
#include "config/unique.h"

#include "affinity/session.h"

#include <stdlib.h>

#define STATUS_ERROR_LOW 400

struct checked {
	struct loading *l;
	config_setting_t *group; /* the service's */
	struct config_service *service;
};

/* ---- session -------------------------------------------------------------------------------- */

/* Compiles `service` as the proxy will; rules are only tried. */
static enum result
try_rules(struct config_service *service, struct problem *p)
{
	struct config_secret secret = {.id = (char *)(uintptr_t) "check"};
	struct session_rules *rules = NULL;
	enum result r = session_rules_create(service, &secret, 1, &rules, p);
	session_rules_free(&rules);
	return r;
}

/* "tag: cookie: not a cookie name" belongs to session.tag.cookie. */
static void
complain_of_tag(const struct checked *c, const struct problem *p)
{
	static const char *const keys[] = {"cookie", "header",    "suffix",     "path",
					   "domain", "same_site", "partitioned"};
	struct slice text = slice_of(p->text);
	if (slice_has_prefix(text, SLICE("tag: ")))
		text = (struct slice){text.at + 5, text.bytes - 5};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t bytes = strlen(keys[i]);
		if (slice_has_prefix(text, slice_of(keys[i])) && text.at[bytes] == ':') {
			char path[64];
			(void)snprintf(path, sizeof(path), "session.tag.%s", keys[i]);
			complain(c->l, c->group, path, "%s", text.at + bytes + 2);
			return;
		}
	}
	complain(c->l, c->group, "session.tag", "%s", text.at);
}

/* Nobody is to believe that `secure` keeps a header secret. */
static void
complain_of_attributes(const struct checked *c)
{
	static const char *const keys[] = {"session.tag.path",       "session.tag.domain",
					   "session.tag.secure",     "session.tag.http_only",
					   "session.tag.same_site",  "session.tag.max_age",
					   "session.tag.partitioned"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (config_setting_lookup(c->group, keys[i]) != NULL)
			complain(c->l, c->group, keys[i],
				 "an attribute of cookies; this tag is in a header");
	}
}

static bool
take_prefix(char *text, const char *prefix)
{
	size_t bytes = strlen(prefix);
	if (text == NULL || strncmp(text, prefix, bytes) != 0)
		return false;
	memmove(text, text + bytes, strlen(text) - bytes + 1);
	return true;
}

/* What carries the tag; of "header:NAME" in suffix the name stays. */
static enum tag_carrier
find_carrier(const struct checked *c)
{
	static const char *const keys[] = {"session.tag.cookie", "session.tag.header",
					   "session.tag.suffix"};
	const char *used = NULL;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (config_setting_lookup(c->group, keys[i]) == NULL)
			continue;
		if (used != NULL)
			complain(c->l, c->group, keys[i],
				 "a tag has a cookie, a header or a suffix, one of them");
		used = keys[i];
	}
	if (used == NULL || used == keys[0])
		return TAG_COOKIE;
	if (used == keys[1])
		return TAG_HEADER;
	if (take_prefix(c->service->tag.name, "header:"))
		return TAG_SUFFIX_HEADER;
	(void)take_prefix(c->service->tag.name, "cookie:");
	return TAG_SUFFIX_COOKIE;
}

static bool
tag_is_well(const struct checked *c)
{
	enum tag_carrier carrier = find_carrier(c);
	c->service->tag.carrier = carrier;
	if (carrier == TAG_HEADER || carrier == TAG_SUFFIX_HEADER)
		complain_of_attributes(c);
	struct config_service tried = *c->service;
	struct problem p = {""};
	tried.key_count = 0;
	enum result r = try_rules(&tried, &p);
	if (r == RESULT_NO_MEMORY)
		c->l->no_memory = true;
	else if (r != RESULT_OK)
		complain_of_tag(c, &p);
	return r == RESULT_OK;
}

/* Each rule by itself, so that every bad one is found. */
static void
check_key_rule(const struct checked *c, config_setting_t *element, const struct config_tag *tag)
{
	const char *text = config_setting_get_string(element);
	char *key = (char *)(uintptr_t)text;
	struct problem p = {""};
	if (text == NULL || text[0] == '\0')
		return; /* was found */
	struct config_service tried = {
	    .name = c->service->name, .keys = &key, .key_count = 1, .tag = *tag};
	enum result r = try_rules(&tried, &p);
	if (r == RESULT_NO_MEMORY)
		c->l->no_memory = true;
	else if (r != RESULT_OK)
		complain(c->l, element, NULL, "%s",
			 p.text + (strncmp(p.text, "keys[0]: ", 9) == 0 ? 9 : 0));
}

static void
check_session(const struct checked *c)
{
	static const struct config_tag plain = {.name = (char *)(uintptr_t) "HOLDFAST",
						.same_site = SAME_SITE_LAX};
	bool well = tag_is_well(c);
	config_setting_t *keys = config_setting_lookup(c->group, "session.keys");
	if (keys != NULL && config_setting_is_aggregate(keys)) {
		for (int i = 0; i < config_setting_length(keys); i++)
			check_key_rule(c, config_setting_get_elem(keys, (unsigned)i),
				       well ? &c->service->tag : &plain);
	}
	if (c->service->strict > 0 && c->service->strict < STATUS_ERROR_LOW)
		complain(c->l, c->group, "session.strict", "neither 0 nor from %d to 599",
			 STATUS_ERROR_LOW);
	if (c->service->failback != FAILBACK_STAY_UNTIL_IDLE &&
	    config_setting_lookup(c->group, "session.stay_until_idle") != NULL)
		warn(c->l, c->group, "session.stay_until_idle",
		     "means nothing unless session.failback is \"stay_until_idle\"");
}

/* ---- members and their checks --------------------------------------------------------------- */

static void
check_health(const struct checked *c)
{
	const struct config_health *health = &c->service->health;
	if (health->expect_low > health->expect_high)
		complain(c->l, c->group, "health.expect_low", "above health.expect_high");
	if (health->enabled && health->timeout_ms > health->interval_ms)
		warn(c->l, c->group, "health.timeout",
		     "longer than health.interval: checks come later than that");
	if (health->slow_start_ms > 0 && c->service->assign == ASSIGN_ORDERING)
		warn(c->l, c->group, "health.slow_start",
		     "the ordering places all new sessions and knows of no slow start");
	if (!health->enabled && !c->service->passive.enabled)
		warn(c->l, c->group, "passive.enabled",
		     "without checks of any kind a dead member is never seen");
}

static void
check_origins(const struct checked *c, config_setting_t *list)
{
	const struct config_service *s = c->service;
	struct unique_key *keys = calloc(s->member_count + 1, sizeof(keys[0]));
	if (keys == NULL) {
		c->l->no_memory = true;
		return;
	}
	for (size_t i = 0; i < s->member_count; i++) {
		const struct addr *origin = &s->members[i].origin;
		struct addr plain = unmapped(origin);
		bool any = plain.family != 0 && addr_is_any(&plain);
		if (any)
			complain(c->l, config_setting_get_elem(list, (unsigned)i), "origin",
				 "not the address of one server");
		/* Behind a node of its own, 127.0.0.1:9001 is another server on each machine. */
		bool none = origin->family == 0 || any || s->members[i].node.family != 0;
		keys[i] = (struct unique_key){none ? NULL : origin, none ? 0 : sizeof(*origin), i};
	}
	check_unique(c->l, list, keys, s->member_count, "origin", false);
	free(keys);
}

/* Keys that need a member with a bound. */
static void
check_overflow(const struct checked *c)
{
	static const char *const keys[] = {"overflow", "queue_max", "queue_timeout"};
	for (size_t i = 0; i < c->service->member_count; i++) {
		if (c->service->members[i].connections_max > 0)
			return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (config_setting_get_member(c->group, keys[i]) != NULL)
			warn(c->l, c->group, keys[i],
			     "means nothing unless a member has connections_max");
	}
}

void
check_members(struct loading *l, struct config_service *s, config_setting_t *group)
{
	struct checked c = {l, group, s};
	config_setting_t *list = config_setting_get_member(group, "members");
	if (s->member_count == 0)
		return; /* was found */
	check_unique_names(l, list, s->members, s->member_count, sizeof(s->members[0]),
			   offsetof(struct config_member, id), "id");
	check_origins(&c, list);
	uint64_t weight = 0;
	for (size_t i = 0; i < s->member_count; i++)
		weight += s->members[i].weight;
	if (weight == 0)
		warn(l, group, "members", "all weights are 0: nobody gets a session");
}

static void
check_mirror(const struct checked *c)
{
	const struct config_service *s = c->service;
	if (s->mirror == MIRROR_OFF)
		return;
	if (s->mirror_bytes_max > s->replay_bytes_max)
		complain(c->l, c->group, "mirror_bytes_max",
			 "more than replay_bytes_max, above which no body is kept");
	if (s->strict != 0)
		complain(c->l, c->group, "mirror", "session.strict forbids backups");
}

/* Members by DNS, and those of a list or of a cluster's document, are two truths. */
static void
check_discover(const struct checked *c)
{
	if (c->service->discover.at.family == 0)
		return;
	if (config_setting_get_member(c->group, "members") != NULL)
		complain(c->l, c->group, "discover", "members are listed as well");
	if (c->l->config->cluster.node_count > 0)
		complain(c->l, c->group, "discover",
			 "members of a cluster come by cluster.nodes and `holdfast members`");
}

/* What a connection said of its client holds for no other: it is not kept. */
static void
check_proxy_protocol(const struct checked *c)
{
	if (c->service->proxy_protocol == PROXY_OUT_OFF)
		return;
	c->service->pool_max = 0;
	if (config_setting_get_member(c->group, "pool_max") != NULL)
		warn(c->l, c->group, "pool_max",
		     "means nothing with proxy_protocol: connections that "
		     "name a client are not kept");
}

/* A connection that carries many clients' requests names none of them. */
static void
check_protocol(const struct checked *c)
{
	if (c->service->protocol == MEMBER_HTTP2 && c->service->proxy_protocol != PROXY_OUT_OFF)
		complain(c->l, c->group, "proxy_protocol",
			 "with protocol = \"h2\" connections are shared by clients, and name none: "
			 "leave it out (X-Forwarded-For and Forwarded say who asks)");
}

static void
check_resolver(struct loading *l)
{
	const struct config_resolver *r = &l->config->resolver;
	config_setting_t *list = config_setting_lookup(l->root, "resolver.servers");
	for (size_t i = 0; i < r->server_count; i++) {
		struct addr address;
		struct slice text = slice_of(r->servers[i]);
		if (!addr_parse_ip(text, &address) &&
		    addr_parse(text, false, &address, NULL) != RESULT_OK)
			complain(l, config_setting_get_elem(list, (unsigned)i), NULL,
				 "not an address such as \"10.0.0.2\", \"10.0.0.2:53\" or "
				 "\"[::1]:53\"");
	}
	if (r->ttl_min_ms > r->ttl_max_ms)
		complain(l, l->root, "resolver.ttl_min", "above resolver.ttl_max");
}

/* ---- all
 * ------------------------------------------------------------------------------------ */

void
check_services(struct loading *l)
{
	struct config *config = l->config;
	config_setting_t *list = config_setting_get_member(l->root, "services");
	if (config->limits.target_bytes_max > config->limits.head_bytes_max &&
	    config_setting_lookup(l->root, "limits.target_bytes_max") != NULL)
		warn(l, l->root, "limits.target_bytes_max",
		     "above limits.head_bytes_max, which is hit first");
	for (size_t i = 0; i < config->service_count && !l->no_memory; i++) {
		struct checked c = {l, config_setting_get_elem(list, (unsigned)i),
				    &config->services[i]};
		if (!config_setting_is_group(c.group) || c.service->name == NULL)
			continue; /* was found; a tag belongs to a name */
		check_session(&c);
		check_health(&c);
		check_members(l, c.service, c.group);
		check_discover(&c);
		check_protocol(&c);
		check_proxy_protocol(&c);
		check_overflow(&c);
		check_mirror(&c);
	}
	check_resolver(l);
	if (config->service_count > 0) {
		check_unique_names(l, list, config->services, config->service_count,
				   sizeof(config->services[0]),
				   offsetof(struct config_service, name), "name");
		check_overlap(l, list);
	}
	if (config->secret_count > 0)
		check_unique_names(l, config_setting_get_member(l->root, "secrets"),
				   config->secrets, config->secret_count,
				   sizeof(config->secrets[0]), offsetof(struct config_secret, id),
				   "id");
}
