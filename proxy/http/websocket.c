/* websocket.c: see websocket.h. */
#include "http/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define GUID         "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_BYTES    24 /* base64 of 16 bytes */
#define ACCEPT_BYTES 28 /* base64 of SHA-1's 20 */

/* The value of the only field of that name. Empty: there is none, or more. */
static struct slice
only(const struct http_head *head, struct slice name)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(head, name, &at);
	if (field == NULL || http_field_find(head, name, &at) != NULL)
		return SLICE_NONE;
	return http_field_value(head, field);
}

bool
websocket_agreed(const struct http_head *request, const struct http_head *answer)
{
	char text[KEY_BYTES + sizeof(GUID)];
	unsigned char digest[SHA_DIGEST_LENGTH];
	unsigned char wanted[ACCEPT_BYTES + 1];
	size_t bytes = 0;
	struct slice key = only(request, SLICE("sec-websocket-key"));
	struct slice told = only(answer, SLICE("sec-websocket-accept"));
	if (key.bytes != KEY_BYTES || told.bytes != ACCEPT_BYTES ||
	    !slice_equal_nocase(only(answer, SLICE("upgrade")), SLICE("websocket")))
		return false;
	memcpy(text, key.at, KEY_BYTES);
	memcpy(text + KEY_BYTES, GUID, sizeof(GUID) - 1);
	if (EVP_Q_digest(NULL, "SHA1", NULL, text, KEY_BYTES + sizeof(GUID) - 1, digest, &bytes) !=
	    1)
		return false;
	(void)EVP_EncodeBlock(wanted, digest, sizeof(digest));
	return slice_equal(told, (struct slice){(const char *)wanted, ACCEPT_BYTES});
}
