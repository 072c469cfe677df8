/*
 * tag.c: the tag as bytes and text; see tag.h. Everything that is secret is
 * derived once, in tag_codec_create; a request costs one base64url decoding and
 * one SipHash over 35 bytes.
 */
#include "affinity/tag.h"

#include "base/digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define MAC_BYTES 16
/* Places in the 51 bytes. */
#define AT_VERSION 0
#define AT_SECRET  1
#define AT_DIGEST  3
#define AT_PRIMARY 19
#define AT_LAST    23
#define AT_RANK    27
#define AT_ISSUED  29
#define AT_POOL    33
#define AT_MAC     35

static_assert(AT_MAC + MAC_BYTES == TAG_BYTES, "the places fill the tag");
static_assert(TAG_BYTES % 3 == 0 && TAG_BYTES / 3 * 4 == TAG_TEXT_BYTES,
	      "no spare bits in the text");

struct tag_key {
	uint16_t secret; /* as it stands in the tag; two secrets may share it */
	uint8_t mac[16];
};

struct tag_codec {
	uint16_t pool;
	size_t key_count;
	struct tag_key key[SECRETS_MAX]; /* key[0] signs */
};

static uint16_t
get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t
get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void
put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, (uint16_t)value);
	put_u16(at + 2, (uint16_t)(value >> 16));
}

enum result
tag_codec_create(struct slice service, const uint8_t pool_key[POOL_KEY_BYTES],
		 const struct tag_secret *secrets, size_t count, struct tag_codec **out)
{
	assert(count >= 1 && count <= SECRETS_MAX);
	struct tag_codec *codec = calloc(1, sizeof(*codec));
	if (codec == NULL)
		return RESULT_NO_MEMORY;
	uint8_t derived[16];
	digest_derive("holdfast tag pool v1", service, pool_key, POOL_KEY_BYTES, derived);
	codec->pool = get_u16(derived);
	codec->key_count = count;
	for (size_t i = 0; i < count; i++) {
		digest_derive("holdfast tag secret v1", secrets[i].id, secrets[i].master, 16,
			      derived);
		codec->key[i].secret = get_u16(derived);
		digest_derive("holdfast tag mac v1", service, secrets[i].master, 16,
			      codec->key[i].mac);
	}
	*out = codec;
	return RESULT_OK;
}

void
tag_codec_free(struct tag_codec **held)
{
	struct tag_codec *codec = *held;
	if (codec == NULL)
		return;
	*held = NULL;
	sodium_memzero(codec, sizeof(*codec));
	free(codec);
}

uint32_t
tag_alias(const uint8_t pool_key[POOL_KEY_BYTES], struct slice member_id)
{
	uint8_t derived[16];
	digest_derive("holdfast member alias v1", member_id, pool_key, POOL_KEY_BYTES, derived);
	uint32_t alias = get_u32(derived);
	return alias != 0 ? alias : 1;
}

void
tag_write(const struct tag_codec *codec, const struct tag_claims *claims, struct writer *w)
{
	uint8_t tag[TAG_BYTES];
	tag[AT_VERSION] = TAG_VERSION;
	put_u16(tag + AT_SECRET, codec->key[0].secret);
	memcpy(tag + AT_DIGEST, claims->digest.bytes, DIGEST_BYTES);
	put_u32(tag + AT_PRIMARY, claims->primary);
	put_u32(tag + AT_LAST, claims->last);
	put_u16(tag + AT_RANK, claims->rank);
	put_u32(tag + AT_ISSUED, claims->issued_s);
	put_u16(tag + AT_POOL, codec->pool);
	digest_mac(codec->key[0].mac, tag, AT_MAC, tag + AT_MAC);
	char text[TAG_TEXT_BYTES];
	struct writer whole = writer_on(text, sizeof(text));
	write_base64url(&whole, tag, sizeof(tag));
	write_bytes(w, text, sizeof(text));
}

/* False: not base64url, wrong length or wrong version. Whole, as its length is known: of every
 * request. */
__attribute__((flatten)) static bool
decode(struct slice text, uint8_t tag[TAG_BYTES])
{
	return text.bytes == TAG_TEXT_BYTES &&
	       base64url_decode(text, tag, TAG_BYTES) == TAG_BYTES &&
	       tag[AT_VERSION] == TAG_VERSION;
}

static void
get_claims(const uint8_t tag[TAG_BYTES], struct tag_claims *claims)
{
	memcpy(claims->digest.bytes, tag + AT_DIGEST, DIGEST_BYTES);
	claims->primary = get_u32(tag + AT_PRIMARY);
	claims->last = get_u32(tag + AT_LAST);
	claims->rank = get_u16(tag + AT_RANK);
	claims->issued_s = get_u32(tag + AT_ISSUED);
}

static bool
mac_verifies(const struct tag_key *key, const uint8_t tag[TAG_BYTES])
{
	uint8_t mac[MAC_BYTES];
	digest_mac(key->mac, tag, AT_MAC, mac);
	return digest_equal(mac, tag + AT_MAC, MAC_BYTES);
}

enum tag_rejection
tag_read(const struct tag_codec *codec, struct slice text, struct tag_claims *claims)
{
	uint8_t tag[TAG_BYTES];
	if (!decode(text, tag))
		return TAG_MALFORMED;
	enum tag_rejection rejection = TAG_UNKNOWN_SECRET;
	uint16_t secret = get_u16(tag + AT_SECRET);
	for (size_t i = 0; i < codec->key_count; i++) {
		if (codec->key[i].secret != secret)
			continue;
		if (!mac_verifies(&codec->key[i], tag)) {
			rejection = TAG_BAD_MAC;
			continue;
		}
		if (get_u16(tag + AT_POOL) != codec->pool)
			return TAG_OTHER_POOL;
		get_claims(tag, claims);
		claims->old_secret = i != 0;
		return TAG_NONE;
	}
	return rejection;
}

/* Who signed it, else the first that may have; SIZE_MAX: nobody of these. */
static size_t
secret_index(const struct tag_codec *codec, const uint8_t tag[TAG_BYTES])
{
	size_t found = SIZE_MAX;
	for (size_t i = codec->key_count; i-- > 0;) {
		if (codec->key[i].secret != get_u16(tag + AT_SECRET))
			continue;
		found = i;
		if (mac_verifies(&codec->key[i], tag))
			break;
	}
	return found;
}

enum tag_rejection
tag_inspect(const struct tag_codec *codec, struct slice text, struct tag_inspection *out)
{
	uint8_t tag[TAG_BYTES] = {0};
	*out = (struct tag_inspection){.decoded = decode(text, tag), .secret_index = SIZE_MAX};
	if (!out->decoded)
		return TAG_MALFORMED;
	get_claims(tag, &out->claims);
	out->secret = get_u16(tag + AT_SECRET);
	out->secret_index = secret_index(codec, tag);
	out->pool_matches = get_u16(tag + AT_POOL) == codec->pool;
	return tag_read(codec, text, &out->claims);
}
