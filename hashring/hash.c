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

uint64_t
hashring_point(const uint8_t digest[HASHRING_DIGEST_BYTES])
{
	return hashring_hash(digest, HASHRING_DIGEST_BYTES);
}

/* ---- a digest of a point ----------------------------------------------------------------------
 */

/*
 * XXH3 of 16 bytes (xxHash's specification, "Medium sized inputs", lengths 9 to 16): with lo and
 * hi, the two words under their masks: avalanche(16 + swap(lo) + hi + fold(lo * hi)). With lo = 0
 * that is avalanche(16 + hi), and the avalanche is a permutation: it is walked backwards.
 */
#define MASK_LO        UINT64_C(0x6782737bea4239b9) /* words 3 and 4 of the secret, exclusive or */
#define MASK_HI        UINT64_C(0xaf56bc3b0996523a) /* words 5 and 6 */
#define AVALANCHE_BACK UINT64_C(0x08da8ee41d6df849) /* of 0x165667919e3779f9, modulo 2^64 */

static uint64_t
avalanche_back(uint64_t h)
{
	h ^= h >> 32;
	h *= AVALANCHE_BACK;
	return h ^ h >> 37;
}

static void
put_le64(uint8_t *at, uint64_t word)
{
	for (size_t i = 0; i < 8; i++)
		at[i] = (uint8_t)(word >> 8 * i);
}

void
hashring_digest_at(uint64_t point, uint8_t digest[HASHRING_DIGEST_BYTES])
{
	put_le64(digest, MASK_LO);
	put_le64(digest + 8, (avalanche_back(point) - HASHRING_DIGEST_BYTES) ^ MASK_HI);
}
