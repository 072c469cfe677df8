/* test_learn.c: what a voter that lost its register begins with: never less than was promised. */
#include "cluster/learn.h"
#include "cluster/register_wire.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SILENT_UNTIL 5000
#define RESEND_MS    10

static struct cluster_nodes nodes;
static struct register_image table[CLUSTER_NODES_MAX]; /* of the other voters */
static bool down[CLUSTER_NODES_MAX];
static struct learn learn;
static struct outbox out;
static uint64_t now;

static int
setup(void **state)
{
	(void)state;
	nodes = nodes_made(3, 0);
	memset(down, 0, sizeof(down));
	now = 1000;
	out.count = 0;
	learn_begin(&learn, &nodes, SILENT_UNTIL, 100, RESEND_MS);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	learn_deinit(&learn);
	for (size_t i = 0; i < CLUSTER_NODES_MAX; i++) {
		register_image_deinit(&table[i]);
		table[i] = (struct register_image){.begun = false};
	}
	return 0;
}

static struct register_entry *
know(cluster_node n, const char *role, uint64_t term)
{
	struct register_entry *e = register_image_add(&table[n], role);
	e->head.term = term;
	e->head.claimant = (struct claimant){nodes.node[n].alias, term};
	return e;
}

static void
know_value(cluster_node n, const char *role, uint64_t term, uint64_t seq, size_t bytes)
{
	static uint8_t at[8000];
	struct register_entry *e = know(n, role, term);
	memset(at, (int)seq, bytes);
	document_unref(&e->document);
	e->document = document_create(at, bytes);
	assert_non_null(e->document);
	e->head.stamp = (struct stamp){term, seq};
	e->head.bytes = (uint32_t)bytes;
	memcpy(e->head.digest, e->document->digest, sizeof(e->head.digest));
}

/* The voter `n` answers one question, and the answer is heard. */
static void
answer(cluster_node n, const struct outgoing *asked)
{
	static struct outbox box;
	char role[ROLE_BYTES_MAX + 1];
	struct body b = body_of(asked->body, asked->bytes);
	box.count = 0;
	get_text(&b, role, sizeof(role));
	uint64_t number = get_u64(&b);
	uint8_t what = get_u8(&b);
	assert_int_equal(asked->type, DATAGRAM_READ);
	if (what == REGISTER_ENTRY) {
		assert_true(learn_answer(&table[n], 0, number, &b, &box));
	} else {
		const struct register_entry *e = register_image_find(&table[n], role);
		if (!pull_answer(e->document, &e->head.stamp, 0, role, number, &b, &box)) {
			put_u8(register_put(&box, 0, DATAGRAM_HELD, role, number), REGISTER_HEAD);
			register_head_put(&box.list[0], &e->head);
		}
	}
	struct body told = body_of(box.list[0].body, box.list[0].bytes);
	get_text(&told, role, sizeof(role));
	number = get_u64(&told);
	what = get_u8(&told);
	assert_true(learn_receive(&learn, now, n, number, role, what, &told, &out));
}

/* Everything that is asked is answered, by those that are up. */
static void
converse(void)
{
	while (out.count > 0) {
		struct outgoing asked = out.list[0];
		out.count--;
		memmove(&out.list[0], &out.list[1], out.count * sizeof(out.list[0]));
		if (!down[asked.to])
			answer(asked.to, &asked);
	}
}

static void
pass(uint64_t ms)
{
	for (uint64_t until = now + ms; now < until; now++) {
		if (now >= learn_next(&learn))
			learn_tick(&learn, now, &out);
		converse();
	}
}

static const struct register_head *
learnt(const char *role)
{
	const struct register_entry *e = register_image_find(&learn.image, role);
	assert_int_equal(learn.phase, LEARN_DONE);
	assert_non_null(e);
	return &e->head;
}

static void
how_many_must_tell(void **state)
{
	(void)state;
	static const size_t needs[] = {
	    [1] = 1, [2] = 1, [3] = 2, [4] = 2, [5] = 3, [7] = 4, [9] = 5};
	for (cluster_node n = 1; n <= 9; n++) {
		nodes = nodes_made(n, 0);
		if (needs[n] != 0)
			assert_int_equal(learn_needs(&nodes), needs[n]);
		/* With those that a majority is short of without this voter they have one in
		 * common.
		 */
		assert_true(learn_needs(&nodes) + cluster_majority(&nodes) - 1 > (size_t)n - 1);
	}
	nodes = nodes_made(5, 0);
	nodes.node[3].voter = nodes.node[4].voter = false;
	assert_int_equal(learn_needs(&nodes), 2);
}

static void
silence_comes_first(void **state)
{
	(void)state;
	assert_int_equal(learn_next(&learn), SILENT_UNTIL);
	while (now < SILENT_UNTIL) {
		learn_tick(&learn, now++, &out);
		assert_int_equal(out.count, 0);
	}
	learn_tick(&learn, now, &out);
	assert_int_equal(out.count, 2);
}

static void
the_highest_terms_and_the_newest_values_count(void **state)
{
	(void)state;
	know(1, "r", 7);
	know(2, "r", 9);
	know(1, "only-b", 4);
	know_value(1, ROLE_CLUSTER, 5, 2, 2500);
	know_value(2, ROLE_CLUSTER, 5, 1, 100);
	pass(SILENT_UNTIL);
	assert_true(learn.image.begun);
	assert_int_equal(learnt("r")->term, 9);
	assert_int_equal(learnt("r")->claimant.node, nodes.node[2].alias);
	assert_int_equal(learnt("only-b")->term, 4);
	assert_int_equal(learnt(ROLE_CLUSTER)->stamp.seq, 2);
	const struct document *d = register_image_find(&learn.image, ROLE_CLUSTER)->document;
	assert_int_equal(d->bytes, 2500);
	assert_int_equal(d->at[0], 2);
}

/* An empty table is an answer, too. */
static void
nothing_to_know_is_known(void **state)
{
	(void)state;
	pass(SILENT_UNTIL);
	assert_int_equal(learn.phase, LEARN_DONE);
	assert_int_equal(learn.image.count, 0);
	assert_true(learn.image.begun);
}

/* One of two others is not enough, however long it takes. */
static void
without_enough_others_it_never_ends(void **state)
{
	(void)state;
	know(1, "r", 7);
	down[2] = true;
	pass(2 * SILENT_UNTIL);
	assert_int_equal(learn.phase, LEARN_ASKING);
	assert_int_equal(learn_told(&learn), 1);
	down[2] = false;
	pass(2 * RESEND_MS);
	assert_int_equal(learnt("r")->term, 7);
}

/* b has forgotten "r", and may have granted its floor. */
static void
a_role_without_a_place_has_the_floor(void **state)
{
	(void)state;
	table[1].floor = 41;
	table[2].floor = 3;
	know(1, "s", 2); /* in both tables: no floor counts */
	know(2, "s", 1);
	know(2, "r", 9);
	pass(SILENT_UNTIL);
	assert_int_equal(learnt("r")->term, 41);
	assert_int_equal(learnt("r")->claimant.node, ALIAS_NONE);
	assert_int_equal(learnt("s")->term, 2);
	assert_int_equal(learnt("s")->claimant.node, nodes.node[1].alias);
	assert_int_equal(learn.image.floor, 41);
}

/* Together they know more roles than a table has places. */
static void
more_roles_than_places(void **state)
{
	(void)state;
	char role[16];
	for (unsigned i = 0; i < ROLES_MAX; i++) {
		(void)snprintf(role, sizeof(role), "b%u", i);
		know(1, role, 10 + i);
		(void)snprintf(role, sizeof(role), "c%u", i);
		know(2, role, 1000 + i);
	}
	know_value(1, "b5", 15, 1, 10);
	pass(SILENT_UNTIL);
	assert_int_equal(learn.image.count, ROLES_MAX);
	assert_int_equal(learnt("b5")->stamp.seq, 1); /* values stay */
	for (unsigned i = 0; i < ROLES_MAX; i++) {
		(void)snprintf(role, sizeof(role), "b%u", i);
		assert_true(register_image_head(&learn.image, role).term >= 10 + i);
		(void)snprintf(role, sizeof(role), "c%u", i);
		assert_true(register_image_head(&learn.image, role).term >= 1000 + i);
	}
}

/* The first piece comes; before the others do, its holder has a later value. */
static void
a_value_that_changes_meanwhile(void **state)
{
	(void)state;
	know_value(1, ROLE_CLUSTER, 5, 1, 7000);
	know_value(2, ROLE_CLUSTER, 5, 1, 7000);
	now = SILENT_UNTIL;
	learn_tick(&learn, now, &out);
	for (int i = 0; i < 4; i++) { /* two tables of one entry */
		struct outgoing asked = out.list[0];
		out.count--;
		memmove(&out.list[0], &out.list[1], out.count * sizeof(out.list[0]));
		answer(asked.to, &asked);
		if (learn.phase == LEARN_PULLING)
			break;
	}
	assert_int_equal(learn.phase, LEARN_PULLING);
	know_value(1, ROLE_CLUSTER, 6, 4, 3000);
	know_value(2, ROLE_CLUSTER, 6, 4, 3000);
	converse();
	assert_int_equal(learnt(ROLE_CLUSTER)->stamp.seq, 4);
	assert_int_equal(learnt(ROLE_CLUSTER)->term, 6);
}

/* It is asked again from the beginning, of those that are left. */
static void
a_holder_that_dies(void **state)
{
	(void)state;
	nodes = nodes_made(5, 0);
	for (cluster_node n = 1; n < 5; n++)
		know_value(n, ROLE_CLUSTER, 5, 1, 7000);
	now = SILENT_UNTIL;
	learn_tick(&learn, now, &out);
	while (learn.phase != LEARN_PULLING) {
		struct outgoing asked = out.list[0];
		out.count--;
		memmove(&out.list[0], &out.list[1], out.count * sizeof(out.list[0]));
		answer(asked.to, &asked);
	}
	down[learn.pull.from] = true;
	pass(1000);
	assert_int_equal(learnt(ROLE_CLUSTER)->stamp.seq, 1);
}

/* What did not ask for it, is cut off, or says what cannot be, changes nothing. */
static void
strange_answers(void **state)
{
	(void)state;
	static struct outbox box;
	know(1, "r", 7);
	now = SILENT_UNTIL;
	learn_tick(&learn, now, &out);
	struct body asked = body_of((const uint8_t *)"\0", 2);
	assert_true(learn_answer(&table[1], 0, learn.number, &asked, &box));
	const struct outgoing *o = &box.list[0];
	size_t head = 1 + 8 + 1; /* role, number, what */
	for (size_t cut = head; cut < o->bytes; cut++) {
		struct body b = body_of(o->body + head, cut - head);
		assert_false(
		    learn_receive(&learn, now, 1, learn.number, "", REGISTER_ENTRY, &b, &out));
	}
	struct body b = body_of(o->body + head, o->bytes - head);
	assert_true(learn_receive(&learn, now, 1, learn.number - 1, "", REGISTER_ENTRY, &b, &out));
	b = body_of(o->body + head, o->bytes - head);
	nodes.node[2].voter = false;
	assert_false(learn_receive(&learn, now, 2, learn.number, "", REGISTER_ENTRY, &b, &out));
	assert_int_equal(learn_told(&learn), 0);
	assert_int_equal(learn.image.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(how_many_must_tell, setup, teardown),
	    cmocka_unit_test_setup_teardown(silence_comes_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_highest_terms_and_the_newest_values_count, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(nothing_to_know_is_known, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_enough_others_it_never_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_role_without_a_place_has_the_floor, setup, teardown),
	    cmocka_unit_test_setup_teardown(more_roles_than_places, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_value_that_changes_meanwhile, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_holder_that_dies, setup, teardown),
	    cmocka_unit_test_setup_teardown(strange_answers, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
