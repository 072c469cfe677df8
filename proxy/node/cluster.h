/*
 * cluster.h: the node's side of its control plane (cluster/cluster_ev.h): starts it from the
 * configuration, tells it how the service beside the node is, and tells the logs who is master. On
 * the control thread.
 */
#ifndef HOLDFAST_NODE_CLUSTER_H
#define HOLDFAST_NODE_CLUSTER_H

#include "admin/face.h"
#include "cluster/cluster_ev.h"
#include "cluster/disk_ev.h"
#include "cluster/dns_ev.h"
#include "cluster/embedded_ev.h"
#include "cluster/etcd_ev.h"
#include "cluster/hook.h"
#include "cluster/roles.h"
#include "node/fences.h"
#include "node/node.h"

struct node_cluster {
	struct node *node;
	int fd; /* bound, until the plane has it; -1: none */
	bool has_file;
	struct register_file file;        /* the lock of state_dir, this start's number */
	struct cluster_nodes nodes;       /* the machines borrow them */
	struct embedded_live *engine;     /* owned; NULL: none, or another one */
	struct etcd_live *etcd;           /* owned; likewise */
	struct disk_live *disk;           /* owned; likewise */
	struct cluster *live;             /* owned; NULL: before the start */
	struct node_fences fences;        /* terms that services are fenced by */
	struct roles roles;               /* of applications */
	uint64_t roles_seen;              /* their changes that waiting processes know of */
	struct node_questions *questions; /* owned; likewise */
	int dns_fd;                       /* bound, until the name server has it; -1: none */
	int listening;                    /* the same two, whoever has them: for an upgrade */
	int dns_listening;
	int kept_fd;            /* copies, while an upgrade is under way; -1: none */
	int kept_dns_fd;        /* likewise */
	struct dns_server *dns; /* owned; NULL: none */
	struct hooks *hooks;    /* owned */
	bool hooked;            /* hooks were told how it is: */
	bool hooked_master;
	uint64_t pools; /* generations of all pools when the service was looked at last */
};

/* Before rights are dropped. *n->cluster stays NULL without datagrams in the configuration. */
enum result node_cluster_bind(struct node *n, struct problem *p);
/* Behind the logs, before the workers. RESULT_INVALID: another process is this node. */
enum result node_cluster_start(struct node *n, struct problem *p);
/*
 * An upgrade (node/upgrade.h). The sockets are told, each with its address; the plane leaves, says
 * nothing more and lets go of state_dir; or, when nobody took over, begins again.
 */
struct node_upgrade;
typedef void node_socket_fn(struct node_upgrade *u, const char *kind, const struct addr *address,
			    int fd);
void node_cluster_sockets(struct node *n, struct node_upgrade *u, node_socket_fn *say);
void node_cluster_yield(struct node *n);
void node_cluster_resume(struct node *n);
void node_cluster_handed_over(struct node *n);
/* Some times a second: how the service is. */
void node_cluster_tick(struct node *n);
/* TERM: a master hands over, and the node leaves. */
void node_cluster_leave(struct node *n);
/* Another configuration: ranks (E14), secrets. What needs a restart is said elsewhere. */
void node_cluster_adopt(struct node *n, const struct config *config);
void node_cluster_stop(struct node *n);
/* As admin/face.h has it. */
enum result node_cluster_readmit(void *node, struct slice id, struct admin_readmitted *out,
				 struct problem *p);

/* In master.c: what follows from who is master: log, hooks, name. */
void node_master_changed(void *cluster, const struct plane_change *change);
/* The workers, by the places of this configuration's nodes. */
void node_master_tell(struct node_cluster *c, const struct config *config);
enum result node_master_start(struct node_cluster *c, struct problem *p);
void node_master_stop(struct node_cluster *c);

/* RESULT_NO_MEMORY. */
enum result node_cluster_status(struct node *n, struct status *out);

#endif
