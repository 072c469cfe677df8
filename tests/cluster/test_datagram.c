/* test_datagram.c: what nodes send each other is what arrives, and nothing else is let in. */
#include "base/digest.h"
#include "cluster/body.h"
#include "cluster/datagram.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const uint8_t master[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t other[16] = {1};
static const struct datagram_secret k1 = {{"k1", 2}, master};
static const struct datagram_secret k2 = {{"k2", 2}, other};

/* Two nodes of three, a and b, that share a cluster. */
struct pair {
	struct cluster_nodes nodes[2];
	struct datagram_codec codec[2];
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	size_t count;
	struct incoming in;
};

static void
start(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	for (cluster_node i = 0; i < 2; i++) {
		p->nodes[i] = nodes_made(3, i);
		datagram_codec_init(&p->codec[i], SLICE("shop"), &k1, 1, &p->nodes[i], 7);
	}
}

static void
restart(struct pair *p, cluster_node node, uint64_t incarnation)
{
	datagram_codec_init(&p->codec[node], SLICE("shop"), &k1, 1, &p->nodes[node], incarnation);
}

/* a writes p->bytes. */
static void
write_to(struct pair *p, cluster_node to)
{
	static struct outbox out;
	out.count = 0;
	struct outgoing *o = outbox_add(&out, to, DATAGRAM_DECLARE);
	put_bytes(o, "body", 4);
	p->count = datagram_encode(&p->codec[0], o, 3, 5, p->bytes);
}

/* b reads p->bytes; what it counts is what it says. */
static enum datagram_drop
reads(struct pair *p)
{
	struct datagram_codec *codec = &p->codec[1];
	struct datagram_codec before = *codec;
	enum datagram_drop drop = datagram_decode(codec, p->bytes, p->count, &p->in);
	if (drop == DATAGRAM_LET_IN)
		before.let_in++;
	else
		before.dropped[drop]++;
	assert_int_equal(codec->let_in, before.let_in);
	assert_memory_equal(codec->dropped, before.dropped, sizeof(before.dropped));
	if (drop != DATAGRAM_LET_IN)
		assert_memory_equal(codec->seen, before.seen, sizeof(before.seen));
	return drop;
}

/* All fields come back; to one, and to everybody. */
static void
round_trip(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	static const cluster_node to[] = {1, NODE_ALL};
	for (size_t i = 0; i < COUNT(to); i++) {
		write_to(&p, to[i]);
		assert_int_equal(p.count, DATAGRAM_BYTES_MIN + 4);
		assert_int_equal(reads(&p), DATAGRAM_LET_IN);
		assert_int_equal(p.in.from, 0);
		assert_int_equal(p.in.type, DATAGRAM_DECLARE);
		assert_int_equal(p.in.incarnation, 7);
		assert_int_equal(p.in.epoch, 3);
		assert_int_equal(p.in.term, 5);
		assert_int_equal(p.in.bytes, 4);
		assert_memory_equal(p.in.body, "body", 4);
	}
}

/* The bytes of a second implementation (datagram_vector.py). */
static void
golden(void **state)
{
	(void)state;
	static const char want[] =
	    "48464447010c4729e214804bc90349361e964e1fffffffff0000000000000007000000000000"
	    "000100000000000000030000000000000005626f647908d66eb1103edafd9bb2420008a1b723";
	struct pair p;
	start(&p);
	write_to(&p, NODE_ALL);
	char text[2 * DATAGRAM_BYTES_MAX + 1];
	struct writer w = writer_on(text, sizeof(text));
	write_hex_bytes(&w, p.bytes, p.count);
	assert_string_equal(writer_text(&w), want);
}

/* The longest body passes; every shorter cut of any datagram does not, and counts. */
static void
truncated(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	static struct outgoing o = {
	    .to = 1, .type = DATAGRAM_HEARTBEAT, .bytes = CLUSTER_BODY_BYTES_MAX};
	p.count = datagram_encode(&p.codec[0], &o, 0, 0, p.bytes);
	assert_int_equal(p.count, DATAGRAM_BYTES_MAX);
	size_t whole = p.count;
	for (p.count = 0; p.count < whole; p.count++) {
		enum datagram_drop drop = reads(&p);
		if (p.count < DATAGRAM_BYTES_MIN)
			assert_int_equal(drop, DATAGRAM_DROP_TRUNCATED);
		else
			assert_int_equal(drop, DATAGRAM_DROP_MAC);
	}
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	uint8_t longer[DATAGRAM_BYTES_MAX + 1] = {0};
	memcpy(longer, p.bytes, whole);
	assert_int_equal(datagram_decode(&p.codec[1], longer, sizeof(longer), &p.in),
			 DATAGRAM_DROP_TRUNCATED);
}

/* Every bit is under the MAC, or is asked for by itself. */
static void
altered(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	write_to(&p, 1);
	for (size_t bit = 0; bit < p.count * 8; bit++) {
		p.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		enum datagram_drop want = DATAGRAM_DROP_MAC;
		if (bit / 8 < 4)
			want = DATAGRAM_DROP_MAGIC;
		else if (bit / 8 == 4)
			want = DATAGRAM_DROP_VERSION;
		else if (bit / 8 == 6 || bit / 8 == 7)
			want = DATAGRAM_DROP_SECRET;
		else if (bit / 8 >= 8 && bit / 8 < 16)
			want = DATAGRAM_DROP_CLUSTER;
		assert_int_equal(reads(&p), want);
		p.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
}

/* Each once, in any sequence, unless it was overtaken by 64 others. */
static void
replayed(void **state)
{
	(void)state;
	static struct pair p;
	static struct pair sent[200];
	start(&p);
	for (size_t i = 0; i < COUNT(sent); i++) {
		write_to(&p, i % 3 == 0 ? NODE_ALL : 1);
		sent[i] = p;
	}
	static const struct {
		size_t which;
		enum datagram_drop want;
	} story[] = {
	    {0, DATAGRAM_LET_IN},   {0, DATAGRAM_DROP_OLD},  {2, DATAGRAM_LET_IN},
	    {1, DATAGRAM_LET_IN},   {1, DATAGRAM_DROP_OLD},  {2, DATAGRAM_DROP_OLD},
	    {0, DATAGRAM_DROP_OLD}, {70, DATAGRAM_LET_IN},   {6, DATAGRAM_DROP_OLD},
	    {7, DATAGRAM_LET_IN},   {7, DATAGRAM_DROP_OLD},  {69, DATAGRAM_LET_IN},
	    {133, DATAGRAM_LET_IN}, {70, DATAGRAM_DROP_OLD}, {69, DATAGRAM_DROP_OLD},
	    {71, DATAGRAM_LET_IN},  {199, DATAGRAM_LET_IN},  {133, DATAGRAM_DROP_OLD},
	    {198, DATAGRAM_LET_IN}, {136, DATAGRAM_LET_IN},  {135, DATAGRAM_DROP_OLD},
	};
	for (size_t i = 0; i < COUNT(story); i++) {
		memcpy(p.bytes, sent[story[i].which].bytes, sizeof(p.bytes));
		assert_int_equal(reads(&p), story[i].want);
	}
	for (size_t i = 0; i < COUNT(sent); i++) { /* nothing of it a second time */
		memcpy(p.bytes, sent[i].bytes, sizeof(p.bytes));
		if (reads(&p) == DATAGRAM_LET_IN)
			assert_int_equal(reads(&p), DATAGRAM_DROP_OLD);
	}
}

/* A sender that starts again counts anew under a higher incarnation; the older one is over. */
static void
sender_restarts(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	for (int i = 0; i < 5; i++)
		write_to(&p, 1);
	struct pair before = p;
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	restart(&p, 0, 8);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	assert_int_equal(p.in.incarnation, 8);
	write_to(&before, 1);
	memcpy(p.bytes, before.bytes, before.count);
	assert_int_equal(reads(&p), DATAGRAM_DROP_OLD);
	restart(&p, 0, 7); /* the counter on disk was lost */
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_OLD);
}

/* Another cluster, another secret, a stranger, our own id, another's mail. */
static void
strangers(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	datagram_codec_init(&p.codec[0], SLICE("shop2"), &k1, 1, &p.nodes[0], 7);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_CLUSTER);

	datagram_codec_init(&p.codec[0], SLICE("shop"), &k2, 1, &p.nodes[0], 7);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_SECRET);
	struct datagram_secret forged = {k1.id, other};
	datagram_codec_init(&p.codec[0], SLICE("shop"), &forged, 1, &p.nodes[0], 7);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_SECRET); /* the id is hashed under it */

	restart(&p, 0, 7);
	write_to(&p, 2);
	assert_int_equal(reads(&p), DATAGRAM_DROP_RECEIVER);

	p.nodes[0].self = 1; /* a second process that thinks it is b */
	write_to(&p, NODE_ALL);
	assert_int_equal(reads(&p), DATAGRAM_DROP_TWIN);

	p.nodes[0] = nodes_made(4, 3); /* d, that b does not know */
	restart(&p, 0, 7);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_SENDER);
	p.nodes[0].node[3].alias = ALIAS_ALL;
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_SENDER);
	p.nodes[0].node[3].alias = ALIAS_NONE;
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_DROP_SENDER);
}

/* Secrets change node by node: first all verify the new one, then each signs with it. */
static void
secrets_rotate(void **state)
{
	(void)state;
	struct pair p;
	start(&p);
	const struct datagram_secret verify[] = {k1, k2};
	const struct datagram_secret sign[] = {k2, k1};
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	datagram_codec_rekey(&p.codec[1], SLICE("shop"), verify, 2);
	assert_int_equal(reads(&p), DATAGRAM_DROP_OLD); /* what was seen stays */
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	datagram_codec_rekey(&p.codec[0], SLICE("shop"), sign, 2);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
	datagram_codec_rekey(&p.codec[1], SLICE("shop"), &k2, 1);
	write_to(&p, 1);
	assert_int_equal(reads(&p), DATAGRAM_LET_IN);
}

/* Every type and every reason has its word. */
static void
words(void **state)
{
	(void)state;
	assert_string_equal(datagram_type_text(DATAGRAM_HEARTBEAT), "HEARTBEAT");
	assert_string_equal(datagram_type_text(0), "?");
	for (enum datagram_drop d = 0; d < DATAGRAM_DROPS; d++) {
		for (enum datagram_drop e = 0; e < d; e++)
			assert_string_not_equal(datagram_drop_text(d), datagram_drop_text(e));
	}
	assert_string_equal(datagram_drop_text(DATAGRAM_LET_IN), "let in");
}

static int
begin(void **state)
{
	(void)state;
	return digest_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip), cmocka_unit_test(golden),
	    cmocka_unit_test(truncated),  cmocka_unit_test(altered),
	    cmocka_unit_test(replayed),   cmocka_unit_test(sender_restarts),
	    cmocka_unit_test(strangers),  cmocka_unit_test(secrets_rotate),
	    cmocka_unit_test(words),
	};
	return cmocka_run_group_tests(tests, begin, NULL);
}
