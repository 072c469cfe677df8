/*
 * network.h: a range of IP addresses: "10.0.0.0/8", "2001:db8::/32", or one address; or "unix":
 * whoever comes through a UNIX socket.
 */
#ifndef HOLDFAST_BASE_NETWORK_H
#define HOLDFAST_BASE_NETWORK_H

#include "base/addr.h"

struct network {
	struct addr first; /* its bits behind `bits` are 0 */
	uint8_t bits;
};

/* RESULT_INVALID: not an address, more bits than it has, or bits set behind them; the problem says
 * which. */
enum result network_parse(struct slice text, struct network *out, struct problem *p);
bool network_has(const struct network *n, const struct addr *a);
/* Whether one of `list` has it. */
bool networks_have(const struct network *list, size_t count, const struct addr *a);

#endif
