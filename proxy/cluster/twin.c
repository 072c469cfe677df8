/* twin.c: see twin.h. */
#include "cluster/twin.h"

#include "cluster/body.h"

#include <string.h>

size_t
twin_say(struct datagram_codec *codec, const uint8_t nonce[TWIN_NONCE_BYTES], const uint8_t *asked,
	 uint8_t bytes[DATAGRAM_BYTES_MAX])
{
	struct outgoing o = {.to = codec->nodes->self, .type = DATAGRAM_INQUIRY};
	if (asked != NULL)
		put_bytes(&o, asked, TWIN_NONCE_BYTES);
	put_bytes(&o, nonce, TWIN_NONCE_BYTES);
	return datagram_encode(codec, &o, 0, 0, bytes);
}

enum twin
twin_look(const uint8_t nonce[TWIN_NONCE_BYTES], const uint8_t *bytes, size_t count)
{
	const uint8_t *body = bytes + DATAGRAM_HEADER_BYTES;
	size_t body_bytes = count - DATAGRAM_BYTES_MIN;
	bool ours = body_bytes >= TWIN_NONCE_BYTES && memcmp(body, nonce, TWIN_NONCE_BYTES) == 0;
	if (body_bytes == TWIN_NONCE_BYTES)
		return ours ? TWIN_IS_US : TWIN_ASKS;
	return body_bytes == (size_t)2 * TWIN_NONCE_BYTES && ours ? TWIN_ANSWERS : TWIN_NONE;
}
