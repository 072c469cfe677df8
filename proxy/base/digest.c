/* digest.c: keyed digests and draws; see digest.h. */
#include "base/digest.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(crypto_shorthash_siphashx24_BYTES == DIGEST_BYTES, "digest size");
static_assert(crypto_shorthash_siphashx24_KEYBYTES == POOL_KEY_BYTES, "pool key size");

bool
digest_init(void)
{
	return sodium_init() >= 0;
}

void
digest_session(const uint8_t pool_key[POOL_KEY_BYTES], struct slice session_key,
	       struct session_digest *out)
{
	(void)crypto_shorthash_siphashx24(out->bytes, (const unsigned char *)session_key.at,
					  session_key.bytes, pool_key);
}

void
digest_mac(const uint8_t key[16], const void *message, size_t bytes, uint8_t out[16])
{
	(void)crypto_shorthash_siphashx24(out, message, bytes, key);
}

bool
digest_equal(const void *a, const void *b, size_t bytes)
{
	/* sodium_memcmp goes by the byte through volatile: a tenth of a request's budget. */
	const uint8_t *left = a;
	const uint8_t *right = b;
	uint64_t differ = 0;
	size_t i = 0;
	for (; i + 8 <= bytes; i += 8) {
		uint64_t x;
		uint64_t y;
		memcpy(&x, left + i, 8);
		memcpy(&y, right + i, 8);
		differ |= x ^ y;
	}
	for (; i < bytes; i++)
		differ |= (uint64_t)(left[i] ^ right[i]);
	__asm__ volatile("" : "+r"(differ)); /* no early way out for the compiler */
	return differ == 0;
}

void
digest_derive(const char *purpose, struct slice name, const void *secret, size_t bytes,
	      uint8_t out[16])
{
	static const unsigned char separator = 0;
	crypto_generichash_state state;
	(void)crypto_generichash_init(&state, NULL, 0, 16);
	(void)crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose));
	(void)crypto_generichash_update(&state, &separator, 1);
	(void)crypto_generichash_update(&state, (const unsigned char *)name.at, name.bytes);
	(void)crypto_generichash_update(&state, &separator, 1);
	(void)crypto_generichash_update(&state, secret, bytes);
	(void)crypto_generichash_final(&state, out, 16);
	sodium_memzero(&state, sizeof(state));
}

void
digest_default_pool_key(struct slice service_name, uint8_t out[POOL_KEY_BYTES])
{
	digest_derive("holdfast pool key v1", service_name, NULL, 0, out);
}

void
digest_random(uint8_t out[16])
{
	randombytes_buf(out, 16);
}

void
prng_seed(struct prng *g)
{
	randombytes_buf(&g->state, sizeof(g->state));
}

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t
prng_next(struct prng *g)
{
	uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
