/* test_register.c: a client of the register, step by step: what comes late changes nothing. */
#include "cluster/lease.h"
#include "cluster/register.h"
#include "cluster/register_wire.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SELF       3 /* no voter */
#define VALUE_SIZE (PIECE_BYTES + 100)

static struct cluster_nodes nodes;
static struct role_ground ground;
static struct role_turn turn;
static struct outbox out;
static struct register_client client;
static struct document *value;

static int
setup(void **state)
{
	static uint8_t bytes[VALUE_SIZE];
	(void)state;
	nodes = nodes_made(4, SELF);
	nodes.node[SELF].voter = false;
	ground = (struct role_ground){.nodes = &nodes, .timing = lease_timing_of(10000), .boot = 1};
	turn = (struct role_turn){&ground, "cluster", 1000, &out};
	out.count = 0;
	memset(&client, 0, sizeof(client));
	value = document_create(bytes, sizeof(bytes));
	return value == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	register_client_deinit(&client);
	document_unref(&value);
	return 0;
}

/* A datagram of `from`, behind the role's name. */
static void
hear(cluster_node from, const struct outgoing *o)
{
	char role[ROLE_BYTES_MAX + 1];
	struct body b = body_of(o->body, o->bytes);
	get_text(&b, role, sizeof(role));
	out.count = 0;
	assert_true(register_receive(&client, &turn, from, o->type, &b));
}

static struct register_head
head_of(uint64_t term, uint64_t seq)
{
	struct register_head head = {.term = term, .stamp = {term, seq}};
	head.bytes = (uint32_t)value->bytes;
	memcpy(head.digest, value->digest, sizeof(head.digest));
	return head;
}

static void
hear_head(cluster_node from, uint64_t number, const struct register_head *head)
{
	static struct outbox box;
	box.count = 0;
	struct outgoing *o = register_put(&box, SELF, DATAGRAM_HELD, turn.role, number);
	put_u8(o, REGISTER_HEAD);
	register_head_put(o, head);
	hear(from, o);
}

/* The answer to the question for a piece that was put into `asked`. */
static void
answer_piece(const struct outgoing *asked, const struct stamp *stamp, struct outbox *box)
{
	char role[ROLE_BYTES_MAX + 1];
	struct body b = body_of(asked->body, asked->bytes);
	get_text(&b, role, sizeof(role));
	uint64_t number = get_u64(&b);
	assert_int_equal(get_u8(&b), REGISTER_PIECE);
	box->count = 0;
	assert_true(pull_answer(value, stamp, SELF, role, number, &b, box));
}

/*
 * The value is fetched in two pieces; behind the first its holder has a newer one, so all are asked
 * again. The second piece, overtaken, is of no use then: the read goes on, and is not answered with
 * "nothing was ever written".
 */
static void
a_late_piece_ends_no_read(void **state)
{
	static struct outbox first;
	static struct outbox second;
	(void)state;
	struct register_head old = head_of(1, 4);
	struct register_head newer = head_of(1, 5);
	assert_true(register_read(&client, &turn, 9000));
	hear_head(0, client.number, &old);
	hear_head(1, client.number, &old);
	assert_int_equal(client.phase, REGISTER_PULLING);
	assert_int_equal(out.count, 2);
	static struct outgoing asked[2];
	asked[0] = out.list[0];
	asked[1] = out.list[1];
	answer_piece(&asked[0], &old.stamp, &first);
	answer_piece(&asked[1], &old.stamp, &second);
	hear(0, &first.list[0]);
	hear_head(0, client.number, &newer);
	assert_int_equal(client.phase, REGISTER_ASKING);
	assert_int_equal(out.count, 3);
	hear(0, &second.list[0]);
	assert_int_equal(client.phase, REGISTER_ASKING);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_NONE);
	hear_head(1, client.number, &newer);
	hear_head(2, client.number, &newer);
	assert_int_equal(client.phase, REGISTER_PULLING);
	answer_piece(&out.list[0], &newer.stamp, &first);
	answer_piece(&out.list[1], &newer.stamp, &second);
	cluster_node holder = out.list[0].to;
	hear(holder, &first.list[0]);
	hear(holder, &second.list[0]);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_READ);
	assert_int_equal(client.term, 1);
	assert_int_equal(client.known.seq, 5);
}

static void
hear_written(cluster_node from, const struct register_head *head)
{
	static struct outbox box;
	box.count = 0;
	struct outgoing *o = register_put(&box, SELF, DATAGRAM_WRITTEN, turn.role, client.number);
	register_head_put(o, head);
	hear(from, o);
}

/* A claim whose questions two voters answer so. */
static void
claim(const struct register_head *head)
{
	assert_true(register_claim(&client, &turn, 9000));
	hear_head(0, client.number, head);
	hear_head(1, client.number, head);
	assert_int_equal(client.phase, REGISTER_CLAIMING);
	struct register_head claimed = *head;
	claimed.term = client.term;
	hear_written(0, &claimed);
	hear_written(1, &claimed);
}

/*
 * Voter 2 alone has (1, 5), of a write in doubt; those who were asked for the claim have (1, 4). It
 * is made to stand as the first of the claimed term: newer than what voter 2 has, or a read that
 * hears of that would try for ever to write it back.
 */
static void
a_claim_stamps_what_it_found(void **state)
{
	char role[ROLE_BYTES_MAX + 1];
	struct register_asked asked;
	(void)state;
	struct register_head old = head_of(1, 4);
	client.known = old.stamp;
	client.document = document_ref(value);
	claim(&old);
	assert_int_equal(client.phase, REGISTER_WRITING);
	struct body b = body_of(out.list[0].body, out.list[0].bytes);
	get_text(&b, role, sizeof(role));
	assert_true(register_get_write(&b, &asked));
	assert_int_equal(asked.head.stamp.term, 2);
	assert_int_equal(asked.head.stamp.seq, 0);
	struct register_head stands = head_of(2, 0);
	hear_written(0, &stands);
	hear_written(1, &stands);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_CLAIMED);

	struct register_head doubtful = head_of(1, 5);
	assert_true(register_read(&client, &turn, 9000));
	hear_head(2, client.number, &doubtful);
	hear_head(0, client.number, &stands);
	assert_int_equal(client.phase, REGISTER_WRITING);
	hear_written(2, &stands);
	hear_written(0, &stands);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_READ);
	assert_int_equal(client.known.term, 2);
	assert_ptr_equal(client.document, value);
}

/* The same where the claim found nothing: its owner knows that nothing stands. */
static void
what_few_have_of_earlier_terms_is_void(void **state)
{
	(void)state;
	struct register_head nothing = {.term = 1};
	claim(&nothing);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_CLAIMED);
	struct register_head doubtful = head_of(1, 1);
	struct register_head claimed = {.term = 2};
	assert_true(register_read(&client, &turn, 9000));
	hear_head(2, client.number, &doubtful);
	hear_head(0, client.number, &claimed);
	assert_int_equal(register_take_news(&client), REGISTER_NEWS_READ);
	assert_null(client.document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_late_piece_ends_no_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_claim_stamps_what_it_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_few_have_of_earlier_terms_is_void, setup,
					    teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
