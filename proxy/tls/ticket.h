/*
 * ticket.h: session tickets (RFC 5077; RFC 8446 section 4.6.1) without anything kept: the keys that
 * seal them are derived from a root and the time, and change every TICKET_PERIOD_S. What was sealed
 * in the period before is still opened, and sealed anew; what was sealed in the next is, too, for
 * nodes that share a root do not share a clock.
 *
 * A root belongs to one listener's rules and one certificate: a ticket of another is not even
 * recognised (its key's name is unknown), and costs a whole handshake.
 */
#ifndef HOLDFAST_TLS_TICKET_H
#define HOLDFAST_TLS_TICKET_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_ROOT_BYTES       32
#define TICKET_NAME_BYTES       16 /* what OpenSSL has for them */
#define TICKET_PERIOD_S         43200
#define TICKET_SECRET_BYTES     32 /* at least, of a secret that nodes share */
#define TICKET_SECRET_BYTES_MAX 4096

/* A root from a secret and what the tickets are bound to, any bytes. */
void ticket_root_derive(const void *secret, size_t secret_bytes, const void *bound,
			size_t bound_bytes, uint8_t root[TICKET_ROOT_BYTES]);
/* Of this process: random, the same on each call. */
const uint8_t *ticket_process_secret(void);

/*
 * What SSL_CTX_set_tlsext_ticket_key_evp_cb asks, at wall time `now_s`: 1: go on; 2: go on, and
 * seal it anew; 0: not ours; -1: an error. `cipher`: AES-256-CBC.
 */
int ticket_crypt(const uint8_t root[TICKET_ROOT_BYTES], int64_t now_s, const EVP_CIPHER *cipher,
		 unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *crypt, EVP_MAC_CTX *mac,
		 int seal);

#endif
