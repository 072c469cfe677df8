/*
 * config.h: the configuration half: plain data, checked, immutable, without
 * pointers into anything live, so that it can be compared, printed and swapped.
 * What it means at run time is built from it by node/node.c (struct service and its
 * neighbours).
 *
 * Every key, its type, unit, default, bounds and help stand in
 * include/tbl/config_keys.h; the loader, `holdfast check`, conf/holdfast.conf and
 * the tests read the same rows.
 */
#ifndef HOLDFAST_CONFIG_CONFIG_H
#define HOLDFAST_CONFIG_CONFIG_H

#include "base/addr.h"
#include "base/log.h"
#include "base/proxy_out.h"
#include "result.h"
#include "vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_FINDINGS_MAX      200   /* reported at once; more are counted */
#define CONFIG_FINDING_BYTES_MAX 16384 /* of one as text */
#define CONFIG_FILE_BYTES_MAX    (16 * 1024 * 1024)

/* All strings are owned by the struct config and terminated; absent ones are NULL. */

enum member_order { MEMBER_ORDER_NONE, MEMBER_ORDER_DRAIN, MEMBER_ORDER_MAINT };

/* TLS towards members, or towards the other nodes. */
struct config_upstream_tls {
	bool enabled; /* default false */
	bool verify;  /* default true */
	bool only_1_3;
	char *ca;          /* file; NULL: the system's authorities */
	char *name;        /* NULL: certificates carry the address that is connected to */
	char *certificate; /* files of the client certificate; NULL: none, both */
	char *key;
};

struct config_member {
	char *id;
	struct addr origin;   /* also AF_UNIX and ADDR_NAME */
	struct addr resolved; /* what a name stands for now; family 0: unknown. Not of the file */
	uint32_t weight;      /* 0: gets no sessions, stands in no order */
	uint32_t connections_max; /* 0: no bound; requests in flight there, over all workers */
	enum member_order order;  /* what it begins with; an operator may change it later */
	char *zone;               /* NULL: a zone of its own */
	struct addr node;   /* HTTP address of the node beside it; family 0: none, asked directly */
	uint16_t hop;       /* 1 + place of that node in cluster.nodes; 0: asked directly */
	struct addr source; /* with a hop: where it is asked from, this node's own; family 0: any */
	int line;           /* in the file, for messages */
};

enum tag_carrier {
	TAG_COOKIE,
	TAG_HEADER,
	TAG_SUFFIX_COOKIE, /* behind the session id in the application's own cookie */
	TAG_SUFFIX_HEADER, /* or header */
};
enum same_site { SAME_SITE_NONE, SAME_SITE_LAX, SAME_SITE_STRICT, SAME_SITE_ABSENT };

struct config_tag {
	enum tag_carrier carrier;
	char *name;               /* of the cookie or header; default cookie HOLDFAST */
	char *path;               /* attribute of a cookie that we set; default "/" */
	char *domain;             /* NULL: none */
	bool secure;              /* default false: a plain listener could never get it back */
	bool http_only;           /* default true */
	enum same_site same_site; /* default lax */
	uint64_t max_age_s;       /* 0: a session cookie */
	bool partitioned;         /* default false */
};

struct config_health {
	bool enabled;        /* default true */
	char *path;          /* "/healthz"; NULL: a TCP connection is enough */
	char *host;          /* Host field of the check; NULL: the origin's text */
	uint16_t expect_low; /* statuses that are well: default 200 .. 399 */
	uint16_t expect_high;
	uint64_t interval_ms; /* 1 s */
	uint64_t timeout_ms;  /* 500 ms: connect and whole answer head together */
	uint64_t
	    fast_interval_ms;   /* 100 ms: while the verdict is open; never longer than interval */
	uint32_t fall;          /* 2 failures in a row: down */
	uint32_t rise;          /* 2 successes in a row: up */
	uint64_t slow_start_ms; /* 0: none; after an outage: see members/weight.h */
};

struct config_passive {
	bool enabled;      /* default true */
	uint32_t fall;     /* 3 failed attempts in a row: down (connect_refused: at once) */
	uint64_t retry_ms; /* 5 s: without active checks, when a down member is tried again */
};

struct config_timeouts {
	uint64_t connect_ms;    /* 1 s */
	uint64_t first_byte_ms; /* 30 s */
	uint64_t idle_ms;       /* 60 s: between bytes, both sides */
	uint64_t header_ms; /* 10 s: a whole request head, and a keep-alive client's next request is
			       idle_ms */
	uint64_t tunnel_ms; /* 1 h without a byte */
	uint64_t pool_idle_ms; /* 60 s: a pooled upstream connection unused */
};

/* Of clients that are waited for, in bytes a second; 0: no bound. */
struct config_rates {
	uint64_t body_min;   /* 240 */
	uint64_t answer_min; /* 240 */
	uint64_t period_ms;  /* 30 s: over which they are measured */
};

/* Where new sessions start: cluster/race.h. */
struct config_race {
	uint64_t limit_ms;      /* 20 ms; of one attempt */
	uint64_t stagger_ms;    /* 0: all are asked at once */
	uint64_t spread_ms;     /* 10 ms: how much later than an idle member a full one offers */
	uint64_t ticket_ttl_ms; /* 10 s */
	uint32_t full;          /* 100: requests of a member of weight 1 without connections_max */
	uint32_t busy;          /* 80 %: from there on admission = "ticket" wants one */
};

/* Members by DNS: members/names.h. */
struct config_discover {
	struct addr at; /* ADDR_NAME, with the members' port unless `srv`; family 0: a list says */
	bool srv;
};

struct config_service {
	char *name;
	char **hosts; /* lower case; "*.example" matches one or more labels; none: all hosts */
	size_t host_count;
	char **paths; /* prefixes at segment boundaries; none: all paths */
	size_t path_count;

	char **keys; /* key rules as written, in order; compiled by affinity/keyrule.h */
	size_t key_count;
	uint8_t pool_key[POOL_KEY_BYTES]; /* from session.pool_key, else derived from the name */
	struct config_tag tag;
	enum assign_method assign;
	enum admission admission;
	struct config_race race;
	uint64_t placement_limit_ms; /* 20 ms: how long the master is waited for */
	enum failback failback;      /* default stay */
	uint32_t stay_until_idle_s;  /* 30 min; at least 4 s: see affinity/idle.h */
	char *fence;                 /* NULL: none */
	uint16_t strict;             /* 0: backups are used; else the status answered instead */
	enum spread spread;

	struct config_health health;
	struct config_passive passive;
	struct config_timeouts timeouts;
	struct config_rates rates;
	struct config_upstream_tls tls;

	uint32_t attempts_max;     /* 3; tries of one request, the first included */
	uint32_t retry_budget;     /* 20 %: see relay/budget.h */
	uint32_t retry_min;        /* 10 */
	enum overflow overflow;    /* default queue; when a member has connections_max requests */
	uint32_t queue_max;        /* 128, a member and worker */
	uint64_t queue_timeout_ms; /* 10 s */
	uint64_t replay_bytes_max; /* 64 KiB of request body kept for a further attempt */
	enum mirror mirror;        /* default off */
	uint64_t mirror_bytes_max; /* 16 KiB: of a request body that is copied */
	uint64_t body_bytes_max;   /* 0: no bound; else 413 above it */
	uint32_t pool_max;         /* 256 idle upstream connections a worker and member */
	uint32_t retry_after_s;    /* 1; Retry-After of 503 */

	enum member_protocol protocol; /* with members; default http/1.1 */
	enum proxy_out proxy_protocol; /* towards members; not off: pool_max is 0 */
	struct config_discover discover;
	struct config_member *members; /* of discover: none in the file, laid by names_lay */
	size_t member_count;
	uint64_t epoch; /* of the members; 0: from the file */
	int line;
};

struct config_secret {
	char *id;
	char *file;
	uint8_t master[16]; /* derived from the file's bytes (digest_derive); service keys derive
			       from it */
};

struct config_certificate {
	char *certificate; /* files */
	char *key;
	char *ocsp; /* NULL: none */
};

enum client_auth { CLIENT_AUTH_NONE, CLIENT_AUTH_OPTIONAL, CLIENT_AUTH_REQUIRED };

struct config_tls {
	struct config_certificate *certificates;
	size_t certificate_count; /* 0: plain */
	bool only_1_3;
	enum client_auth client_auth;
	char *client_ca;     /* NULL: none */
	char *ticket_secret; /* NULL: none */
};

/* Of the file of a UNIX socket. */
struct config_rights {
	char *mode;  /* octal; NULL: by the umask */
	char *owner; /* NULL: who binds it */
};

struct config_listener {
	struct addr address; /* also AF_UNIX and ADDR_HANDED */
	struct config_rights rights;
	uint64_t handshake_ms; /* 10 s: PROXY header and TLS handshake together */
	bool http1;            /* default true; not both false */
	bool http2;            /* default true */
	char **proxy_protocol; /* networks; none: no PROXY header */
	size_t proxy_protocol_count;
	struct config_tls tls;
};

enum config_forwarded_read { CONFIG_READ_X_FORWARDED, CONFIG_READ_FORWARDED };
enum config_forwarded_write {
	CONFIG_WRITE_X_FORWARDED,
	CONFIG_WRITE_FORWARDED,
	CONFIG_WRITE_BOTH,
};

/* Who the client is when other proxies stand before this one: http/forwarded.h. */
struct config_forwarded {
	char **trusted; /* networks; none: nobody is believed */
	size_t trusted_count;
	enum config_forwarded_read read;
	enum config_forwarded_write write;
};

struct config_resolver {
	char **servers; /* none: those of resolv.conf */
	size_t server_count;
	uint64_t timeout_ms; /* 1 s */
	uint32_t tries;      /* 2 */
	uint64_t ttl_min_ms; /* 1 s */
	uint64_t ttl_max_ms; /* 5 min */
	uint64_t retry_ms;   /* 2 s: after a failure */
};

/* One node of the cluster; the list is the same on all of them. */
struct config_node {
	char *id;
	struct addr address; /* of its datagrams; family 0: none */
	struct addr http;    /* where other nodes send requests */
	struct addr admin;   /* where commands ask it; family 0: not said */
	uint32_t rank;       /* 0 is the best */
	bool voter;
	uint32_t block; /* of the engine disk: 1 to NODES_MAX; absent: its place in the list + 1 */
	int line;
};

enum cluster_safety { CLUSTER_SAFETY_AUTO, CLUSTER_SAFETY_ADVISORY, CLUSTER_SAFETY_LEASE };
enum cluster_engine { CLUSTER_ENGINE_EMBEDDED, CLUSTER_ENGINE_DISK, CLUSTER_ENGINE_ETCD };

struct config_detect {
	uint32_t period_ms;  /* 1 s */
	uint32_t timeout_ms; /* 300 ms; less than the period */
	uint32_t t1_ms;      /* 150 ms */
};

struct config_cluster {
	char *name;
	struct addr listen;         /* of datagrams; family 0: none, and no control plane */
	enum cluster_safety safety; /* never AUTO after loading */
	enum cluster_engine engine;
	bool founded;      /* a voter without a register has lost it */
	struct addr etcd;  /* of the engine etcd; family 0: none */
	char **disk_files; /* of the engine disk */
	size_t disk_file_count;
	uint32_t lease_ms;   /* 10 s */
	uint64_t preempt_ms; /* 0: off */
	struct config_detect detect;
	bool question;            /* default true: GET /v1/master on listeners */
	uint32_t questions_per_s; /* 50; of one client address */
	char *on_master;          /* NULL: none */
	char *on_backup;
	uint32_t hook_timeout_ms; /* 10 s */
	struct addr dns_listen;   /* family 0: none */
	uint32_t dns_ttl_s;       /* 1 s */
	uint32_t hops_max;        /* 3; nodes that a request may go through */
	struct config_upstream_tls tls;
	struct config_node *nodes;
	size_t node_count; /* 0: no cluster */
	uint16_t self;     /* place of this node in it; meaningless without nodes */
};

struct config_limits {
	uint32_t head_bytes_max;   /* 16 KiB (also the bound) */
	uint32_t target_bytes_max; /* 8 KiB */
	uint32_t headers_max;      /* 100 */
	uint32_t connections_max;  /* 0: as many as descriptors allow; client connections of the
				      process */
	uint32_t connections_per_address; /* 0: no bound; of an IPv4 address or IPv6 /64 */
	uint32_t requests_max;            /* 0: no bound; requests on one client connection */
	uint32_t streams_max;             /* 100; requests at once on one HTTP/2 connection */
};

struct config {
	char *file;
	char *node;       /* NULL: gateway */
	uint32_t workers; /* 0: one a core */
	char *state_dir;  /* default "/var/lib/holdfast" */
	char *user;       /* NULL: stay who we are; else dropped to after binding */
	bool seccomp;     /* default true */
	struct {
		uint64_t ready_ms; /* 30 s */
		uint64_t drain_ms; /* 10 min */
	} upgrade;
	uint64_t stop_ms;              /* 30 s: how long TERM waits for exchanges */
	struct config_secret *secrets; /* at least one after loading: see config_load */
	size_t secret_count;
	struct config_listener *listeners;
	size_t listener_count;
	struct config_forwarded forwarded;
	struct config_resolver resolver;
	bool admin_enabled;
	struct addr admin;                 /* also AF_UNIX */
	struct config_rights admin_rights; /* mode: default "0600" */
	char *admin_token;                 /* NULL: none; from admin.token or the file */
	char *admin_token_file;            /* NULL: none */
	char **admin_hosts;                /* lower case, no wildcards */
	size_t admin_host_count;
	char *log_failover;       /* NULL: stderr */
	char *log_access;         /* NULL: none */
	bool log_access_combined; /* log.access_format = "combined"; default JSON */
	bool log_access_query;    /* default true */
	enum log_level log_level;
	char *log_process; /* NULL: stderr */
	struct config_trace {
		char *endpoint;  /* NULL: no spans */
		uint32_t one_in; /* 0: none */
	} trace;
	uint8_t log_facility;
	struct config_limits limits;
	struct config_cluster cluster;
	struct config_service *services;
	size_t service_count;
	uint64_t epoch; /* of the membership: config/roster.h; 0: what the file says */
};

/* One thing that is wrong. `warning`: does not refuse the configuration. */
struct config_finding {
	char *file;
	int line;    /* 0: no line */
	char *path;  /* "services[0].members[2].weight" */
	char *value; /* as written, escaped; may be empty */
	char *reason;
	bool warning;
};

struct config_findings {
	struct config_finding *list; /* owned; in file order */
	size_t count;
	size_t not_shown; /* above CONFIG_FINDINGS_MAX */
	size_t errors;    /* without warnings, shown or not */
};

enum config_purpose {
	CONFIG_FOR_RUN,     /* reads secrets; makes one in state_dir when none is configured */
	CONFIG_FOR_CHECK,   /* reads secrets and complains, but writes nothing */
	CONFIG_FOR_EXPLAIN, /* pool keys and members only: unreadable secrets are no error */
};

/*
 * Loads and checks `file`. All findings at once, each with file, line, path, value and reason.
 * RESULT_OK: *out is owned by the caller (config_free); findings may hold warnings.
 * RESULT_INVALID: findings->errors > 0 and *out is NULL; other results: findings hold one line
 * that says what could not be read. findings is always to be freed with config_findings_free.
 */
enum result config_load(const char *file, enum config_purpose purpose, struct config **out,
			struct config_findings *findings);
void config_free(struct config **config);
/* A deep copy; NULL: no memory. */
struct config *config_copy(const struct config *config);
/* What is found out beside the file, of services[service], or of one of its members (SIZE_MAX: of
 * its `key`). False: no memory for it. */
bool config_find(struct config_findings *findings, const struct config *config, size_t service,
		 size_t member, const char *key, bool warning, const char *reason);
void config_findings_free(struct config_findings *findings);
/* One line without its end, cut when `bytes` do not hold it. */
void config_finding_text(const struct config_finding *finding, char *text, size_t bytes);
/* "conf/x.conf:12: services[0].members[2].weight = 70000: above 65535" a line each. */
void config_findings_print(const struct config_findings *findings, FILE *to);

#endif
