/*
 * tag.h: the tag, version 1 (DESIGN section 5): what a client carries between
 * requests so that no node needs a session table.
 *
 * 51 bytes, 68 characters of base64url:
 *
 *   version 1 | secret 2 | digest 16 | primary 4 | last 4 | rank 2 | issued 4 | pool 2 | MAC 16
 *
 * Integers are little endian. secret: first 16 bits of a keyed hash of the secret's
 * id. primary, last: 32-bit aliases (keyed hash of the member's id under the pool
 * key). issued: seconds since 1970. pool: fingerprint bits of (pool key, service).
 * MAC: SipHash-2-4-128 over the 35 bytes before it under a key derived from (secret,
 * service name) by BLAKE2b; the service's name is so part of what is authenticated.
 */
#ifndef HOLDFAST_AFFINITY_TAG_H
#define HOLDFAST_AFFINITY_TAG_H

#include "base/text.h"
#include "result.h"
#include "vocab.h"

#define TAG_VERSION    1
#define TAG_BYTES      51
#define TAG_TEXT_BYTES 68
#define TAG_RANK_NONE  UINT16_MAX /* not in the order (weight 0), or beyond */

struct tag_claims {
	struct session_digest digest;
	uint32_t primary;  /* alias */
	uint32_t last;     /* alias */
	uint16_t rank;     /* of last in the order of the time */
	uint32_t issued_s; /* wall clock, seconds */
	bool old_secret;   /* verified under a secret that is not the first: issue anew */
};

/* Keys of one service; immutable; any number of threads. */
struct tag_codec;

struct tag_secret {
	struct slice id;
	const uint8_t *master; /* 16 bytes */
};

/* secrets[0] signs, all verify; 1 <= count <= SECRETS_MAX. */
enum result tag_codec_create(struct slice service, const uint8_t pool_key[POOL_KEY_BYTES],
			     const struct tag_secret *secrets, size_t count,
			     struct tag_codec **out);
void tag_codec_free(struct tag_codec **codec);

/* 32-bit alias of a member id under the pool key; never 0. */
uint32_t tag_alias(const uint8_t pool_key[POOL_KEY_BYTES], struct slice member_id);

/* Writes TAG_TEXT_BYTES characters of base64url. claims->old_secret is ignored. */
void tag_write(const struct tag_codec *codec, const struct tag_claims *claims, struct writer *w);

/* TAG_NONE: *claims is filled. Else the tag is to be treated as absent; *claims is untouched. */
enum tag_rejection tag_read(const struct tag_codec *codec, struct slice text,
			    struct tag_claims *claims);

/* What a tag says of itself, whether it verifies or not: for `holdfast tag`, never to steer by. */
struct tag_inspection {
	bool decoded;             /* the rest is filled: right length, alphabet and version */
	struct tag_claims claims; /* old_secret: only when it verified */
	uint16_t secret;          /* its number in the tag */
	size_t
	    secret_index; /* who signed; not verified: the first of this number; SIZE_MAX: none */
	bool pool_matches;
};
/* Rejections as those of tag_read. */
enum tag_rejection tag_inspect(const struct tag_codec *codec, struct slice text,
			       struct tag_inspection *out);

#endif
