/* test_tag.c: tags that verify, and all the ways in which one must not. */
#include "affinity/tag.h"

#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const uint8_t master_1[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t master_2[16] = {9, 9, 9};

static struct tag_codec *
codec_with(const char *service, const char *pool_of, const struct tag_secret *secrets, size_t count)
{
	uint8_t pool_key[POOL_KEY_BYTES];
	digest_default_pool_key(slice_of(pool_of), pool_key);
	struct tag_codec *codec = NULL;
	assert_int_equal(tag_codec_create(slice_of(service), pool_key, secrets, count, &codec),
			 RESULT_OK);
	return codec;
}

static struct tag_codec *
codec_of(const char *service, const char *id, const uint8_t *master)
{
	const struct tag_secret secret = {slice_of(id), master};
	return codec_with(service, service, &secret, 1);
}

static struct tag_claims
some_claims(void)
{
	return (struct tag_claims){
	    .digest = {{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
	    .primary = 0xfedcba98,
	    .last = 0x01020304,
	    .rank = 0x8001,
	    .issued_s = 0xf0000001,
	};
}

static struct slice
written(const struct tag_codec *codec, const struct tag_claims *claims, char text[TAG_TEXT_BYTES])
{
	struct writer w = writer_on(text, TAG_TEXT_BYTES);
	tag_write(codec, claims, &w);
	assert_false(w.overflow);
	assert_int_equal(w.bytes, TAG_TEXT_BYTES);
	return (struct slice){text, TAG_TEXT_BYTES};
}

static void
assert_rejected(const struct tag_codec *codec, struct slice text, enum tag_rejection why)
{
	struct tag_claims claims;
	struct tag_claims before;
	memset(&claims, 0x5a, sizeof(claims));
	memcpy(&before, &claims, sizeof(before));
	assert_int_equal(tag_read(codec, text, &claims), why);
	assert_memory_equal(&claims, &before, sizeof(claims));
}

/* What is written is read again, extremes included. */
static void
round_trip(void **state)
{
	(void)state;
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	struct tag_claims rows[3] = {some_claims(), {.primary = 0}, {.primary = UINT32_MAX}};
	memset(rows[2].digest.bytes, 0xff, DIGEST_BYTES);
	rows[2].last = rows[2].issued_s = UINT32_MAX;
	rows[2].rank = TAG_RANK_NONE;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[TAG_TEXT_BYTES];
		struct tag_claims got;
		assert_int_equal(tag_read(codec, written(codec, &rows[i], text), &got), TAG_NONE);
		assert_memory_equal(got.digest.bytes, rows[i].digest.bytes, DIGEST_BYTES);
		assert_int_equal(got.primary, rows[i].primary);
		assert_int_equal(got.last, rows[i].last);
		assert_int_equal(got.rank, rows[i].rank);
		assert_int_equal(got.issued_s, rows[i].issued_s);
		assert_false(got.old_secret);
	}
	tag_codec_free(&codec);
	assert_null(codec);
	tag_codec_free(&codec);
}

/* The same tag as a second implementation makes (tests/affinity/tag_vector.py). */
static void
golden_vector(void **state)
{
	(void)state;
	uint8_t pool_key[POOL_KEY_BYTES];
	digest_default_pool_key(SLICE("shop"), pool_key);
	struct tag_claims claims = {
	    .primary = tag_alias(pool_key, SLICE("a")),
	    .last = tag_alias(pool_key, SLICE("b")),
	    .rank = 1,
	    .issued_s = 1700000000,
	};
	assert_int_equal(claims.primary, 0xcfe52b34);
	assert_int_equal(claims.last, 0x1b4e1369);
	digest_session(pool_key, SLICE("0123456789ABCDEF"), &claims.digest);
	static const uint8_t digest[DIGEST_BYTES] = {0x79, 0x0e, 0x05, 0xff, 0x39, 0x23,
						     0xc8, 0x49, 0x76, 0x3e, 0x47, 0xa3,
						     0x7c, 0xb7, 0x8d, 0x8d};
	assert_memory_equal(claims.digest.bytes, digest, DIGEST_BYTES);
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	char text[TAG_TEXT_BYTES];
	struct slice tag = written(codec, &claims, text);
	static const char golden[] =
	    "AY-_eQ4F_zkjyEl2PkejfLeNjTQr5c9pE04bAQAA8VNlsVz1RiVOkmh2k6DrMhTF3--g";
	assert_true(slice_equal(tag, SLICE(golden)));
	tag_codec_free(&codec);
}

/* Each of the 408 bits is authenticated. */
static void
every_bit_counts(void **state)
{
	(void)state;
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES];
	uint8_t bytes[TAG_BYTES];
	assert_int_equal(base64url_decode(written(codec, &claims, text), bytes, TAG_BYTES),
			 TAG_BYTES);
	for (size_t bit = 0; bit < TAG_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		char flipped[TAG_TEXT_BYTES];
		struct writer w = writer_on(flipped, sizeof(flipped));
		write_base64url(&w, bytes, TAG_BYTES);
		assert_rejected(codec, (struct slice){flipped, sizeof(flipped)},
				bit < 8    ? TAG_MALFORMED
				: bit < 24 ? TAG_UNKNOWN_SECRET
					   : TAG_BAD_MAC);
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	tag_codec_free(&codec);
}

/* One tag has one text: another character anywhere is another tag, or none. */
static void
every_character_counts(void **state)
{
	(void)state;
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES];
	struct slice tag = written(codec, &claims, text);
	for (size_t at = 0; at < TAG_TEXT_BYTES; at++) {
		char kept = text[at];
		for (int c = 0; c < 256; c++) {
			struct tag_claims got;
			text[at] = (char)c;
			assert_int_equal(tag_read(codec, tag, &got) == TAG_NONE, (char)c == kept);
		}
		text[at] = kept;
	}
	tag_codec_free(&codec);
}

/* Too short, too long, padded, quoted, standard base64, nothing at all. */
static void
malformed_texts(void **state)
{
	(void)state;
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	struct tag_claims claims = some_claims();
	char longer[TAG_TEXT_BYTES + 8];
	memset(longer, 'A', sizeof(longer));
	struct slice tag = written(codec, &claims, longer);
	for (size_t bytes = 0; bytes <= sizeof(longer); bytes++) {
		if (bytes != TAG_TEXT_BYTES)
			assert_rejected(codec, (struct slice){longer, bytes}, TAG_MALFORMED);
	}
	assert_rejected(codec, (struct slice){NULL, 0}, TAG_MALFORMED);
	char text[TAG_TEXT_BYTES + 2];
	int bytes = snprintf(text, sizeof(text), "\"%.*s", (int)tag.bytes - 2, tag.at);
	text[bytes++] = '"';
	assert_int_equal(bytes, TAG_TEXT_BYTES);
	assert_rejected(codec, (struct slice){text, TAG_TEXT_BYTES}, TAG_MALFORMED);
	memcpy(text, tag.at, TAG_TEXT_BYTES);
	text[TAG_TEXT_BYTES - 1] = '=';
	assert_rejected(codec, (struct slice){text, TAG_TEXT_BYTES}, TAG_MALFORMED);
	tag_codec_free(&codec);
}

/* A tag of another service does not verify, though the secret is the same. */
static void
another_service(void **state)
{
	(void)state;
	struct tag_codec *shop = codec_of("shop", "k1", master_1);
	struct tag_codec *wiki = codec_of("wiki", "k1", master_1);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES];
	assert_rejected(wiki, written(shop, &claims, text), TAG_BAD_MAC);
	tag_codec_free(&shop);
	tag_codec_free(&wiki);
}

/* A tag made under another pool key carries digests that mean nothing here, well signed or not. */
static void
another_pool(void **state)
{
	(void)state;
	const struct tag_secret secret = {SLICE("k1"), master_1};
	struct tag_codec *one = codec_with("shop", "shop", &secret, 1);
	struct tag_codec *two = codec_with("shop", "other", &secret, 1);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES];
	struct slice tag = written(one, &claims, text);
	assert_rejected(two, tag, TAG_OTHER_POOL);
	/* forged besides: that is said first */
	text[TAG_TEXT_BYTES - 1] = text[TAG_TEXT_BYTES - 1] == 'A' ? 'B' : 'A';
	assert_rejected(two, tag, TAG_BAD_MAC);
	tag_codec_free(&one);
	tag_codec_free(&two);
}

/* Rotation: the new secret signs, the old one still verifies and is said to be old, then it is
 * gone. */
static void
rotation(void **state)
{
	(void)state;
	const struct tag_secret both[] = {{SLICE("k2"), master_2}, {SLICE("k1"), master_1}};
	struct tag_codec *before = codec_of("shop", "k1", master_1);
	struct tag_codec *during = codec_with("shop", "shop", both, 2);
	struct tag_codec *after = codec_of("shop", "k2", master_2);
	struct tag_claims claims = some_claims();
	claims.old_secret = true;
	char old_text[TAG_TEXT_BYTES];
	char new_text[TAG_TEXT_BYTES];
	struct slice old_tag = written(before, &claims, old_text);
	struct slice new_tag = written(during, &claims, new_text);
	struct tag_claims got;
	assert_int_equal(tag_read(during, old_tag, &got), TAG_NONE);
	assert_true(got.old_secret);
	assert_int_equal(got.primary, claims.primary);
	assert_int_equal(tag_read(during, new_tag, &got), TAG_NONE);
	assert_false(got.old_secret);
	assert_int_equal(tag_read(after, new_tag, &got), TAG_NONE);
	assert_false(got.old_secret);
	assert_rejected(after, old_tag, TAG_UNKNOWN_SECRET);
	assert_rejected(before, new_tag, TAG_UNKNOWN_SECRET);
	tag_codec_free(&before);
	tag_codec_free(&during);
	tag_codec_free(&after);
}

/* Every one of the most secrets that may be configured verifies; a secret of other bytes never
 * does. */
static void
many_secrets(void **state)
{
	(void)state;
	char ids[SECRETS_MAX][4];
	uint8_t masters[SECRETS_MAX][16];
	struct tag_secret secrets[SECRETS_MAX];
	for (size_t i = 0; i < SECRETS_MAX; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "k%02u", (unsigned)(i % 100));
		memset(masters[i], (int)i, 16);
		secrets[i] = (struct tag_secret){slice_of(ids[i]), masters[i]};
	}
	struct tag_codec *all = codec_with("shop", "shop", secrets, SECRETS_MAX);
	struct tag_claims claims = some_claims();
	for (size_t i = 0; i < SECRETS_MAX; i++) {
		struct tag_codec *one = codec_with("shop", "shop", &secrets[i], 1);
		char text[TAG_TEXT_BYTES];
		struct tag_claims got;
		assert_int_equal(tag_read(all, written(one, &claims, text), &got), TAG_NONE);
		assert_int_equal(got.old_secret, i != 0);
		tag_codec_free(&one);
	}
	struct tag_codec *forger = codec_of("shop", ids[0], master_2);
	char text[TAG_TEXT_BYTES];
	struct tag_claims got;
	assert_int_not_equal(tag_read(all, written(forger, &claims, text), &got), TAG_NONE);
	tag_codec_free(&forger);
	tag_codec_free(&all);
}

/* The 16 bits of a secret in the tags that it signs. */
static unsigned
number_of(const uint8_t *master)
{
	struct tag_codec *codec = codec_of("shop", "k", master);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES];
	uint8_t bytes[TAG_BYTES];
	(void)base64url_decode(written(codec, &claims, text), bytes, sizeof(bytes));
	tag_codec_free(&codec);
	return (unsigned)(bytes[1] | bytes[2] << 8);
}

/* Two secrets that have the same 16 bits in a tag, found by search: the second one verifies too. */
static void
secrets_of_one_number(void **state)
{
	(void)state;
	static uint16_t seen[65536]; /* 1 + the master with these bits */
	uint8_t masters[2][16] = {{0}, {0}};
	for (uint16_t i = 0;; i++) {
		assert_in_range(i, 0, 4096);
		memcpy(masters[1], &i, sizeof(i));
		uint16_t *first = &seen[number_of(masters[1])];
		if (*first != 0) {
			*first = (uint16_t)(*first - 1);
			memcpy(masters[0], first, sizeof(*first));
			break;
		}
		*first = (uint16_t)(i + 1);
	}
	assert_int_equal(number_of(masters[0]), number_of(masters[1]));
	const struct tag_secret pair[] = {{SLICE("k"), masters[0]}, {SLICE("k"), masters[1]}};
	struct tag_codec *both = codec_with("shop", "shop", pair, 2);
	struct tag_codec *second = codec_of("shop", "k", masters[1]);
	struct tag_claims claims = some_claims();
	struct tag_claims got;
	char text[TAG_TEXT_BYTES];
	assert_int_equal(tag_read(both, written(second, &claims, text), &got), TAG_NONE);
	assert_true(got.old_secret);
	text[60] = text[60] == 'A' ? 'B' : 'A';
	assert_rejected(both, (struct slice){text, TAG_TEXT_BYTES}, TAG_BAD_MAC);
	tag_codec_free(&both);
	tag_codec_free(&second);
}

/* A tag that does not fit is left out whole. */
static void
full_writer(void **state)
{
	(void)state;
	struct tag_codec *codec = codec_of("shop", "k1", master_1);
	struct tag_claims claims = some_claims();
	char text[TAG_TEXT_BYTES - 1];
	struct writer w = writer_on(text, sizeof(text));
	tag_write(codec, &claims, &w);
	assert_true(w.overflow);
	assert_int_equal(w.bytes, 0);
	tag_codec_free(&codec);
}

/* Aliases depend on the id and the pool key, and are not 0. */
static void
aliases(void **state)
{
	(void)state;
	const uint8_t other[POOL_KEY_BYTES] = {1};
	const uint8_t pool_key[POOL_KEY_BYTES] = {0};
	assert_int_equal(tag_alias(pool_key, SLICE("a")), tag_alias(pool_key, SLICE("a")));
	assert_int_not_equal(tag_alias(pool_key, SLICE("a")), tag_alias(pool_key, SLICE("b")));
	assert_int_not_equal(tag_alias(pool_key, SLICE("a")), tag_alias(other, SLICE("a")));
	for (unsigned i = 0; i < 10000; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "m%u", i);
		assert_int_not_equal(tag_alias(pool_key, slice_of(id)), 0);
	}
}

static int
start(void **state)
{
	(void)state;
	return digest_init() ? 0 : -1;
}

/* A tag that is rejected is shown as well, with whose it claims to be. */
static void
inspection(void **state)
{
	(void)state;
	const struct tag_secret secrets[] = {{SLICE("k2"), master_2}, {SLICE("k1"), master_1}};
	struct tag_codec *old = codec_of("shop", "k1", master_1);
	struct tag_codec *now = codec_with("shop", "shop", secrets, 2);
	struct tag_codec *other_pool = codec_with("shop", "blog", secrets, 2);
	struct tag_claims claims = some_claims();
	struct tag_inspection got;
	char text[TAG_TEXT_BYTES];
	struct slice tag = written(old, &claims, text);

	assert_int_equal(tag_inspect(now, tag, &got), TAG_NONE);
	assert_true(got.decoded && got.pool_matches && got.claims.old_secret);
	assert_int_equal(got.secret_index, 1);
	assert_memory_equal(got.claims.digest.bytes, claims.digest.bytes, DIGEST_BYTES);
	assert_int_equal(got.claims.primary, claims.primary);
	assert_int_equal(got.claims.last, claims.last);
	assert_int_equal(got.claims.rank, claims.rank);
	assert_int_equal(got.claims.issued_s, claims.issued_s);

	assert_int_equal(tag_inspect(other_pool, tag, &got), TAG_OTHER_POOL);
	assert_true(got.decoded && !got.pool_matches);
	text[20] = text[20] == 'A' ? 'B' : 'A';
	assert_int_equal(tag_inspect(now, tag, &got), TAG_BAD_MAC);
	assert_true(got.decoded && got.pool_matches);
	assert_int_equal(got.secret_index, 1);
	struct tag_codec *alone = codec_of("shop", "k2", master_2);
	assert_int_equal(tag_inspect(alone, tag, &got), TAG_UNKNOWN_SECRET);
	tag_codec_free(&alone);
	assert_true(got.decoded);
	assert_int_equal(got.secret_index, SIZE_MAX);
	tag.bytes--;
	assert_int_equal(tag_inspect(now, tag, &got), TAG_MALFORMED);
	assert_false(got.decoded);
	tag_codec_free(&other_pool);
	tag_codec_free(&now);
	tag_codec_free(&old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(golden_vector),
	    cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(every_character_counts),
	    cmocka_unit_test(malformed_texts),
	    cmocka_unit_test(another_service),
	    cmocka_unit_test(another_pool),
	    cmocka_unit_test(rotation),
	    cmocka_unit_test(inspection),
	    cmocka_unit_test(many_secrets),
	    cmocka_unit_test(secrets_of_one_number),
	    cmocka_unit_test(full_writer),
	    cmocka_unit_test(aliases),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
