/* race_rates.c: token buckets by network; see race_rates.h. */
#include "cluster/race_rates.h"

#include "base/digest.h"

#include <string.h>

#define TOKEN    UINT64_C(1000)
#define FULL     (RACE_RATE_BURST * TOKEN)
#define V4_BYTES 3 /* of the address: its network */
#define V6_BYTES 6

static size_t
slot_of(const struct race_rates *r, const struct addr *from)
{
	uint8_t mac[16];
	size_t bytes = from->family == AF_INET ? V4_BYTES : V6_BYTES;
	digest_mac(r->key, from->ip, bytes, mac);
	return ((size_t)mac[0] << 8 | mac[1]) % RACE_RATES_SLOTS;
}

bool
race_rates_let(struct race_rates *r, const struct addr *from, uint64_t now_ms)
{
	size_t at = slot_of(r, from);
	uint64_t passed_ms = now_ms - r->slot[at].at_ms;
	uint64_t gained = passed_ms < 3600000 ? passed_ms * RACE_RATE_PER_S : FULL;
	uint64_t tokens = r->slot[at].tokens_milli + gained;
	if (r->slot[at].at_ms == 0 || tokens > FULL)
		tokens = FULL;
	bool let = tokens >= TOKEN;
	r->slot[at].at_ms = now_ms;
	r->slot[at].tokens_milli = let ? tokens - TOKEN : tokens;
	return let;
}
