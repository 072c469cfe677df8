/*
 * ticket.h: what the winner of a race shows when it opens its session: a cookie that the node made,
 * forgot, and computes again (US 8,069,251 and its divisional US 9,300,733; relatives: SYN cookies,
 * DTLS HelloVerify, QUIC Retry). Version 1, 48 bytes, 64 characters of base64url:
 *
 *   version 1 | key 2 | bind 1 | member 4 | service 4 | epoch 8 | issued 8 | ttl 4 | MAC 16
 *
 * Integers are big-endian. key: which of the issuer's keys. bind: what it is bound to, which the
 * MAC covers and the ticket does not carry: the client's address, or the hash of a secret that the
 * client shows with it (where an address changes on the way). member: its alias; service: 32 bits
 * of a hash of its name. issued: milliseconds of the issuer's own clock, read by nobody else. MAC:
 * SipHash-2-4-128 over the 32 bytes before it and the 16 that it is bound to.
 *
 * Keys come from 16 bytes that are drawn when a node starts, a new one every TICKET_TURN_MS; so
 * every thread has them by itself. Nothing of a ticket is kept anywhere, and one from before a
 * restart is refused: the client races again. What a ticket opens is told by the ticket too
 * (ticket_session): shown twice, it opens one session.
 */
#ifndef HOLDFAST_CLUSTER_TICKET_H
#define HOLDFAST_CLUSTER_TICKET_H

#include "base/addr.h"
#include "base/text.h"
#include "vocab.h"

#include <stdint.h>

#define TICKET_VERSION    1
#define TICKET_BYTES      48
#define TICKET_TEXT_BYTES 64
#define TICKET_BIND_BYTES 16

enum ticket_bind_kind { TICKET_BIND_ADDRESS = 1, TICKET_BIND_SECRET = 2 };

struct ticket_bind {
	enum ticket_bind_kind kind;
	uint8_t value[TICKET_BIND_BYTES];
};
/* The IP address without the port: the session comes from another socket. */
struct ticket_bind ticket_bind_address(const struct addr *client);
/* BLAKE2b-128 of the client's secret; who opens the session shows the secret itself. */
struct ticket_bind ticket_bind_secret(struct slice secret);

#define TICKET_SLACK_MS   100 /* that threads of the issuer may be behind each other */
#define TICKET_TTL_MS_MAX 60000
#define TICKET_TURN_MS    60000 /* of keys; no ticket outlives the key after its own */

/* The current key signs; it and the one before verify. One thread's own. */
struct ticket_keys {
	uint8_t master[16]; /* random, from the start of the process */
	uint64_t turn;      /* which is current: now_ms / TICKET_TURN_MS */
	struct ticket_key {
		uint16_t id;
		uint8_t key[16];
	} key[2]; /* key[0] is the current one */
};
void ticket_keys_init(struct ticket_keys *keys, const uint8_t master[16], uint64_t now_ms);
/* To be called before tickets are made or checked; mostly a comparison. */
void ticket_keys_tell_time(struct ticket_keys *keys, uint64_t now_ms);

struct ticket_claims {
	uint32_t member;  /* alias */
	uint32_t service; /* ticket_service */
	uint64_t epoch;
	uint64_t issued_ms;
	uint32_t ttl_ms; /* TICKET_TTL_MS_MAX at most */
};
uint32_t ticket_service(struct slice name);

void ticket_make(const struct ticket_keys *keys, const struct ticket_claims *claims,
		 const struct ticket_bind *bind, uint8_t ticket[TICKET_BYTES]);
void ticket_write(struct writer *w, const uint8_t ticket[TICKET_BYTES]);

/*
 * TICKET_NONE: it was made here, for this service and member (`want`, of which these two are read),
 * for whoever shows it, and lives at `now_ms`. *claims is filled, unless it was FORGED or worse.
 */
enum ticket_rejection ticket_check(const struct ticket_keys *keys, struct slice text,
				   const struct ticket_claims *want, const struct ticket_bind *bind,
				   uint64_t now_ms, struct ticket_claims *claims);
/* Which binding the ticket asks for; 0: malformed. Before ticket_check, to know what must be shown.
 */
unsigned ticket_binding(struct slice text);
/* The member that the ticket says it is for; 0: malformed. */
uint32_t ticket_claimed_member(struct slice text);
/* The digest of the session that a good ticket opens. */
void ticket_session(struct slice text, struct session_digest *digest);
/* Of the service and the member that it is for; read by who is offered it, and believed as far as
 * the offer is. */
uint32_t ticket_for_service(const uint8_t ticket[TICKET_BYTES]);
uint32_t ticket_member(const uint8_t ticket[TICKET_BYTES]);

#endif
