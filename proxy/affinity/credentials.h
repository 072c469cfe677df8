/*
 * credentials.h: what Authorization says of who asks (RFC 9110 section 11.6.2), as a
 * name for a session and nothing else: no signature is checked, no password, nobody is
 * let in or kept out by it. That stays the member's work, which gets the field
 * unchanged. Who makes up a token chooses a place in the ordering, as with any key.
 *
 * Each takes the value of the field. True: *key lies in scratch
 * (SESSION_KEY_BYTES_MAX bytes given by the caller) and is not empty. False: another scheme,
 * or malformed in any way, or longer than its bound.
 */
#ifndef HOLDFAST_AFFINITY_CREDENTIALS_H
#define HOLDFAST_AFFINITY_CREDENTIALS_H

#include "base/text.h"
#include "vocab.h"

#define JWT_PAYLOAD_BYTES_MAX 8192 /* decoded */

/*
 * A claim of the payload of a JWT in compact form, three parts of base64url (RFC 7519 section 3,
 * RFC 7515 section 7.1), that is a text or a whole number; an encrypted one (five parts) has
 * none. The header is not looked at, nor is the signature, which may be empty.
 */
bool credentials_bearer_claim(struct slice value, struct slice claim, char *scratch,
			      struct slice *key);
/* The user name of Basic credentials (RFC 7617 section 2), as bytes; padding is a must. */
bool credentials_basic_user(struct slice value, char *scratch, struct slice *key);

#endif
