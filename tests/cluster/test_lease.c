/*
 * test_lease.c: PaxosLease for one role: five voters whose messages wait in one queue until a test
 * delivers, drops, copies or shuffles them. One clock for all here; clocks that differ are the
 * simulator's (tests/sim). L05, L06, L09, L10 are lines of the checklist of system 003; R1 to R8
 * its rules.
 */
#include "cluster/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define QUEUE_MAX    4096
#define T            10000u
#define TN           2000u
#define M            12000u
#define HELD_MS      9500u  /* T without the margin */
#define ACCEPTED_MS  10250u /* T and drift */

static struct cluster_nodes seen[CLUSTER_NODES_MAX]; /* each node's */
static struct role_ground ground[CLUSTER_NODES_MAX];
static struct acceptor acceptor[CLUSTER_NODES_MAX];
static struct lease lease[CLUSTER_NODES_MAX];
static bool down[CLUSTER_NODES_MAX]; /* neither sends nor hears */
static size_t nodes;
static uint64_t now;

static struct message {
	cluster_node from;
	struct outgoing what;
} queue[QUEUE_MAX];
static size_t queued;

static void
cluster(size_t voters)
{
	memset(acceptor, 0, sizeof(acceptor));
	memset(lease, 0, sizeof(lease));
	memset(down, 0, sizeof(down));
	nodes = voters;
	now = 1000000;
	queued = 0;
	for (size_t i = 0; i < voters; i++) {
		memset(&seen[i], 0, sizeof(seen[i]));
		seen[i].count = (cluster_node)voters;
		seen[i].self = (cluster_node)i;
		for (size_t j = 0; j < voters; j++) {
			seen[i].node[j].voter = true;
			seen[i].node[j].alias = (uint32_t)j + 1;
		}
		ground[i] = (struct role_ground){&seen[i], {T, TN, M}, 1, 0};
	}
}

static struct outbox out;

static struct role_turn
turn(size_t node)
{
	out.count = 0;
	return (struct role_turn){&ground[node], "r", now, &out};
}

static void
post(size_t from)
{
	for (size_t i = 0; i < out.count; i++) {
		assert_true(queued < QUEUE_MAX);
		queue[queued].from = (cluster_node)from;
		queue[queued++].what = out.list[i];
	}
	out.count = 0;
}

static void
acquire(size_t node)
{
	struct role_turn t = turn(node);
	lease_acquire(&lease[node], &t);
	post(node);
}

static void
release(size_t node)
{
	struct role_turn t = turn(node);
	lease_release(&lease[node], &t);
	post(node);
}

static void
tick(size_t node)
{
	struct role_turn t = turn(node);
	lease_tick(&lease[node], &t);
	post(node);
}

static bool
to_acceptor(uint8_t type)
{
	return type == DATAGRAM_PREPARE || type == DATAGRAM_PROPOSE || type == DATAGRAM_RELEASE;
}

static bool
hear(size_t node, const struct message *m)
{
	struct role_turn t = turn(node);
	struct body b = body_of(m->what.body, m->what.bytes);
	char role[8];
	get_text(&b, role, sizeof(role));
	assert_string_equal(role, "r");
	bool good = to_acceptor(m->what.type)
			? acceptor_receive(&acceptor[node], &t, m->from, m->what.type, &b)
			: lease_receive(&lease[node], &t, m->from, m->what.type, &b);
	post(node);
	return good;
}

/* Takes the message at `at` off the queue and delivers it, if both ends are up. */
static void
deliver(size_t at)
{
	struct message m = queue[at];
	queue[at] = queue[--queued];
	if (!down[m.from] && !down[m.what.to])
		assert_true(hear(m.what.to, &m));
}

static void
deliver_all(void)
{
	while (queued > 0) {
		struct message m = queue[0];
		memmove(queue, queue + 1, --queued * sizeof(queue[0]));
		if (!down[m.from] && !down[m.what.to])
			assert_true(hear(m.what.to, &m));
	}
}

/* Time passes in ms; every message arrives in the ms in which it was sent. */
static void
run_until(uint64_t end)
{
	for (; now < end; now++) {
		for (size_t i = 0; i < nodes; i++)
			if (!down[i] && now >= lease_next(&lease[i]))
				tick(i);
		deliver_all();
	}
}

static size_t
holders(void)
{
	size_t count = 0;
	for (size_t i = 0; i < nodes; i++)
		count += lease_held(&lease[i], now);
	return count;
}

static void
voter_restarts(size_t node)
{
	memset(&acceptor[node], 0, sizeof(acceptor[node]));
	memset(&lease[node], 0, sizeof(lease[node]));
	ground[node].boot++;
	ground[node].silent_until = now + M;
}

static uint64_t draws;

static size_t
draw(size_t below)
{
	draws = draws * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(draws >> 33) % below;
}

/* ---- what it is for ---------------------------------------------------------------------------
 */

/* L5: two nodes ask for the next period at once, their messages in any order: at most one gets it;
 * in order, exactly one. */
static void
L05_two_ask_one_gets_it(void **state)
{
	(void)state;
	size_t won = 0;
	for (size_t seed = 1; seed <= 3000; seed++) {
		cluster(3 + 2 * (seed % 2));
		draws = seed;
		acquire(0);
		acquire(1);
		while (queued > 0) {
			deliver(draw(queued));
			assert_true(holders() <= 1);
		}
		won += holders();
	}
	assert_true(won > 2000);
	cluster(3);
	acquire(0);
	acquire(1);
	deliver_all();
	assert_int_equal(holders(), 1);
}

/* L6: any minority of the voters may be down, no majority. */
static void
L06_any_minority_may_be_down(void **state)
{
	(void)state;
	for (unsigned mask = 0; mask < 32; mask++) {
		cluster(5);
		size_t up = 5;
		for (size_t i = 0; i < 5; i++)
			if ((mask >> i & 1) != 0) {
				down[i] = true;
				up--;
			}
		for (size_t i = 0; i < 5; i++) {
			if (down[i])
				continue;
			acquire(i);
			deliver_all();
			assert_int_equal(lease_held(&lease[i], now), up >= 3);
			run_until(now + TN + 1);
			unsigned news = lease_take_news(&lease[i]);
			assert_int_equal(news, up >= 3 ? LEASE_NEWS_WON : LEASE_NEWS_REFUSED);
			if (up < 3)
				assert_int_equal(lease[i].refusal, LEASE_REFUSED_NO_MAJORITY);
			release(i);
			deliver_all();
		}
	}
}

/* L9: a holder that is gone needs to do nothing: the next one gets it when the voters' time is
 * over. */
static void
L09_it_expires_without_the_holder(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	assert_true(lease_held(&lease[0], now));
	uint64_t proposed = now;
	down[0] = true;
	now = proposed + ACCEPTED_MS - 1;
	acquire(1);
	deliver_all();
	assert_false(lease_held(&lease[1], now));
	assert_int_equal(lease[1].refusal, LEASE_REFUSED_HELD);
	assert_int_equal(lease[1].wait_ms, 1);
	now++;
	acquire(1);
	deliver_all();
	assert_true(lease_held(&lease[1], now));
}

/* L10: cut off, the holder is told of its loss before anybody else can win. */
static void
L10_the_holder_is_told_before_another_wins(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	uint64_t proposed = now;
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_WON);
	for (; now < proposed + ACCEPTED_MS; now++) {
		if (now >= lease_next(&lease[0]))
			tick(0);
		queued = 0; /* nothing of it arrives */
		acquire(1);
		deliver_all();
		assert_false(lease_held(&lease[1], now));
		assert_int_equal(lease_held(&lease[0], now), now < proposed + HELD_MS);
	}
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_LOST);
	assert_int_equal(lease[0].state, LEASE_LOST);
	acquire(1);
	deliver_all();
	assert_true(lease_held(&lease[1], now));
}

/* ---- the rules --------------------------------------------------------------------------------
 */

/* R1: a voter that promised a ballot refuses lower ones, at PREPARE and at PROPOSE. */
static void
R1_lower_ballots_are_refused(void **state)
{
	(void)state;
	cluster(3);
	acquire(0); /* round 1, node 0 */
	struct message prepare = queue[2];
	assert_int_equal(prepare.what.to, 2);
	acquire(1); /* round 1, node 1: higher */
	queued = 0;
	struct role_turn t = turn(1);
	lease[1] = (struct lease){0};
	lease_acquire(&lease[1], &t);
	struct message higher = {1, out.list[2]};
	assert_true(hear(2, &higher));
	assert_int_equal(queue[0].what.type, DATAGRAM_PROMISE);
	queued = 0;
	assert_true(hear(2, &prepare));
	assert_int_equal(queue[0].what.type, DATAGRAM_REFUSE);
	prepare.what.type = DATAGRAM_PROPOSE; /* the bodies are alike */
	assert_true(hear(2, &prepare));
	assert_int_equal(queue[1].what.type, DATAGRAM_REFUSE);
}

/* R2: a contender goes on only with a majority of free voters, and does not hinder the owner. */
static void
R2_contenders_do_not_hinder_renewals(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	(void)lease_take_news(&lease[0]);
	uint64_t end = now + 10 * T;
	while (now < end) {
		acquire(1);
		acquire(2);
		run_until(now + 100);
		assert_true(lease_held(&lease[0], now));
		assert_int_equal(holders(), 1);
	}
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_RENEWED);
	assert_int_equal(lease[1].refusal, LEASE_REFUSED_HELD);
	/* Thirty renewals, not one ballot more. */
	assert_in_range(lease[0].ballot.round, 30, 31);
}

/* R3: the owner's time counts from before its PROPOSE, not from the ACCEPTs; renewal at T/3. */
static void
R3_the_owners_timer_starts_first(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	while (lease[0].state != LEASE_PROPOSING) {
		deliver(0);
	}
	uint64_t proposed = now;
	now += 700;
	deliver_all();
	assert_true(lease_held(&lease[0], now));
	assert_true(lease[0].held_until == proposed + HELD_MS);
	assert_true(lease[0].renew_at == proposed + T / 3);
	assert_true(acceptor[1].accepted_until == now + ACCEPTED_MS);
	assert_true(acceptor[2].accepted_until > lease[0].held_until);
}

/* R5: when a lease has ended voters keep their promise. */
static void
R5_promises_outlive_leases(void **state)
{
	(void)state;
	cluster(3);
	lease[0].round_seen = 6;
	acquire(0);
	deliver_all();
	now += ACCEPTED_MS;
	tick(0);
	queued = 0;
	acquire(1); /* round 1: below */
	deliver_all();
	assert_true(lease[1].round_seen == 7); /* it was outbid, and bid once more */
	assert_int_equal(lease[1].ballot.round, 8);
	assert_true(lease_held(&lease[1], now));
}

/* R6: a voter that started again says nothing of use for M: the others alone may be too few. */
static void
R6_silence_after_a_restart(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	uint64_t forgot = now;
	voter_restarts(1);
	down[0] = true;
	for (; now < forgot + M; now += TN / 2) {
		release(2);
		acquire(2);
		deliver_all();
		assert_false(lease_held(&lease[2], now));
	}
	now = forgot + M;
	release(2);
	acquire(2);
	deliver_all();
	assert_true(lease_held(&lease[2], now));
}

static void
R6_silence_is_said(void **state)
{
	(void)state;
	cluster(3);
	voter_restarts(1);
	voter_restarts(2);
	now += 5000;
	acquire(0);
	deliver_all();
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_REFUSED);
	assert_int_equal(lease[0].refusal, LEASE_REFUSED_SILENT);
	assert_int_equal(lease[0].wait_ms, M - 5000);
	assert_string_equal(lease_refusal_text(lease[0].refusal), "silent");
}

/* R7: a ballot is dead TN after its PREPARE: late promises and late acceptances count for nothing.
 */
static void
R7_ballots_die(void **state)
{
	(void)state;
	for (int late_accepts = 0; late_accepts < 2; late_accepts++) {
		cluster(3);
		acquire(0);
		if (late_accepts)
			while (lease[0].state != LEASE_PROPOSING)
				deliver(0);
		now += TN;
		deliver_all();
		assert_int_equal(holders(), 0);
		assert_int_equal(lease[0].state, LEASE_IDLE);
		assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_REFUSED);
	}
	cluster(3);
	acquire(0);
	now += TN - 1;
	deliver_all();
	assert_true(lease_held(&lease[0], now));
}

/* R8: the owner stops first, then tells; the next one wins at once; what was under way is void. */
static void
R8_release(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	now += T / 3;
	tick(0); /* a renewal begins */
	while (lease[0].negotiation != LEASE_PROPOSING)
		deliver(0);
	size_t proposals = queued;
	release(0);
	assert_false(lease_held(&lease[0], now));
	assert_int_equal(lease_take_news(&lease[0]) & LEASE_NEWS_LOST, 0);
	while (queued > proposals)
		deliver(proposals); /* the release overtakes the proposals */
	deliver_all();
	acquire(1);
	deliver_all();
	assert_true(lease_held(&lease[1], now));
	assert_int_equal(holders(), 1);
}

/*
 * A PROPOSE that arrives after its ballot's death, at a voter that forgot its promise: it must not
 * take the place of another owner's lease, or its sender would find its "own" lease there next
 * time.
 */
static void
late_proposals_take_no_lease_over(void **state)
{
	(void)state;
	cluster(3);
	lease[1].round_seen = 5;
	acquire(1); /* round 6 */
	while (lease[1].state != LEASE_PROPOSING)
		deliver(0);
	static struct message late[3];
	size_t count = 0;
	for (size_t i = 0; i < queued; i++)
		if (queue[i].what.type == DATAGRAM_PROPOSE)
			late[count++] = queue[i];
	assert_int_equal(count, 2);
	queued = 0;
	voter_restarts(late[0].what.to);
	voter_restarts(late[1].what.to);
	now += M;
	acquire(0); /* round 1 */
	deliver_all();
	assert_true(lease_held(&lease[0], now));
	for (size_t i = 0; i < count; i++)
		assert_true(hear(late[i].what.to, &late[i]));
	deliver_all();
	acquire(1);
	deliver_all();
	assert_int_equal(holders(), 1);
	assert_true(lease_held(&lease[0], now));
}

/* A negotiation that fails late takes back what a few accepted: nobody waits T for it. */
static void
failed_proposals_are_taken_back(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	while (lease[0].state != LEASE_PROPOSING)
		deliver(0);
	down[1] = down[2] = true;
	deliver_all(); /* it accepts itself */
	run_until(now + TN + 1);
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_REFUSED);
	down[1] = down[2] = false;
	deliver_all();
	down[2] = true;
	acquire(1);
	deliver_all();
	assert_true(lease_held(&lease[1], now));
}

/* ---- runs, clocks, networks -------------------------------------------------------------------
 */

/* An owner that started again does not own what it owned: processes still act on it. */
static void
a_new_run_is_another_owner(void **state)
{
	(void)state;
	cluster(5);
	acquire(0);
	deliver_all();
	uint64_t proposed = now;
	voter_restarts(0);
	run_until(proposed + ACCEPTED_MS - 1);
	acquire(0);
	deliver_all();
	assert_false(lease_held(&lease[0], now));
	assert_int_equal(lease[0].refusal, LEASE_REFUSED_HELD);
	now++;
	acquire(0);
	deliver_all();
	assert_true(lease_held(&lease[0], now));
}

/* A pause of any length: the first thing it does afterwards is to see that time is over. */
static void
a_pause_loses_the_lease(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	now += T / 3;
	tick(0);
	while (lease[0].negotiation != LEASE_PROPOSING)
		deliver(0);
	while (queued > 0 && to_acceptor(queue[0].what.type))
		deliver(0);
	now += 3 * T; /* the ACCEPTs wait in the socket */
	assert_false(lease_held(&lease[0], now));
	deliver_all();
	assert_false(lease_held(&lease[0], now));
	assert_int_equal(lease_take_news(&lease[0]), LEASE_NEWS_WON | LEASE_NEWS_LOST);
}

/* Lost messages are asked for again within the negotiation; copies change nothing. */
static void
loss_and_copies(void **state)
{
	(void)state;
	size_t won = 0;
	for (size_t seed = 1; seed <= 300; seed++) {
		cluster(5);
		draws = seed;
		acquire(0);
		uint64_t end = now + TN;
		for (; now < end && !lease_held(&lease[0], now); now++) {
			if (now >= lease_next(&lease[0]))
				tick(0);
			while (queued > 0) {
				size_t at = draw(queued);
				struct message m = queue[at];
				queue[at] = queue[--queued];
				for (size_t copies = draw(3); copies > 0; copies--)
					assert_true(hear(m.what.to, &m));
			}
		}
		won += holders();
	}
	assert_true(won > 250);
}

/* Old copies of a proposal do not bring a lease back that has ended. */
static void
old_copies_are_harmless(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	while (lease[0].state != LEASE_PROPOSING)
		deliver(0);
	struct message copy[3];
	size_t copies = 0;
	for (size_t i = 0; i < queued; i++)
		if (queue[i].what.type == DATAGRAM_PROPOSE)
			copy[copies++] = queue[i];
	assert_int_equal(copies, 2);
	deliver_all();
	down[0] = true;
	now += ACCEPTED_MS;
	for (size_t i = 0; i < copies; i++)
		assert_true(hear(copy[i].what.to, &copy[i]));
	deliver_all();
	acquire(1);
	deliver_all();
	assert_true(lease_held(&lease[1], now));
}

/* The places of roles that nobody uses may be given away, and not sooner. */
static void
idle_acceptors_are_forgotten_safely(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	deliver_all();
	assert_false(acceptor_idle(&acceptor[1], &ground[1], now));
	assert_false(acceptor_idle(&acceptor[1], &ground[1], now + M - 1));
	assert_true(acceptor_idle(&acceptor[1], &ground[1], now + M));
	assert_true(M >= ACCEPTED_MS);
}

/* ---- constants --------------------------------------------------------------------------------
 */

static void
timing_is_checked(void **state)
{
	(void)state;
	static const struct {
		struct lease_timing timing;
		bool sound;
	} cases[] = {
	    {{10000, 2000, 12000}, true},
	    {{10000, 2000, 10250}, true},
	    {{10000, 2000, 10249}, false}, /* drift */
	    {{10000, 2000, 9999}, false},  /* M < T */
	    {{10000, 2000, 0}, false},     /* no silence */
	    {{10000, 6000, 12299}, false}, /* M < 2 TN */
	    {{10000, 6000, 12300}, true},
	    {{10000, 9500, 60000}, false}, /* TN outlives the lease */
	    {{10000, 0, 12000}, false},
	    {{0, 0, 0}, false},
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(lease_timing_sound(&cases[i].timing), cases[i].sound);
	for (uint32_t lease_ms = 100; lease_ms < 100000; lease_ms += 7) {
		struct lease_timing t = lease_timing_of(lease_ms);
		assert_true(lease_timing_sound(&t));
	}
	struct lease_timing t = lease_timing_of(10000);
	assert_int_equal(t.negotiation_ms, 2000);
	assert_int_equal(t.silence_ms, 12000);
}

/* Whose lease is too long for a voter's silence is refused: nodes are configured differently. */
static void
longer_leases_are_refused(void **state)
{
	(void)state;
	cluster(3);
	ground[0].timing = lease_timing_of(20000);
	acquire(0);
	down[0] = false;
	for (size_t i = 0; i < queued; i++)
		if (queue[i].what.to == 0)
			queue[i] = queue[--queued];
	deliver_all();
	assert_int_equal(lease[0].state, LEASE_IDLE);
	assert_int_equal(lease[0].refusal, LEASE_REFUSED_TIMING);
}

/* Every cut of every message, other senders' ballots and what is no voter's answer are dropped. */
static void
bad_messages_are_dropped(void **state)
{
	(void)state;
	cluster(3);
	acquire(0);
	struct message m = queue[1];
	struct acceptor before = acceptor[1];
	size_t whole = m.what.bytes;
	for (m.what.bytes = 2; m.what.bytes < whole; m.what.bytes++)
		assert_false(hear(1, &m));
	m.what.bytes = (uint16_t)whole;
	m.from = 2; /* a ballot of node 0 */
	assert_false(hear(1, &m));
	m.from = 0;
	m.what.bytes++; /* something behind */
	assert_false(hear(1, &m));
	assert_memory_equal(&before, &acceptor[1], sizeof(before));
	deliver(1);
	m = queue[queued - 1];
	assert_int_equal(m.what.type, DATAGRAM_PROMISE);
	whole = m.what.bytes;
	for (m.what.bytes = 2; m.what.bytes < whole; m.what.bytes++)
		assert_false(hear(0, &m));
	m.what.bytes = (uint16_t)whole;
	m.from = 9; /* nobody */
	assert_false(hear(0, &m));
	seen[0].node[1].voter = false;
	m.from = 1;
	assert_false(hear(0, &m));
	m.what.type = DATAGRAM_REFUSE; /* without a reason */
	seen[0].node[1].voter = true;
	assert_false(hear(0, &m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(L05_two_ask_one_gets_it),
	    cmocka_unit_test(L06_any_minority_may_be_down),
	    cmocka_unit_test(L09_it_expires_without_the_holder),
	    cmocka_unit_test(L10_the_holder_is_told_before_another_wins),
	    cmocka_unit_test(R1_lower_ballots_are_refused),
	    cmocka_unit_test(R2_contenders_do_not_hinder_renewals),
	    cmocka_unit_test(R3_the_owners_timer_starts_first),
	    cmocka_unit_test(R5_promises_outlive_leases),
	    cmocka_unit_test(R6_silence_after_a_restart),
	    cmocka_unit_test(R6_silence_is_said),
	    cmocka_unit_test(R7_ballots_die),
	    cmocka_unit_test(R8_release),
	    cmocka_unit_test(late_proposals_take_no_lease_over),
	    cmocka_unit_test(failed_proposals_are_taken_back),
	    cmocka_unit_test(a_new_run_is_another_owner),
	    cmocka_unit_test(a_pause_loses_the_lease),
	    cmocka_unit_test(loss_and_copies),
	    cmocka_unit_test(old_copies_are_harmless),
	    cmocka_unit_test(idle_acceptors_are_forgotten_safely),
	    cmocka_unit_test(timing_is_checked),
	    cmocka_unit_test(longer_leases_are_refused),
	    cmocka_unit_test(bad_messages_are_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
