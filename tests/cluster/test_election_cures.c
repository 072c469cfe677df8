/*
 * test_election_cures.c: what the letter of the specification lacks (D1 to D6), the gate of
 * safety = lease, and what comes from outside: bad bodies, invitations, pauses, restarts.
 */
#include "elections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct table table;
static struct table *const t = &table;

static struct outgoing
message(enum datagram_type type)
{
	struct outgoing o = {.type = (uint8_t)type};
	return o;
}

static void
say_declare(cluster_node from, cluster_node to, uint64_t term)
{
	struct outgoing o = message(DATAGRAM_DECLARE);
	put_u64(&o, term);
	table_say(t, from, to, &o);
}

static void
assert_follows(cluster_node n, uint64_t term, cluster_node master)
{
	assert_int_equal(t->e[n].state, ELECTION_BACKUP);
	assert_int_equal(t->e[n].claim.term, term);
	assert_int_equal(t->e[n].claim.node, master);
}

/* ---- D1 to D6 ---------------------------------------------------------------------------------
 */

/* D1: fifteen better ones hear the worst declare itself: none contests, the master alone answers.
 */
static void
d1_better_ones_keep_silent(void **state)
{
	(void)state;
	table_start(t, 16, &table_rules);
	for (cluster_node n = 0; n < 15; n++)
		say_declare(15, n, 1);
	table_run(t, 10);
	assert_int_equal(table_election_messages(t), 1);
	assert_int_equal(t->last_from[DATAGRAM_REVOKE], 0);
	assert_int_equal(t->last[DATAGRAM_REVOKE].to, 15);
}

/* D2: one Suspect, and all timers run; one Refute, and none does; nobody claimed. */
static void
d2_suspect_is_refuted(void **state)
{
	(void)state;
	table_start(t, 5, &table_rules);
	t->cut[0][2] = true;
	while (t->e[2].state == ELECTION_BACKUP)
		table_step(t);
	table_run(t, 1);
	for (cluster_node n = 1; n < 5; n++)
		assert_int_equal(t->e[n].state, ELECTION_WAIT);
	table_run(t, 5);
	for (cluster_node n = 1; n < 5; n++)
		assert_follows(n, 1, 0);
	assert_int_equal(t->sent[DATAGRAM_SUSPECT], 4);
	assert_int_equal(t->sent[DATAGRAM_REFUTE], 3 + 1 + 4); /* three, the master, all clear */
	memset(t->sent, 0, sizeof(t->sent));
	table_run(t, 20000); /* from now on c believes what the others say */
	assert_int_equal(table_election_messages(t), 0);
	assert_true(t->e[2].indirect);
	t->cut[0][2] = false;
	table_run(t, 2000);
	assert_false(t->e[2].indirect);
}

/* D2: and if the master dies behind the cut link, that is no comfort for long. */
static void
d2_hearsay_ends_with_its_witnesses(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->cut[0][2] = true;
	table_run(t, 5000);
	assert_int_equal(table_master(t), 0);
	t->off[0] = true;
	table_run(t, 2000);
	assert_int_equal(table_master(t), 1);
	t->off[1] = true;
	table_boot(t, 0, 2);
	table_run(t, 4000);
	assert_int_equal(election_master(&t->e[2]).node, 2);
}

/* D3: two of equal rank and term: the smaller id, on both, and on those who heard both. */
static void
d3_ties_are_broken_by_id(void **state)
{
	(void)state;
	table_start(t, 4, &table_rules);
	for (cluster_node n = 0; n < 4; n++) {
		for (cluster_node m = 0; m < 4; m++)
			t->nodes[n].node[m].rank = 7;
	}
	t->off[0] = true;
	while (t->e[1].state != ELECTION_WAIT || t->e[2].state != ELECTION_WAIT)
		table_step(t);
	struct outgoing invite = message(DATAGRAM_INVITE);
	table_say(t, 3, 2, &invite);
	table_say(t, 3, 1, &invite);
	assert_int_equal(t->e[1].state, ELECTION_CLAIM);
	assert_int_equal(t->e[2].state, ELECTION_CLAIM);
	assert_int_equal(t->e[1].claim.term, t->e[2].claim.term);
	table_run(t, 3);
	assert_int_equal(t->e[1].state, ELECTION_CLAIM);
	assert_follows(2, 2, 1);
	assert_follows(3, 2, 1);
	table_run(t, 100);
	assert_int_equal(t->e[1].state, ELECTION_MASTER);
}

/* D4: an old Declare is answered with the newer claim, never obeyed. */
static void
d4_old_terms_are_not_obeyed(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->off[0] = true;
	table_run(t, 3000);
	memset(t->sent, 0, sizeof(t->sent));
	say_declare(0, 2, 1); /* it lay in the network */
	assert_follows(2, 2, 1);
	assert_int_equal(t->sent[DATAGRAM_REVOKE], 1);
	struct body b = body_of(t->last[DATAGRAM_REVOKE].body, t->last[DATAGRAM_REVOKE].bytes);
	assert_int_equal(get_revoke(&b, &t->nodes[0]).winner.term, 2);
	/* and a node that comes back with it finds its master */
	t->off[0] = false;
	table_run(t, 1200);
	assert_int_equal(table_master(t), 1);
}

/* D4: terms are learned from every header: the next claim is above all that was ever claimed. */
static void
d4_terms_come_with_every_datagram(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->e[2].term_seen = 40;
	table_run(t, 2000);
	assert_int_equal(election_term(&t->e[1]), 40);
	t->off[0] = true;
	table_run(t, 3000);
	assert_int_equal(t->e[1].claim.term, 41);
}

/* A Suspect of an older claim is answered with the newer one; so is one of a master that lives. */
static void
suspects_of_the_past(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->off[0] = true;
	table_run(t, 3000);
	memset(t->sent, 0, sizeof(t->sent));
	struct outgoing o = message(DATAGRAM_SUSPECT);
	const struct claim old = {1, 0};
	put_claim(&o, &t->nodes[2], &old);
	table_say(t, 2, 1, &o);
	assert_int_equal(t->sent[DATAGRAM_REVOKE], 1);
	assert_int_equal(t->e[1].state, ELECTION_MASTER);
	o.bytes = 0;
	const struct claim own = {2, 1};
	put_claim(&o, &t->nodes[2], &own);
	table_say(t, 2, 1, &o);
	assert_int_equal(t->sent[DATAGRAM_REFUTE], 1);
	assert_int_equal(t->e[1].state, ELECTION_MASTER);
}

/* ---- starts, ends, pauses ---------------------------------------------------------------------
 */

/*
 * Who starts listens first. A master that started again, and that all still follow, claims anew and
 * above its earlier run; one that others have lost already waits until they had their chance.
 */
static void
restarted_masters(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	table_boot(t, 0, 2); /* within one period: nobody saw it die */
	assert_int_equal(t->e[0].state, ELECTION_JOIN);
	assert_int_equal(election_master(&t->e[0]).node, NODE_NONE);
	table_run(t, 200);
	assert_int_equal(table_master(t), 0);
	assert_int_equal(t->e[1].claim.term, 2);
	assert_int_equal(t->sent[DATAGRAM_SUSPECT], 0);
	t->off[0] = true;
	while (t->e[1].state != ELECTION_WAIT)
		table_step(t);
	table_boot(t, 0, 3);
	table_run(t, 1000);
	assert_int_equal(table_master(t), 1);
	assert_int_equal(t->e[1].claim.term, 3);
}

/* An answer to an inquiry of an earlier run measures nothing and proves nothing. */
static void
answers_to_an_earlier_run(void **state)
{
	(void)state;
	table_start(t, 2, &table_rules);
	table_boot(t, 1, 2);
	struct outgoing o = message(DATAGRAM_REPLY);
	const struct echo echo = {1, t->now - 200};
	const struct word word = {ELECTION_JOIN, true, {0, NODE_NONE}, AGE_NEVER};
	put_echo(&o, &echo);
	put_word(&o, &t->nodes[0], &word);
	table_say(t, 0, 1, &o);
	assert_int_equal(delays_between(&t->e[1].delays, 1, 0), 0);
	assert_int_equal(t->e[1].state, ELECTION_JOIN);
}

/* Who resigns names its successor, and nobody is without a master for longer than one delay. */
static void
resigning_hands_over(void **state)
{
	(void)state;
	table_start(t, 4, &table_rules);
	election_resign(&t->e[0], t->now, &t->out);
	table_send(t, 0);
	table_run(t, 3);
	for (cluster_node n = 0; n < 4; n++)
		assert_int_equal(election_master(&t->e[n]).node, 1);
	election_resign(&t->e[2], t->now, &t->out); /* is not master */
	assert_int_equal(t->out.count, 0);
}

/* A node that was stopped judges nobody by the time it slept. */
static void
sleepers_do_not_judge(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	struct election *c = &t->e[2];
	while (!c->inquiring)
		table_step(t);
	t->now += 5000; /* all slept */
	election_tick(c, t->now, &t->out);
	table_send(t, 2);
	assert_int_equal(c->state, ELECTION_BACKUP);
	assert_int_equal(t->sent[DATAGRAM_SUSPECT], 0);
	table_run(t, 3000);
	assert_int_equal(table_election_messages(t), 0);
	/* nor does it stand by a timer that ran out meanwhile */
	t->off[0] = true;
	while (c->state != ELECTION_WAIT)
		table_step(t);
	t->now += 5000;
	election_tick(c, t->now, &t->out);
	assert_int_equal(c->state, ELECTION_WAIT);
	assert_int_equal(c->wait_from, t->now);
}

/* INVITE (system 000): stands at once, if there is nobody; else says who is. */
static void
invited(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	struct outgoing invite = message(DATAGRAM_INVITE);
	table_say(t, 2, 1, &invite);
	table_say(t, 2, 0, &invite);
	assert_int_equal(t->sent[DATAGRAM_REVOKE], 2);
	assert_int_equal(t->sent[DATAGRAM_DECLARE], 0);
	t->off[0] = true;
	while (t->e[2].state != ELECTION_WAIT)
		table_step(t);
	table_say(t, 1, 2, &invite);
	assert_int_equal(t->e[2].state, ELECTION_CLAIM);
	table_lay(t, 3, &table_rules);
	table_boot(t, 2, 1); /* who listens goes on listening, and stands right after */
	table_say(t, 1, 2, &invite);
	assert_int_equal(t->e[2].state, ELECTION_JOIN);
	while (t->e[2].state == ELECTION_JOIN)
		table_step(t);
	assert_int_equal(t->e[2].state, ELECTION_CLAIM);
}

/* ---- safety = lease ---------------------------------------------------------------------------
 */

static struct election_rules
lease_rules(void)
{
	struct election_rules rules = table_rules;
	rules.safety = ELECTION_LEASE;
	rules.preempt_ms = 0;
	rules.ask_ms = 20000;
	return rules;
}

static void
lease_start(void)
{
	struct election_rules rules = lease_rules();
	table_start(t, 3, &rules);
	assert_int_equal(t->e[0].state, ELECTION_ASK);
	assert_int_equal(election_take_news(&t->e[0]),
			 ELECTION_NEWS_MASTER | ELECTION_NEWS_WANTS_LEASE);
}

static void
grant(cluster_node n, uint64_t term)
{
	election_granted(&t->e[n], t->now, term, &t->out);
	table_send(t, n);
	table_run(t, 2);
}

/* Nobody is master before the lease says so; then with the register's term, known to all. */
static void
lease_is_asked_first(void **state)
{
	(void)state;
	lease_start();
	assert_int_equal(table_master(t), NODE_NONE);
	assert_int_equal(t->sent[DATAGRAM_DECLARE], 0);
	grant(0, 9);
	assert_int_equal(table_master(t), 0);
	assert_int_equal(t->e[1].claim.term, 9);
	assert_int_equal(election_term(&t->e[1]), 9);
	assert_true((election_take_news(&t->e[0]) & ELECTION_NEWS_MASTER) != 0);
}

/* Refused: again after D_i, not before what the refusal says. No answer at all: given up. */
static void
lease_is_refused(void **state)
{
	(void)state;
	lease_start();
	struct election *a = &t->e[0];
	election_refused(a, t->now, 5000, &t->out);
	assert_int_equal(a->state, ELECTION_WAIT);
	assert_true(a->stand_at >= t->now + 5000 + 150);
	table_run(t, 100);
	struct election *b = &t->e[1];
	assert_int_equal(b->state, ELECTION_ASK);
	(void)election_take_news(b);
	while (b->state == ELECTION_ASK)
		table_step(t);
	assert_true(t->now >= b->ask_ends);
	assert_int_equal(b->state, ELECTION_WAIT);
	assert_true((election_take_news(b) & ELECTION_NEWS_DROPS_LEASE) != 0);
	election_refused(b, t->now, 0, &t->out); /* late: nobody waits for it */
	assert_int_equal(b->state, ELECTION_WAIT);
}

/* Lost: no master any more, at once, and the others are told. */
static void
lease_is_lost(void **state)
{
	(void)state;
	lease_start();
	grant(0, 1);
	(void)election_take_news(&t->e[0]);
	election_lost(&t->e[0], t->now, &t->out);
	assert_int_equal(election_master(&t->e[0]).node, NODE_NONE);
	assert_int_equal(election_take_news(&t->e[0]), ELECTION_NEWS_MASTER);
	table_send(t, 0);
	table_run(t, 2);
	assert_int_equal(t->e[1].state, ELECTION_WAIT);
	table_run(t, 150);
	assert_int_equal(t->e[1].state, ELECTION_ASK);
}

/* A lease that nobody waits for, or whose term went back, is given back. */
static void
lease_is_dropped(void **state)
{
	(void)state;
	lease_start();
	grant(0, 5);
	struct election *b = &t->e[1];
	(void)election_take_news(b);
	election_granted(b, t->now, 6, &t->out);
	assert_int_equal(b->state, ELECTION_BACKUP);
	assert_int_equal(election_take_news(b), ELECTION_NEWS_DROPS_LEASE);
	t->off[0] = true;
	while (b->state != ELECTION_ASK)
		table_step(t);
	(void)election_take_news(b);
	election_granted(b, t->now, 5, &t->out);
	assert_int_equal(b->state, ELECTION_WAIT);
	assert_true((election_take_news(b) & ELECTION_NEWS_DROPS_LEASE) != 0);
	while (b->state != ELECTION_ASK)
		table_step(t);
	(void)election_take_news(b);
	say_declare(2, 1, 7); /* somebody else got it: no more asking */
	assert_follows(1, 7, 2);
	assert_true((election_take_news(b) & ELECTION_NEWS_DROPS_LEASE) != 0);
	/* and a master that hears of a higher term has lost it, whatever it thinks */
	grant(2, 7);
	t->e[2].state = ELECTION_MASTER;
	t->e[2].claim = (struct claim){7, 2};
	(void)election_take_news(&t->e[2]);
	say_declare(1, 2, 8);
	assert_follows(2, 8, 1);
	assert_true((election_take_news(&t->e[2]) & ELECTION_NEWS_DROPS_LEASE) != 0);
}

/* Preempt asks the master to hand over: its lease must be free before the better one asks. */
static void
lease_is_handed_over(void **state)
{
	(void)state;
	lease_start();
	election_refused(&t->e[0], t->now, 60000, &t->out);
	table_run(t, 100);
	assert_int_equal(t->e[1].state, ELECTION_ASK);
	grant(1, 1);
	assert_int_equal(table_master(t), 1);
	(void)election_take_news(&t->e[1]);
	while (t->e[1].state == ELECTION_MASTER)
		table_step(t);
	assert_true((election_take_news(&t->e[1]) & ELECTION_NEWS_DROPS_LEASE) != 0);
	table_run(t, 2);
	assert_int_equal(t->e[0].state, ELECTION_ASK);
	grant(0, 2);
	assert_int_equal(table_master(t), 0);
	/* a worse one that asks for the same is not heard */
	struct outgoing o = message(DATAGRAM_REVOKE);
	const struct revoke ask = {REVOKE_REQUEST, 0, {2, 1}, 0};
	put_revoke(&o, &t->nodes[1], &ask);
	table_say(t, 1, 0, &o);
	assert_int_equal(t->e[0].state, ELECTION_MASTER);
}

/* ---- bad bodies -------------------------------------------------------------------------------
 */

/* Every body of every type, cut anywhere or one byte too long: nothing follows from it. */
static void
bad_bodies_change_nothing(void **state)
{
	(void)state;
	table_start(t, 3, &table_rules);
	t->cut[0][2] = true;
	table_run(t, 3000);
	t->off[0] = true;
	table_run(t, 1500);
	static const enum datagram_type types[] = {DATAGRAM_HEARTBEAT, DATAGRAM_INQUIRY,
						   DATAGRAM_REPLY,     DATAGRAM_SUSPECT,
						   DATAGRAM_REFUTE,    DATAGRAM_DECLARE};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct outgoing o = t->last[types[i]];
		uint16_t whole = o.bytes;
		assert_true(whole > 0);
		for (o.bytes = 0; o.bytes <= whole + 1; o.bytes++) {
			if (o.bytes == whole)
				continue;
			struct election before = t->e[2];
			table_say(t, 1, 2, &o);
			assert_int_equal(before.state, t->e[2].state);
			assert_memory_equal(&before.claim, &t->e[2].claim, sizeof(before.claim));
			assert_int_equal(before.inquire_at, t->e[2].inquire_at);
			assert_int_equal(before.vouched_at, t->e[2].vouched_at);
		}
	}
	struct outgoing revoke = message(DATAGRAM_REVOKE);
	put_u8(&revoke, 9); /* of no kind */
	for (int i = 0; i < 20; i++)
		put_u8(&revoke, 0xff);
	table_say(t, 1, 2, &revoke);
	assert_int_not_equal(election_master(&t->e[2]).node, NODE_NONE);
	struct outgoing stranger = message(15);
	table_say(t, 1, 2, &stranger); /* of no type of ours */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(d1_better_ones_keep_silent),
	    cmocka_unit_test(d2_suspect_is_refuted),
	    cmocka_unit_test(d2_hearsay_ends_with_its_witnesses),
	    cmocka_unit_test(d3_ties_are_broken_by_id),
	    cmocka_unit_test(d4_old_terms_are_not_obeyed),
	    cmocka_unit_test(d4_terms_come_with_every_datagram),
	    cmocka_unit_test(suspects_of_the_past),
	    cmocka_unit_test(restarted_masters),
	    cmocka_unit_test(answers_to_an_earlier_run),
	    cmocka_unit_test(resigning_hands_over),
	    cmocka_unit_test(sleepers_do_not_judge),
	    cmocka_unit_test(invited),
	    cmocka_unit_test(lease_is_asked_first),
	    cmocka_unit_test(lease_is_refused),
	    cmocka_unit_test(lease_is_lost),
	    cmocka_unit_test(lease_is_dropped),
	    cmocka_unit_test(lease_is_handed_over),
	    cmocka_unit_test(bad_bodies_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
