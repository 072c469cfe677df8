/*
 * loops.c: listeners: none twice, none that is a member's origin (each request would
 * come back until no descriptor is left).
 *
 * A listener on 0.0.0.0 is every IPv4 address of this machine, one on [::] every IPv6
 * address: listeners take no IPv4 through IPv6 (IPV6_V6ONLY).
 */
#include "config/loading.h"

#include <stdlib.h>

struct addr
unmapped(const struct addr *a)
{
	struct sockaddr_storage storage;
	struct addr made;
	if (a->family != AF_INET6)
		return *a;
	(void)addr_to_sockaddr(a, &storage);
	addr_from_sockaddr((const struct sockaddr *)&storage, &made);
	return made;
}

static bool
same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* `addresses`: this machine's; NULL: unknown. */
static bool
is_local(const struct addr *a, const struct ifaddrs *addresses)
{
	if (addr_is_loopback(a) || addr_is_any(a))
		return true;
	for (; addresses != NULL; addresses = addresses->ifa_next) {
		struct addr own;
		if (addresses->ifa_addr == NULL)
			continue;
		addr_from_sockaddr(addresses->ifa_addr, &own);
		if (same_ip(a, &own))
			return true;
	}
	return false;
}

bool
reaches(const struct addr *origin, const struct addr *listener, const struct ifaddrs *addresses)
{
	struct addr to = unmapped(origin);
	struct addr at = unmapped(listener);
	if (origin->family == 0 || listener->family == 0 || to.port != at.port)
		return false;
	if (addr_is_any(&at))
		return to.family == at.family && is_local(&to, addresses);
	return same_ip(&to, &at);
}

static void
check_members_of(struct loading *l, size_t service, config_setting_t *group,
		 const struct ifaddrs *addresses)
{
	const struct config_service *s = &l->config->services[service];
	config_setting_t *members = config_setting_get_member(group, "members");
	for (size_t i = 0; i < s->member_count; i++) {
		for (size_t j = 0; j < l->config->listener_count; j++) {
			/* What another node asks may be anywhere. */
			if (s->members[i].hop != 0)
				continue;
			if (!reaches(&s->members[i].origin, &l->config->listeners[j].address,
				     addresses))
				continue;
			complain(l, config_setting_get_elem(members, (unsigned)i), "origin",
				 "this is listeners[%zu]: requests would go round in a circle", j);
			break;
		}
	}
}

static void
check_mapped(struct loading *l, config_setting_t *list, size_t number)
{
	const struct addr *address = &l->config->listeners[number].address;
	if (address->family != unmapped(address).family)
		complain(l, config_setting_get_elem(list, (unsigned)number), "address",
			 "an IPv4 address is written without [::ffff:]");
}

static void
check_twice(struct loading *l, config_setting_t *list, size_t number)
{
	struct addr own = unmapped(&l->config->listeners[number].address);
	for (size_t i = 0; i < number; i++) {
		struct addr other = unmapped(&l->config->listeners[i].address);
		if (own.family == 0 || !addr_equal(&own, &other))
			continue;
		complain(l, config_setting_get_elem(list, (unsigned)number), "address",
			 "the same as that of listeners[%zu]", i);
		return;
	}
}

static void
check_loops_at(struct loading *l, const struct ifaddrs *addresses)
{
	config_setting_t *services = config_setting_get_member(l->root, "services");
	for (size_t i = 0; i < l->config->service_count; i++)
		check_members_of(l, i, config_setting_get_elem(services, (unsigned)i), addresses);
}

void
check_loops(struct loading *l)
{
	struct ifaddrs *addresses = NULL;
	if (getifaddrs(&addresses) != 0)
		addresses = NULL; /* loopback is known without */
	check_loops_at(l, addresses);
	if (addresses != NULL)
		freeifaddrs(addresses);
}

void
check_listeners(struct loading *l)
{
	struct ifaddrs *addresses = NULL;
	config_setting_t *listeners = config_setting_get_member(l->root, "listeners");
	for (size_t i = 0; i < l->config->listener_count; i++) {
		check_mapped(l, listeners, i);
		check_twice(l, listeners, i);
		check_place(l, config_setting_get_elem(listeners, (unsigned)i),
			    &l->config->listeners[i]);
	}
	if (getifaddrs(&addresses) != 0)
		addresses = NULL;
	check_loops_at(l, addresses);
	check_admin(l, addresses);
	if (addresses != NULL)
		freeifaddrs(addresses);
}
