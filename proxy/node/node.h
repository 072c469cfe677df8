/*
 * node.h: one running node: owns the rooms, starts them in order, stops them in
 * reverse. The control thread (the one that calls) has the signals, the active
 * checks and the clockwork of the logs; traffic is the workers' alone.
 *
 *   listeners bound -> rights dropped -> logs -> checks -> workers
 */
#ifndef HOLDFAST_NODE_H
#define HOLDFAST_NODE_H

#include "config/config.h"
#include "edge/worker_ev.h"
#include "members/probe_ev.h"

#include <pthread.h>

struct admin_server;
struct events;
struct control;
struct node;
struct node_change;
struct node_cluster;
struct node_epochs;
struct node_names;
struct node_programs;
struct node_race;
struct node_upgrade;
struct starter;
struct status;

/* A pool's checks, and what it tells the log. Lives as long as its pool, which owns it. */
struct node_service {
	struct node *node;
	char *name;                /* owned; of the service */
	atomic_ullong fingerprint; /* of the present ring */
	pthread_mutex_t lock;
	struct prober *prober; /* under the lock; owned by the control thread; NULL: no checks */
};

struct node {
	struct services *services; /* one reference */
	struct worker_shared shared;
	struct sink *access;             /* owned; NULL: none */
	struct sink *process_log;        /* owned; NULL: stderr; once there it stays */
	struct listener_socket *sockets; /* owned, by listening.h: a worker after another */
	size_t socket_count;
	bool sockets_given;             /* the workers have them: known by number alone */
	struct listener_files files;    /* of UNIX sockets; removed at the end */
	struct worker_thread **threads; /* owned */
	sem_t adopted;                  /* posted by each worker that adopted a reload */
	unsigned workers;
	unsigned started;
	struct event_base *base; /* of the control thread; owned */
	bool stopping;           /* exchanges may finish */
	atomic_bool handed_over; /* another process has the listeners: this one drains */
	uint64_t started_ms;
	uint64_t config_ms;           /* when the configuration was loaded */
	uint64_t wall_offset_ms;      /* wall clock less monotonic, as the status shows times */
	int admin_fd;                 /* bound, until the server has it; -1: none */
	int admin_listening;          /* the same, the server's; -1: none */
	struct addr admin_address;    /* where that is */
	struct events *events;        /* owned; NULL: no admin interface */
	struct admin_server *admin;   /* owned; likewise */
	struct node_cluster *cluster; /* owned; NULL: no control plane */
	struct node_change *changes;  /* owned: of the membership, that wait for their answers */
	uint64_t change_tickets;
	struct node_epochs *epochs;     /* owned; NULL: no cluster.nodes */
	struct node_names *names;       /* owned */
	struct node_race *race;         /* owned; NULL: this node answers in no race */
	struct node_programs *programs; /* owned */
	struct node_upgrade *upgrade;   /* owned */
	struct control *control;        /* of node_control; NULL: it does not run */
};

/*
 * Everything but the threads of the workers: takes *config over, binds, drops rights, opens logs.
 * On an error the problem says why in one line and *out is NULL.
 */
enum result node_create(struct config **config, struct node **out, struct problem *p);
/* Serves until a signal ends it. TERM, INT: finishes exchanges; QUIT: at once; USR1: re-opens logs.
 */
enum result node_run(struct node *n, struct problem *p);
void node_free(struct node **n);
/*
 * Reads the configuration file again; on the control thread. Builds and checks everything first:
 * on an error nothing has changed, the problem says what is wrong in one line, and all findings
 * stand in the process log. On success every worker has adopted it when this returns. `asked_by`:
 * "signal" or "admin", for the log. What only a restart can change is said and stays.
 */
enum result node_reload(struct node *n, const char *asked_by, struct problem *p);

/*
 * Swaps the configuration for *config, which is taken over on success; as a reload does, whose
 * second half it is. Writes what changed of the members: "shop +d -b ~c".
 */
enum result node_swap(struct node *n, struct config **config, struct writer *changed,
		      struct problem *p);
/* Orders (members[].order) that `before` did not give; NULL: all. Services are current. */
void node_give_orders(struct node *n, const struct config *before);

/* The order that the configuration gives a member; MEMBER_UP: none, or no such member. */
enum member_state node_order_given(const struct config_service *service, const char *id);

/* In programs_ev.c. */
struct starter *node_starter(const struct node *n);

/* In node_ev.c. The service manager is told, while the control thread's loop runs. */
void node_say_manager(struct node *n, const char *lines);
void node_say_manager_reloading(struct node *n);
/* Another process serves from here on. */
void node_hand_over(struct node *n);
/* Signals wait from here on until node_control takes them. */
void node_hold_signals(void);
/* Readable when one that ends the process waits, which stays waiting. Closed by the caller; -1:
 * errno says why not. */
int node_held_stop(void);
/* What libevent has to say becomes lines of the process log. */
void node_log_libevent(void);
/* The process log to where the configuration says. False: no memory, it goes where it went. */
bool node_log_process(struct node *n, const struct config *config);
/* Starts the workers, then checks and signals, until the workers have ended. */
enum result node_control(struct node *n, struct problem *p);
/* Checks of the services of node->services, as their configuration says. */
enum result node_probers_start(struct node *n, struct problem *p);
/* Those of `services`; before their configuration is freed. */
void node_probers_stop(struct services *services);

/* In admin.c. Before rights are dropped; nothing is done without admin.address. */
enum result node_admin_bind(struct node *n, struct problem *p);
/* On the control thread, before it runs; and when it has ended. */
void node_admin_wake(struct node *n);  /* who waits there asks again */
void node_admin_leave(struct node *n); /* another process listens there */
enum result node_admin_start(struct node *n, struct problem *p);
void node_admin_stop(struct node *n);
/* In status.c. *out is initialised. RESULT_NO_MEMORY. */
enum result node_status(struct node *n, struct status *out);

/* In node.c. On an error those that were started are still to be stopped. */
enum result node_workers_start(struct node *n, struct problem *p);
/* In node.c. Observes the pools of `services` that nobody observes yet, before they are used. */
enum result node_watch(struct node *n, struct services *services, struct problem *p);

#endif
