/*
 * cluster_ev.h: the control plane of this node, live: one UDP socket and one timer on the control
 * thread's event base. All of it, and all that is called here, belongs to that thread; workers
 * send it messages.
 *
 *   socket --recvmmsg, bounded a wake-up--> plane_receive --+
 *   timer (CLOCK_BOOTTIME) ---------------> plane_tick -----+--> plane_flush --> sendto
 *   the node: cluster_begin .. cluster_end ----------------'    `-> told: master, answers
 */
#ifndef HOLDFAST_CLUSTER_CLUSTER_EV_H
#define HOLDFAST_CLUSTER_CLUSTER_EV_H

#include "cluster/setup.h"

#include <event2/event.h>

#define CLUSTER_BATCH         16            /* datagrams a system call */
#define CLUSTER_BATCHES_MAX   8             /* a wake-up; what is left wakes again */
#define CLUSTER_RECEIVE_BYTES (1024 * 1024) /* of the kernel's buffer */
#define CLUSTER_WARN_MS       10000         /* between two warnings of one kind */

struct cluster;

/* Who is told; on the control thread, at the end of an event. Each may be NULL. */
struct cluster_ear {
	void *context;
	void (*changed)(void *context, const struct plane_change *change);
	void (*answered)(void *context); /* who waits for plane_ask's answer has it now */
	void (*turned)(void *context);   /* after every event: the engine may have work */
	/* A datagram that is none of ours: for those that speak with clients. False: count it. */
	bool (*stray)(void *context, const struct addr *from, const uint8_t *bytes, size_t count);
};

struct cluster_counts {
	uint64_t unsent;  /* the kernel did not take them */
	uint64_t strays;  /* taken by ear->stray */
	uint64_t wakeups; /* of socket and timer */
};

/* A bound socket for datagrams, non-blocking. -1: the problem says why; `key` is where the address
 * stands in the configuration. */
int cluster_bind(const struct addr *address, const char *key, struct problem *p);

/*
 * Takes the bound socket over, also on an error. `engine`: as for plane_init. RESULT_INVALID:
 * another process runs as this node elsewhere (it is asked, at this node's address, for a time-out
 * at most: this waits). Nothing is said or told before cluster_settle.
 */
enum result cluster_create(struct event_base *base, int fd, const struct plane_setup *setup,
			   const struct engine *engine, const struct cluster_ear *ear,
			   struct cluster **out, struct problem *p);
/* Says nothing any more. *c may be NULL. */
void cluster_free(struct cluster **c);

/* The machines. What is called there is followed by cluster_settle, which sends, tells and sets the
 * timer; or put between cluster_now and cluster_settle, several at once. */
struct plane *cluster_plane(struct cluster *c);
uint64_t cluster_now(void);
void cluster_settle(struct cluster *c);

const struct cluster_counts *cluster_counted(const struct cluster *c);

#endif
