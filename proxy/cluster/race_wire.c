/* race_wire.c: INIT and OFFER as bytes; see race_wire.h. */
#include "cluster/race_wire_inside.h"

#include "cluster/bigendian.h"

#include "base/digest.h"

#include <assert.h>
#include <string.h>

#define AT_MAGIC        0
#define AT_VERSION      4
#define AT_TYPE         5
#define AT_SECRET       6
#define AT_CLUSTER      8

#define OFFER_BODY_MIN  (RACE_TAG_BYTES + TICKET_BYTES + 1)
#define INIT_BODY_BYTES (OFFER_BODY_MIN + RACE_URL_BYTES_MAX)

/* In an INIT, after the header. */
#define AT_TAG     0
#define AT_ATTEMPT (AT_TAG + RACE_TAG_BYTES)
#define AT_BIND    (AT_ATTEMPT + 1)
#define AT_HASH    (AT_BIND + 1)
#define AT_SERVICE (AT_HASH + TICKET_BIND_BYTES)
/* In an OFFER. */
#define AT_TICKET (AT_TAG + RACE_TAG_BYTES)
#define AT_URL    (AT_TICKET + TICKET_BYTES)

static_assert(RACE_HEADER_BYTES + INIT_BODY_BYTES + RACE_MAC_BYTES == RACE_DATAGRAM_BYTES_MAX,
	      "the longest OFFER, sealed, is as long as an INIT");
static_assert(AT_SERVICE + 1 + ID_BYTES_MAX <= INIT_BODY_BYTES, "the longest INIT fits");

static const uint8_t magic[4] = {'H', 'F', 'R', 'C'};

void
race_seal_init(struct race_seal *seal, struct slice cluster, const struct datagram_secret *secrets,
	       size_t count)
{
	assert(count >= 1 && count <= SECRETS_MAX);
	uint8_t derived[16];
	digest_derive("holdfast cluster v1", cluster, NULL, 0, derived);
	seal->cluster = load(derived, 8);
	seal->key_count = count;
	for (size_t i = 0; i < count; i++) {
		digest_derive("holdfast datagram secret v1", secrets[i].id, secrets[i].master, 16,
			      derived);
		seal->key[i].secret = (uint16_t)load(derived, 2);
		digest_derive("holdfast race mac v1", cluster, secrets[i].master, 16,
			      seal->key[i].mac);
	}
}

bool
race_has_type(const uint8_t *bytes, size_t count, enum datagram_type type)
{
	return count >= RACE_HEADER_BYTES && memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) == 0 &&
	       bytes[AT_TYPE] == type;
}

bool
race_is_datagram(const uint8_t *bytes, size_t count)
{
	return race_has_type(bytes, count, DATAGRAM_RACE_INIT) ||
	       race_has_type(bytes, count, DATAGRAM_RACE_OFFER);
}

/* ---- header and seal --------------------------------------------------------------------------
 */

size_t
race_finish(const struct race_seal *seal, enum datagram_type type, size_t body_bytes,
	    uint8_t bytes[RACE_DATAGRAM_BYTES_MAX])
{
	memset(bytes, 0, RACE_HEADER_BYTES);
	memcpy(bytes + AT_MAGIC, magic, sizeof(magic));
	bytes[AT_VERSION] = DATAGRAM_VERSION;
	bytes[AT_TYPE] = (uint8_t)type;
	size_t count = RACE_HEADER_BYTES + body_bytes;
	if (seal == NULL)
		return count;
	store(bytes + AT_SECRET, seal->key[0].secret, 2);
	store(bytes + AT_CLUSTER, seal->cluster, 8);
	digest_mac(seal->key[0].mac, bytes, count, bytes + count);
	return count + RACE_MAC_BYTES;
}

static bool
is_sealed(const struct race_seal *seal, const uint8_t *bytes, size_t count)
{
	if (seal == NULL || count < RACE_HEADER_BYTES + RACE_MAC_BYTES ||
	    load(bytes + AT_CLUSTER, 8) != seal->cluster)
		return false;
	for (size_t i = 0; i < seal->key_count; i++) {
		uint8_t mac[RACE_MAC_BYTES];
		if (load(bytes + AT_SECRET, 2) != seal->key[i].secret)
			continue;
		digest_mac(seal->key[i].mac, bytes, count - RACE_MAC_BYTES, mac);
		if (digest_equal(mac, bytes + count - RACE_MAC_BYTES, RACE_MAC_BYTES))
			return true;
	}
	return false;
}

enum race_read
race_unwrap(const struct race_seal *seal, enum datagram_type type, const uint8_t *bytes,
	    size_t count, size_t *body_bytes)
{
	if (!race_has_type(bytes, count, type) || count > RACE_DATAGRAM_BYTES_MAX ||
	    bytes[AT_VERSION] != DATAGRAM_VERSION)
		return RACE_BAD;
	*body_bytes = count - RACE_HEADER_BYTES;
	if (load(bytes + AT_SECRET, 2) == 0 && load(bytes + AT_CLUSTER, 8) == 0)
		return RACE_UNSEALED;
	if (!is_sealed(seal, bytes, count))
		return RACE_BAD;
	*body_bytes -= RACE_MAC_BYTES;
	return RACE_SEALED;
}

size_t
race_text_at(const uint8_t *body, size_t bytes, size_t at, char *out, size_t bytes_max)
{
	if (at >= bytes || body[at] > bytes_max || body[at] > bytes - at - 1)
		return 0;
	size_t length = body[at];
	for (size_t i = 0; i < length; i++) {
		if (body[at + 1 + i] <= ' ' || body[at + 1 + i] >= 0x7f)
			return 0;
	}
	memcpy(out, body + at + 1, length);
	out[length] = '\0';
	return at + 1 + length;
}

size_t
race_put_text_at(uint8_t *body, size_t at, const char *text)
{
	size_t length = strlen(text);
	body[at] = (uint8_t)length;
	/* A counted text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(body + at + 1, text, length);
	return at + 1 + length;
}

/* ---- the two ----------------------------------------------------------------------------------
 */

size_t
race_write_init(const struct race_seal *seal, const struct race_init *init,
		uint8_t bytes[RACE_DATAGRAM_BYTES_MAX])
{
	assert(strlen(init->service) <= ID_BYTES_MAX);
	uint8_t *body = bytes + RACE_HEADER_BYTES;
	memset(body, 0, INIT_BODY_BYTES);
	memcpy(body + AT_TAG, init->tag, RACE_TAG_BYTES);
	body[AT_ATTEMPT] = init->attempt;
	body[AT_BIND] = (uint8_t)init->bind;
	memcpy(body + AT_HASH, init->hash, TICKET_BIND_BYTES);
	(void)race_put_text_at(body, AT_SERVICE, init->service);
	return race_finish(seal, DATAGRAM_RACE_INIT, INIT_BODY_BYTES, bytes);
}

size_t
race_write_offer(const struct race_seal *seal, const struct race_offer *offer,
		 uint8_t bytes[RACE_DATAGRAM_BYTES_MAX])
{
	assert(strlen(offer->url) <= RACE_URL_BYTES_MAX);
	uint8_t *body = bytes + RACE_HEADER_BYTES;
	memcpy(body + AT_TAG, offer->tag, RACE_TAG_BYTES);
	memcpy(body + AT_TICKET, offer->ticket, TICKET_BYTES);
	return race_finish(seal, DATAGRAM_RACE_OFFER, race_put_text_at(body, AT_URL, offer->url),
			   bytes);
}

size_t
race_offer_bytes(const struct race_seal *seal, const char *url)
{
	return RACE_HEADER_BYTES + OFFER_BODY_MIN + strlen(url) +
	       (seal != NULL ? RACE_MAC_BYTES : 0);
}

enum race_read
race_read_init(const struct race_seal *seal, const uint8_t *bytes, size_t count,
	       struct race_init *init)
{
	size_t body_bytes;
	enum race_read read = race_unwrap(seal, DATAGRAM_RACE_INIT, bytes, count, &body_bytes);
	const uint8_t *body = bytes + RACE_HEADER_BYTES;
	if (read == RACE_BAD || body_bytes <= AT_SERVICE)
		return RACE_BAD;
	size_t end = race_text_at(body, body_bytes, AT_SERVICE, init->service, ID_BYTES_MAX);
	uint8_t bind = body[AT_BIND];
	init->attempt = body[AT_ATTEMPT];
	if (end == 0 || init->attempt < 1 || init->attempt > RACE_ATTEMPTS_MAX ||
	    (bind != TICKET_BIND_ADDRESS && bind != TICKET_BIND_SECRET))
		return RACE_BAD;
	memcpy(init->tag, body + AT_TAG, RACE_TAG_BYTES);
	memcpy(init->hash, body + AT_HASH, TICKET_BIND_BYTES);
	init->bind = (enum ticket_bind_kind)bind;
	return read;
}

enum race_read
race_read_offer(const struct race_seal *seal, const uint8_t *bytes, size_t count,
		struct race_offer *offer)
{
	size_t body_bytes;
	enum race_read read = race_unwrap(seal, DATAGRAM_RACE_OFFER, bytes, count, &body_bytes);
	const uint8_t *body = bytes + RACE_HEADER_BYTES;
	if (read == RACE_BAD || body_bytes < OFFER_BODY_MIN ||
	    race_text_at(body, body_bytes, AT_URL, offer->url, RACE_URL_BYTES_MAX) != body_bytes)
		return RACE_BAD;
	memcpy(offer->tag, body + AT_TAG, RACE_TAG_BYTES);
	memcpy(offer->ticket, body + AT_TICKET, TICKET_BYTES);
	return read;
}
