/* test_plane.c: the machines of a node put together: who is told what, and what is for nobody. */
#include "planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct planes w;

static int
setup(void **state)
{
	(void)state;
	planes_start(&w, 3);
	return 0;
}

/* Another machine of a node, with a type of datagrams. */
static struct party {
	unsigned received;
	unsigned heard;
	unsigned ticks;
	unsigned masters;
	struct claim master;
	uint64_t next;
	bool answers;
} party[PLANES_MAX];

static void
receive(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct party *p = self;
	(void)now;
	assert_int_equal(in->type, DATAGRAM_LEARN);
	p->received++;
	if (p->answers)
		(void)outbox_add(out, in->from, DATAGRAM_LEARN);
}

static void
heard(void *self, uint64_t now, const struct incoming *in)
{
	struct party *p = self;
	(void)now;
	(void)in;
	p->heard++;
}

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	struct party *p = self;
	(void)out;
	p->ticks++;
	if (now >= p->next)
		p->next = CLUSTER_NEVER;
}

static uint64_t
next(const void *self)
{
	const struct party *p = self;
	return p->next;
}

static void
master(void *self, uint64_t now, const struct claim *claim, struct outbox *out)
{
	struct party *p = self;
	(void)now;
	(void)out;
	p->masters++;
	p->master = *claim;
}

static void
join(cluster_node n)
{
	static const uint8_t types[] = {DATAGRAM_LEARN};
	party[n] = (struct party){.next = CLUSTER_NEVER, .master = {0, NODE_NONE}};
	const struct plane_party p = {.name = "test",
				      .self = &party[n],
				      .types = types,
				      .type_count = sizeof(types),
				      .receive = receive,
				      .heard = heard,
				      .tick = tick,
				      .next = next,
				      .master = master};
	plane_join(&w.plane[n], &p);
}

static struct plane_change
change_of(cluster_node n)
{
	struct plane_change change = {.after = {0, NODE_NONE}};
	assert_true(plane_take_change(&w.plane[n], w.now, &change));
	return change;
}

static void
one_master_is_told_to_all_once(void **state)
{
	struct plane_change change;
	(void)state;
	for (cluster_node n = 0; n < 3; n++)
		join(n);
	planes_pass(&w, 20000);
	for (cluster_node n = 0; n < 3; n++) {
		change = change_of(n);
		assert_int_equal(change.before.node, NODE_NONE);
		assert_int_equal(change.after.node, 0); /* the best rank */
		assert_int_equal(change.after.term, w.plane[0].master.term);
		assert_false(plane_take_change(&w.plane[n], w.now, &change));
		assert_int_equal(party[n].masters, 1);
		assert_int_equal(party[n].master.node, 0);
	}
}

static void
a_master_that_dies_is_followed_by_another(void **state)
{
	(void)state;
	planes_pass(&w, 20000);
	for (cluster_node n = 0; n < 3; n++)
		(void)change_of(n);
	uint64_t term = w.plane[1].master.term;
	w.off[0] = true;
	planes_pass(&w, 20000);
	for (cluster_node n = 1; n < 3; n++) {
		struct plane_change change = change_of(n);
		assert_int_equal(change.before.node, 0);
		assert_int_equal(change.after.node, 1);
		assert_true(change.after.term > term);
		assert_true(change.for_ms > 0);
	}
}

/* A suspicion that comes to nothing elects nobody: the same claim is told as new once only. */
static void
a_master_that_is_back_was_not_elected(void **state)
{
	struct plane_change change;
	(void)state;
	planes_pass(&w, 20000);
	assert_false(change_of(1).again);
	uint64_t term = w.plane[1].master.term;
	w.off[0] = true;
	for (int i = 0; i < 1000 && w.plane[1].master.node == 0; i++)
		planes_pass(&w, 5);
	change = change_of(1);
	assert_int_equal(change.before.node, 0);
	assert_int_equal(change.after.node, NODE_NONE);
	w.off[0] = false; /* before anybody's waiting time is over */
	planes_pass(&w, 20000);
	change = change_of(1);
	assert_int_equal(change.before.node, NODE_NONE);
	assert_int_equal(change.after.node, 0);
	assert_int_equal(change.after.term, term);
	assert_true(change.again);
	w.off[0] = true; /* for good */
	planes_pass(&w, 20000);
	change = change_of(1);
	assert_int_equal(change.after.node, 1);
	assert_true(change.after.term > term);
	assert_false(change.again);
}

/* A master that stops hands over: the others need not miss it. It is silent then. */
static void
who_leaves_is_silent(void **state)
{
	(void)state;
	planes_pass(&w, 20000);
	plane_leave(&w.plane[0], w.now);
	planes_flush(&w, 0);
	planes_deliver(&w);
	assert_int_equal(plane_next(&w.plane[0]), CLUSTER_NEVER);
	uint64_t sent = w.plane[0].sent[DATAGRAM_HEARTBEAT];
	planes_pass(&w, 20000);
	assert_int_equal(w.plane[0].sent[DATAGRAM_HEARTBEAT], sent);
	assert_int_equal(w.plane[1].master.node, 1);
	assert_int_equal(w.plane[2].master.node, 1);
}

static void
datagrams_go_to_whose_type_they_are(void **state)
{
	(void)state;
	join(0);
	join(1); /* not c */
	party[1].answers = true;
	(void)outbox_add(&w.plane[0].out, NODE_ALL, DATAGRAM_LEARN);
	unsigned before = party[1].heard;
	planes_flush(&w, 0);
	planes_deliver(&w);
	assert_int_equal(party[1].received, 1);
	assert_true(party[1].heard > before);
	assert_int_equal(party[0].received, 1); /* b's answer, to a alone */
	assert_int_equal(w.plane[2].unknown, 1);
	assert_int_equal(w.plane[2].received[DATAGRAM_LEARN], 1);
	assert_int_equal(w.plane[0].sent[DATAGRAM_LEARN], 2); /* to each one */
}

static void
a_party_has_time_of_its_own(void **state)
{
	(void)state;
	join(0);
	party[0].next = w.now + 1;
	assert_true(plane_next(&w.plane[0]) <= w.now + 1);
	unsigned ticks = party[0].ticks;
	planes_pass(&w, 10);
	assert_true(party[0].ticks > ticks);
	assert_int_equal(party[0].next, CLUSTER_NEVER);
}

/* What is not authentic reaches no machine. */
static void
bad_datagrams_are_dropped(void **state)
{
	(void)state;
	join(1);
	(void)outbox_add(&w.plane[0].out, 1, DATAGRAM_LEARN);
	planes_flush(&w, 0);
	struct planes_datagram *d = &w.flight[(w.first + w.count - 1) % PLANES_FLIGHT_MAX];
	unsigned heard_before = party[1].heard;
	for (size_t at = 0; at < d->bytes; at++) {
		d->at[at] ^= 0x40;
		assert_int_not_equal(plane_receive(&w.plane[1], w.now, d->at, d->bytes),
				     DATAGRAM_LET_IN);
		d->at[at] ^= 0x40;
	}
	for (size_t cut = 0; cut < d->bytes; cut++)
		assert_int_not_equal(plane_receive(&w.plane[1], w.now, d->at, cut),
				     DATAGRAM_LET_IN);
	assert_int_equal(party[1].heard, heard_before);
	assert_int_equal(plane_receive(&w.plane[1], w.now, d->at, d->bytes), DATAGRAM_LET_IN);
	assert_int_equal(plane_receive(&w.plane[1], w.now, d->at, d->bytes), DATAGRAM_DROP_OLD);
	assert_int_equal(party[1].received, 1);
	assert_int_equal(plane_receive(&w.plane[0], w.now, d->at, d->bytes), DATAGRAM_DROP_TWIN);
}

/* The question: at once where it is known; else when the search has ended. */
static void
a_question_is_answered_once(void **state)
{
	const struct ask_question question = {.dead = NODE_NONE};
	struct ask_answer answer;
	(void)state;
	assert_false(plane_ask(&w.plane[2], w.now, &question, &answer));
	planes_flush(&w, 2);
	planes_pass(&w, 20000);
	assert_true(plane_take_answered(&w.plane[2]));
	assert_false(plane_take_answered(&w.plane[2]));
	answer = plane_answer(&w.plane[2], w.now, &question);
	assert_int_equal(answer.master.node, w.plane[2].master.node);
	assert_true(plane_ask(&w.plane[1], w.now, &question, &answer));
	assert_int_equal(answer.how, ASK_CACHED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(one_master_is_told_to_all_once, setup),
	    cmocka_unit_test_setup(a_master_that_dies_is_followed_by_another, setup),
	    cmocka_unit_test_setup(a_master_that_is_back_was_not_elected, setup),
	    cmocka_unit_test_setup(who_leaves_is_silent, setup),
	    cmocka_unit_test_setup(datagrams_go_to_whose_type_they_are, setup),
	    cmocka_unit_test_setup(a_party_has_time_of_its_own, setup),
	    cmocka_unit_test_setup(bad_datagrams_are_dropped, setup),
	    cmocka_unit_test_setup(a_question_is_answered_once, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
