/*
 * proxy_out.h: the PROXY protocol towards members, versions 1 and 2 (HAProxy's
 * doc/proxy-protocol.txt, 2020/03/05): who the client is, ahead of the first byte of a connection.
 * What is said holds for the whole connection: one that said it is never used for another client.
 * edge/proxy_header.h reads the same.
 */
#ifndef HOLDFAST_BASE_PROXY_OUT_H
#define HOLDFAST_BASE_PROXY_OUT_H

#include "base/addr.h"

#define PROXY_OUT_BYTES_MAX 108 /* of one header */

enum proxy_out { PROXY_OUT_OFF, PROXY_OUT_V1, PROXY_OUT_V2 };

/*
 * client: NULL: the connection is our own (a check): UNKNOWN, LOCAL. Without an IP address:
 * UNKNOWN, UNSPEC. `at`: where he connected to; another family, or none: both are written as IPv6,
 * or its address as zeros.
 */
void proxy_out_write(struct writer *w, enum proxy_out version, const struct addr *client,
		     const struct addr *at);
/* Into the empty buffer of a connection that was just made. False: errno. */
bool proxy_out_send(int fd, enum proxy_out version, const struct addr *client,
		    const struct addr *at);

#endif
