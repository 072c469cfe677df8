/* test_twin.c: who has a node's id: this process, or another one. */
#include "cluster/twin.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t one[TWIN_NONCE_BYTES] = {1};
static const uint8_t other[TWIN_NONCE_BYTES] = {2};
static struct cluster_nodes nodes;
static struct datagram_codec codec[2]; /* of two processes of node a */
static uint8_t bytes[DATAGRAM_BYTES_MAX];

static int
setup(void **state)
{
	static const uint8_t master[16] = {7};
	const struct datagram_secret secret = {SLICE("k1"), master};
	(void)state;
	nodes = nodes_made(3, 0);
	for (size_t i = 0; i < 2; i++)
		datagram_codec_init(&codec[i], SLICE("shop"), &secret, 1, &nodes, 1 + i);
	return 0;
}

/* What is looked at was dropped by the codec, as a twin's. */
static void
hear(struct datagram_codec *by, size_t count)
{
	struct incoming in;
	assert_int_equal(datagram_decode(by, bytes, count, &in), DATAGRAM_DROP_TWIN);
}

static void
a_process_knows_its_own_words(void **state)
{
	(void)state;
	size_t count = twin_say(&codec[0], one, NULL, bytes);
	hear(&codec[0], count);
	assert_int_equal(twin_look(one, bytes, count), TWIN_IS_US);
}

static void
a_twin_answers_with_both_nonces(void **state)
{
	uint8_t asked[TWIN_NONCE_BYTES];
	(void)state;
	size_t count = twin_say(&codec[0], one, NULL, bytes);
	hear(&codec[1], count);
	assert_int_equal(twin_look(other, bytes, count), TWIN_ASKS);
	memcpy(asked, twin_asked(bytes), sizeof(asked));
	count = twin_say(&codec[1], other, asked, bytes);
	hear(&codec[0], count);
	assert_int_equal(twin_look(one, bytes, count), TWIN_ANSWERS);
	/* An answer to somebody else, or one that was captured before, stops nobody. */
	static const uint8_t third[TWIN_NONCE_BYTES] = {3};
	assert_int_equal(twin_look(third, bytes, count), TWIN_NONE);
}

/* Another datagram of this node's id, of any length. */
static void
other_datagrams_say_nothing(void **state)
{
	(void)state;
	for (uint16_t length = 0; length < 100; length++) {
		struct outgoing o = {.to = 0, .type = DATAGRAM_HEARTBEAT, .bytes = length};
		size_t count = datagram_encode(&codec[1], &o, 0, 0, bytes);
		hear(&codec[0], count);
		enum twin twin = twin_look(one, bytes, count);
		assert_true(twin == TWIN_NONE || (length == TWIN_NONCE_BYTES && twin == TWIN_ASKS));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_process_knows_its_own_words, setup),
	    cmocka_unit_test_setup(a_twin_answers_with_both_nonces, setup),
	    cmocka_unit_test_setup(other_datagrams_say_nothing, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
