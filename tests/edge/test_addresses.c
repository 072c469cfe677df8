/* test_addresses.c: connections counted by client address. */
#include "edge/addresses.h"

#include "base/digest.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct addr
address(const char *text)
{
	struct addr a;
	struct problem p;
	assert_int_equal(addr_parse(slice_of(text), false, &a, &p), RESULT_OK);
	return a;
}

static struct addr
ipv4(uint32_t number)
{
	struct addr a = {.family = AF_INET, .port = 1};
	memcpy(a.ip, &number, sizeof(number));
	return a;
}

static int
open_table(void **state)
{
	if (!digest_init())
		return -1;
	struct addresses *a = addresses_create();
	*state = a;
	return a != NULL ? 0 : -1;
}

static int
close_table(void **state)
{
	struct addresses *a = *state;
	addresses_free(&a);
	assert_null(a);
	addresses_free(&a);
	return 0;
}

/* So many and no more, whatever the port; what is given back may be taken again. */
static void
one_address(void **state)
{
	struct addresses *a = *state;
	struct addr first = address("192.0.2.1:1000");
	struct addr again = address("192.0.2.1:2000");
	assert_int_equal(addresses_enter(a, &first, 2), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &again, 2), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &first, 2), ADDRESS_REFUSED);
	addresses_leave(a, &again);
	assert_int_equal(addresses_enter(a, &first, 2), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &first, 2), ADDRESS_REFUSED);
	addresses_leave(a, &first);
	addresses_leave(a, &first);
	assert_int_equal(addresses_enter(a, &first, 1), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &first, 1), ADDRESS_REFUSED);
	addresses_leave(a, &first);
}

/* A limit that a reload has lowered takes nothing back, and lets nobody in. */
static void
a_lower_limit(void **state)
{
	struct addresses *a = *state;
	struct addr one = address("192.0.2.2:1");
	for (int i = 0; i < 5; i++)
		assert_int_equal(addresses_enter(a, &one, 5), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &one, 3), ADDRESS_REFUSED);
	for (int i = 0; i < 3; i++)
		addresses_leave(a, &one);
	assert_int_equal(addresses_enter(a, &one, 3), ADDRESS_COUNTED);
	for (int i = 0; i < 3; i++)
		addresses_leave(a, &one);
}

/* IPv6 by its first 64 bits, IPv4 by all 32. */
static void
what_counts_as_one(void **state)
{
	struct addresses *a = *state;
	struct addr six = address("[2001:db8:1:2::1]:1");
	struct addr neighbour = address("[2001:db8:1:2:ffff::9]:1");
	struct addr other_net = address("[2001:db8:1:3::1]:1");
	struct addr four = address("32.1.13.184:1"); /* the bytes that 2001:db8 begins with */
	struct addr next_four = address("32.1.13.185:1");
	assert_int_equal(addresses_enter(a, &six, 1), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &neighbour, 1), ADDRESS_REFUSED);
	assert_int_equal(addresses_enter(a, &other_net, 1), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &four, 1), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &next_four, 1), ADDRESS_COUNTED);
	addresses_leave(a, &neighbour);
	assert_int_equal(addresses_enter(a, &six, 1), ADDRESS_COUNTED);
	addresses_leave(a, &six);
	addresses_leave(a, &other_net);
	addresses_leave(a, &four);
	addresses_leave(a, &next_four);
}

/* An IPv4 address whose bytes are a whole IPv6 prefix is another one all the same. */
static void
families_are_apart(void **state)
{
	struct addresses *a = *state;
	struct addr six = {.family = AF_INET6, .ip = {10, 0, 0, 1}};
	struct addr four = {.family = AF_INET, .ip = {10, 0, 0, 1}};
	assert_int_equal(addresses_enter(a, &six, 1), ADDRESS_COUNTED);
	assert_int_equal(addresses_enter(a, &four, 1), ADDRESS_COUNTED);
	addresses_leave(a, &six);
	assert_int_equal(addresses_enter(a, &four, 1), ADDRESS_REFUSED);
	addresses_leave(a, &four);
}

/* More addresses than the table holds: no error, no refusal, and those counted stay limited. */
static void
a_full_table(void **state)
{
	struct addresses *a = *state;
	enum { TRIED = 2 * ADDRESSES_MAX };
	bool *counted = calloc(TRIED, sizeof(*counted));
	assert_non_null(counted);
	size_t count = 0;
	for (uint32_t i = 0; i < TRIED; i++) {
		struct addr one = ipv4(i);
		enum address_answer answer = addresses_enter(a, &one, 1);
		assert_int_not_equal(answer, ADDRESS_REFUSED);
		counted[i] = answer == ADDRESS_COUNTED;
		count += counted[i];
	}
	assert_true(count <= ADDRESSES_MAX && count > ADDRESSES_MAX - ADDRESSES_MAX / 16);
	for (uint32_t i = 0; i < TRIED; i++) {
		struct addr one = ipv4(i);
		if (!counted[i])
			continue;
		assert_int_equal(addresses_enter(a, &one, 1), ADDRESS_REFUSED);
		addresses_leave(a, &one);
	}
	/* Every slot is free again. */
	size_t again = 0;
	for (uint32_t i = 0; i < TRIED; i++) {
		struct addr one = ipv4(i);
		counted[i] = addresses_enter(a, &one, 1) == ADDRESS_COUNTED;
		again += counted[i];
	}
	assert_int_equal(again, count);
	for (uint32_t i = 0; i < TRIED; i++) {
		struct addr one = ipv4(i);
		if (counted[i])
			addresses_leave(a, &one);
	}
	free(counted);
}

enum { THREADS = 4, ROUNDS = 20000, MOST = 3, SHARED_ADDRESSES = 5 };

/* Enters and leaves at random; never holds more than it was let in for. */
static void *
come_and_go(void *context)
{
	struct addresses *a = context;
	struct prng chance;
	uint32_t held[SHARED_ADDRESSES] = {0};
	prng_seed(&chance);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t number = (uint32_t)(prng_next(&chance) % SHARED_ADDRESSES);
		struct addr one = ipv4(number);
		if (held[number] > 0 && prng_next(&chance) % 2 == 0) {
			addresses_leave(a, &one);
			held[number]--;
		} else if (addresses_enter(a, &one, MOST) == ADDRESS_COUNTED) {
			held[number]++;
		}
		if (held[number] > MOST)
			return context;
	}
	for (uint32_t number = 0; number < SHARED_ADDRESSES; number++) {
		struct addr one = ipv4(number);
		for (; held[number] > 0; held[number]--)
			addresses_leave(a, &one);
	}
	return NULL;
}

static void
workers_together(void **state)
{
	struct addresses *a = *state;
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, a), 0);
	for (int i = 0; i < THREADS; i++) {
		void *held_too_many;
		assert_int_equal(pthread_join(threads[i], &held_too_many), 0);
		assert_null(held_too_many);
	}
	/* Nothing is left over. */
	for (uint32_t number = 0; number < SHARED_ADDRESSES; number++) {
		struct addr one = ipv4(number);
		for (int i = 0; i < MOST; i++)
			assert_int_equal(addresses_enter(a, &one, MOST), ADDRESS_COUNTED);
		assert_int_equal(addresses_enter(a, &one, MOST), ADDRESS_REFUSED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_address),        cmocka_unit_test(a_lower_limit),
	    cmocka_unit_test(what_counts_as_one), cmocka_unit_test(families_are_apart),
	    cmocka_unit_test(a_full_table),       cmocka_unit_test(workers_together),
	};
	return cmocka_run_group_tests(tests, open_table, close_table);
}
