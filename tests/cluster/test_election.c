/*
 * test_election.c: the election, line by line of the checklist (E1 to E16) where one node or a few
 * on a quiet network show it. E4 to E6 are in test_delays.c; E13 (names) and E15 (mirror) need more
 * than the machine.
 */
#include "elections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct table table;
static struct table *const t = &table;

static void
assert_claim(const struct election *e, uint64_t term, cluster_node node)
{
	assert_int_equal(e->claim.term, term);
	assert_int_equal(e->claim.node, node);
}

static struct outgoing
declare(uint64_t term)
{
	struct outgoing o = {.type = DATAGRAM_DECLARE};
	put_u64(&o, term);
	return o;
}

/* E1: every member detects and elects: whoever dies, in whatever order, the others have a master.
 */
static void
e1_every_member_detects_and_elects(void **state)
{
	(void)state;
	for (cluster_node last = 0; last < 4; last++) {
		table_start(t, 4, &table_rules);
		for (cluster_node i = 1; i < 4; i++) {
			t->off[table_master(t) != last ? table_master(t) : (last + i) % 4] = true;
			table_run(t, 3000);
			assert_int_not_equal(table_master(t), NODE_NONE);
		}
		assert_int_equal(table_master(t), last);
		assert_int_equal(t->e[last].state, ELECTION_MASTER);
	}
	table_start(t, 1, &table_rules); /* alone from the beginning */
	assert_int_equal(table_master(t), 0);
	assert_int_equal(t->sent[DATAGRAM_HEARTBEAT], 0);
}

/* E2: every backup inquires of the master once a period; periods may differ from node to node. */
static void
e2_detection_runs_periodically(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	uint64_t inquired[3] = {0};
	uint64_t last[3] = {0};
	t->e[2].rules.period_ms = 500;
	for (int ms = 0; ms < 20000; ms++) {
		table_step(t);
		for (cluster_node n = 1; n < 3; n++) {
			if (t->e[n].inquired_at != last[n])
				inquired[n]++;
			assert_true(t->now - t->e[n].inquired_at <= 1130);
			last[n] = t->e[n].inquired_at;
		}
	}
	assert_in_range(inquired[1], 19, 21);
	assert_in_range(inquired[2], 34, 41);
	assert_int_equal(table_election_messages(t), 0);
}

/* E3: an inquiry, three times, and no answer within the time-out; neither earlier nor later. */
static void
e3_inquiry_and_timeout_decide(void **state)
{
	(void)state;
	table_start(t, 2, &table_rules);
	t->cut[0][1] = t->cut[1][0] = true;
	struct election *b = &t->e[1];
	while (!b->inquiring)
		table_step(t);
	uint64_t began = t->now;
	assert_int_equal(t->sent[DATAGRAM_SUSPECT], 0);
	while (b->state == ELECTION_BACKUP) {
		assert_true(t->now < began + 300);
		table_step(t);
	}
	assert_int_equal(t->now, began + 300);
	assert_int_equal(b->state, ELECTION_WAIT);
	assert_int_equal(b->counts.suspected, 1);
	assert_int_equal(t->sent[DATAGRAM_SUSPECT], 1);
	while (b->state == ELECTION_WAIT)
		table_step(t);
	assert_int_equal(t->now, began + 300 + 150); /* T1: it is the first */
	assert_claim(b, 2, 1);
}

/* E3: the last of the three is answered in the last moment: nothing happened. */
static void
e3_a_late_answer_is_an_answer(void **state)
{
	(void)state;
	table_start(t, 2, &table_rules);
	struct election *b = &t->e[1];
	t->cut[1][0] = true;
	while (!b->inquiring)
		table_step(t);
	uint64_t began = t->now;
	while (b->inquiry_tries < ELECTION_TRIES - 1)
		table_step(t);
	t->cut[1][0] = false;
	while (b->inquiring)
		table_step(t);
	assert_int_equal(t->now, began + 200 + 2);
	assert_int_equal(b->inquiry_tries, ELECTION_TRIES);
	assert_int_equal(b->state, ELECTION_BACKUP);
	table_run(t, 3000);
	assert_int_equal(table_election_messages(t), 0);
}

/* E3: what a master says unasked proves nothing: a deaf one is replaced, and the others keep to it.
 */
static void
e3_heartbeats_are_no_proof(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->cut[1][0] = t->cut[2][0] = true;
	table_run(t, 3000);
	assert_claim(&t->e[1], 2, 1);
	assert_claim(&t->e[2], 2, 1);
	assert_claim(&t->e[0], 1, 0); /* it does not know */
	table_run(t, 3000);
	assert_int_equal(t->e[2].state, ELECTION_BACKUP);
	t->cut[1][0] = t->cut[2][0] = false;
	table_run(t, 1010);
	assert_int_equal(table_master(t), 1);
}

/* E7: Declare reaches all, with the index (here the sender's alias) and the term. */
static void
e7_declare_reaches_all(void **state)
{
	(void)state;
	table_start(t, 5, &table_rules);
	t->off[0] = true;
	table_run(t, 3000);
	assert_int_equal(t->sent[DATAGRAM_DECLARE], 4);
	assert_int_equal(t->last_from[DATAGRAM_DECLARE], 1);
	assert_int_equal(t->last[DATAGRAM_DECLARE].to, NODE_ALL);
	for (cluster_node n = 1; n < 5; n++)
		assert_claim(&t->e[n], 2, 1);
}

/* E8: who waits and hears a Declare stops its timer and accepts, also of a worse one (D5). */
static void
e8_waiting_member_accepts_declare(void **state)
{
	(void)state;
	table_start(t, 4, &table_rules);
	t->off[0] = true;
	while (t->e[1].state != ELECTION_WAIT)
		table_step(t);
	struct outgoing o = declare(2);
	table_say(t, 3, 1, &o);
	assert_int_equal(t->e[1].state, ELECTION_BACKUP);
	assert_claim(&t->e[1], 2, 3);
	assert_true(election_next(&t->e[1]) > t->now);
	assert_true((election_take_news(&t->e[1]) & ELECTION_NEWS_MASTER) != 0);
}

/* A worse node becomes master while the better ones are away; they come back. */
static void
worse_is_master(const struct election_rules *rules)
{
	table_start(t, 4, rules);
	t->off[0] = t->off[1] = t->off[2] = true;
	table_run(t, 3137);
	assert_int_equal(table_master(t), 3);
	for (cluster_node n = 0; n < 3; n++)
		table_boot(t, n, 2);
	table_run(t, 1500);
	memset(t->sent, 0, sizeof(t->sent));
}

/* E9: with preempt, the best of those who live contests, by one Revoke to all, after its time. */
static void
e9_better_member_contests(void **state)
{
	(void)state;
	struct election_rules rules = table_rules;
	rules.preempt_ms = 4000;
	worse_is_master(&rules);
	assert_int_equal(table_master(t), 3);
	uint64_t since = t->now;
	while (table_master(t) == 3 || table_master(t) == NODE_NONE)
		table_step(t);
	assert_in_range(t->now - since, 2500, 6000);
	assert_int_equal(table_master(t), 0);
	assert_int_equal(t->sent[DATAGRAM_REVOKE], 3);
	assert_int_equal(t->sent[DATAGRAM_DECLARE], 0);
	struct body b = body_of(t->last[DATAGRAM_REVOKE].body, t->last[DATAGRAM_REVOKE].bytes);
	struct revoke revoke = get_revoke(&b, &t->nodes[0]);
	assert_int_equal(revoke.kind, REVOKE_CLAIM);
	assert_int_equal(revoke.rejected, 3);
	assert_int_equal(revoke.winner.node, 0);
	assert_int_equal(t->e[0].counts.contested, 1);
}

/* E9: preempt = off, the default: whoever won stays. */
static void
e9_no_preempt_no_contest(void **state)
{
	(void)state;
	worse_is_master(&table_rules);
	table_run(t, 30000);
	assert_int_equal(table_master(t), 3);
	assert_int_equal(table_election_messages(t), 0);
}

/* E10: the receiver of a Revoke compares: a claim below its own is answered, one above is obeyed.
 */
static void
e10_receiver_of_revoke_compares(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	static const struct {
		uint64_t term;
		bool obeyed;
	} story[] = {{1, false}, {2, true}};
	for (size_t i = 0; i < 2; i++) {
		struct outgoing o = {.type = DATAGRAM_REVOKE};
		const struct revoke revoke = {REVOKE_CLAIM, 0, {story[i].term, 2}, 0};
		put_revoke(&o, &t->nodes[2], &revoke);
		table_say(t, 2, 0, &o);
		assert_int_equal(election_master(&t->e[0]).node, story[i].obeyed ? 2 : 0);
		assert_int_equal(t->sent[DATAGRAM_REVOKE], 1); /* "the master is a, term 1" */
	}
	struct body b = body_of(t->last[DATAGRAM_REVOKE].body, t->last[DATAGRAM_REVOKE].bytes);
	struct revoke fact = get_revoke(&b, &t->nodes[2]);
	assert_int_equal(fact.kind, REVOKE_FACT);
	assert_int_equal(fact.winner.node, 0);
	assert_int_equal(fact.rejected, 2);
}

/* E11: of those who function, the best ends as the only master: unfit ones stand after all others.
 */
static void
e11_best_functioning_member_wins(void **state)
{
	(void)state;
	table_start(t, 4, &table_rules);
	election_set_fit(&t->e[1], t->now, false, &t->out);
	t->off[0] = true;
	table_run(t, 3000);
	assert_int_equal(table_master(t), 2);
	t->off[2] = t->off[3] = true; /* nobody else is left */
	table_run(t, 3000);
	assert_int_equal(table_master(t), 1);
	table_boot(t, 3, 2); /* somebody is */
	table_run(t, 4000);
	assert_int_equal(table_master(t), 3);
	election_set_fit(&t->e[1], t->now, true, &t->out);
	table_run(t, 1500);
	election_set_fit(&t->e[3], t->now, false, &t->out);
	table_send(t, 3);
	table_run(t, 500);
	assert_int_equal(table_master(t), 1);
}

/* E12: an uncontested election: N - 1 Declares, and N - 1 Suspects before them; nothing else. */
static void
e12_uncontested_election_costs_n(void **state)
{
	(void)state;
	for (cluster_node count = 2; count <= TABLE_NODES; count++) {
		table_start(t, count, &table_rules);
		t->off[0] = true;
		table_run(t, 3000);
		assert_int_equal(table_master(t), 1);
		assert_int_equal(t->sent[DATAGRAM_DECLARE], count - 1);
		assert_int_equal(t->sent[DATAGRAM_SUSPECT], count - 1);
		assert_int_equal(table_election_messages(t), 2 * (count - 1));
	}
}

/* E14: other ranks at run time: the next election goes by them, and preempt moves the mastership.
 */
static void
e14_ranks_change_at_run_time(void **state)
{
	(void)state;
	static struct cluster_nodes other[4];
	for (int preempt = 0; preempt < 2; preempt++) {
		struct election_rules rules = table_rules;
		rules.preempt_ms = preempt != 0 ? 0 : CLUSTER_NEVER;
		table_start(t, 4, &rules);
		for (cluster_node n = 0; n < 4; n++) {
			other[n] = t->nodes[n];
			for (cluster_node m = 0; m < 4; m++)
				other[n].node[m].rank = 10U - m;
			election_rank(&t->e[n], &other[n]);
		}
		table_run(t, 4000);
		assert_int_equal(table_master(t), preempt != 0 ? 3 : 0);
		t->off[table_master(t)] = true;
		table_run(t, 3000);
		assert_int_equal(table_master(t), preempt != 0 ? 2 : 3);
	}
}

/* E16: whoever sees a master too many tells it, and it gives way; higher term first, then rank. */
static void
e16_surplus_masters_are_removed(void **state)
{
	(void)state;
	table_start(t, 5, &table_rules);
	for (cluster_node n = 0; n < 3; n++) { /* d and e apart: they elect d, of a higher term */
		t->cut[n][3] = t->cut[3][n] = t->cut[n][4] = t->cut[4][n] = true;
	}
	table_run(t, 4000);
	assert_claim(&t->e[0], 1, 0);
	assert_claim(&t->e[3], 2, 3);
	memset(t->cut, 0, sizeof(t->cut));
	t->cut[3][0] = t->cut[0][3] = true; /* the two masters never hear each other */
	memset(t->sent, 0, sizeof(t->sent));
	table_run(t, 1100);
	for (cluster_node n = 0; n < 5; n++)
		assert_claim(&t->e[n], 2, 3);
	assert_true(t->sent[DATAGRAM_REVOKE] >= 1);
	assert_true(t->sent[DATAGRAM_REVOKE] <= 4);
	table_run(t, 20000); /* and a stays where it cannot see its master itself */
	assert_int_equal(table_master(t), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(e1_every_member_detects_and_elects),
	    cmocka_unit_test(e2_detection_runs_periodically),
	    cmocka_unit_test(e3_inquiry_and_timeout_decide),
	    cmocka_unit_test(e3_a_late_answer_is_an_answer),
	    cmocka_unit_test(e3_heartbeats_are_no_proof),
	    cmocka_unit_test(e7_declare_reaches_all),
	    cmocka_unit_test(e8_waiting_member_accepts_declare),
	    cmocka_unit_test(e9_better_member_contests),
	    cmocka_unit_test(e9_no_preempt_no_contest),
	    cmocka_unit_test(e10_receiver_of_revoke_compares),
	    cmocka_unit_test(e11_best_functioning_member_wins),
	    cmocka_unit_test(e12_uncontested_election_costs_n),
	    cmocka_unit_test(e14_ranks_change_at_run_time),
	    cmocka_unit_test(e16_surplus_masters_are_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
