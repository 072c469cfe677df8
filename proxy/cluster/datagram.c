/* datagram.c: header, MAC and replays; see datagram.h. */
#include "cluster/datagram.h"
#include "cluster/bigendian.h"

#include "base/digest.h"
#include "mutant.h"

#include <assert.h>
#include <string.h>

/* Places in the header. */
#define AT_MAGIC       0
#define AT_VERSION     4
#define AT_TYPE        5
#define AT_SECRET      6
#define AT_CLUSTER     8
#define AT_SENDER      16
#define AT_RECEIVER    20
#define AT_INCARNATION 24
#define AT_SEQUENCE    32
#define AT_EPOCH       40
#define AT_TERM        48

#define SEEN_BITS      64

static_assert(AT_TERM + 8 == DATAGRAM_HEADER_BYTES, "the places fill the header");

static const uint8_t magic[4] = {'H', 'F', 'D', 'G'};

const char *
datagram_drop_text(enum datagram_drop drop)
{
	static const char *const text[] = {
#define DATAGRAM_DROP(name, label, help) label,
#include "tbl/datagram_drops.h"
#undef DATAGRAM_DROP
	    "let in"};
	return text[drop];
}

const char *
datagram_type_text(uint8_t type)
{
	switch (type) {
#define DATAGRAM(name, number, help) \
	case DATAGRAM_##name:        \
		return #name;
#include "tbl/datagrams.h"
#undef DATAGRAM
	default:
		return "?";
	}
}

void
datagram_codec_rekey(struct datagram_codec *codec, struct slice cluster,
		     const struct datagram_secret *secrets, size_t count)
{
	assert(count >= 1 && count <= SECRETS_MAX);
	codec->key_count = count;
	uint8_t derived[16];
	for (size_t i = 0; i < count; i++) {
		digest_derive("holdfast datagram secret v1", secrets[i].id, secrets[i].master, 16,
			      derived);
		codec->key[i].secret = (uint16_t)load(derived, 2);
		digest_derive("holdfast datagram mac v1", cluster, secrets[i].master, 16,
			      codec->key[i].mac);
	}
}

void
datagram_codec_init(struct datagram_codec *codec, struct slice cluster,
		    const struct datagram_secret *secrets, size_t count,
		    const struct cluster_nodes *nodes, uint64_t incarnation)
{
	assert(incarnation >= 1);
	memset(codec, 0, sizeof(*codec));
	codec->nodes = nodes;
	codec->incarnation = incarnation;
	uint8_t derived[16];
	digest_derive("holdfast cluster v1", cluster, NULL, 0, derived);
	codec->cluster = load(derived, 8);
	datagram_codec_rekey(codec, cluster, secrets, count);
}

size_t
datagram_encode(struct datagram_codec *codec, const struct outgoing *o, uint64_t epoch,
		uint64_t term, uint8_t bytes[DATAGRAM_BYTES_MAX])
{
	const struct cluster_nodes *nodes = codec->nodes;
	memcpy(bytes + AT_MAGIC, magic, sizeof(magic));
	bytes[AT_VERSION] = DATAGRAM_VERSION;
	bytes[AT_TYPE] = o->type;
	store(bytes + AT_SECRET, codec->key[0].secret, 2);
	store(bytes + AT_CLUSTER, codec->cluster, 8);
	store(bytes + AT_SENDER, cluster_alias(nodes, nodes->self), 4);
	store(bytes + AT_RECEIVER, cluster_alias(nodes, o->to), 4);
	store(bytes + AT_INCARNATION, codec->incarnation, 8);
	store(bytes + AT_SEQUENCE, ++codec->sequence, 8);
	store(bytes + AT_EPOCH, epoch, 8);
	store(bytes + AT_TERM, term, 8);
	memcpy(bytes + DATAGRAM_HEADER_BYTES, o->body, o->bytes);
	size_t signed_bytes = (size_t)DATAGRAM_HEADER_BYTES + o->bytes;
	digest_mac(codec->key[0].mac, bytes, signed_bytes, bytes + signed_bytes);
	return signed_bytes + DATAGRAM_MAC_BYTES;
}

/* Is it one of ours, and did one of us write it? */
static enum datagram_drop
authentic(const struct datagram_codec *codec, const uint8_t *bytes, size_t count)
{
	if (count < DATAGRAM_BYTES_MIN || count > DATAGRAM_BYTES_MAX)
		return DATAGRAM_DROP_TRUNCATED;
	if (memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) != 0)
		return DATAGRAM_DROP_MAGIC;
	if (bytes[AT_VERSION] != DATAGRAM_VERSION)
		return DATAGRAM_DROP_VERSION;
	if (load(bytes + AT_CLUSTER, 8) != codec->cluster)
		return DATAGRAM_DROP_CLUSTER;
	enum datagram_drop drop = DATAGRAM_DROP_SECRET;
	size_t signed_bytes = count - DATAGRAM_MAC_BYTES;
	for (size_t i = 0; i < codec->key_count; i++) {
		if (load(bytes + AT_SECRET, 2) != codec->key[i].secret)
			continue;
		uint8_t mac[DATAGRAM_MAC_BYTES];
		digest_mac(codec->key[i].mac, bytes, signed_bytes, mac);
		if (digest_equal(mac, bytes + signed_bytes, sizeof(mac)) || MUTANT == MUTANT_NO_MAC)
			return DATAGRAM_LET_IN;
		drop = DATAGRAM_DROP_MAC;
	}
	return drop;
}

static bool
was_seen(const struct datagram_seen *seen, const struct incoming *in, uint64_t sequence)
{
	if (in->incarnation != seen->incarnation)
		return in->incarnation < seen->incarnation;
	if (sequence > seen->sequence)
		return false;
	uint64_t behind = seen->sequence - sequence;
	return behind >= SEEN_BITS || (seen->window >> behind & 1) != 0;
}

/* Is it for us, from another node, and new? */
static enum datagram_drop
admissible(const struct datagram_codec *codec, const struct incoming *in, cluster_node to,
	   uint64_t sequence)
{
	if (in->from >= codec->nodes->count)
		return DATAGRAM_DROP_SENDER;
	if (in->from == codec->nodes->self)
		return DATAGRAM_DROP_TWIN;
	if (to != NODE_ALL && to != codec->nodes->self)
		return DATAGRAM_DROP_RECEIVER;
	if (MUTANT != MUTANT_NO_REPLAY_CHECK && was_seen(&codec->seen[in->from], in, sequence))
		return DATAGRAM_DROP_OLD;
	return DATAGRAM_LET_IN;
}

static void
remember(struct datagram_seen *seen, uint64_t incarnation, uint64_t sequence)
{
	if (incarnation > seen->incarnation) {
		*seen = (struct datagram_seen){incarnation, sequence, 1};
	} else if (sequence > seen->sequence) {
		uint64_t ahead = sequence - seen->sequence;
		seen->window = ahead < SEEN_BITS ? seen->window << ahead | 1 : 1;
		seen->sequence = sequence;
	} else if (seen->sequence - sequence < SEEN_BITS) {
		seen->window |= UINT64_C(1) << (seen->sequence - sequence);
	}
}

enum datagram_drop
datagram_decode(struct datagram_codec *codec, const uint8_t *bytes, size_t count,
		struct incoming *in)
{
	enum datagram_drop drop = authentic(codec, bytes, count);
	if (drop != DATAGRAM_LET_IN) {
		codec->dropped[drop]++;
		return drop;
	}
	const struct cluster_nodes *nodes = codec->nodes;
	struct incoming claimed = {
	    .from = cluster_by_alias(nodes, (uint32_t)load(bytes + AT_SENDER, 4)),
	    .type = bytes[AT_TYPE],
	    .incarnation = load(bytes + AT_INCARNATION, 8),
	    .epoch = load(bytes + AT_EPOCH, 8),
	    .term = load(bytes + AT_TERM, 8),
	    .body = bytes + DATAGRAM_HEADER_BYTES,
	    .bytes = count - DATAGRAM_BYTES_MIN,
	};
	uint64_t sequence = load(bytes + AT_SEQUENCE, 8);
	cluster_node to = cluster_by_alias(nodes, (uint32_t)load(bytes + AT_RECEIVER, 4));
	drop = admissible(codec, &claimed, to, sequence);
	if (drop != DATAGRAM_LET_IN) {
		codec->dropped[drop]++;
		return drop;
	}
	remember(&codec->seen[claimed.from], claimed.incarnation, sequence);
	codec->let_in++;
	*in = claimed;
	return DATAGRAM_LET_IN;
}

bool
datagram_is_ours(const uint8_t *bytes, size_t count)
{
	return count >= sizeof(magic) && memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) == 0;
}
