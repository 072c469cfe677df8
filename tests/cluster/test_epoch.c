/*
 * test_epoch.c: the machine of epochs, step by step: three nodes whose datagrams and fetches the
 * test carries, and an engine that answers when the test says so.
 */
#include "epochs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES 3

struct fake_node {
	struct cluster_nodes nodes;
	struct epochs epochs;
	struct engine engine;
	unsigned reads;
	struct document *writing; /* one reference */
	bool picky;               /* cannot use any document */
	cluster_node wants;       /* to fetch from there; NODE_NONE */
	uint64_t done;            /* proposals that ended */
	uint64_t ticket;
	enum epoch_outcome outcome;
	uint64_t done_epoch;
	char why[EPOCH_WHY_BYTES_MAX + 1];
};

static struct fake_node node[NODES];
static struct outbox outbox;
static uint64_t now;
static unsigned lost; /* bit a node: what goes there is lost */

/* ---- host and engine ------------------------------------------------------------------------- */

static enum result
make(void *self, struct slice change, uint64_t epoch, uint64_t term, struct document **out,
     struct problem *p)
{
	struct fake_node *n = self;
	return letters_make(n->epochs.document, change, epoch, term, out, p);
}

static bool
adopt(void *self, struct document *d, const struct epoch_version *version)
{
	const struct fake_node *n = self;
	assert_int_equal(letters_of(d).epoch, version->epoch);
	assert_true(version->epoch >= n->epochs.held.epoch);
	return !n->picky;
}

static void
fetch(void *self, cluster_node from, uint64_t epoch)
{
	struct fake_node *n = self;
	(void)epoch;
	n->wants = from;
}

static void
done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	struct fake_node *n = self;
	n->done++;
	n->ticket = ticket;
	n->outcome = outcome;
	n->done_epoch = epoch;
	(void)snprintf(n->why, sizeof(n->why), "%s", why);
}

static void
engine_reads(void *self, uint64_t at, const char *role, struct outbox *out)
{
	struct fake_node *n = self;
	(void)at;
	(void)out;
	assert_string_equal(role, ROLE_CLUSTER);
	n->reads++;
}

static void
engine_writes(void *self, uint64_t at, const char *role, struct document *d, struct outbox *out)
{
	struct fake_node *n = self;
	(void)at;
	(void)role;
	(void)out;
	assert_null(n->writing);
	n->writing = document_ref(d);
}

static const struct engine_ops ops = {.read = engine_reads, .write = engine_writes};

/* ---- the carrier ----------------------------------------------------------------------------- */

static void
deliver(cluster_node from, cluster_node to, const struct outgoing *o)
{
	struct incoming in = {.from = from, .type = o->type, .body = o->body, .bytes = o->bytes};
	if ((lost >> to & 1) == 0)
		assert_true(epochs_receive(&node[to].epochs, now, &in, &outbox));
}

/* All that `from` said, and what it led to. */
static void
carry(cluster_node from)
{
	static struct outgoing said[OUTBOX_MAX];
	size_t count = outbox.count;
	memcpy(said, outbox.list, count * sizeof(said[0]));
	outbox.count = 0;
	for (size_t i = 0; i < count; i++) {
		struct outgoing o = said[i];
		for (cluster_node to = 0; to < NODES; to++) {
			if (to == from || (o.to != NODE_ALL && o.to != to))
				continue;
			deliver(from, to, &o);
			if (outbox.count > 0)
				carry(to);
		}
	}
}

static void
engine_says(struct fake_node *n, enum engine_event_kind kind, struct document *d)
{
	struct engine_event event = {.kind = kind, .document = d};
	epochs_engine(&n->epochs, now, &event, &outbox);
	carry((cluster_node)(n - node));
}

/* The write ends so; `kind` WRITTEN or UNWRITTEN. */
static struct document *
end_write(struct fake_node *n, enum engine_event_kind kind)
{
	struct document *d = n->writing;
	n->writing = NULL;
	assert_non_null(d);
	engine_says(n, kind, d);
	return d;
}

static void
settle(void)
{
	for (unsigned round = 0; round < 8; round++) {
		for (cluster_node n = 0; n < NODES; n++) {
			cluster_node from = node[n].wants;
			carry(n);
			node[n].wants = NODE_NONE;
			if (from != NODE_NONE) {
				epochs_fetched(&node[n].epochs, now, from,
					       node[from].epochs.document, &outbox);
				carry(n);
			}
			epochs_tick(&node[n].epochs, now, &outbox);
			carry(n);
		}
	}
}

static void
later(uint64_t ms)
{
	now += ms;
	settle();
}

static void
start(bool lease)
{
	struct epoch_host host = {
	    .read = letters_read, .make = make, .adopt = adopt, .fetch = fetch, .done = done};
	outbox.count = 0;
	now = 1000;
	lost = 0;
	memset(node, 0, sizeof(node));
	for (cluster_node n = 0; n < NODES; n++) {
		struct fake_node *f = &node[n];
		f->nodes.count = NODES;
		f->nodes.self = n;
		f->wants = NODE_NONE;
		for (cluster_node i = 0; i < NODES; i++)
			(void)snprintf(f->nodes.node[i].id, 4, "n%u", i);
		assert_int_equal(cluster_nodes_seal(&f->nodes, NULL), RESULT_OK);
		f->engine = (struct engine){&ops, f};
		host.self = f;
		epochs_init(&f->epochs, &f->nodes, &host, lease ? &f->engine : NULL, NULL, NULL,
			    n * 1000U);
	}
}

static int
end(void **state)
{
	(void)state;
	for (cluster_node n = 0; n < NODES; n++) {
		epochs_deinit(&node[n].epochs);
		document_unref(&node[n].writing);
	}
	return 0;
}

static void
master_is(cluster_node n, uint64_t term)
{
	struct claim claim = {term, n};
	for (cluster_node i = 0; i < NODES; i++) {
		epochs_master(&node[i].epochs, now, &claim, &outbox);
		carry(i);
	}
	settle();
}

static void
propose(cluster_node n, uint64_t base, const char *change)
{
	epochs_propose(&node[n].epochs, now, 77, base, slice_of(change), &outbox);
	carry(n);
	settle();
}

static void
assert_done(cluster_node n, enum epoch_outcome outcome, uint64_t epoch)
{
	assert_int_equal(node[n].done, 1);
	assert_int_equal(node[n].ticket, 77);
	assert_string_equal(epoch_outcome_text(node[n].outcome), epoch_outcome_text(outcome));
	assert_int_equal(node[n].done_epoch, epoch);
	node[n].done = 0;
}

static void
assert_all_hold(uint64_t epoch, const char *made)
{
	for (cluster_node n = 0; n < NODES; n++) {
		assert_int_equal(node[n].epochs.held.epoch, epoch);
		assert_string_equal(letters_of(node[n].epochs.document).made, made);
	}
}

/* ---- advisory -------------------------------------------------------------------------------- */

static void
a_change_through_any_node_reaches_all(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	propose(2, EPOCH_ANY, "a");
	assert_done(2, EPOCH_DONE, 1);
	assert_all_hold(1, "a");
	propose(0, 1, "b");
	assert_done(0, EPOCH_DONE, 2);
	assert_all_hold(2, "ab");
	assert_int_equal(node[1].epochs.held.term, 5);
}

static void
refusals_come_back(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	propose(1, EPOCH_ANY, "!");
	assert_done(1, EPOCH_REFUSED, 0);
	assert_string_equal(node[1].why, "refused by its letter");
	propose(1, EPOCH_ANY, "=");
	assert_done(1, EPOCH_SAME, 0);
	propose(1, EPOCH_ANY, "a");
	assert_done(1, EPOCH_DONE, 1);
	propose(1, 0, "b");
	assert_done(1, EPOCH_STALE, 1);
	assert_all_hold(1, "a");
}

/* Nobody is master: it waits, and is over in time. */
static void
without_a_master(void **state)
{
	(void)state;
	start(false);
	propose(1, EPOCH_ANY, "a");
	assert_int_equal(node[1].done, 0);
	assert_true(epochs_next(&node[1].epochs) <= now + EPOCH_PROPOSAL_MS);
	later(EPOCH_PROPOSAL_MS);
	assert_done(1, EPOCH_NO_MASTER, 0);
	propose(1, EPOCH_ANY, "a");
	master_is(2, 1); /* one comes in time */
	later(EPOCH_RESEND_MS);
	assert_done(1, EPOCH_DONE, 1);
}

/* What is said twice is done once: the answer was lost, the proposal comes again. */
static void
once_though_sent_again(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	lost = 1U << 1;
	propose(1, EPOCH_ANY, "a");
	assert_int_equal(node[0].epochs.held.epoch, 1);
	assert_int_equal(node[1].done, 0);
	lost = 0;
	later(EPOCH_RESEND_MS);
	assert_done(1, EPOCH_DONE, 1);
	assert_all_hold(1, "a");
}

/* The master is lost behind the proposal; its successor may have it already, or never. */
static void
a_master_lost_on_the_way(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	lost = 1U << 1; /* no answer, no document */
	propose(1, EPOCH_ANY, "a");
	lost = 1U << 0;
	assert_int_equal(node[2].epochs.held.epoch, 1);
	master_is(2, 6);
	later(EPOCH_RESEND_MS);
	assert_done(1, EPOCH_UNKNOWN, 1);
	assert_string_equal(letters_of(node[1].epochs.document).made, "a");
	propose(1, EPOCH_ANY, "b");
	assert_done(1, EPOCH_DONE, 2);
	lost = 0;
	later(EPOCH_ANNOUNCE_MS);
	assert_all_hold(2, "ab");
}

/* Two masters, parted: one document of the two epochs 1 remains, on all nodes. */
static void
parted_masters(void **state)
{
	(void)state;
	start(false);
	struct claim zero = {5, 0};
	struct claim two = {6, 2};
	lost = 7;
	epochs_master(&node[0].epochs, now, &zero, &outbox);
	epochs_master(&node[1].epochs, now, &zero, &outbox);
	epochs_master(&node[2].epochs, now, &two, &outbox);
	propose(0, EPOCH_ANY, "x");
	propose(2, EPOCH_ANY, "y");
	assert_done(0, EPOCH_DONE, 1);
	assert_done(2, EPOCH_DONE, 1);
	lost = 0;
	epochs_master(&node[0].epochs, now, &two, &outbox);
	epochs_master(&node[1].epochs, now, &two, &outbox);
	later(EPOCH_ANNOUNCE_MS);
	assert_all_hold(1, "y");
}

/* Told of by a header alone, which may come before everything else. */
static void
who_was_away_fetches(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	lost = 1U << 2;
	propose(0, EPOCH_ANY, "a");
	lost = 0;
	epochs_heard(&node[2].epochs, now, 1, 1);
	assert_int_equal(node[2].wants, 1);
	epochs_fetched(&node[2].epochs, now, 1, NULL, &outbox); /* it fails once */
	assert_int_equal(node[2].epochs.held.epoch, 0);
	assert_int_equal(epochs_next(&node[2].epochs), now + EPOCH_RETRY_MS);
	later(EPOCH_RETRY_MS);
	assert_all_hold(1, "a");
	epochs_heard(&node[2].epochs, now, 1, 9); /* no answer at all */
	later(0);
	epochs_heard(&node[2].epochs, now, 1, 1); /* and it said so by mistake */
	later(EPOCH_FETCH_MS);
	assert_int_equal(node[2].epochs.held.epoch, 1);
	assert_int_equal(node[2].wants, NODE_NONE);
}

/* It says so and goes on with what it has; it is tried again when the configuration changed. */
static void
a_document_that_is_of_no_use(void **state)
{
	(void)state;
	start(false);
	master_is(0, 5);
	node[1].picky = true;
	propose(2, EPOCH_ANY, "a");
	assert_done(2, EPOCH_DONE, 1);
	assert_int_equal(node[1].epochs.held.epoch, 0);
	assert_int_equal(node[1].epochs.counts.refused, 1);
	later(EPOCH_ANNOUNCE_MS);
	assert_int_equal(node[1].epochs.counts.refused, 1);
	node[1].picky = false;
	epochs_retry(&node[1].epochs);
	later(0);
	assert_all_hold(1, "a");
}

static void
more_than_can_wait(void **state)
{
	(void)state;
	start(false);
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++)
		propose(0, EPOCH_ANY, "a");
	propose(0, EPOCH_ANY, "a");
	assert_done(0, EPOCH_BUSY, 0);
	master_is(0, 1);
	assert_int_equal(node[0].done, EPOCH_PROPOSALS_MAX);
	assert_all_hold(EPOCH_PROPOSALS_MAX, "aaaaaaaaaaaaaaaa");
}

/* ---- lease ----------------------------------------------------------------------------------- */

static void
it_counts_when_it_was_written(void **state)
{
	(void)state;
	start(true);
	master_is(0, 5);
	assert_int_equal(node[0].reads, 1);
	propose(1, EPOCH_ANY, "a");
	assert_null(node[0].writing); /* not before the register was read */
	engine_says(&node[0], ENGINE_UNREAD, NULL);
	later(EPOCH_READ_AGAIN_MS);
	assert_int_equal(node[0].reads, 2);
	engine_says(&node[0], ENGINE_READ, NULL);
	settle();
	assert_non_null(node[0].writing);
	assert_int_equal(node[0].epochs.held.epoch, 0);
	struct document *d = end_write(&node[0], ENGINE_WRITTEN);
	settle();
	assert_done(1, EPOCH_DONE, 1);
	assert_all_hold(1, "a");
	document_unref(&d);
}

/* Its successor finds it in the register, holds it, and counts on from there. */
static void
a_new_master_reads_first(void **state)
{
	(void)state;
	start(true);
	master_is(0, 5);
	engine_says(&node[0], ENGINE_READ, NULL);
	propose(0, EPOCH_ANY, "a");
	master_is(1, 6);
	struct document *d = end_write(&node[0], ENGINE_UNWRITTEN);
	settle();
	assert_done(0, EPOCH_UNKNOWN, 0);
	engine_says(&node[1], ENGINE_READ, d); /* it was, though */
	settle();
	document_unref(&d);
	assert_all_hold(1, "a");
	propose(2, EPOCH_ANY, "b");
	d = end_write(&node[1], ENGINE_WRITTEN);
	settle();
	document_unref(&d);
	assert_done(2, EPOCH_DONE, 2);
	assert_all_hold(2, "ab");
}

/* In doubt the same master reads again: it finds it, or what stands there instead. */
static void
a_write_in_doubt(void **state)
{
	(void)state;
	start(true);
	master_is(0, 5);
	engine_says(&node[0], ENGINE_READ, NULL);
	propose(0, EPOCH_ANY, "a");
	struct document *d = end_write(&node[0], ENGINE_UNWRITTEN);
	assert_int_equal(node[0].done, 0);
	assert_int_equal(node[0].reads, 2);
	engine_says(&node[0], ENGINE_READ, d);
	settle();
	document_unref(&d);
	assert_done(0, EPOCH_DONE, 1);
	propose(0, EPOCH_ANY, "b");
	d = end_write(&node[0], ENGINE_UNWRITTEN);
	document_unref(&d);
	engine_says(&node[0], ENGINE_READ, node[0].epochs.document);
	settle();
	assert_done(0, EPOCH_UNKNOWN, 1);
	assert_all_hold(1, "a");
}

/* ---- what is damaged ------------------------------------------------------------------------- */

static void
bodies_of_any_kind(void **state)
{
	static const uint8_t types[] = {DATAGRAM_EPOCH, DATAGRAM_PROPOSAL, DATAGRAM_ANSWER};
	uint8_t bytes[CLUSTER_BODY_BYTES_MAX];
	(void)state;
	start(false);
	master_is(0, 5);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0x80 | (i * 7));
	for (size_t count = 0; count <= sizeof(bytes); count++) {
		for (size_t t = 0; t < sizeof(types); t++) {
			struct incoming in = {
			    .from = 1, .type = types[t], .body = bytes, .bytes = count};
			assert_true(epochs_receive(&node[0].epochs, now, &in, &outbox));
			outbox.count = 0;
			node[0].wants = NODE_NONE;
		}
		later(EPOCH_FETCH_MS);
	}
	struct incoming other = {.from = 1, .type = DATAGRAM_HEARTBEAT};
	assert_false(epochs_receive(&node[0].epochs, now, &other, &outbox));
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_change_through_any_node_reaches_all),
	    TEST(refusals_come_back),
	    TEST(without_a_master),
	    TEST(once_though_sent_again),
	    TEST(a_master_lost_on_the_way),
	    TEST(parted_masters),
	    TEST(who_was_away_fetches),
	    TEST(a_document_that_is_of_no_use),
	    TEST(more_than_can_wait),
	    TEST(it_counts_when_it_was_written),
	    TEST(a_new_master_reads_first),
	    TEST(a_write_in_doubt),
	    TEST(bodies_of_any_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
