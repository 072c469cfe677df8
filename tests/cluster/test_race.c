/* test_race.c: the asking side of a race and its two datagrams, by the checklist's lines U1 to U13.
 */
#include "base/digest.h"
#include "cluster/race.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SERVERS  5
#define LIMIT_US 20000U

static const uint8_t master[16] = {1};
static const uint8_t other_master[16] = {2};
static const struct datagram_secret k1 = {{"k1", 2}, master};
static const struct datagram_secret k2 = {{"k2", 2}, other_master};
static struct race_seal seal;

static struct race race;
static const struct race_rules at_once = {.servers = SERVERS, .limit_us = LIMIT_US};
static size_t asked[2 * RACE_SERVERS_MAX];
static uint8_t bytes[RACE_DATAGRAM_BYTES_MAX];

static void
tag_of(uint8_t n, uint8_t tag[RACE_TAG_BYTES])
{
	memset(tag, n, RACE_TAG_BYTES);
}

static void
begin(uint64_t now_us, uint8_t n)
{
	uint8_t tag[RACE_TAG_BYTES];
	tag_of(n, tag);
	race_start(&race, now_us, &at_once, tag, 1000U + n);
	assert_int_equal(race_ask(&race, now_us, asked), SERVERS);
}

static int
lay(void **state)
{
	(void)state;
	assert_true(digest_init());
	race_seal_init(&seal, SLICE("shop"), &k1, 1);
	memset(&race, 0, sizeof(race));
	begin(100, 1);
	return 0;
}

static enum race_heard
offer(uint64_t now_us, size_t server, uint8_t tag)
{
	struct race_offer o = {.ticket = {(uint8_t)server}, .url = "http://192.0.2.1:80/"};
	tag_of(tag, o.tag);
	return race_offered(&race, now_us, server, &o);
}

/* U1, U13: all of them, each once, in an order that another draw changes. */
static void
all_are_asked_in_a_shuffled_order(void **state)
{
	(void)state;
	size_t first[SERVERS] = {0};
	for (uint64_t draw = 0; draw < 1000; draw++) {
		struct race r = {.state = RACE_IDLE};
		bool seen[SERVERS] = {false};
		uint8_t tag[RACE_TAG_BYTES] = {0};
		race_start(&r, 0, &at_once, tag, draw * 0x9e3779b97f4a7c15U);
		assert_int_equal(race_ask(&r, 0, asked), SERVERS);
		assert_int_equal(race_ask(&r, 0, asked + SERVERS), 0);
		for (size_t i = 0; i < SERVERS; i++)
			seen[asked[i]] = true;
		for (size_t i = 0; i < SERVERS; i++)
			assert_true(seen[i]);
		first[asked[0]]++;
	}
	for (size_t i = 0; i < SERVERS; i++)
		assert_in_range(first[i], 150, 250);
}

/* U3, U5, U6, U7, U8. */
static void
the_first_answer_wins_and_the_tag_is_gone(void **state)
{
	(void)state;
	static const uint8_t none[RACE_TAG_BYTES];
	assert_int_equal(offer(300, 3, 1), RACE_WON);
	assert_int_equal(race.state, RACE_CHOSEN);
	assert_int_equal(race.winner, 3);
	assert_int_equal(race.took_us[3], 200);
	assert_int_equal(race.ticket[0], 3);
	assert_memory_equal(race.tag, none, sizeof(none));
	assert_int_equal(race_next(&race), RACE_NEVER);
	assert_int_equal(offer(350, 2, 1), RACE_LATE);
	assert_int_equal(offer(360, 3, 1), RACE_LATE);
	assert_int_equal(race.winner, 3);
	assert_int_equal(race.ticket[0], 3);
	assert_int_equal(race.took_us[2], 250);
	assert_int_equal(race.took_us[3], 200);
	assert_int_equal(race.took_us[0], RACE_NEVER);
	assert_int_equal(race.late, 2);
	race_opened(&race);
	assert_int_equal(race.state, RACE_OPEN);
}

static void
a_tag_of_nobody_is_a_strangers(void **state)
{
	(void)state;
	assert_int_equal(offer(300, 3, 9), RACE_STRANGER);
	assert_int_equal(offer(300, 3, 0), RACE_STRANGER);
	assert_int_equal(offer(300, SERVERS, 1), RACE_STRANGER);
	assert_int_equal(race.state, RACE_RACING);
	assert_int_equal(offer(300, 3, 1), RACE_WON);
	assert_int_equal(offer(300, 3, 0), RACE_STRANGER);
	assert_int_equal(race.late, 0);
}

/* All lost: another attempt with another tag, then the ordering. */
static void
two_attempts_then_the_ordering(void **state)
{
	(void)state;
	assert_int_equal(race_next(&race), 100 + LIMIT_US);
	assert_true(race_again(&race, 100 + LIMIT_US));
	begin(30000, 2);
	assert_int_equal(offer(30500, 1, 1), RACE_LATE);
	assert_int_equal(race.state, RACE_RACING);
	assert_false(race_again(&race, 30000 + LIMIT_US));
	assert_int_equal(race.state, RACE_FALLBACK);
	assert_int_equal(offer(60000, 1, 2), RACE_LATE);
	assert_int_equal(offer(60000, 1, 1), RACE_LATE);
	assert_int_equal(race.state, RACE_FALLBACK);
	assert_int_equal(race.late, 3);
}

/* The winner dies before the session: another race, not another answer. */
static void
a_refused_ticket_is_another_race(void **state)
{
	(void)state;
	assert_int_equal(offer(300, 3, 1), RACE_WON);
	assert_int_equal(offer(310, 2, 1), RACE_LATE);
	assert_true(race_refused(&race));
	assert_int_equal(race.ticket[0], 0);
	begin(400, 2);
	assert_int_equal(offer(410, 2, 1), RACE_LATE);
	assert_int_equal(offer(420, 2, 2), RACE_WON);
	assert_false(race_refused(&race));
	assert_int_equal(race.state, RACE_FALLBACK);
}

/* race.stagger: each a while after the one before it, for as long as nobody offers and the limit is
 * not over; how long each took counts from its own INIT. */
static void
with_a_stagger_one_is_asked_after_another(void **state)
{
	(void)state;
	const struct race_rules rules = {
	    .servers = SERVERS, .limit_us = LIMIT_US, .stagger_us = 5000};
	uint8_t tag[RACE_TAG_BYTES];
	tag_of(7, tag);
	memset(&race, 0, sizeof(race));
	race_start(&race, 1000, &rules, tag, 42);
	assert_int_equal(race_ask(&race, 1000, asked), 1);
	assert_int_equal(race_next(&race), 6000);
	assert_int_equal(race_ask(&race, 5999, asked + 1), 0);
	assert_int_equal(race_ask(&race, 11000, asked + 1), 2); /* a late timer: both */
	assert_int_equal(race_next(&race), 16000);
	assert_int_equal(race_ask(&race, 16000, asked + 3), 1);
	assert_int_equal(race_next(&race), 1000 + LIMIT_US); /* the fifth would be too late */
	assert_false(race_is_over(&race, LIMIT_US));
	assert_int_equal(offer(17500, asked[2], 7), RACE_WON);
	assert_int_equal(race.took_us[asked[2]], 6500);
	assert_int_equal(race_ask(&race, 19000, asked + 4), 0);
	assert_int_equal(offer(18000, asked[0], 7), RACE_LATE);
	assert_int_equal(race.took_us[asked[0]], 17000);
}

/* ---- the datagrams ----------------------------------------------------------------------------
 */

static struct race_init
an_init(void)
{
	struct race_init init = {.attempt = 2, .bind = TICKET_BIND_SECRET, .service = "shop"};
	tag_of(5, init.tag);
	memset(init.hash, 6, sizeof(init.hash));
	return init;
}

static struct race_offer
an_offer(size_t url_bytes)
{
	struct race_offer o;
	memset(&o, 0, sizeof(o));
	tag_of(5, o.tag);
	memset(o.ticket, 7, sizeof(o.ticket));
	memset(o.url, 'u', url_bytes);
	return o;
}

/* U2, U4: what is written is what is read. */
static void
datagrams_come_back_as_written(void **state)
{
	(void)state;
	const struct race_seal *seals[] = {NULL, &seal};
	for (size_t i = 0; i < 2; i++) {
		enum race_read expected = i == 0 ? RACE_UNSEALED : RACE_SEALED;
		struct race_init init = an_init();
		struct race_init init_read;
		memset(&init_read, 0, sizeof(init_read));
		size_t count = race_write_init(seals[i], &init, bytes);
		assert_true(race_is_datagram(bytes, count));
		assert_int_equal(race_read_init(seals[i], bytes, count, &init_read), expected);
		assert_memory_equal(&init_read, &init, sizeof(init));
		struct race_offer o = an_offer(20);
		struct race_offer read;
		memset(&read, 0, sizeof(read));
		count = race_write_offer(seals[i], &o, bytes);
		assert_int_equal(count, race_offer_bytes(seals[i], o.url));
		assert_int_equal(race_read_offer(seals[i], bytes, count, &read), expected);
		assert_memory_equal(&read, &o, sizeof(o));
		assert_int_equal(race_read_init(seals[i], bytes, count, &init_read), RACE_BAD);
	}
}

/* Nobody is sent more than he sent. */
static void
no_offer_is_longer_than_an_init(void **state)
{
	(void)state;
	struct race_init init = an_init();
	struct race_offer o = an_offer(RACE_URL_BYTES_MAX);
	assert_true(race_write_offer(NULL, &o, bytes) <= race_write_init(NULL, &init, bytes));
	assert_true(race_write_offer(&seal, &o, bytes) <= race_write_init(&seal, &init, bytes));
}

static void
sealed_ones_are_of_the_cluster_alone(void **state)
{
	(void)state;
	struct race_init init = an_init();
	struct race_init read;
	size_t count = race_write_init(&seal, &init, bytes);
	for (size_t bit = 0; bit < 8 * count; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(race_read_init(&seal, bytes, count, &read), RACE_BAD);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < count; cut++)
		assert_int_equal(race_read_init(&seal, bytes, cut, &read), RACE_BAD);
	assert_int_equal(race_read_init(NULL, bytes, count, &read), RACE_BAD);
	struct race_seal others;
	race_seal_init(&others, SLICE("other"), &k1, 1);
	assert_int_equal(race_read_init(&others, bytes, count, &read), RACE_BAD);
	race_seal_init(&others, SLICE("shop"), &k2, 1);
	assert_int_equal(race_read_init(&others, bytes, count, &read), RACE_BAD);
	struct datagram_secret both[] = {k2, k1};
	race_seal_init(&others, SLICE("shop"), both, 2);
	assert_int_equal(race_read_init(&others, bytes, count, &read), RACE_SEALED);
}

static void
bad_texts_are_refused(void **state)
{
	(void)state;
	struct race_init init = an_init();
	struct race_init read;
	strcpy(init.service, "sh op");
	assert_int_equal(race_read_init(NULL, bytes, race_write_init(NULL, &init, bytes), &read),
			 RACE_BAD);
	strcpy(init.service, "");
	assert_int_equal(race_read_init(NULL, bytes, race_write_init(NULL, &init, bytes), &read),
			 RACE_UNSEALED);
	init.attempt = RACE_ATTEMPTS_MAX + 1;
	assert_int_equal(race_read_init(NULL, bytes, race_write_init(NULL, &init, bytes), &read),
			 RACE_BAD);
	struct race_offer o = an_offer(3);
	struct race_offer offer_read;
	size_t count = race_write_offer(NULL, &o, bytes);
	assert_int_equal(race_read_offer(NULL, bytes, count - 1, &offer_read), RACE_BAD);
	o.url[1] = '\n';
	count = race_write_offer(NULL, &o, bytes);
	assert_int_equal(race_read_offer(NULL, bytes, count, &offer_read), RACE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(all_are_asked_in_a_shuffled_order, lay),
	    cmocka_unit_test_setup(the_first_answer_wins_and_the_tag_is_gone, lay),
	    cmocka_unit_test_setup(a_tag_of_nobody_is_a_strangers, lay),
	    cmocka_unit_test_setup(two_attempts_then_the_ordering, lay),
	    cmocka_unit_test_setup(a_refused_ticket_is_another_race, lay),
	    cmocka_unit_test_setup(with_a_stagger_one_is_asked_after_another, lay),
	    cmocka_unit_test_setup(datagrams_come_back_as_written, lay),
	    cmocka_unit_test_setup(no_offer_is_longer_than_an_init, lay),
	    cmocka_unit_test_setup(sealed_ones_are_of_the_cluster_alone, lay),
	    cmocka_unit_test_setup(bad_texts_are_refused, lay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
