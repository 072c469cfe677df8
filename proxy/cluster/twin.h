/*
 * twin.h: is there another process of this node's id? Pure.
 *
 * A process that starts says its nonce to its node's own address in the list. It is this very
 * process when that comes back; another one that has the id answers with that nonce and its own. So
 * nothing that was captured before can stop a start.
 */
#ifndef HOLDFAST_CLUSTER_TWIN_H
#define HOLDFAST_CLUSTER_TWIN_H

#include "cluster/datagram.h"

#define TWIN_NONCE_BYTES 16 /* who this process is, among those of one id */
#define TWIN_ANSWER_MS   50 /* between two answers */

/* The datagram that says it; `asked`: the nonce that is answered, NULL: it asks. Returns its bytes.
 */
size_t twin_say(struct datagram_codec *codec, const uint8_t nonce[TWIN_NONCE_BYTES],
		const uint8_t *asked, uint8_t bytes[DATAGRAM_BYTES_MAX]);

enum twin { TWIN_NONE, TWIN_ASKS, TWIN_ANSWERS, TWIN_IS_US };

/* Of a datagram that datagram_decode dropped as DATAGRAM_DROP_TWIN: it is authentic. */
enum twin twin_look(const uint8_t nonce[TWIN_NONCE_BYTES], const uint8_t *bytes, size_t count);
/* Of one that asks: what is to be answered. */
static inline const uint8_t *
twin_asked(const uint8_t *bytes)
{
	return bytes + DATAGRAM_HEADER_BYTES;
}

#endif
