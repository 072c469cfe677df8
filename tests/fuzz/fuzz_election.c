/*
 * fuzz_election.c: one election among four nodes, and everything that can happen to it: datagrams
 * of any body from the others, time, the lease's answers, the operator. What must hold: the claim
 * never sinks; a node is master of its own claim alone, and of safety = lease only after it was
 * granted; every claim has a node of the list; it says little, and wants to be called again.
 *
 * Input: a byte for the rules; then events: what, and its arguments. In a body the bytes a0 to a3
 * stand for the alias of a node.
 */
#include "cluster/election.h"
#include "cluster/nodes.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES          4
#define ANSWERS_MAX    (2 * NODES + 2) /* to one event */
#define BODY_BYTES_MAX 64

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct input {
	const uint8_t *at;
	size_t left;
};

static struct cluster_nodes nodes;
static struct election e;
static struct outbox out;
static bool granted;

static uint8_t
take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static size_t
take_body(struct input *in, uint8_t body[BODY_BYTES_MAX])
{
	size_t want = take(in) % BODY_BYTES_MAX;
	size_t bytes = 0;
	while (bytes < want && in->left > 0) {
		uint8_t b = take(in);
		if (b < 0xa0 || b >= 0xa0 + NODES || bytes + 4 > want) {
			body[bytes++] = b;
			continue;
		}
		uint32_t alias = nodes.node[b - 0xa0].alias;
		for (int shift = 24; shift >= 0; shift -= 8)
			body[bytes++] = (uint8_t)(alias >> shift);
	}
	return bytes;
}

static void
receive(struct input *in, uint64_t now)
{
	uint8_t body[BODY_BYTES_MAX];
	struct incoming datagram = {.from = take(in) % (NODES - 1), .type = take(in) % 16};
	datagram.term = take(in);
	datagram.bytes = take_body(in, body);
	datagram.body = body;
	(void)election_receive(&e, now, &datagram, &out);
}

static void
happen(struct input *in, uint64_t now)
{
	switch (take(in) % 8) {
	case 0:
		if (e.state == ELECTION_ASK)
			granted = true;
		election_granted(&e, now, take(in), &out);
		break;
	case 1:
		election_refused(&e, now, (uint64_t)take(in) * 100, &out);
		break;
	case 2:
		election_lost(&e, now, &out);
		break;
	case 3:
		election_resign(&e, now, &out);
		break;
	case 4:
		election_set_fit(&e, now, (take(in) & 1) != 0, &out);
		break;
	default:
		receive(in, now);
		break;
	}
}

static bool
above(const struct claim *a, const struct claim *b)
{
	return a->term > b->term ||
	       (a->term == b->term &&
		(a->node == b->node || cluster_before(&nodes, a->node, b->node)));
}

static void
check(const struct claim *before, uint64_t now)
{
	CHECK(above(&e.claim, before));
	CHECK(e.claim.term <= e.term_seen);
	CHECK(e.claim.node == NODE_NONE ? e.claim.term == 0 : e.claim.node < NODES);
	bool master = e.state == ELECTION_CLAIM || e.state == ELECTION_MASTER;
	CHECK(!master || e.claim.node == nodes.self);
	CHECK(e.state != ELECTION_BACKUP || (e.claim.node < NODES && e.claim.node != nodes.self));
	CHECK(!master || e.rules.safety == ELECTION_ADVISORY || granted);
	CHECK(out.count <= ANSWERS_MAX && out.lost == 0);
	CHECK(election_next(&e) <= now + e.rules.period_ms);
	if ((election_take_news(&e) & ELECTION_NEWS_DROPS_LEASE) != 0 && !master)
		granted = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};
	uint8_t kind = take(&in);
	const struct election_rules rules = {.safety = (kind & 1) != 0 ? ELECTION_LEASE
								       : ELECTION_ADVISORY,
					     .period_ms = 1000,
					     .timeout_ms = 300,
					     .t1_ms = 150,
					     .ask_ms = 2000,
					     .preempt_ms = (kind & 2) != 0 ? 0 : CLUSTER_NEVER};
	nodes = nodes_made(NODES, NODES - 1);
	nodes.node[0].rank = (kind & 4) != 0 ? 9 : 0;
	uint64_t now = 1000;
	granted = false;
	out.count = 0;
	out.lost = 0;
	election_init(&e, &nodes, &rules, 1, now, &out);
	while (in.left > 0) {
		struct claim before = e.claim;
		uint8_t later = take(&in);
		out.count = 0;
		now += (uint64_t)later * later / 8;
		if (now >= election_next(&e))
			election_tick(&e, now, &out);
		else
			happen(&in, now);
		check(&before, now);
	}
	return 0;
}
