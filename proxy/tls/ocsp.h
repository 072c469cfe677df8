/*
 * ocsp.h: an OCSP response (RFC 6960) before it is stapled: that it is one, that it speaks of this
 * certificate, and until when it may be shown. A client believes its signature or not; what is
 * looked at here is what an operator gets wrong: the file of another certificate, or an old one.
 */
#ifndef HOLDFAST_TLS_OCSP_H
#define HOLDFAST_TLS_OCSP_H

#include "result.h"

#include <openssl/x509.h>
#include <stdint.h>

/* DER. *until_s: wall time of its nextUpdate, INT64_MAX without one. RESULT_INVALID: anything else
 * than a response with an answer of `leaf`; RESULT_NO_MEMORY. */
enum result ocsp_check(const unsigned char *at, size_t bytes, X509 *leaf, int64_t *until_s,
		       struct problem *p);

#endif
