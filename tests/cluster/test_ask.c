/*
 * test_ask.c: the client's question, line by line of the checklist (M1 to M14) where the machine
 * shows it. M8 (the register), M11 to M13 (the client's connection, and who serves it) need more.
 */
#include "cluster/ask.h"
#include "elections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ask_rules rules = {.ping_ms = 300, .win_ms = 500, .rest_ms = 1000};
static const struct ask_question plain = {.dead = NODE_NONE};

static struct table table;
static struct table *const t = &table;
static struct ask asks[TABLE_NODES];
static struct ask_answer answer;

static void
lay(cluster_node count, bool start)
{
	memset(asks, 0, sizeof(asks));
	if (start)
		table_start(t, count, &table_rules);
	else
		table_lay(t, count, &table_rules);
}

/* Asks `n`; true: answered at once. */
static bool
ask(cluster_node n, const struct ask_question *q)
{
	bool at_once = ask_question(&asks[n], &rules, &t->e[n], t->now, q, &answer, &t->out);
	table_send(t, n);
	return at_once;
}

/* Until `n` answers; returns the milliseconds. */
static uint64_t
wait_for(cluster_node n, const struct ask_question *q)
{
	for (uint64_t ms = 1; ms < 20000; ms++) {
		table_step(t);
		for (cluster_node m = 0; m < t->count; m++) {
			bool ends =
			    !t->off[m] && ask_tick(&asks[m], &rules, &t->e[m], t->now, &t->out);
			table_send(t, m);
			if (!ends || m != n)
				continue;
			answer = ask_answer(&asks[n], &rules, &t->e[n], t->now, q);
			return ms;
		}
	}
	fail_msg("never answered");
	return 0;
}

static void
assert_answer(enum ask_how how, uint64_t term, cluster_node master)
{
	assert_int_equal(answer.how, how);
	assert_int_equal(answer.master.term, term);
	assert_int_equal(answer.master.node, master);
}

/* All that are on lose their master at once, and wait. */
static void
kill_master(void)
{
	t->off[table_master(t)] = true;
	for (;;) {
		bool wait = true;
		for (cluster_node n = 0; n < t->count; n++)
			wait = wait && (t->off[n] || t->e[n].state == ELECTION_WAIT);
		if (wait)
			break;
		table_step(t);
	}
	memset(t->sent, 0, sizeof(t->sent));
}

/* M1: any node takes the question. M14: the master may be that node, or another. */
static void
m1_any_node_takes_it(void **state)
{
	(void)state;
	lay(4, true);
	for (cluster_node n = 0; n < 4; n++) {
		assert_true(ask(n, &plain));
		assert_answer(ASK_CACHED, 1, 0);
		assert_int_equal(answer.redirect, n != 0);
		assert_in_range(answer.valid_ms, 1500, 3000);
	}
}

/* M2: what is known and fresh is answered from the cache: no message, no election. */
static void
m2_cache_is_read_first(void **state)
{
	(void)state;
	lay(4, true);
	size_t flying = t->flying;
	for (int i = 0; i < 1000; i++)
		assert_true(ask((cluster_node)(i % 4), &plain));
	assert_int_equal(t->flying, flying);
	for (cluster_node n = 0; n < 4; n++)
		assert_int_equal(asks[n].searches, 0);
}

/* M2: a master that nobody heard of for three heartbeats is not in the cache any more. */
static void
m2_cache_grows_old(void **state)
{
	(void)state;
	lay(3, true);
	t->e[2].vouched_at = CLUSTER_NEVER;
	t->e[2].proof_at = t->now - 3000;
	assert_true(ask(2, &plain));
	t->e[2].proof_at = t->now - 3001;
	assert_false(ask(2, &plain));
}

/*
 * M3, M4: the list is the configuration's, and goes by priority, then id. M5: each is pinged before
 * it is named. M6: who is not reached is passed over for the next.
 */
static void
m4_priority_and_ping(void **state)
{
	(void)state;
	lay(5, true);
	for (cluster_node n = 0; n < 5; n++) { /* a, then e; then b, c, d, which are equal */
		for (cluster_node m = 1; m < 4; m++)
			t->nodes[n].node[m].rank = 8;
	}
	t->off[4] = true;
	kill_master();
	struct ask *a = &asks[3];
	assert_false(ask(3, &plain));
	static const cluster_node order[] = {0, 4, 1};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a->state, ASK_PING);
		assert_int_equal(a->at, order[i]);
		uint64_t since = t->now;
		cluster_node at = a->at;
		while (a->at == at && a->state == ASK_PING) {
			table_step(t);
			t->e[1].stand_at = t->e[2].stand_at = t->e[3].stand_at = CLUSTER_NEVER;
			assert_false(ask_tick(a, &rules, &t->e[3], t->now, &t->out));
			table_send(t, 3);
		}
		assert_int_equal(t->now - since, i < 2 ? 300 : 2); /* b answers */
	}
	assert_int_equal(a->state, ASK_INVITED);
	assert_int_equal(a->at, 1);
	assert_int_equal(t->sent[DATAGRAM_INVITE], 1);
	(void)wait_for(3, &plain);
	assert_answer(ASK_ELECTED, 2, 1);
}

/* M5: reached, and its service is dead: not chosen; nor is the asked node itself then. */
static void
m5_service_must_be_well(void **state)
{
	(void)state;
	lay(4, true);
	election_set_fit(&t->e[1], t->now, false, &t->out);
	election_set_fit(&t->e[2], t->now, false, &t->out);
	table_run(t, 1100);
	kill_master();
	assert_false(ask(2, &plain));
	(void)wait_for(2, &plain);
	assert_answer(ASK_ELECTED, 2, 3);
}

/* M7: the cache has it from then on. M9: every server gets a heartbeat that names it. M10:
 * answered. */
static void
m9_all_are_told(void **state)
{
	(void)state;
	lay(4, true);
	kill_master();
	assert_false(ask(2, &plain));
	t->sent[DATAGRAM_HEARTBEAT] = 0;
	uint64_t since = t->now;
	while (t->e[2].heartbeat_at < since + 900) /* its regular one is far */
		table_step(t);
	(void)wait_for(2, &plain);
	assert_answer(ASK_ELECTED, 2, 1);
	assert_int_equal(t->last_from[DATAGRAM_HEARTBEAT], 2);
	assert_int_equal(t->last[DATAGRAM_HEARTBEAT].to, NODE_ALL);
	struct body b =
	    body_of(t->last[DATAGRAM_HEARTBEAT].body, t->last[DATAGRAM_HEARTBEAT].bytes);
	assert_int_equal(get_word(&b, &t->nodes[2]).claim.node, 1);
	table_run(t, 2);
	for (cluster_node n = 1; n < 4; n++) {
		assert_true(ask(n, &plain));
		assert_int_equal(answer.master.node, 1);
	}
}

/* M10, M14: the asked node is the best: it stands itself, without a ping, and without waiting. */
static void
m14_asked_node_is_master(void **state)
{
	(void)state;
	lay(3, true);
	for (cluster_node n = 0; n < 3; n++)
		t->nodes[n].node[2].rank = 0;
	t->nodes[2].node[0].rank = t->nodes[1].node[0].rank = 9;
	kill_master();
	uint64_t in_ms = t->e[2].stand_at - t->now;
	assert_false(ask(2, &plain));
	uint64_t took_ms = wait_for(2, &plain);
	assert_answer(ASK_ELECTED, 2, 2);
	assert_false(answer.redirect);
	assert_true(took_ms < in_ms);
}

/* "It is dead", and it is not: verified, never obeyed; and what was just seen needs no inquiry. */
static void
dead_masters_are_verified(void **state)
{
	(void)state;
	lay(3, true);
	const struct ask_question dead = {.dead = 0, .term = 1};
	while (election_evidence_age(&t->e[1], t->now) <= 300)
		table_step(t);
	memset(t->sent, 0, sizeof(t->sent));
	assert_false(ask(1, &dead));
	assert_int_equal(asks[1].state, ASK_VERIFY);
	assert_false(ask(1, &dead)); /* the same verification for all */
	assert_int_equal(wait_for(1, &dead), 2);
	assert_answer(ASK_CACHED, 1, 0);
	assert_int_equal(asks[1].verified, 1);
	assert_int_equal(t->sent[DATAGRAM_INQUIRY], 1);
	for (int i = 0; i < 1000; i++)
		assert_true(ask(1, &dead));
	assert_int_equal(t->sent[DATAGRAM_INQUIRY], 1);
	assert_int_equal(table_election_messages(t), 0);
	assert_true(ask(0, &dead)); /* who is master knows best */
	assert_answer(ASK_CACHED, 1, 0);
}

/* It is dead: found out at once, not when detection is due, and replaced. */
static void
dead_masters_are_replaced(void **state)
{
	(void)state;
	lay(3, true);
	while (t->e[2].inquiring || t->e[2].inquire_at < t->now + 900)
		table_step(t);
	t->off[0] = true;
	const struct ask_question dead = {.dead = 0, .term = 1};
	while (election_evidence_age(&t->e[2], t->now) <= 300)
		table_step(t);
	assert_false(ask(2, &dead));
	assert_true(wait_for(2, &dead) <= 300 + 150 + 60); /* time-out, T1 at most, listening */
	assert_answer(ASK_ELECTED, 2, 1);
	assert_true(answer.redirect);
}

/* A client that knows a later term is never sent to an earlier one. */
static void
redirects_never_go_back(void **state)
{
	(void)state;
	lay(3, true);
	const struct ask_question later = {.dead = NODE_NONE, .term = 5};
	while (election_evidence_age(&t->e[1], t->now) <= 300)
		table_step(t);
	assert_false(ask(1, &later));
	(void)wait_for(1, &later);
	assert_answer(ASK_CACHED, 1, 0);
	assert_false(answer.redirect);
	assert_int_equal(election_term(&t->e[1]), 1); /* and what it says is not believed */
}

/* Nobody can be found: said once the list is through, and then at once, for a while. */
static void
nobody_is_found(void **state)
{
	(void)state;
	struct election_rules lease = table_rules;
	lease.safety = ELECTION_LEASE; /* and no lease to be had */
	memset(asks, 0, sizeof(asks));
	table_start(t, 3, &lease);
	t->off[0] = true;
	assert_false(ask(1, &plain));
	(void)wait_for(1, &plain);
	assert_answer(ASK_NOBODY, 0, NODE_NONE);
	assert_int_equal(answer.retry_ms, 1000);
	assert_int_equal(asks[1].tried, 7);
	memset(t->sent, 0, sizeof(t->sent));
	for (int i = 0; i < 1000; i++)
		assert_true(ask(1, &plain));
	assert_answer(ASK_NOBODY, 0, NODE_NONE);
	assert_int_equal(t->flying, 0);
	table_run(t, 1000);
	assert_false(ask(1, &plain));
}

/* SEEDS 000 section 6: no master, a hundred clients ask five nodes at once: one election, one
 * answer. */
static void
hundred_clients_one_election(void **state)
{
	(void)state;
	lay(5, false);
	for (cluster_node n = 0; n < 5; n++)
		table_boot(t, n, 1);
	for (int i = 0; i < 100; i++)
		assert_false(ask((cluster_node)(i % 5), &plain));
	bool answered[5] = {false};
	for (int ms = 0; ms < 2000; ms++) {
		table_step(t);
		for (cluster_node n = 0; n < 5; n++) {
			if (!ask_tick(&asks[n], &rules, &t->e[n], t->now, &t->out))
				continue;
			answer = ask_answer(&asks[n], &rules, &t->e[n], t->now, &plain);
			assert_answer(ASK_ELECTED, 1, 0);
			answered[n] = true;
			table_send(t, n);
		}
	}
	uint64_t won = 0;
	for (cluster_node n = 0; n < 5; n++) {
		assert_true(answered[n]);
		won += t->e[n].counts.won;
	}
	assert_int_equal(won, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(m1_any_node_takes_it),
	    cmocka_unit_test(m2_cache_is_read_first),
	    cmocka_unit_test(m2_cache_grows_old),
	    cmocka_unit_test(m4_priority_and_ping),
	    cmocka_unit_test(m5_service_must_be_well),
	    cmocka_unit_test(m9_all_are_told),
	    cmocka_unit_test(m14_asked_node_is_master),
	    cmocka_unit_test(dead_masters_are_verified),
	    cmocka_unit_test(dead_masters_are_replaced),
	    cmocka_unit_test(redirects_never_go_back),
	    cmocka_unit_test(nobody_is_found),
	    cmocka_unit_test(hundred_clients_one_election),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
