/* test_buf.c: pooled buffers: got, put back, reused, bounded. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A buffer comes empty, also when it was full before. */
static void
comes_empty(void **state)
{
	(void)state;
	struct buf_pool pool;
	buf_pool_init(&pool, 0);
	struct buf *b = buf_get(&pool);
	assert_non_null(b);
	struct buf *first = b;
	assert_int_equal(buf_held(b), 0);
	assert_int_equal(buf_room(b), BUF_BYTES);
	b->to = BUF_BYTES;
	b->from = 10;
	b->next = b;
	assert_int_equal(buf_held(b), BUF_BYTES - 10);
	assert_int_equal(buf_room(b), 0);
	buf_put(&pool, &b);
	assert_null(b);
	buf_put(&pool, &b);
	assert_int_equal(pool.held, 0);
	b = buf_get(&pool);
	assert_ptr_equal(b, first);
	assert_null(b->next);
	assert_int_equal(buf_held(b), 0);
	buf_put(&pool, &b);
	buf_pool_deinit(&pool);
}

/* A bounded pool gives no more than its bound, and gives again after one was put back. */
static void
stops_at_its_bound(void **state)
{
	(void)state;
	struct buf_pool pool;
	buf_pool_init(&pool, 3);
	struct buf *held[3];
	for (size_t i = 0; i < 3; i++) {
		held[i] = buf_get(&pool);
		assert_non_null(held[i]);
	}
	assert_null(buf_get(&pool));
	assert_int_equal(pool.held, 3);
	buf_put(&pool, &held[1]);
	held[1] = buf_get(&pool);
	assert_non_null(held[1]);
	for (size_t i = 0; i < 3; i++)
		buf_put(&pool, &held[i]);
	assert_int_equal(pool.spares, 3);
	buf_pool_deinit(&pool);
	assert_null(pool.spare);
}

/* What comes back beyond BUF_SPARES_MAX is freed, not kept. */
static void
keeps_few_spares(void **state)
{
	(void)state;
	struct buf_pool pool;
	buf_pool_init(&pool, 0);
	struct buf *all = NULL;
	for (size_t i = 0; i < BUF_SPARES_MAX + 5; i++) {
		struct buf *b = buf_get(&pool);
		if (b == NULL)
			break;
		b->next = all;
		all = b;
	}
	assert_int_equal(pool.held, BUF_SPARES_MAX + 5);
	while (all != NULL) {
		struct buf *b = all;
		all = b->next;
		buf_put(&pool, &b);
	}
	assert_int_equal(pool.held, 0);
	assert_int_equal(pool.spares, BUF_SPARES_MAX);
	buf_pool_deinit(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_empty),
	    cmocka_unit_test(stops_at_its_bound),
	    cmocka_unit_test(keeps_few_spares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
