/* rates.c: see rates.h. */
#include "base/rates.h"

#include "base/digest.h"

#define TOKEN    UINT64_C(1000)
#define V4_BYTES 4
#define V6_BYTES 8
#define FULL_MS  1000 /* after so long a bucket is full */

bool
rates_let(struct rates *r, const struct addr *from, uint64_t per_s, uint64_t now_ms)
{
	uint8_t mac[16];
	digest_mac(r->key, from->ip, from->family == AF_INET ? V4_BYTES : V6_BYTES, mac);
	size_t at = ((size_t)mac[0] << 8 | mac[1]) % RATES_SLOTS;
	uint64_t full = per_s * TOKEN;
	uint64_t passed_ms = now_ms - r->slot[at].at_ms;
	uint64_t tokens = full;
	if (r->slot[at].at_ms != 0 && passed_ms < FULL_MS)
		tokens = r->slot[at].tokens_milli + passed_ms * per_s;
	if (tokens > full)
		tokens = full;
	bool let = tokens >= TOKEN;
	r->slot[at].at_ms = now_ms;
	r->slot[at].tokens_milli = let ? tokens - TOKEN : tokens;
	return let;
}
