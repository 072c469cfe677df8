/* ticket.c: stateless tickets; see ticket.h. */
#include "cluster/ticket.h"
#include "cluster/bigendian.h"

#include "base/digest.h"

#include <assert.h>

/* Places in the 48 bytes. */
#define AT_VERSION 0
#define AT_KEY     1
#define AT_BIND    3
#define AT_MEMBER  4
#define AT_SERVICE 8
#define AT_EPOCH   12
#define AT_ISSUED  20
#define AT_TTL     28
#define AT_MAC     32

static_assert(AT_MAC + 16 == TICKET_BYTES, "the places fill the ticket");
static_assert(TICKET_BYTES % 3 == 0 && TICKET_BYTES / 3 * 4 == TICKET_TEXT_BYTES,
	      "no spare bits in the text");

struct ticket_bind
ticket_bind_address(const struct addr *client)
{
	struct ticket_bind bind = {.kind = TICKET_BIND_ADDRESS};
	if (client->family == AF_INET) { /* as IPv4-mapped: RFC 4291 section 2.5.5.2 */
		bind.value[10] = bind.value[11] = 0xff;
		memcpy(bind.value + 12, client->ip, 4);
	} else {
		memcpy(bind.value, client->ip, 16);
	}
	return bind;
}

struct ticket_bind
ticket_bind_secret(struct slice secret)
{
	struct ticket_bind bind = {.kind = TICKET_BIND_SECRET};
	digest_derive("holdfast race secret v1", SLICE_NONE, secret.at, secret.bytes, bind.value);
	return bind;
}

uint32_t
ticket_service(struct slice name)
{
	uint8_t derived[16];
	digest_derive("holdfast race service v1", name, NULL, 0, derived);
	return (uint32_t)load(derived, 4);
}

static void
key_of_turn(const struct ticket_keys *keys, uint64_t turn, struct ticket_key *key)
{
	uint8_t bytes[16 + 8];
	uint8_t derived[16];
	memcpy(bytes, keys->master, 16);
	store(bytes + 16, turn, 8);
	digest_derive("holdfast race key id v1", SLICE_NONE, bytes, sizeof(bytes), derived);
	key->id = (uint16_t)load(derived, 2);
	digest_derive("holdfast race key v1", SLICE_NONE, bytes, sizeof(bytes), key->key);
}

static void
turn_to(struct ticket_keys *keys, uint64_t turn)
{
	keys->turn = turn;
	key_of_turn(keys, turn, &keys->key[0]);
	key_of_turn(keys, turn - 1, &keys->key[1]);
}

void
ticket_keys_init(struct ticket_keys *keys, const uint8_t master[16], uint64_t now_ms)
{
	memcpy(keys->master, master, 16);
	turn_to(keys, now_ms / TICKET_TURN_MS);
}

void
ticket_keys_tell_time(struct ticket_keys *keys, uint64_t now_ms)
{
	if (now_ms / TICKET_TURN_MS != keys->turn)
		turn_to(keys, now_ms / TICKET_TURN_MS);
}

static void
sign(const struct ticket_key *key, const uint8_t *ticket, const struct ticket_bind *bind,
     uint8_t mac[16])
{
	uint8_t text[AT_MAC + TICKET_BIND_BYTES];
	memcpy(text, ticket, AT_MAC);
	memcpy(text + AT_MAC, bind->value, TICKET_BIND_BYTES);
	digest_mac(key->key, text, sizeof(text), mac);
}

void
ticket_make(const struct ticket_keys *keys, const struct ticket_claims *claims,
	    const struct ticket_bind *bind, uint8_t ticket[TICKET_BYTES])
{
	assert(claims->ttl_ms <= TICKET_TTL_MS_MAX);
	ticket[AT_VERSION] = TICKET_VERSION;
	store(ticket + AT_KEY, keys->key[0].id, 2);
	ticket[AT_BIND] = (uint8_t)bind->kind;
	store(ticket + AT_MEMBER, claims->member, 4);
	store(ticket + AT_SERVICE, claims->service, 4);
	store(ticket + AT_EPOCH, claims->epoch, 8);
	store(ticket + AT_ISSUED, claims->issued_ms, 8);
	store(ticket + AT_TTL, claims->ttl_ms, 4);
	sign(&keys->key[0], ticket, bind, ticket + AT_MAC);
}

void
ticket_write(struct writer *w, const uint8_t ticket[TICKET_BYTES])
{
	write_base64url(w, ticket, TICKET_BYTES);
}

static bool
ticket_read(struct slice text, uint8_t ticket[TICKET_BYTES])
{
	if (text.bytes != TICKET_TEXT_BYTES ||
	    base64url_decode(text, ticket, TICKET_BYTES) != TICKET_BYTES)
		return false;
	return ticket[AT_VERSION] == TICKET_VERSION &&
	       (ticket[AT_BIND] == TICKET_BIND_ADDRESS || ticket[AT_BIND] == TICKET_BIND_SECRET);
}

unsigned
ticket_binding(struct slice text)
{
	uint8_t ticket[TICKET_BYTES];
	return ticket_read(text, ticket) ? ticket[AT_BIND] : 0;
}

/* Computed again, under the key that it names, for whoever shows it. */
static enum ticket_rejection
authentic(const struct ticket_keys *keys, const uint8_t *ticket, const struct ticket_bind *bind)
{
	enum ticket_rejection rejection = TICKET_UNKNOWN_KEY;
	for (size_t i = 0; i < 2; i++) {
		uint8_t mac[16];
		if (load(ticket + AT_KEY, 2) != keys->key[i].id)
			continue;
		sign(&keys->key[i], ticket, bind, mac);
		if (ticket[AT_BIND] == bind->kind && digest_equal(mac, ticket + AT_MAC, 16))
			return TICKET_NONE;
		rejection = TICKET_FORGED;
	}
	return rejection;
}

enum ticket_rejection
ticket_check(const struct ticket_keys *keys, struct slice text, const struct ticket_claims *want,
	     const struct ticket_bind *bind, uint64_t now_ms, struct ticket_claims *claims)
{
	uint8_t ticket[TICKET_BYTES];
	if (!ticket_read(text, ticket))
		return TICKET_MALFORMED;
	enum ticket_rejection rejection = authentic(keys, ticket, bind);
	if (rejection != TICKET_NONE)
		return rejection;
	claims->member = (uint32_t)load(ticket + AT_MEMBER, 4);
	claims->service = (uint32_t)load(ticket + AT_SERVICE, 4);
	claims->epoch = load(ticket + AT_EPOCH, 8);
	claims->issued_ms = load(ticket + AT_ISSUED, 8);
	claims->ttl_ms = (uint32_t)load(ticket + AT_TTL, 4);
	if (claims->service != want->service)
		return TICKET_OTHER_SERVICE;
	if (claims->member != want->member)
		return TICKET_OTHER_MEMBER;
	if (now_ms + TICKET_SLACK_MS < claims->issued_ms ||
	    now_ms > claims->issued_ms + claims->ttl_ms)
		return TICKET_EXPIRED;
	return TICKET_NONE;
}

void
ticket_session(struct slice text, struct session_digest *digest)
{
	digest_derive("holdfast race session v1", SLICE_NONE, text.at, text.bytes, digest->bytes);
}

uint32_t
ticket_member(const uint8_t ticket[TICKET_BYTES])
{
	return (uint32_t)load(ticket + AT_MEMBER, 4);
}

uint32_t
ticket_for_service(const uint8_t ticket[TICKET_BYTES])
{
	return (uint32_t)load(ticket + AT_SERVICE, 4);
}

uint32_t
ticket_claimed_member(struct slice text)
{
	uint8_t ticket[TICKET_BYTES];
	return ticket_read(text, ticket) ? ticket_member(ticket) : 0;
}
