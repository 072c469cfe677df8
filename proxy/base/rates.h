/*
 * rates.h: so many a second for each client: token buckets in a table that never grows. Clients
 * that fall together share one; a key that nobody knows keeps anybody from choosing with whom.
 */
#ifndef HOLDFAST_BASE_RATES_H
#define HOLDFAST_BASE_RATES_H

#include "base/addr.h"

#define RATES_SLOTS 1024

struct rates {
	uint8_t key[16]; /* random */
	struct {
		uint64_t at_ms; /* 0: never used, and full */
		uint64_t tokens_milli;
	} slot[RATES_SLOTS];
};

/* Takes a token of the IPv4 address or IPv6 /64; false: there is none. As many as come in a second
 * may come at once. */
bool rates_let(struct rates *r, const struct addr *from, uint64_t per_s, uint64_t now_ms);

#endif
