/* ticket.c: see ticket.h. */
#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define KEY_BYTES 32

struct keys {
	uint8_t name[TICKET_NAME_BYTES];
	uint8_t crypt[KEY_BYTES];
	uint8_t mac[KEY_BYTES];
};

static uint8_t process_secret[TICKET_ROOT_BYTES];

static void
make_process_secret(void)
{
	randombytes_buf(process_secret, sizeof(process_secret));
}

const uint8_t *
ticket_process_secret(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, make_process_secret);
	return process_secret;
}

/* BLAKE2b of (purpose, length of the secret, secret, bound). */
void
ticket_root_derive(const void *secret, size_t secret_bytes, const void *bound, size_t bound_bytes,
		   uint8_t root[TICKET_ROOT_BYTES])
{
	static const char purpose[] = "holdfast tls ticket v1";
	crypto_generichash_state state;
	uint64_t length = secret_bytes;
	(void)crypto_generichash_init(&state, NULL, 0, TICKET_ROOT_BYTES);
	(void)crypto_generichash_update(&state, (const uint8_t *)purpose, sizeof(purpose));
	(void)crypto_generichash_update(&state, (const uint8_t *)&length, sizeof(length));
	(void)crypto_generichash_update(&state, secret, secret_bytes);
	(void)crypto_generichash_update(&state, bound, bound_bytes);
	(void)crypto_generichash_final(&state, root, TICKET_ROOT_BYTES);
}

static void
derive_one(const uint8_t root[TICKET_ROOT_BYTES], int64_t period, const char *what, uint8_t *key,
	   size_t bytes)
{
	uint8_t text[16];
	for (size_t i = 0; i < 8; i++) {
		text[i] = (uint8_t)((uint64_t)period >> 8 * i);
		text[8 + i] = i < strlen(what) ? (uint8_t)what[i] : ' ';
	}
	(void)crypto_generichash(key, bytes, text, sizeof(text), root, TICKET_ROOT_BYTES);
}

static void
derive(const uint8_t root[TICKET_ROOT_BYTES], int64_t period, struct keys *k)
{
	derive_one(root, period, "name", k->name, sizeof(k->name));
	derive_one(root, period, "crypt", k->crypt, sizeof(k->crypt));
	derive_one(root, period, "mac", k->mac, sizeof(k->mac));
}

static int
begin(const struct keys *k, const EVP_CIPHER *cipher, unsigned char *iv, EVP_CIPHER_CTX *crypt,
      EVP_MAC_CTX *mac, int seal)
{
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->mac,
					      sizeof(k->mac)),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t) "SHA256",
					     0),
	    OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(crypt, cipher, NULL, k->crypt, iv, seal) == 1;
}

int
ticket_crypt(const uint8_t root[TICKET_ROOT_BYTES], int64_t now_s, const EVP_CIPHER *cipher,
	     unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *crypt, EVP_MAC_CTX *mac,
	     int seal)
{
	static const int64_t tried[] = {0, -1, 1};
	struct keys k;
	int64_t period = now_s / TICKET_PERIOD_S;
	int result = 0;
	if (seal) {
		derive(root, period, &k);
		memcpy(name, k.name, sizeof(k.name));
		result = RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) == 1 &&
				 begin(&k, cipher, iv, crypt, mac, 1)
			     ? 1
			     : -1;
	}
	for (size_t i = 0; !seal && i < sizeof(tried) / sizeof(tried[0]); i++) {
		derive(root, period + tried[i], &k);
		if (sodium_memcmp(name, k.name, sizeof(k.name)) != 0)
			continue;
		result = !begin(&k, cipher, iv, crypt, mac, 0) ? -1 : tried[i] == 0 ? 1 : 2;
		break;
	}
	sodium_memzero(&k, sizeof(k));
	return result;
}
