/*
 * page.h: the status as one HTML page, without anything from elsewhere: tables for whoever runs no
 * scripts, and a script (assets/page.js) that makes them live. Style and script are allowed by a
 * nonce alone, and the script may ask this listener and nobody else (Content-Security-Policy): what
 * found its way into the page could load, run and send nothing.
 */
#ifndef HOLDFAST_ADMIN_PAGE_H
#define HOLDFAST_ADMIN_PAGE_H

#include "admin/status.h"
#include "base/grow.h"

#define PAGE_TYPE        "text/html; charset=utf-8"
#define PAGE_NONCE_BYTES 23 /* with its terminator */
#define PAGE_REFRESH_S   5
/* The nonce twice. */
#define PAGE_POLICY_FORMAT                                                                      \
	"default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* `nonce`: base64url of random bytes, another one for each page. */
void page_write(const struct status *s, const char *nonce, struct grow *out);
/* Nothing of the node: the script asks for the token, and with it for the rest. */
void page_write_shell(const char *nonce, struct grow *out);

#endif
