/*
 * race_rates.h: how many INITs from one network are answered: nobody uses a node to send datagrams
 * to somebody else, or keeps it busy. Token buckets (RFC 2697's word for them: committed rate and
 * burst) in a table that never grows: networks that fall together share one.
 */
#ifndef HOLDFAST_CLUSTER_RACE_RATES_H
#define HOLDFAST_CLUSTER_RACE_RATES_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

#define RACE_RATES_SLOTS 1024
#define RACE_RATE_PER_S  200 /* of an IPv4 /24 or IPv6 /48 */
#define RACE_RATE_BURST  200

/* `key` is drawn by the owner: nobody chooses whom he shares with. Else zeroed. */
struct race_rates {
	uint8_t key[16];
	struct {
		uint64_t at_ms;        /* when that was so; 0: never used, and full */
		uint64_t tokens_milli; /* thousandths */
	} slot[RACE_RATES_SLOTS];
};

/* Takes a token of the network that `from` is in; false: there is none. */
bool race_rates_let(struct race_rates *r, const struct addr *from, uint64_t now_ms);

#endif
