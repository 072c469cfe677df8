/*
 * hash.c: XXH3 (Y. Collet), compiled into the library, so that a program that
 * uses libhashring.a links nothing else. The only file that knows xxHash.
 */
#include "order.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hashring_hash(const void *bytes, size_t count)
{
	return XXH3_64bits(bytes, count);
}
