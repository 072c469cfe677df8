/*
 * racing_socket.h: the datagrams of one worker's races, and the clock that ends them: an
 * unconnected UDP socket a family, and a timer finer than the worker's ticks.
 */
#ifndef HOLDFAST_RELAY_RACING_SOCKET_H
#define HOLDFAST_RELAY_RACING_SOCKET_H

#include "cluster/race.h"
#include "relay/io.h"

#define RACING_BATCH       16 /* datagrams a system call */
#define RACING_BATCHES_MAX 16 /* a wake-up; what is left wakes again */

/* Called by the worker's loop. */
struct racing_ear {
	void (*datagram)(void *context, const uint8_t *bytes, size_t count);
	void (*time)(void *context);
	void *context;
};

struct racing_socket {
	struct io udp[2]; /* IPv4, IPv6; fd -1: not needed yet */
	struct io timer;
	struct addr own;   /* of this node: what is sent comes from there */
	uint64_t wakes_us; /* when the timer fires; RACE_NEVER: not set */
	struct racing_ear ear;
};

/* One datagram to all of them. */
struct racing_batch {
	const struct addr *to[RACE_SERVERS_MAX];
	size_t count;
	size_t bytes;
	uint8_t datagram[RACE_DATAGRAM_BYTES_MAX];
};

/* False: no descriptor was left. */
bool racing_socket_open(struct racing_socket *s, struct worker *w, const struct addr *own,
			struct racing_ear ear);
void racing_socket_close(struct racing_socket *s);
/* In their sequence, at once: one system call a family. What the kernel does not take is lost, as
 * any datagram may be. */
void racing_socket_send(struct racing_socket *s, const struct racing_batch *batch);
/* ear.time is called at `at_us` of the monotonic clock, or earlier for somebody else. */
void racing_socket_wake(struct racing_socket *s, uint64_t at_us);

#endif
