/* A request body on its way: what is sent, kept for a replay, and let go. */
#include "relay/body_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define BODY_BYTES (5 * BUF_BYTES + 123)
#define PIECES     16

struct fixture {
	struct buf_pool pool;
	struct body_queue queue;
	char *body; /* BODY_BYTES, no two neighbours alike */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	buf_pool_init(&f->pool, 0);
	body_queue_init(&f->queue);
	f->body = malloc(BODY_BYTES);
	assert_non_null(f->body);
	for (size_t i = 0; i < BODY_BYTES; i++)
		f->body[i] = (char)(i * 31 + i / 251);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	body_queue_clear(&f->queue, &f->pool);
	assert_int_equal(f->pool.held, 0);
	buf_pool_deinit(&f->pool);
	free(f->body);
	free(f);
	return 0;
}

/* "Sends" `step` bytes at a time until nothing is unsent; what came out must be body[from..to). */
static void
send_all(struct fixture *f, size_t step, size_t from, size_t to)
{
	size_t at = from;
	while (f->queue.unsent > 0) {
		struct iovec pieces[PIECES];
		int count = body_queue_pieces(&f->queue, pieces, PIECES);
		assert_true(count > 0);
		size_t left = step;
		size_t sent = 0;
		for (int i = 0; i < count && left > 0; i++) {
			size_t take = left < pieces[i].iov_len ? left : pieces[i].iov_len;
			assert_memory_equal(pieces[i].iov_base, f->body + at, take);
			at += take;
			sent += take;
			left -= take;
		}
		body_queue_sent(&f->queue, &f->pool, sent);
	}
	assert_int_equal(at, to);
}

static void
test_bytes_come_out_as_they_went_in(void **state)
{
	static const size_t steps[] = {1, 7, BUF_BYTES - 1, BUF_BYTES, BUF_BYTES + 1, BODY_BYTES};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_true(body_queue_append(&f->queue, &f->pool, f->body, BODY_BYTES));
		assert_int_equal(f->queue.unsent, BODY_BYTES);
		send_all(f, steps[i], 0, BODY_BYTES);
		body_queue_clear(&f->queue, &f->pool);
	}
}

static void
test_rewind_sends_everything_again(void **state)
{
	struct fixture *f = *state;
	assert_true(body_queue_append(&f->queue, &f->pool, f->body, BODY_BYTES));
	body_queue_sent(&f->queue, &f->pool, BUF_BYTES + 5);
	body_queue_rewind(&f->queue);
	assert_int_equal(f->queue.unsent, BODY_BYTES);
	send_all(f, 1000, 0, BODY_BYTES);
	body_queue_rewind(&f->queue);
	send_all(f, BODY_BYTES, 0, BODY_BYTES);
}

static void
test_appending_goes_on_behind_what_was_sent(void **state)
{
	struct fixture *f = *state;
	assert_true(body_queue_append(&f->queue, &f->pool, f->body, 100));
	send_all(f, 100, 0, 100);
	struct iovec pieces[PIECES];
	assert_int_equal(body_queue_pieces(&f->queue, pieces, PIECES), 0);
	assert_true(body_queue_append(&f->queue, &f->pool, f->body + 100, BODY_BYTES - 100));
	send_all(f, 4096, 100, BODY_BYTES);
	assert_int_equal(f->queue.total, BODY_BYTES);
}

static void
test_without_replay_memory_is_given_back(void **state)
{
	struct fixture *f = *state;
	assert_true(body_queue_append(&f->queue, &f->pool, f->body, BODY_BYTES));
	size_t held = f->pool.held;
	body_queue_sent(&f->queue, &f->pool, 2 * BUF_BYTES);
	assert_int_equal(f->pool.held, held);
	body_queue_no_replay(&f->queue, &f->pool);
	assert_false(f->queue.replayable);
	assert_int_equal(f->pool.held, held - 2);
	send_all(f, BUF_BYTES, 2 * BUF_BYTES, BODY_BYTES);
	assert_int_equal(f->pool.held, 0);
	assert_true(body_queue_append(&f->queue, &f->pool, f->body, 10));
	send_all(f, 3, 0, 10);
}

/* A bound on replay matters only for what left already: nothing was sent, so nothing is missing. */
static void
test_unsent_bytes_are_whole_beyond_the_bound(void **state)
{
	struct fixture *f = *state;
	assert_true(body_queue_append(&f->queue, &f->pool, f->body, BODY_BYTES));
	body_queue_no_replay(&f->queue, &f->pool);
	assert_true(body_queue_is_whole(&f->queue));
	body_queue_rewind(&f->queue);
	body_queue_sent(&f->queue, &f->pool, 1);
	assert_false(body_queue_is_whole(&f->queue));
}

static void
test_no_memory_is_said(void **state)
{
	struct fixture *f = *state;
	f->pool.held_max = 2;
	assert_false(body_queue_append(&f->queue, &f->pool, f->body, BODY_BYTES));
	assert_int_equal(f->pool.held, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_bytes_come_out_as_they_went_in, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rewind_sends_everything_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_appending_goes_on_behind_what_was_sent, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_without_replay_memory_is_given_back, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_unsent_bytes_are_whole_beyond_the_bound, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_no_memory_is_said, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
