/*
 * introduce.h: a member that wants a PROXY header (base/proxy_out.h) is told who asks, ahead of the
 * first byte of a connection.
 */
#ifndef HOLDFAST_RELAY_INTRODUCE_H
#define HOLDFAST_RELAY_INTRODUCE_H

#include "relay/upstream.h"

/* u is connected for x, and nothing was sent. False: errno. */
bool introduce_client(const struct upstream *u, const struct exchange *x);

#endif
