/*
 * certificate.h: a server certificate from its files: the chain (PEM, the server's own first, each
 * followed by who issued it), its key, and the OCSP response that is stapled to it (RFC 6066
 * section 8, DER). What a client would find wrong is found here first, so that `holdfast check` can
 * say it.
 */
#ifndef HOLDFAST_TLS_CERTIFICATE_H
#define HOLDFAST_TLS_CERTIFICATE_H

#include "result.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#define TLS_FILE_BYTES_MAX (1024L * 1024)
#define TLS_CHAIN_MAX      16 /* certificates in one file */
#define TLS_EXPIRES_SOON_S (14L * 86400)
#define TLS_FINGERPRINT    32 /* bytes: SHA-256 */

struct tls_files {
	const char *certificate; /* borrowed, all three */
	const char *key;
	const char *ocsp; /* NULL: none */
};

enum tls_file { TLS_FILE_CERTIFICATE, TLS_FILE_KEY, TLS_FILE_OCSP };

/* Owns what it points to. */
struct tls_certificate {
	X509 *leaf;
	STACK_OF(X509) * chain; /* behind it; may be empty */
	EVP_PKEY *key;
	unsigned char *ocsp; /* by OPENSSL_malloc; NULL: none */
	size_t ocsp_bytes;
	int64_t ocsp_until_s;                 /* wall time from which it is not stapled any more */
	uint8_t fingerprint[TLS_FINGERPRINT]; /* of the leaf */
};

/*
 * Reads and compares. RESULT_INVALID: unreadable form, a key that does not fit or that others can
 * read, a chain out of order, an OCSP response for another certificate; RESULT_NOT_FOUND,
 * RESULT_IO, RESULT_NO_MEMORY; *which names the file and the problem says why; *out is empty then.
 */
enum result tls_certificate_read(const struct tls_files *files, struct tls_certificate *out,
				 enum tls_file *which, struct problem *p);
void tls_certificate_deinit(struct tls_certificate *c);

enum tls_validity { TLS_VALID, TLS_EXPIRES_SOON, TLS_EXPIRED, TLS_NOT_YET };
/* Of the whole chain, at wall time `now_s`; other than TLS_VALID: the problem says which and when.
 */
enum tls_validity tls_certificate_validity(const struct tls_certificate *c, int64_t now_s,
					   struct problem *p);

/* Of its OCSP response: it is over, and the problem says since when. */
bool tls_ocsp_expired(const struct tls_certificate *c, int64_t now_s, struct problem *p);

/* Certificates of those who may sign client certificates (PEM). The same errors. */
enum result tls_authorities_read(const char *file, STACK_OF(X509) * *out, struct problem *p);

/* A secret whole, of at most `most` bytes, that others can neither read nor change. The same
 * errors.
 */
enum result tls_secret_read(const char *file, uint8_t *out, size_t most, size_t *bytes,
			    struct problem *p);

#endif
