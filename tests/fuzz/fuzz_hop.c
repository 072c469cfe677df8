/*
 * fuzz_hop.c: Holdfast-Hop of any bytes. The last byte says how: as it is, or with a good mac put
 * behind it, so that the fuzzer gets to the claims. What must hold: what is read can be written,
 * and then is read the same; who is in the path has visited; lists keep their bounds.
 */
#include "affinity/hop.h"

#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define NOW           UINT64_C(1763712000000)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct config_node nodes[3] = {
    {.id = TEXT("a"), .http = {AF_INET, 8080, {127, 0, 0, 1}}},
    {.id = TEXT("b"), .http = {AF_INET, 8080, {127, 0, 0, 2}}},
    {.id = TEXT("c"), .http = {AF_INET, 8080, {127, 0, 0, 3}}},
};
static struct config_secret secret = {.id = TEXT("k1"), .master = {1}};
static struct config config = {
    .secrets = &secret,
    .secret_count = 1,
    .cluster = {.name = TEXT("shop"), .nodes = nodes, .node_count = 3},
};
static const struct http_head request = {
    .method_text = {"GET", 3}, .host = {"h", 1}, .path = {"/", 1}};
static struct hop_codec *codec;
static uint8_t key[16];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(digest_init());
	codec = hop_codec_create(&config);
	CHECK(codec != NULL);
	digest_derive("holdfast hop v1", SLICE("shop"), secret.master, sizeof(secret.master), key);
	return 0;
}

/* The text with the mac that hop.h describes, made here a second time. */
static void
sign(struct writer *text)
{
	char bytes[HOP_TEXT_BYTES_MAX + 16];
	uint8_t mac[16];
	struct writer w = writer_on(bytes, sizeof(bytes));
	write_slice(&w, (struct slice){text->at, text->bytes});
	write_bytes(&w, "\0GET\0h\0/", 8);
	digest_mac(key, bytes, w.bytes, mac);
	write_literal(text, "; mac=");
	write_hex_bytes(text, mac, sizeof(mac));
}

static enum hop_fault
read_from_its_node(struct slice text, struct hop *hop)
{
	enum hop_fault fault = HOP_UNKNOWN_NODE;
	for (size_t i = 0; i < 3 && fault == HOP_UNKNOWN_NODE; i++)
		fault = hop_read(codec, text, &request, &nodes[i].http, NOW, hop);
	return fault;
}

static void
check_same(const struct hop *a, const struct hop *b)
{
	CHECK(a->visited == b->visited && a->path_count == b->path_count);
	CHECK(addr_equal(&a->client, &b->client));
	CHECK(memcmp(&a->digest, &b->digest, sizeof(a->digest)) == 0);
	CHECK(slice_equal(a->primary, b->primary) && a->can_return == b->can_return &&
	      a->mirror == b->mirror);
	CHECK(a->down_count == b->down_count && a->epoch == b->epoch && a->time_ms == b->time_ms);
}

static void
check_hop(const struct hop *hop)
{
	char text[HOP_TEXT_BYTES_MAX * 2];
	struct hop again;
	CHECK(hop->path_count > 0 && hop->path_count <= HOPS_MAX);
	CHECK(hop->down_count <= HOP_DOWN_MAX);
	for (size_t i = 0; i < hop->path_count; i++)
		CHECK((hop->visited >> hop->path[i] & 1) != 0);
	struct writer w = writer_on(text, sizeof(text));
	hop_write(codec, hop, &request, &w);
	if (w.overflow)
		return;
	CHECK(read_from_its_node((struct slice){text, w.bytes}, &again) == HOP_GOOD);
	check_same(hop, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char text[HOP_TEXT_BYTES_MAX];
	struct hop hop;
	if (bytes == 0 || bytes > sizeof(text) - 64)
		return 0;
	struct writer w = writer_on(text, sizeof(text));
	write_bytes(&w, data, bytes - 1);
	if (data[bytes - 1] % 2 == 1)
		sign(&w);
	if (read_from_its_node((struct slice){text, w.bytes}, &hop) == HOP_GOOD)
		check_hop(&hop);
	return 0;
}
