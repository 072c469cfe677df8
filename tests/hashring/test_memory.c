/*
 * test_memory.c: create when memory runs out. ring.c is included here with an
 * allocator that fails after a number of calls; leaks are the sanitizers' to find.
 */
#include "fixture.h"

static unsigned calls_left;

static void *
failing_calloc(size_t count, size_t bytes)
{
	if (calls_left == 0)
		return NULL;
	calls_left--;
	return calloc(count, bytes);
}

#define calloc failing_calloc
#include "../../hashring/ring.c"
#undef calloc

/* Whichever allocation fails, create says so, gives no ring and names no culprit. */
static void
test_every_allocation_fails(void **state)
{
	(void)state;
	struct cast cast = cast_of(40);
	struct chance c = {61};
	cast_shuffle_traits(&cast, &c, 5);
	struct hashring *ring = NULL;
	size_t culprit = 99;
	unsigned allowed = 0;
	for (;; allowed++) {
		calls_left = allowed;
		if (hashring_create(cast.member, cast.count, &ring, &culprit) == HASHRING_OK)
			break;
		assert_null(ring);
		assert_int_equal(culprit, 99);
		assert_true(allowed < 100);
	}
	assert_int_equal(calls_left, 0);
	assert_true(allowed >= 10);

	/* What the last, sufficient, create built is a whole ring. */
	uint8_t digest[HASHRING_DIGEST_BYTES] = {7};
	uint32_t order[40];
	size_t stands = hashring_order(ring, digest, 3, order, 40);
	assert_true(stands > 0);
	assert_int_equal(hashring_first(ring, digest, 3, NULL), order[0]);
	hashring_free(&ring);
	cast_free(&cast);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_allocation_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
