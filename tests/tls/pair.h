/* pair.h: two channels over sockets, with a certificate made on the spot, for the tests of this
 * room.
 */
#ifndef HOLDFAST_TESTS_TLS_PAIR_H
#define HOLDFAST_TESTS_TLS_PAIR_H

#include "tls/channel.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* Both owned by the caller. Valid from now + `from_s` to now + `to_s`; signed by `signer_key` of
 * `signer`, NULL: by itself. */
static inline X509 *
make_certificate(EVP_PKEY *key, const char *name, const char *san, long from_s, long to_s,
		 X509 *signer, EVP_PKEY *signer_key, bool authority)
{
	static long serial;
	X509 *x = X509_new();
	X509V3_CTX context;
	X509_EXTENSION *e;
	(void)X509_set_version(x, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_NAME *subject = X509_get_subject_name(x);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0);
	(void)X509_set_issuer_name(x, signer == NULL ? subject : X509_get_subject_name(signer));
	(void)X509_set_pubkey(x, key);
	X509V3_set_ctx(&context, signer == NULL ? x : signer, x, NULL, NULL, 0);
	if (san != NULL) {
		e = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, san);
		(void)X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	e = X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints,
				authority ? "critical,CA:TRUE" : "CA:FALSE");
	(void)X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	(void)X509_sign(x, signer_key == NULL ? key : signer_key, EVP_sha256());
	return x;
}

static inline EVP_PKEY *
make_key(void)
{
	return EVP_EC_gen("P-256");
}

#endif
