/* test_pull.c: a document in pieces: whole and right, or not at all; bounded, whatever is lost. */
#include "cluster/pull.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROLE   "cluster"
#define HOLDER 1
#define NUMBER 77
#define RESEND 10

static struct pull pull;
static struct outbox out;
static struct document *held; /* by the holder */
static struct register_head head;
static uint64_t now;

static void
hold(size_t bytes, uint8_t fill)
{
	static uint8_t at[DOCUMENT_BYTES_MAX];
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(i * 31 + fill);
	document_unref(&held);
	held = document_create(at, bytes);
	assert_non_null(held);
	head = (struct register_head){.term = 3, .stamp = {3, 1}, .bytes = (uint32_t)bytes};
	memcpy(head.digest, held->digest, sizeof(head.digest));
}

static int
setup(void **state)
{
	(void)state;
	now = 100;
	out.count = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pull_stop(&pull);
	document_unref(&held);
	return 0;
}

static void
start(void)
{
	assert_true(pull_start(&pull, ROLE, &head, HOLDER, NUMBER, RESEND, now, &out));
}

/* Takes the i-th question off the outbox; the answer goes to *box. */
static void
take(size_t i, struct outbox *box)
{
	struct outgoing asked = out.list[i];
	out.count--;
	memmove(&out.list[i], &out.list[i + 1], (out.count - i) * sizeof(out.list[0]));
	char role[ROLE_BYTES_MAX + 1];
	struct body b = body_of(asked.body, asked.bytes);
	assert_int_equal(asked.to, HOLDER);
	assert_int_equal(asked.type, DATAGRAM_READ);
	get_text(&b, role, sizeof(role));
	assert_string_equal(role, ROLE);
	assert_int_equal(get_u64(&b), NUMBER);
	assert_int_equal(get_u8(&b), REGISTER_PIECE);
	box->count = 0;
	assert_true(pull_answer(held, &head.stamp, 0, ROLE, NUMBER, &b, box));
}

static struct document *
hear(cluster_node from, uint64_t number, const char *role, const struct outgoing *o)
{
	char named[ROLE_BYTES_MAX + 1];
	struct body b = body_of(o->body, o->bytes);
	get_text(&b, named, sizeof(named));
	(void)get_u64(&b);
	(void)get_u8(&b);
	return pull_receive(&pull, now, from, role, number, &b, &out);
}

static struct document *
answer(size_t i)
{
	static struct outbox box;
	take(i, &box);
	return hear(HOLDER, NUMBER, ROLE, &box.list[0]);
}

static void
assert_whole(struct document *d)
{
	assert_non_null(d);
	assert_int_equal(d->bytes, held->bytes);
	assert_memory_equal(d->at, held->at, d->bytes);
	assert_false(pull_active(&pull));
	document_unref(&d);
}

static void
of_any_size(void **state)
{
	(void)state;
	static const size_t sizes[] = {1,
				       PIECE_BYTES - 1,
				       PIECE_BYTES,
				       PIECE_BYTES + 1,
				       PIECE_WINDOW * PIECE_BYTES + 1,
				       DOCUMENT_BYTES_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		hold(sizes[i], (uint8_t)i);
		out.count = 0;
		start();
		struct document *d = NULL;
		while (d == NULL) {
			assert_true(out.count > 0);
			assert_true(out.count <= PIECE_WINDOW);
			d = answer(0);
		}
		assert_whole(d);
		assert_int_equal(out.count, 0);
	}
}

/* Pieces overtake each other, and come twice. */
static void
in_any_sequence(void **state)
{
	static struct outbox again;
	(void)state;
	hold(5 * PIECE_BYTES, 1);
	start();
	assert_int_equal(out.count, 5);
	take(4, &again);
	assert_null(hear(HOLDER, NUMBER, ROLE, &again.list[0]));
	assert_null(hear(HOLDER, NUMBER, ROLE, &again.list[0]));
	while (out.count > 1)
		assert_null(answer(out.count - 1));
	assert_whole(answer(0));
}

static void
what_is_lost_is_asked_for_again(void **state)
{
	(void)state;
	hold(3 * PIECE_BYTES, 1);
	start();
	assert_null(answer(1));
	out.count = 0; /* the other two are lost */
	assert_int_equal(pull_next(&pull), now + RESEND);
	pull_tick(&pull, now + RESEND - 1, &out);
	assert_int_equal(out.count, 0);
	now += RESEND;
	pull_tick(&pull, now, &out);
	assert_int_equal(out.count, 2);
	assert_null(answer(0));
	assert_whole(answer(0));
	assert_int_equal(pull_next(&pull), CLUSTER_NEVER);
}

/* A holder that is gone is given up; one that answers now and then is not. */
static void
in_vain_it_ends(void **state)
{
	(void)state;
	hold(2 * PIECE_BYTES, 1);
	start();
	for (unsigned i = 0; i < PULL_TRIES; i++) {
		now += RESEND;
		pull_tick(&pull, now, &out);
		assert_true(pull_active(&pull));
	}
	now += RESEND;
	pull_tick(&pull, now, &out);
	assert_false(pull_active(&pull));
	out.count = 0;
	start();
	for (unsigned i = 0; i < PULL_TRIES; i++)
		pull_tick(&pull, now += RESEND, &out);
	assert_null(answer(0));
	for (unsigned i = 0; i < PULL_TRIES; i++)
		pull_tick(&pull, now += RESEND, &out);
	assert_true(pull_active(&pull));
}

static void
what_was_not_asked_for_is_nothing(void **state)
{
	static struct outbox box;
	(void)state;
	hold(2 * PIECE_BYTES, 1);
	start();
	take(0, &box);
	const struct outgoing *o = &box.list[0];
	assert_null(hear(HOLDER + 1, NUMBER, ROLE, o));
	assert_null(hear(HOLDER, NUMBER + 1, ROLE, o));
	assert_null(hear(HOLDER, NUMBER, "other", o));
	for (uint16_t cut = 18; cut < o->bytes; cut++) {
		struct outgoing short_one = *o;
		short_one.bytes = cut;
		assert_null(hear(HOLDER, NUMBER, ROLE, &short_one));
	}
	assert_int_equal(pull.got, 0);
	assert_null(hear(HOLDER, NUMBER, ROLE, o));
	assert_int_equal(pull.got, 1);
}

/* Its bytes are not what its head said: nothing is believed, and it is over. */
static void
a_damaged_document_is_none(void **state)
{
	(void)state;
	hold(2 * PIECE_BYTES, 1);
	head.digest[3] ^= 1;
	start();
	assert_null(answer(0));
	assert_null(answer(0));
	assert_false(pull_active(&pull));
}

static void
another_value_is_not_answered_for(void **state)
{
	static struct outgoing asked;
	static const struct {
		struct stamp stamp;
		uint32_t offset;
	} bad[] = {
	    {{3, 2}, 0}, {{4, 1}, 0}, {{3, 1}, 1}, {{3, 1}, 2 * PIECE_BYTES}, {{3, 1}, UINT32_MAX}};
	(void)state;
	hold(2 * PIECE_BYTES, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		asked.bytes = 0;
		stamp_put(&asked, &bad[i].stamp);
		put_u32(&asked, bad[i].offset);
		struct body b = body_of(asked.body, asked.bytes);
		assert_false(pull_answer(held, &head.stamp, 0, ROLE, NUMBER, &b, &out));
		b = body_of(asked.body, asked.bytes);
		assert_false(pull_answer(NULL, &head.stamp, 0, ROLE, NUMBER, &b, &out));
	}
	assert_int_equal(out.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(of_any_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(in_any_sequence, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_lost_is_asked_for_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(in_vain_it_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_was_not_asked_for_is_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_damaged_document_is_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_value_is_not_answered_for, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
