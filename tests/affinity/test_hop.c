/* test_hop.c: a signed hop comes out as it went in, and nowhere else, never later, never altered.
 */
#include "affinity/hop.h"

#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define NOW           UINT64_C(1763712000000)

static struct config_node nodes[3] = {
    {.id = TEXT("a"), .http = {AF_INET, 8080, {127, 0, 0, 1}}},
    {.id = TEXT("b"), .http = {AF_INET, 8080, {127, 0, 0, 2}}},
    {.id = TEXT("c"), .http = {AF_INET, 8080, {127, 0, 0, 3}}},
};
static struct config_secret secrets[2] = {
    {.id = TEXT("k1"), .master = {1}},
    {.id = TEXT("k2"), .master = {2}},
};
static struct config config = {
    .secrets = secrets,
    .secret_count = 2,
    .cluster = {.name = TEXT("shop"), .nodes = nodes, .node_count = 3},
};
static const struct addr from_b = {AF_INET, 50000, {127, 0, 0, 2}};

static struct http_head
request_of(const char *method, const char *host, const char *path)
{
	return (struct http_head){
	    .method_text = slice_of(method), .host = slice_of(host), .path = slice_of(path)};
}

static struct hop
sample(void)
{
	struct hop hop = {.path = {0, 1},
			  .path_count = 2,
			  .client = {AF_INET, 0, {192, 0, 2, 7}},
			  .primary = SLICE("c"),
			  .mirror = true,
			  .can_return = true,
			  .down = {SLICE("c"), SLICE("a")},
			  .down_count = 2,
			  .epoch = 12,
			  .time_ms = NOW};
	memset(hop.digest.bytes, 0xab, sizeof(hop.digest.bytes));
	return hop;
}

static struct hop_codec *
codec_of(const struct config *c)
{
	struct hop_codec *codec = hop_codec_create(c);
	assert_non_null(codec);
	return codec;
}

/* The sample, signed for GET shop.example /x by `c`. */
static size_t
signed_by(const struct config *c, char text[HOP_TEXT_BYTES_MAX])
{
	struct hop_codec *codec = codec_of(c);
	struct http_head request = request_of("GET", "shop.example", "/x");
	struct hop hop = sample();
	struct writer w = writer_on(text, HOP_TEXT_BYTES_MAX);
	hop_write(codec, &hop, &request, &w);
	assert_false(w.overflow);
	hop_codec_free(&codec);
	return w.bytes;
}

static enum hop_fault
read_as(struct slice text, struct http_head request, const struct addr *from, uint64_t now_ms)
{
	struct hop_codec *codec = codec_of(&config);
	struct hop hop;
	enum hop_fault fault = hop_read(codec, text, &request, from, now_ms, &hop);
	hop_codec_free(&codec);
	return fault;
}

static void
comes_out_as_it_went_in(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct slice value = {text, signed_by(&config, text)};
	struct hop_codec *codec = codec_of(&config);
	struct http_head request = request_of("GET", "shop.example", "/x");
	struct hop want = sample();
	struct hop hop;
	assert_int_equal(hop_read(codec, value, &request, &from_b, NOW + 1000, &hop), HOP_GOOD);
	assert_int_equal(hop.path_count, 2);
	assert_int_equal(hop.path[0], 0);
	assert_int_equal(hop.path[1], 1);
	assert_int_equal(hop.visited, 3);
	assert_true(addr_equal(&hop.client, &want.client));
	assert_memory_equal(&hop.digest, &want.digest, sizeof(hop.digest));
	assert_true(slice_equal(hop.primary, want.primary));
	assert_true(hop.mirror);
	assert_true(hop.can_return);
	assert_int_equal(hop.down_count, 2);
	assert_true(hop_tells_down(&hop, SLICE("a")));
	assert_true(hop_tells_down(&hop, SLICE("c")));
	assert_false(hop_tells_down(&hop, SLICE("b")));
	assert_int_equal(hop.epoch, 12);
	assert_int_equal(hop.time_ms, NOW);
	hop_codec_free(&codec);
}

/* A target without a path is sent with one: both sides sign what is sent. */
static void
a_query_alone_is_signed_as_it_is_sent(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct hop_codec *codec = codec_of(&config);
	struct http_head came = request_of("GET", "h", "?q");
	struct hop hop = sample();
	struct writer w = writer_on(text, sizeof(text));
	hop_write(codec, &hop, &came, &w);
	assert_int_equal(
	    read_as((struct slice){text, w.bytes}, request_of("GET", "h", "/?q"), &from_b, NOW),
	    HOP_GOOD);
	hop_codec_free(&codec);
}

static void
belongs_to_its_request(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct slice value = {text, signed_by(&config, text)};
	assert_int_equal(read_as(value, request_of("GET", "shop.example", "/x"), &from_b, NOW),
			 HOP_GOOD);
	assert_int_equal(read_as(value, request_of("PUT", "shop.example", "/x"), &from_b, NOW),
			 HOP_BAD_MAC);
	assert_int_equal(read_as(value, request_of("GET", "shop.exampl", "e/x"), &from_b, NOW),
			 HOP_BAD_MAC);
	assert_int_equal(read_as(value, request_of("GET", "shop.example", "/y"), &from_b, NOW),
			 HOP_BAD_MAC);
}

static void
every_altered_byte_is_found(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	size_t bytes = signed_by(&config, text);
	struct http_head request = request_of("GET", "shop.example", "/x");
	for (size_t i = 0; i < bytes; i++) {
		text[i] ^= 1;
		assert_int_not_equal(read_as((struct slice){text, bytes}, request, &from_b, NOW),
				     HOP_GOOD);
		text[i] ^= 1;
	}
	for (size_t cut = 0; cut < bytes; cut++)
		assert_int_not_equal(read_as((struct slice){text, cut}, request, &from_b, NOW),
				     HOP_GOOD);
}

static void
comes_from_its_last_node(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct slice value = {text, signed_by(&config, text)};
	struct http_head request = request_of("GET", "shop.example", "/x");
	const struct addr from_a = {AF_INET, 50000, {127, 0, 0, 1}};
	const struct addr stranger = {AF_INET, 50000, {192, 0, 2, 1}};
	assert_int_equal(read_as(value, request, &from_a, NOW), HOP_UNKNOWN_NODE);
	assert_int_equal(read_as(value, request, &stranger, NOW), HOP_UNKNOWN_NODE);
}

static void
grows_old(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct slice value = {text, signed_by(&config, text)};
	struct http_head request = request_of("GET", "shop.example", "/x");
	assert_int_equal(read_as(value, request, &from_b, NOW + HOP_AGE_MS), HOP_GOOD);
	assert_int_equal(read_as(value, request, &from_b, NOW + HOP_AGE_MS + 1), HOP_STALE);
	assert_int_equal(read_as(value, request, &from_b, NOW - HOP_AGE_MS), HOP_GOOD);
	assert_int_equal(read_as(value, request, &from_b, NOW - HOP_AGE_MS - 1), HOP_STALE);
}

/* Another cluster's, another secret's; an old secret still verifies. */
static void
secrets_and_clusters(void **state)
{
	(void)state;
	char text[HOP_TEXT_BYTES_MAX];
	struct http_head request = request_of("GET", "shop.example", "/x");
	struct config other = config;
	other.cluster.name = TEXT("shop2");
	struct slice value = {text, signed_by(&other, text)};
	assert_int_equal(read_as(value, request, &from_b, NOW), HOP_BAD_MAC);
	other = config;
	other.secrets = &secrets[1];
	other.secret_count = 1;
	value.bytes = signed_by(&other, text);
	assert_int_equal(read_as(value, request, &from_b, NOW), HOP_GOOD);
	struct config_secret unknown = {.id = TEXT("k3"), .master = {3}};
	other.secrets = &unknown;
	value.bytes = signed_by(&other, text);
	assert_int_equal(read_as(value, request, &from_b, NOW), HOP_BAD_MAC);
}

/* Signed by who knows the secret, and still refused. */
static void
bad_claims_are_refused(void **state)
{
	(void)state;
	struct hop_codec *codec = codec_of(&config);
	struct http_head request = request_of("GET", "h", "/");
	char text[HOP_TEXT_BYTES_MAX];
	struct hop hop = sample();
	hop.path[0] = 1; /* b twice */
	struct writer w = writer_on(text, sizeof(text));
	hop_write(codec, &hop, &request, &w);
	assert_int_equal(read_as((struct slice){text, w.bytes}, request, &from_b, NOW),
			 HOP_MALFORMED);
	hop = sample();
	hop.path_count = 0;
	w = writer_on(text, sizeof(text));
	hop_write(codec, &hop, &request, &w);
	assert_int_equal(read_as((struct slice){text, w.bytes}, request, &from_b, NOW),
			 HOP_MALFORMED);
	w = writer_on(text, 40);
	hop_write(codec, &hop, &request, &w);
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 0);
	hop_codec_free(&codec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_out_as_it_went_in),
	    cmocka_unit_test(a_query_alone_is_signed_as_it_is_sent),
	    cmocka_unit_test(belongs_to_its_request),
	    cmocka_unit_test(every_altered_byte_is_found),
	    cmocka_unit_test(comes_from_its_last_node),
	    cmocka_unit_test(grows_old),
	    cmocka_unit_test(secrets_and_clusters),
	    cmocka_unit_test(bad_claims_are_refused),
	};
	return digest_init() ? cmocka_run_group_tests_name("hop", tests, NULL, NULL) : 1;
}
