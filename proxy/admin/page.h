/*
 * page.h: the status as one HTML page without scripts and without anything from elsewhere. Its
 * style is allowed by a nonce alone (Content-Security-Policy), so nothing that found its way into
 * the page could load or run anything.
 */
#ifndef HOLDFAST_ADMIN_PAGE_H
#define HOLDFAST_ADMIN_PAGE_H

#include "admin/status.h"
#include "base/grow.h"

#define PAGE_TYPE        "text/html; charset=utf-8"
#define PAGE_NONCE_BYTES 23 /* with its terminator */
#define PAGE_REFRESH_S   5
#define PAGE_POLICY_FORMAT                                                                \
	"default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'"

/* `nonce`: base64url of random bytes, another one for each page. */
void page_write(const struct status *s, const char *nonce, struct grow *out);

#endif
