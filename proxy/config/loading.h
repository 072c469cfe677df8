/*
 * loading.h: one configuration while it is being loaded, as the files of this room
 * share it:
 *
 *   load.c     file -> bytes
 *   scan.c     bytes: what libconfig would swallow without a word
 *   keys.c     tree -> struct config, by the table of keys (rows.c, values.c)
 *   check.c    what no single key shows: services, sessions, members
 *   mesh.c     nodes, and which of them stands before which member
 *   cluster.c  the control plane: datagrams, voters, times, hooks
 *   race.c     services whose new sessions are raced for
 *   loops.c    listeners that are their own members
 *   listen.c   listeners that are UNIX sockets, or handed over
 *   admin.c    the admin interface's address, names and token
 *   tls.c      certificates of listeners, and what belongs to them; TLS towards members and nodes
 *   secrets.c  files of secrets and pool keys
 *
 * Each complains and goes on, so that all findings come at once.
 */
#ifndef HOLDFAST_CONFIG_LOADING_H
#define HOLDFAST_CONFIG_LOADING_H

#include "config/config.h"

#include <ifaddrs.h>
#include <libconfig.h>

struct loading {
	const char *file; /* as it was named; borrowed */
	enum config_purpose purpose;
	config_setting_t *root; /* borrowed from libconfig's tree */
	struct config *config;  /* being filled; owned by load.c */
	struct config_findings *findings;
	bool no_memory; /* an allocation failed: nothing else counts any more */
};

/* ---- findings.c ---- */

/* Adds a finding; texts are copied, any may be NULL. False: no memory for it (it is counted). */
bool findings_add(struct config_findings *findings, const struct config_finding *finding);
/* In file order: by line, those of one line as they were found. */
void findings_sort(struct config_findings *findings);

/* ---- place.c: a finding at its place in the tree ---- */

/*
 * `at` has a wrong value, or, with `child` not NULL, the group `at` lacks or has a key of that
 * name that is wrong. A key that `at` does not hold is named with the line of `at`.
 */
void complain(struct loading *l, config_setting_t *at, const char *child, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for what does not refuse the configuration. */
void warn(struct loading *l, config_setting_t *at, const char *child, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the steps, in their order ---- */

/* False: libconfig must not see the text. */
bool scan_text(struct loading *l, const char *text, size_t bytes);
void read_keys(struct loading *l);
/* One struct of a list, such as a member of a service, from its group alone; *base is zeroed. */
struct key_row;
void read_element(struct loading *l, const struct key_row *list, config_setting_t *group,
		  void *base);
/* In needs.c. */
void check_needs(struct loading *l);
void check_services(struct loading *l);
/* Of these, what concerns members: of one service, and its group. */
void check_members(struct loading *l, struct config_service *service, config_setting_t *group);
void check_mesh(struct loading *l);
/* Which node stands before each member; of a configuration whose nodes were checked. */
void check_mesh_members(struct loading *l);
/* Members that are listeners of this node. */
void check_loops(struct loading *l);
void check_cluster(struct loading *l); /* after check_mesh */
void check_races(struct loading *l);
void check_listeners(struct loading *l);
void check_tls(struct loading *l);
void read_secrets(struct loading *l);

/* ---- loops.c ---- */

/* [::ffff:192.0.2.1] is 192.0.2.1: what the one reaches, the other does too. */
struct addr unmapped(const struct addr *a);
/* Whether what connects to `origin` reaches `listener`. `addresses`: this machine's; NULL: unknown.
 */
bool reaches(const struct addr *origin, const struct addr *listener,
	     const struct ifaddrs *addresses);

/* ---- listen.c ---- */

/* Of a listener: what is spoken there; of one that is no IP address: its file, or what is handed
 * over. */
void check_place(struct loading *l, config_setting_t *group, const struct config_listener *c);
/* Of a UNIX socket that `group` describes by address, mode and owner: that it can be made; of
 * anything else that the last two are not there. */
void check_local(struct loading *l, config_setting_t *group, const struct addr *address,
		 const struct config_rights *rights);

/* ---- admin.c ---- */

void check_admin(struct loading *l, const struct ifaddrs *addresses);
void read_admin_token(struct loading *l);

#endif
