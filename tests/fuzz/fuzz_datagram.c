/*
 * fuzz_datagram.c: any bytes before datagram_decode. The first byte says how the rest arrives: as
 * it is, or with the MAC made right, so that the fuzzer gets behind it. What must hold: what is let
 * in is byte for byte what the sender would have written, is of a node of the list, and is never
 * let in twice; what is dropped changes nothing but its counter.
 */
#include "base/digest.h"
#include "cluster/datagram.h"
#include "cluster/nodes.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
store(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static uint64_t
load(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static const uint8_t master[16] = {1};
static const struct datagram_secret secret = {{"k1", 2}, master};
static struct cluster_nodes nodes;
static struct datagram_codec fresh; /* of node b */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(digest_init());
	nodes = nodes_made(3, 1);
	datagram_codec_init(&fresh, SLICE("shop"), &secret, 1, &nodes, 1);
	return 0;
}

/* What `in` stands for, written by its sender. */
static size_t
written_again(const struct incoming *in, const uint8_t *from, uint8_t *to)
{
	static struct outgoing o;
	struct cluster_nodes theirs = nodes;
	theirs.self = in->from;
	struct datagram_codec codec = fresh;
	codec.nodes = &theirs;
	codec.incarnation = in->incarnation;
	codec.sequence = load(from + 32, 8) - 1;
	o.to = cluster_by_alias(&nodes, (uint32_t)load(from + 20, 4));
	o.type = in->type;
	o.bytes = (uint16_t)in->bytes;
	memcpy(o.body, in->body, in->bytes);
	return datagram_encode(&codec, &o, in->epoch, in->term, to);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t datagram[DATAGRAM_BYTES_MAX + 64];
	static uint8_t again[DATAGRAM_BYTES_MAX];
	if (bytes == 0 || bytes - 1 > sizeof(datagram))
		return 0;
	size_t count = bytes - 1;
	memcpy(datagram, data + 1, count);
	if ((data[0] & 1) != 0 && count >= DATAGRAM_BYTES_MIN) {
		memcpy(datagram, "HFDG\1", 5);
		store(datagram + 6, fresh.key[0].secret, 2);
		store(datagram + 8, fresh.cluster, 8);
		store(datagram + 16, nodes.node[data[0] >> 1 & 3].alias, 4);
		if ((data[0] & 8) != 0)
			store(datagram + 20, nodes.node[1].alias, 4);
		digest_mac(fresh.key[0].mac, datagram, count - DATAGRAM_MAC_BYTES,
			   datagram + count - DATAGRAM_MAC_BYTES);
	}
	struct datagram_codec codec = fresh;
	struct incoming in;
	enum datagram_drop drop = datagram_decode(&codec, datagram, count, &in);
	if (drop == DATAGRAM_LET_IN) {
		CHECK(in.from < nodes.count && in.from != nodes.self);
		CHECK(in.bytes + DATAGRAM_BYTES_MIN == count);
		CHECK(written_again(&in, datagram, again) == count);
		CHECK(memcmp(again, datagram, count) == 0);
		CHECK(datagram_decode(&codec, datagram, count, &in) == DATAGRAM_DROP_OLD);
		return 0;
	}
	CHECK(codec.dropped[drop] == 1);
	codec.dropped[drop] = 0;
	CHECK(memcmp(&codec, &fresh, sizeof(codec)) == 0);
	return 0;
}
