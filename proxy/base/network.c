/* network.c: see network.h. */
#include "base/network.h"

/* Whether all bits of `ip` from `bit` on are 0. */
static bool
is_zero_from(const uint8_t *ip, size_t bytes, unsigned bit)
{
	for (size_t i = bit / 8; i < bytes; i++) {
		unsigned mask = i == bit / 8 ? 0xffU >> bit % 8 : 0xffU;
		if ((ip[i] & mask) != 0)
			return false;
	}
	return true;
}

enum result
network_parse(struct slice text, struct network *out, struct problem *p)
{
	size_t mark = slice_find(text, '/');
	uint64_t bits;
	if (slice_equal(text, SLICE("unix"))) {
		*out = (struct network){.first = {.family = AF_UNIX}};
		return RESULT_OK;
	}
	if (!addr_parse_ip((struct slice){text.at, mark}, &out->first))
		return problem_set(p, RESULT_INVALID,
				   "a network is wanted, such as \"10.0.0.0/8\", \"192.0.2.1\" or "
				   "\"2001:db8::/32\", or \"unix\"");
	unsigned most = out->first.family == AF_INET ? 32 : 128;
	bits = most;
	if (mark < text.bytes &&
	    !slice_to_u64((struct slice){text.at + mark + 1, text.bytes - mark - 1}, &bits))
		return problem_set(p, RESULT_INVALID, "behind '/' the number of bits is wanted");
	if (bits > most)
		return problem_set(p, RESULT_INVALID, "more than %u bits", most);
	if (!is_zero_from(out->first.ip, most / 8, (unsigned)bits))
		return problem_set(p, RESULT_INVALID, "bits are set behind the first %u",
				   (unsigned)bits);
	out->bits = (uint8_t)bits;
	return RESULT_OK;
}

bool
network_has(const struct network *n, const struct addr *a)
{
	if (a->family != n->first.family)
		return false;
	size_t whole = n->bits / 8;
	if (memcmp(a->ip, n->first.ip, whole) != 0)
		return false;
	unsigned mask = 0xff00U >> n->bits % 8 & 0xffU;
	return mask == 0 || (a->ip[whole] & mask) == n->first.ip[whole];
}

bool
networks_have(const struct network *list, size_t count, const struct addr *a)
{
	for (size_t i = 0; i < count; i++) {
		if (network_has(&list[i], a))
			return true;
	}
	return false;
}
