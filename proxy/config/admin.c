/*
 * admin.c: the admin interface: its address is nobody else's, its token a secret, its names whole.
 * A request that members get must never reach it, and what reaches it from beyond loopback must
 * say the token.
 */
#include "config/loading.h"
#include "config/small_file.h"

#include <stdlib.h>

#define TOKEN_BYTES_MIN 16 /* as the row of admin.token says */

/* ---- address -------------------------------------------------------------------------------- */

/* Both cannot be listened on: one is the other, or holds it. */
static bool
overlap(const struct addr *a, const struct addr *b)
{
	struct addr one = unmapped(a);
	struct addr other = unmapped(b);
	return one.family == other.family && one.port == other.port &&
	       (addr_equal(&one, &other) || addr_is_any(&one) || addr_is_any(&other));
}

static void
check_address(struct loading *l, const struct ifaddrs *addresses)
{
	const struct config *config = l->config;
	if (config->admin.family != unmapped(&config->admin).family)
		complain(l, l->root, "admin.address",
			 "an IPv4 address is written without [::ffff:]");
	for (size_t i = 0; i < config->listener_count; i++) {
		if (config->listeners[i].address.family != 0 &&
		    overlap(&config->admin, &config->listeners[i].address))
			complain(l, l->root, "admin.address", "this is listeners[%zu]", i);
	}
	for (size_t i = 0; i < config->service_count; i++) {
		const struct config_service *s = &config->services[i];
		for (size_t j = 0; j < s->member_count; j++) {
			if (!reaches(&s->members[j].origin, &config->admin, addresses))
				continue;
			complain(l, l->root, "admin.address",
				 "this is services[%zu].members[%zu]: clients would reach it", i,
				 j);
			return;
		}
	}
}

/* ---- names ---------------------------------------------------------------------------------- */

static void
check_hosts(struct loading *l)
{
	config_setting_t *list = config_setting_lookup(l->root, "admin.hosts");
	if (list == NULL || !config_setting_is_aggregate(list))
		return;
	for (int i = 0; i < config_setting_length(list); i++) {
		config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
		const char *text = config_setting_get_string(element);
		if (text != NULL && text[0] == '*')
			complain(l, element, NULL, "a whole name is wanted here");
	}
}

void
check_admin(struct loading *l, const struct ifaddrs *addresses)
{
	const struct config *config = l->config;
	check_hosts(l);
	if (config->admin_token != NULL && config->admin_token_file != NULL)
		complain(l, l->root, "admin.token_file", "a token or its file, not both");
	config_setting_t *group = config_setting_lookup(l->root, "admin");
	if (group != NULL && config_setting_is_group(group))
		check_local(l, group, &config->admin, &config->admin_rights);
	if (!config->admin_enabled)
		return;
	check_address(l, addresses);
	if (config->admin.family != AF_UNIX && !addr_is_loopback(&config->admin) &&
	    config->admin_token == NULL && config->admin_token_file == NULL)
		complain(l, l->root, "admin.address",
			 "beyond loopback the admin interface needs admin.token or "
			 "admin.token_file");
}

/* ---- token ---------------------------------------------------------------------------------- */

static enum result
token_of(const struct small_file *f, struct slice *token, struct problem *p)
{
	*token = small_file_line(f);
	if (token->bytes < TOKEN_BYTES_MIN)
		return problem_set(p, RESULT_INVALID, "shorter than %d bytes", TOKEN_BYTES_MIN);
	for (size_t i = 0; i < token->bytes; i++) {
		if (token->at[i] <= 0x20 || token->at[i] >= 0x7f)
			return problem_set(p, RESULT_INVALID,
					   "one line of printable ASCII without blanks is wanted");
	}
	return RESULT_OK;
}

void
read_admin_token(struct loading *l)
{
	struct config *config = l->config;
	struct small_file f;
	struct slice token;
	struct problem p = {""};
	if (config->admin_token_file == NULL || config->admin_token != NULL)
		return;
	enum result r = small_file_read(config->admin_token_file, &f, &p);
	if (r == RESULT_OK)
		r = small_file_check_mode(&f, &p);
	if (r == RESULT_OK)
		r = token_of(&f, &token, &p);
	if (r == RESULT_OK) {
		config->admin_token = strndup(token.at, token.bytes);
		l->no_memory |= config->admin_token == NULL;
	} else if (l->purpose != CONFIG_FOR_EXPLAIN) {
		complain(l, l->root, "admin.token_file", "%s", p.text);
	}
	small_file_wipe(&f);
}
