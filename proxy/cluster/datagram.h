/*
 * datagram.h: the one header of all datagrams between nodes, version 1 (DESIGN section 10; SEEDS
 * A): who may speak, and what is new.
 *
 *   magic 4 "HFDG" | version 1 | type 1 | secret 2 | cluster 8 | sender 4 | receiver 4 |
 *   incarnation 8 | sequence 8 | epoch 8 | term 8 | body 0..1100 | MAC 16
 *
 * Integers are big-endian. secret: 16 bits of a keyed hash of the secret's id. cluster: 64 bits
 * of a hash of the cluster's name. sender, receiver: aliases; the receiver is ALIAS_ALL in what
 * goes to everybody, so that a captured answer to one node cannot be played to another. MAC:
 * SipHash-2-4-128 over all before it, under a key derived from (secret, cluster's name) by BLAKE2b.
 *
 * Replays: from each sender a datagram is let in once: of a higher incarnation (the boot counter on
 * the sender's disk), or of the same one and above all sequences so far, or among the 64 below the
 * highest and not seen yet (RFC 4303 section 3.4.3), as datagrams overtake each other where delays
 * vary. A receiver that restarted has forgotten what it saw: until the sender's next datagram an
 * old one could be played to it; against that stand the machines' terms, ballots and nonces.
 *
 * One codec serves one socket and one thread. Nothing here asks for the time or sends.
 */
#ifndef HOLDFAST_CLUSTER_DATAGRAM_H
#define HOLDFAST_CLUSTER_DATAGRAM_H

#include "base/text.h"
#include "cluster/machine.h"

#define DATAGRAM_VERSION      1
#define DATAGRAM_HEADER_BYTES 56
#define DATAGRAM_MAC_BYTES    16
#define DATAGRAM_BYTES_MIN    (DATAGRAM_HEADER_BYTES + DATAGRAM_MAC_BYTES)
#define DATAGRAM_BYTES_MAX    (DATAGRAM_BYTES_MIN + CLUSTER_BODY_BYTES_MAX)

enum datagram_drop {
#define DATAGRAM_DROP(name, text, help) DATAGRAM_DROP_##name,
#include "tbl/datagram_drops.h"
#undef DATAGRAM_DROP
	DATAGRAM_DROPS,
	DATAGRAM_LET_IN = DATAGRAM_DROPS
};

const char *datagram_drop_text(enum datagram_drop drop);
/* "heartbeat" and so on for traces and counters; "?" for a type that is unknown. */
const char *datagram_type_text(uint8_t type);

/* As in affinity/tag.h: the key derived from a secret's file, and its id. */
struct datagram_secret {
	struct slice id;
	const uint8_t *master; /* 16 bytes */
};

struct datagram_codec {
	const struct cluster_nodes *nodes; /* borrowed, outlives the codec */
	uint64_t cluster;
	uint64_t incarnation;
	uint64_t sequence; /* of the last datagram sent */
	size_t key_count;
	struct datagram_key {
		uint16_t secret; /* as it stands in the header; two secrets may share it */
		uint8_t mac[16];
	} key[SECRETS_MAX]; /* key[0] signs */
	struct datagram_seen {
		uint64_t incarnation; /* 0: nothing was let in yet */
		uint64_t sequence;    /* the highest */
		uint64_t window;      /* bit i: sequence - i was let in */
	} seen[CLUSTER_NODES_MAX];
	uint64_t let_in;
	uint64_t dropped[DATAGRAM_DROPS];
};

/*
 * secrets[0] signs, all verify; 1 <= count <= SECRETS_MAX. `incarnation` grows with every start of
 * this node, and is at least 1. The nodes are sealed.
 */
void datagram_codec_init(struct datagram_codec *codec, struct slice cluster,
			 const struct datagram_secret *secrets, size_t count,
			 const struct cluster_nodes *nodes, uint64_t incarnation);

/* Other secrets after a reload; sequences and what was seen stay. */
void datagram_codec_rekey(struct datagram_codec *codec, struct slice cluster,
			  const struct datagram_secret *secrets, size_t count);

/*
 * Writes header, body and MAC under the next sequence; returns the bytes. What goes to NODE_ALL is
 * encoded once and sent to each.
 */
size_t datagram_encode(struct datagram_codec *codec, const struct outgoing *o, uint64_t epoch,
		       uint64_t term, uint8_t bytes[DATAGRAM_BYTES_MAX]);

/*
 * DATAGRAM_LET_IN: *in is filled, its body points into `bytes`. Else the reason, which was counted;
 * *in is untouched. What is dropped changes nothing but its counter.
 */
enum datagram_drop datagram_decode(struct datagram_codec *codec, const uint8_t *bytes, size_t count,
				   struct incoming *in);

/* Of any version of the format, whatever else it may be. */
bool datagram_is_ours(const uint8_t *bytes, size_t count);

#endif
