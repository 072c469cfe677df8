/*
 * worker_ev.h: a worker's thread and its loop: starts it with its listening
 * sockets, hands it what a reload made, tells it to stop, waits for its end.
 */
#ifndef HOLDFAST_EDGE_WORKER_EV_H
#define HOLDFAST_EDGE_WORKER_EV_H

#include "edge/listener.h"

#include <semaphore.h>

struct worker_thread;

/*
 * Takes over sockets[0..count). Signals are blocked in the thread. On an error the problem says why
 * and the sockets are closed.
 */
enum result worker_thread_start(unsigned number, struct worker_shared *shared,
				const struct listener_socket *sockets, size_t count,
				struct worker_thread **out, struct problem *p);

/* What a reload hands to one worker: made whole by the control thread, so that nothing can fail
 * but memory for an access log that was not there. */
struct worker_change {
	struct worker_change *next;           /* the worker's */
	struct worker_generation *generation; /* owned; its configuration lists the listeners */
	struct sink *access;                  /* borrowed; NULL: none */
	sem_t *done;                          /* borrowed; posted when the worker has adopted it */
	size_t socket_count;
	struct listener_socket sockets[]; /* owned; listeners that are new */
};
/* sockets are for the caller to fill. NULL: no memory. */
struct worker_change *worker_change_create(struct services *services, struct sink *access,
					   size_t sockets, sem_t *done);
/* With its sockets; *change may be NULL. */
void worker_change_free(struct worker_change **change);
/* Takes *change over; in the order of the calls. */
void worker_thread_change(struct worker_thread *t, struct worker_change **change);
/*
 * SOFT: no new connection, no new request, ends when the last exchange is over. HARD: ends now.
 * DRAIN: another process has the listeners. Every connection has one more request, whose answer
 * says that it is the last, so that no client writes into a connection that closes; those that stay
 * idle end as idle ones do. Ends when the last connection is over.
 */
void worker_thread_stop(struct worker_thread *t, enum worker_command command);
/* Adds what it counted of HTTP/2; from any thread. */
void worker_thread_read_http2(const struct worker_thread *t, struct http2_sum *sum);
/* Adds this worker's counters of hops to `fault`, by enum hop_fault; from any thread. */
void worker_thread_read_hops(const struct worker_thread *t, uint64_t fault[HOP_FAULTS]);
/* Grows while its loop goes round, some times a second; from any thread. */
uint64_t worker_thread_ticks(const struct worker_thread *t);
/* Nobody is there and nothing is due (worker_at_rest); from any thread. */
bool worker_thread_rests(const struct worker_thread *t);
/* True when the thread has ended. */
bool worker_thread_ended(const struct worker_thread *t);
/* Waits for the end, frees. Stop it first. */
void worker_thread_join(struct worker_thread **t);

#endif
