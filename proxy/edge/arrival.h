/*
 * arrival.h: what happens between accept(2) and the first request, where a listener wants something
 * first:
 *
 *   accept -> [PROXY header] -> [addresses counted] -> [TLS handshake] -> a client, by ALPN
 *
 * One deadline, listeners[].handshake, is for all of it. Bytes of it never count as a request's,
 * and none of a request is taken with it. A connection whose listener wants nothing never comes
 * here.
 */
#ifndef HOLDFAST_EDGE_ARRIVAL_H
#define HOLDFAST_EDGE_ARRIVAL_H

#include "relay/worker.h"
#include "route/entrance.h"

/*
 * Takes over a connected, non-blocking socket. `entrance` is borrowed for the call. The connection
 * counts among the clients of the process from here on, by its address once that is known.
 */
void arrival_open(struct worker *w, int fd, const struct addr *peer,
		  const struct entrance *entrance);
/* All that are under way: closes them. */
void arrivals_abort(struct worker *w);

#endif
