/*
 * addresses.h: how many connections each client address holds, for
 * limits.connections_per_address. One table for all workers, asked once a
 * connection and only while the limit is on. IPv6 clients count by their /64,
 * which one of them has for itself.
 *
 * The table is bounded: of more than ADDRESSES_MAX addresses at once the further ones are not
 * counted, and so not limited. Where an address stands is keyed by chance.
 */
#ifndef HOLDFAST_EDGE_ADDRESSES_H
#define HOLDFAST_EDGE_ADDRESSES_H

#include "base/addr.h"

#define ADDRESSES_MAX 65536

struct addresses;

/* NULL: no memory. */
struct addresses *addresses_create(void);
void addresses_free(struct addresses **a);

enum address_answer {
	ADDRESS_COUNTED,   /* to be given back by addresses_leave */
	ADDRESS_UNCOUNTED, /* the table is full */
	ADDRESS_REFUSED,   /* the address holds `most` already */
};

/* Thread-safe, both. */
enum address_answer addresses_enter(struct addresses *a, const struct addr *peer, uint32_t most);
void addresses_leave(struct addresses *a, const struct addr *peer);

#endif
