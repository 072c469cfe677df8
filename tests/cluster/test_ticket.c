/* test_ticket.c: a ticket opens one session, at its issuer, for who it was made for, while it
 * lives. */
#include "base/digest.h"
#include "cluster/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1000000U

static const uint8_t master[16] = {1, 2, 3};
static const struct ticket_claims claims = {
    .member = 0xa1b2c3d4, .service = 77, .epoch = 9, .issued_ms = NOW, .ttl_ms = 10000};

static struct ticket_keys keys;
static struct ticket_bind binding;
static uint8_t ticket[TICKET_BYTES];
static char text[TICKET_TEXT_BYTES];
static struct ticket_claims seen;

static void
write_it(void)
{
	struct writer w = writer_on(text, sizeof(text));
	ticket_write(&w, ticket);
	assert_false(w.overflow);
	assert_int_equal(w.bytes, TICKET_TEXT_BYTES);
}

static int
make(void **state)
{
	(void)state;
	assert_true(digest_init());
	memset(&seen, 0, sizeof(seen));
	ticket_keys_init(&keys, master, NOW);
	binding = ticket_bind_secret(SLICE("a client's secret"));
	ticket_make(&keys, &claims, &binding, ticket);
	write_it();
	return 0;
}

static enum ticket_rejection
check_at(uint64_t now_ms)
{
	ticket_keys_tell_time(&keys, now_ms);
	return ticket_check(&keys, (struct slice){text, sizeof(text)}, &claims, &binding, now_ms,
			    &seen);
}

static void
a_good_one_says_what_was_put_in(void **state)
{
	(void)state;
	assert_int_equal(check_at(NOW), TICKET_NONE);
	assert_memory_equal(&seen, &claims, sizeof(seen));
	assert_int_equal(ticket_binding((struct slice){text, sizeof(text)}), TICKET_BIND_SECRET);
	assert_int_equal(ticket_member(ticket), claims.member);
}

/* U11: each single bit is covered, by the MAC or by the form. */
static void
any_altered_bit_is_refused(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * TICKET_BYTES; bit++) {
		ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_it();
		assert_int_not_equal(check_at(NOW), TICKET_NONE);
		ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	write_it();
	for (size_t i = 0; i < sizeof(text); i++) {
		char kept = text[i];
		text[i] = '!';
		assert_int_equal(check_at(NOW), TICKET_MALFORMED);
		text[i] = kept;
	}
	assert_int_equal(check_at(NOW), TICKET_NONE);
}

/* U11: another source, or another secret. */
static void
it_is_bound(void **state)
{
	(void)state;
	binding = ticket_bind_secret(SLICE("another secret"));
	assert_int_equal(check_at(NOW), TICKET_FORGED);
	struct addr here = {.family = AF_INET, .port = 1, .ip = {192, 0, 2, 1}};
	struct addr there = {.family = AF_INET, .port = 1, .ip = {192, 0, 2, 2}};
	binding = ticket_bind_address(&here);
	assert_int_equal(check_at(NOW), TICKET_FORGED);
	ticket_make(&keys, &claims, &binding, ticket);
	write_it();
	here.port = 2; /* the session comes from another socket */
	binding = ticket_bind_address(&here);
	assert_int_equal(check_at(NOW), TICKET_NONE);
	binding = ticket_bind_address(&there);
	assert_int_equal(check_at(NOW), TICKET_FORGED);
}

static void
it_is_for_one_service_and_member(void **state)
{
	(void)state;
	struct ticket_claims want = claims;
	struct slice s = {text, sizeof(text)};
	want.service++;
	assert_int_equal(ticket_check(&keys, s, &want, &binding, NOW, &seen), TICKET_OTHER_SERVICE);
	want = claims;
	want.member++;
	assert_int_equal(ticket_check(&keys, s, &want, &binding, NOW, &seen), TICKET_OTHER_MEMBER);
	assert_int_not_equal(ticket_service(SLICE("shop")), ticket_service(SLICE("shop2")));
}

/* Issued and time to live are read by its issuer alone. */
static void
it_lives_for_its_time(void **state)
{
	(void)state;
	assert_int_equal(check_at(NOW + 10000), TICKET_NONE);
	assert_int_equal(check_at(NOW + 10001), TICKET_EXPIRED);
	assert_int_equal(check_at(NOW - TICKET_SLACK_MS - 1), TICKET_EXPIRED);
}

/* Keys turn: the one before verifies, the one before that does not. */
static void
keys_turn_and_tickets_outlive_one_turn(void **state)
{
	(void)state;
	uint64_t turn = (NOW / TICKET_TURN_MS + 1) * TICKET_TURN_MS;
	struct ticket_claims late = claims;
	late.issued_ms = turn - 1;
	late.ttl_ms = TICKET_TTL_MS_MAX;
	ticket_make(&keys, &late, &binding, ticket);
	write_it();
	uint16_t before = keys.key[0].id;
	assert_int_equal(check_at(turn), TICKET_NONE);
	assert_int_not_equal(keys.key[0].id, before);
	assert_int_equal(keys.key[1].id, before);
	assert_int_equal(check_at(turn + TICKET_TTL_MS_MAX - 1), TICKET_NONE);
	assert_int_equal(check_at(turn + TICKET_TURN_MS), TICKET_UNKNOWN_KEY);
}

/* After a restart all are refused: the client races again. */
static void
another_start_has_other_keys(void **state)
{
	(void)state;
	uint8_t other[16] = {9};
	ticket_keys_init(&keys, other, NOW);
	assert_int_equal(check_at(NOW), TICKET_UNKNOWN_KEY);
}

static void
shown_twice_it_opens_one_session(void **state)
{
	(void)state;
	struct session_digest first;
	struct session_digest again;
	struct session_digest other;
	ticket_session((struct slice){text, sizeof(text)}, &first);
	ticket_session((struct slice){text, sizeof(text)}, &again);
	assert_memory_equal(&first, &again, sizeof(first));
	text[0] ^= 1;
	ticket_session((struct slice){text, sizeof(text)}, &other);
	assert_memory_not_equal(&first, &other, sizeof(first));
}

/* 100,000 forged ones: random bytes in good form, under the right key id. */
static void
forged_tickets_open_nothing(void **state)
{
	(void)state;
	struct prng chance = {7};
	for (size_t n = 0; n < 100000; n++) {
		ticket[4 + n % 28] ^= (uint8_t)prng_next(&chance); /* of what it claims */
		for (size_t i = TICKET_BYTES - 16; i < TICKET_BYTES; i++)
			ticket[i] = (uint8_t)prng_next(&chance);
		write_it();
		assert_int_not_equal(check_at(NOW), TICKET_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_good_one_says_what_was_put_in, make),
	    cmocka_unit_test_setup(any_altered_bit_is_refused, make),
	    cmocka_unit_test_setup(it_is_bound, make),
	    cmocka_unit_test_setup(it_is_for_one_service_and_member, make),
	    cmocka_unit_test_setup(it_lives_for_its_time, make),
	    cmocka_unit_test_setup(keys_turn_and_tickets_outlive_one_turn, make),
	    cmocka_unit_test_setup(another_start_has_other_keys, make),
	    cmocka_unit_test_setup(shown_twice_it_opens_one_session, make),
	    cmocka_unit_test_setup(forged_tickets_open_nothing, make),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
