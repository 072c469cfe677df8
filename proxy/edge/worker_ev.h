/*
 * worker_ev.h: a worker's thread and its loop: starts it with its listening
 * sockets, tells it to stop, waits for its end.
 */
#ifndef HOLDFAST_EDGE_WORKER_EV_H
#define HOLDFAST_EDGE_WORKER_EV_H

#include "relay/worker.h"

struct worker_thread;

/*
 * Takes over fds[0..count), listening sockets. Signals are blocked in the thread. On an error the
 * problem says why and the sockets are closed.
 */
enum result worker_thread_start(unsigned number, struct worker_shared *shared, const int *fds,
				size_t count, struct worker_thread **out, struct problem *p);
/* SOFT: no new connection, no new request, ends when the last exchange is over. HARD: ends now. */
void worker_thread_stop(struct worker_thread *t, enum worker_command command);
/* True when the thread has ended. */
bool worker_thread_ended(const struct worker_thread *t);
/* Waits for the end, frees. Stop it first. */
void worker_thread_join(struct worker_thread **t);

#endif
