/* identity.h: who a verified client certificate names, as text; see tls/facts.h. */
#ifndef HOLDFAST_TLS_IDENTITY_H
#define HOLDFAST_TLS_IDENTITY_H

#include "tls/facts.h"

#include <openssl/x509.h>

/* *text holds what *out points into; the caller frees it. A name that is longer than
 * TLS_IDENTITY_BYTES_MAX, or not printable, is left empty rather than cut. False: no memory. */
bool tls_identity_read(X509 *certificate, struct tls_identity *out, char **text);

#endif
