/* test_digest.c: keyed digests against published and second-hand vectors, and the draws. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void
assert_hex(const uint8_t bytes[16], const char *want)
{
	char text[40];
	struct writer w = writer_on(text, sizeof(text));
	write_hex_bytes(&w, bytes, 16);
	assert_string_equal(writer_text(&w), want);
}

/* SipHash-2-4-128 of 00 01 02 ...: the first vectors of the reference implementation. */
static void
siphash_vectors(void **state)
{
	(void)state;
	static const char *const want[] = {
	    "a3817f04ba25a8e66df67214c7550293",
	    "da87c1d86b99af44347659119b22fc45",
	    "8177228da4a45dc7fca38bdef60affe4",
	};
	for (size_t bytes = 0; bytes < COUNT(want); bytes++) {
		uint8_t mac[16];
		digest_mac(key, key, bytes, mac);
		assert_hex(mac, want[bytes]);
		struct session_digest digest;
		digest_session(key, (struct slice){(const char *)key, bytes}, &digest);
		assert_memory_equal(digest.bytes, mac, 16);
	}
}

/* Derived keys, as hashlib.blake2b makes them (tests/affinity/tag_vector.py). */
static void
derived_keys(void **state)
{
	(void)state;
	uint8_t out[16];
	digest_default_pool_key(SLICE("shop"), out);
	assert_hex(out, "0389d768f59b43a889b5afefb1e60d3c");
	uint8_t again[16];
	digest_derive("holdfast pool key v1", SLICE("shop"), NULL, 0, again);
	assert_memory_equal(out, again, 16);
	/* any difference of purpose, name or secret, or of where one ends, gives another key */
	uint8_t rows[6][16];
	digest_derive("a", SLICE("b"), "c", 1, rows[0]);
	digest_derive("ab", SLICE(""), "c", 1, rows[1]);
	digest_derive("a", SLICE("bc"), "", 0, rows[2]);
	digest_derive("", SLICE("ab"), "c", 1, rows[3]);
	digest_derive("a", SLICE("b"), "d", 1, rows[4]);
	digest_derive("a", SLICE(""), "bc", 2, rows[5]);
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(rows[i], rows[j], 16);
	}
}

/* Equal in every byte or not at all, for lengths around the word. */
static void
compares(void **state)
{
	(void)state;
	uint8_t a[40];
	uint8_t b[40];
	memset(a, 0x5a, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	assert_true(digest_equal(a, b, 0));
	for (size_t bytes = 1; bytes <= sizeof(a); bytes++) {
		assert_true(digest_equal(a, b, bytes));
		for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(digest_equal(a, b, bytes), bit / 8 >= bytes);
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

/* SplitMix64 from 0: the first outputs of the published generator. Random bytes differ. */
static void
draws(void **state)
{
	(void)state;
	struct prng g = {0};
	assert_int_equal(prng_next(&g), UINT64_C(0xe220a8397b1dcdaf));
	assert_int_equal(prng_next(&g), UINT64_C(0x6e789e6aa1b965f4));
	assert_int_equal(prng_next(&g), UINT64_C(0x06c45d188009454f));
	struct prng one;
	struct prng two;
	prng_seed(&one);
	prng_seed(&two);
	assert_int_not_equal(prng_next(&one), prng_next(&two));
	uint8_t x[16];
	uint8_t y[16];
	digest_random(x);
	digest_random(y);
	assert_memory_not_equal(x, y, 16);
}

static int
start(void **state)
{
	(void)state;
	return digest_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(siphash_vectors),
	    cmocka_unit_test(derived_keys),
	    cmocka_unit_test(compares),
	    cmocka_unit_test(draws),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
