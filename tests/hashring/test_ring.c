/* test_ring.c: what create accepts and refuses, and the fingerprint. */
#include "fixture.h"

static enum hashring_error
refused(const struct hashring_member *members, size_t count, size_t *culprit)
{
	struct hashring *ring = (struct hashring *)&ring; /* must be overwritten */
	enum hashring_error error = hashring_create(members, count, &ring, culprit);
	assert_null(ring);
	assert_int_equal(hashring_create(members, count, &ring, NULL), error);
	assert_null(ring);
	return error;
}

static uint64_t
fingerprint_of(const struct cast *cast)
{
	struct hashring *ring = ring_of(cast);
	uint64_t fingerprint = hashring_fingerprint(ring);
	hashring_free(&ring);
	assert_null(ring);
	return fingerprint;
}

/* ---- refusals ---- */

/* An id is 1 to 255 bytes; the culprit is the member at fault. */
static void
test_bad_id(void **state)
{
	(void)state;
	char long_id[256];
	memset(long_id, 'x', sizeof(long_id));
	struct cast cast = cast_of(4);
	size_t culprit = 99;
	cast.member[2].id_bytes = 0;
	assert_int_equal(refused(cast.member, 4, &culprit), HASHRING_BAD_ID);
	assert_int_equal(culprit, 2);
	cast.member[2].id = long_id;
	cast.member[2].id_bytes = sizeof(long_id);
	culprit = 99;
	assert_int_equal(refused(cast.member, 4, &culprit), HASHRING_BAD_ID);
	assert_int_equal(culprit, 2);
	cast.member[2].id_bytes = HASHRING_ID_BYTES_MAX;
	struct hashring *ring = ring_of(&cast);
	hashring_free(&ring);
	cast.member[3].id = NULL;
	assert_int_equal(refused(cast.member, 4, &culprit), HASHRING_BAD_ID);
	assert_int_equal(culprit, 3);
	cast_free(&cast);
}

/* A weight is at most 65535. */
static void
test_bad_weight(void **state)
{
	(void)state;
	struct cast cast = cast_of(3);
	size_t culprit = 99;
	cast.member[1].weight = HASHRING_WEIGHT_MAX + 1;
	assert_int_equal(refused(cast.member, 3, &culprit), HASHRING_BAD_WEIGHT);
	assert_int_equal(culprit, 1);
	cast.member[1].weight = HASHRING_WEIGHT_MAX;
	struct hashring *ring = ring_of(&cast);
	hashring_free(&ring);
	cast_free(&cast);
}

/* Of equal ids the later one is at fault, the first such in the list; weight 0 is no excuse. */
static void
test_duplicates(void **state)
{
	(void)state;
	struct cast cast = cast_of(6);
	size_t culprit = 99;
	cast.member[5].id = "member-0";
	cast.member[4].id = "member-1";
	cast.member[4].weight = 0;
	assert_int_equal(refused(cast.member, 6, &culprit), HASHRING_DUPLICATE_ID);
	assert_int_equal(culprit, 4);
	cast.member[4].id_bytes--; /* a prefix of another id is another id */
	culprit = 99;
	assert_int_equal(refused(cast.member, 6, &culprit), HASHRING_DUPLICATE_ID);
	assert_int_equal(culprit, 5);
	cast.member[5].id_bytes--;
	culprit = 99;
	assert_int_equal(refused(cast.member, 6, &culprit), HASHRING_DUPLICATE_ID);
	assert_int_equal(culprit, 5);
	cast.member[5].id = "MEMBER-";
	struct hashring *ring = ring_of(&cast);
	hashring_free(&ring);
	cast_free(&cast);
}

/* 16384 members are built, one more is not. */
static void
test_too_many(void **state)
{
	(void)state;
	struct cast cast = cast_of(HASHRING_MEMBERS_MAX + 1);
	size_t culprit = 99;
	assert_int_equal(refused(cast.member, cast.count, &culprit), HASHRING_TOO_MANY);
	assert_int_equal(culprit, 99);
	cast.count--;
	struct hashring *ring = ring_of(&cast);
	assert_int_equal(hashring_count(ring), HASHRING_MEMBERS_MAX);
	hashring_free(&ring);
	cast_free(&cast);
}

/* Every error has its own text. */
static void
test_error_texts(void **state)
{
	(void)state;
	for (int a = HASHRING_OK; a <= HASHRING_BAD_WEIGHT; a++)
		for (int b = HASHRING_OK; b < a; b++)
			assert_string_not_equal(hashring_error_text((enum hashring_error)a),
						hashring_error_text((enum hashring_error)b));
	assert_non_null(hashring_error_text((enum hashring_error)99));
}

/* Freeing nothing is allowed. */
static void
test_free_null(void **state)
{
	(void)state;
	struct hashring *ring = NULL;
	hashring_free(&ring);
	assert_null(ring);
}

/* ---- nothing is kept of the caller's memory ---- */

static void
test_borrows_during_create_only(void **state)
{
	(void)state;
	struct cast cast = cast_of(20);
	struct chance c = {21};
	cast_shuffle_traits(&cast, &c, 5);
	struct hashring *ring = ring_of(&cast);
	struct hashring *kept = ring_of(&cast);
	uint8_t digest[HASHRING_DIGEST_BYTES] = {1};
	uint32_t before[20];
	uint32_t after[20];
	size_t stands = hashring_order(ring, digest, 3, before, 20);
	memset(cast.name, 'z', 20 * sizeof(*cast.name));
	memset(cast.member, 0, 20 * sizeof(*cast.member));
	assert_int_equal(hashring_order(kept, digest, 3, after, 20), stands);
	assert_memory_equal(before, after, stands * sizeof(*before));
	hashring_free(&ring);
	hashring_free(&kept);
	cast_free(&cast);
}

/* ---- fingerprint ---- */

/* The listing order does not matter; an id, a weight, a zone, a member more or less does. */
static void
test_fingerprint(void **state)
{
	(void)state;
	struct cast cast = cast_of(9);
	struct chance c = {22};
	cast_shuffle_traits(&cast, &c, 5);
	cast_zone(&cast, 1, "north");
	uint64_t original = fingerprint_of(&cast);
	for (size_t i = cast.count - 1; i > 0; i--) {
		size_t j = chance_below(&c, (uint32_t)i + 1);
		struct hashring_member swap = cast.member[i];
		cast.member[i] = cast.member[j];
		cast.member[j] = swap;
	}
	assert_int_equal(fingerprint_of(&cast), original);
	for (size_t i = 0; i < cast.count; i++) {
		struct hashring_member kept = cast.member[i];
		cast.member[i].weight++;
		assert_int_not_equal(fingerprint_of(&cast), original);
		cast.member[i] = kept;
		cast.member[i].id = "other";
		cast.member[i].id_bytes = 5;
		assert_int_not_equal(fingerprint_of(&cast), original);
		cast.member[i] = kept;
		cast_zone(&cast, i, "elsewhere");
		assert_int_not_equal(fingerprint_of(&cast), original);
		cast.member[i] = kept;
	}
	assert_int_equal(fingerprint_of(&cast), original);
	cast.count--;
	assert_int_not_equal(fingerprint_of(&cast), original);
	cast_free(&cast);
}

/* An empty zone and no zone are the same thing. */
static void
test_fingerprint_empty_zone(void **state)
{
	(void)state;
	struct cast cast = cast_of(3);
	uint64_t without = fingerprint_of(&cast);
	cast_zone(&cast, 1, "");
	assert_int_equal(fingerprint_of(&cast), without);
	cast_zone(&cast, 1, "z");
	assert_int_not_equal(fingerprint_of(&cast), without);
	cast_free(&cast);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad_id),
	    cmocka_unit_test(test_bad_weight),
	    cmocka_unit_test(test_duplicates),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_error_texts),
	    cmocka_unit_test(test_free_null),
	    cmocka_unit_test(test_borrows_during_create_only),
	    cmocka_unit_test(test_fingerprint),
	    cmocka_unit_test(test_fingerprint_empty_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
