/*
 * digest.h: keyed digests (libsodium). What is kept secret is derived here once,
 * at start; what runs a request is SipHash-2-4 with 64- or 128-bit output
 * (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
 */
#ifndef HOLDFAST_BASE_DIGEST_H
#define HOLDFAST_BASE_DIGEST_H

#include "base/text.h"
#include "vocab.h"

#include <stdint.h>

/* Must be called once before anything else here; false: libsodium cannot start. */
bool digest_init(void);

/* Session digest: SipHash-2-4-128 of the session key under the pool key. */
void digest_session(const uint8_t pool_key[POOL_KEY_BYTES], struct slice session_key,
		    struct session_digest *out);
/* 16-byte MAC of `message` under a derived key. */
void digest_mac(const uint8_t key[16], const void *message, size_t bytes, uint8_t out[16]);
/* Constant time in the bytes' values. */
bool digest_equal(const void *a, const void *b, size_t bytes);
/*
 * A 16-byte key from a secret of any length: BLAKE2b-128 of the secret, keyed by
 * nothing, over (purpose, 0 byte, name, 0 byte, secret). Different purposes and
 * names give independent keys. `purpose` and `name` hold no 0 byte.
 */
void digest_derive(const char *purpose, struct slice name, const void *secret, size_t bytes,
		   uint8_t out[16]);
/* Pool key when none is configured: from the service's name alone, so that anyone can compute it.
 */
void digest_default_pool_key(struct slice service_name, uint8_t out[POOL_KEY_BYTES]);
/* 16 random bytes from the operating system. */
void digest_random(uint8_t out[16]);

/* SplitMix64 draws for choices that need no secrecy; one per worker, seeded by the OS. */
struct prng {
	uint64_t state;
};
void prng_seed(struct prng *g);
uint64_t prng_next(struct prng *g);

#endif
