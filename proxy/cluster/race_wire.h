/*
 * race_wire.h: the two datagrams of a race, as they stand on the wire, version 1:
 *
 *   magic 4 "HFRC" | version 1 | type 1 | secret 2 | cluster 8 | body | MAC 16, if cluster is not 0
 *
 *   RACE_INIT   tag 16 | attempt 1 | bind 1 | hash 16 | service, a length byte before it | zeros
 *   RACE_OFFER  tag 16 | ticket 48 | url, a length byte before it
 *
 * The magic tells them from all other datagrams (datagram.h), so that one socket serves both. Nodes
 * seal theirs: secret, cluster and MAC are as in datagram.h, under a key of their own purpose. A
 * client of no cluster leaves secret and cluster 0 and is answered in the same way. There is no
 * sequence: what a replayed INIT makes is an offer to whom it says it comes from, and a replayed
 * offer has a tag that nobody holds any more.
 *
 * An INIT is as long as the longest OFFER: nobody is sent more than he sent.
 */
#ifndef HOLDFAST_CLUSTER_RACE_WIRE_H
#define HOLDFAST_CLUSTER_RACE_WIRE_H

#include "cluster/datagram.h"
#include "cluster/ticket.h"

#define RACE_TAG_BYTES          16
#define RACE_ATTEMPTS_MAX       2
#define RACE_URL_BYTES_MAX      127
#define RACE_DATAGRAM_BYTES_MAX 224

struct race_init {
	uint8_t tag[RACE_TAG_BYTES];
	uint8_t attempt; /* 1 .. RACE_ATTEMPTS_MAX */
	enum ticket_bind_kind bind;
	uint8_t hash[TICKET_BIND_BYTES]; /* SECRET: what it is bound to; ADDRESS: zeros */
	char service[ID_BYTES_MAX + 1];  /* "": the only one that there is */
};

struct race_offer {
	uint8_t tag[RACE_TAG_BYTES];
	uint8_t ticket[TICKET_BYTES];
	char url[RACE_URL_BYTES_MAX + 1]; /* where the session is opened */
};

/* What nodes of one cluster seal with; immutable. */
struct race_seal {
	uint64_t cluster;
	size_t key_count;
	struct {
		uint16_t secret;
		uint8_t mac[16];
	} key[SECRETS_MAX]; /* key[0] seals, all verify */
};

/* As datagram_codec_init. */
void race_seal_init(struct race_seal *seal, struct slice cluster,
		    const struct datagram_secret *secrets, size_t count);

enum race_read {
	RACE_BAD,
	RACE_UNSEALED, /* of anybody */
	RACE_SEALED    /* of a node of the cluster */
};

/* Is it one of these, whatever it is worth? Then it is none for datagram_decode. */
bool race_is_datagram(const uint8_t *bytes, size_t count);
/* `seal`: NULL: of a client of no cluster. Returns the bytes. */
size_t race_write_init(const struct race_seal *seal, const struct race_init *init,
		       uint8_t bytes[RACE_DATAGRAM_BYTES_MAX]);
size_t race_write_offer(const struct race_seal *seal, const struct race_offer *offer,
			uint8_t bytes[RACE_DATAGRAM_BYTES_MAX]);
/* Bytes of an OFFER with this URL. */
size_t race_offer_bytes(const struct race_seal *seal, const char *url);
/* `seal`: NULL: whoever reads is of no cluster, and takes unsealed ones alone. */
enum race_read race_read_init(const struct race_seal *seal, const uint8_t *bytes, size_t count,
			      struct race_init *init);
enum race_read race_read_offer(const struct race_seal *seal, const uint8_t *bytes, size_t count,
			       struct race_offer *offer);

#endif
