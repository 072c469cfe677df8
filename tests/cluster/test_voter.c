/* test_voter.c: a voter begins once, never empty, and answers nothing that is not on disk. */
#include "cluster/register_wire.h"
#include "cluster/voter.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct cluster_nodes nodes;
static struct voter voter;
static struct outbox out;
static uint64_t now;

static void
boot(const struct register_image *image)
{
	now = 1000;
	out.count = 0;
	voter_init(&voter, &nodes, image, 10, now);
}

static int
setup(void **state)
{
	(void)state;
	nodes = nodes_made(3, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	voter_deinit(&voter);
	return 0;
}

static bool
hear(cluster_node from, struct outgoing *o)
{
	struct body b = body_of(o->body, o->bytes);
	char role[ROLE_BYTES_MAX + 1];
	get_text(&b, role, sizeof(role));
	out.count = 0;
	return voter_receive(&voter, now, from, o->type, role, &b, &out);
}

static struct outgoing *
message(struct outbox *box, enum datagram_type type, const char *role, uint64_t number)
{
	box->count = 0;
	return register_put(box, 0, type, role, number);
}

static void
hear_status(cluster_node from, enum voter_status status)
{
	static struct outbox box;
	struct outgoing *o = message(&box, DATAGRAM_HELD, "", 0);
	put_u8(o, REGISTER_STATUS);
	put_u8(o, (uint8_t)status);
	assert_true(hear(from, o));
}

static void
hear_claim(cluster_node from, const char *role, uint64_t number, uint64_t term)
{
	static struct outbox box;
	box.count = 0;
	struct register_asked asked = {.number = number, .kind = REGISTER_CLAIM};
	asked.head.term = term;
	asked.head.claimant = (struct claimant){nodes.node[from].alias, 1};
	register_put_write(&box, 0, role, &asked);
	assert_true(hear(from, &box.list[0]));
}

static void
put_on_disk(void)
{
	assert_non_null(voter_save(&voter));
	out.count = 0;
	voter_saved(&voter, &out);
}

/* All three are seen without a file, then with an empty one; then it votes. */
static void
a_new_cluster_begins(void **state)
{
	(void)state;
	boot(NULL);
	assert_int_equal(voter.status, VOTER_NEW);
	hear_status(1, VOTER_NEW);
	assert_null(voter_save(&voter));
	hear_status(2, VOTER_NEW);
	put_on_disk();
	assert_int_equal(voter.status, VOTER_EMPTY);
	hear_status(1, VOTER_EMPTY);
	assert_null(voter_save(&voter)); /* c is not known to have a file yet */
	hear_status(2, VOTER_EMPTY);
	assert_false(voter_votes(&voter)); /* not on disk yet */
	put_on_disk();
	assert_true(voter_votes(&voter));
}

/* Two of three are a majority, but the third may be the one that knows. */
static void
without_one_of_them_nothing_begins(void **state)
{
	(void)state;
	boot(NULL);
	hear_status(1, VOTER_NEW);
	for (int i = 0; i < 100; i++) {
		now += VOTER_ASK_MS;
		voter_tick(&voter, now, &out);
		assert_null(voter_save(&voter));
	}
	assert_int_equal(voter.status, VOTER_NEW);
}

static void
a_voter_that_lost_its_file_stops(void **state)
{
	(void)state;
	boot(NULL);
	hear_status(1, VOTER_READY);
	assert_int_equal(voter.status, VOTER_STOPPED);
	assert_non_null(strstr(voter.problem.text, "missing"));
	assert_null(voter_save(&voter));
	hear_claim(1, "r", 7, 1);
	assert_int_equal(out.count, 0);
	hear_status(2, VOTER_NEW);
	assert_int_equal(voter.status, VOTER_STOPPED);
}

/* A crash between EMPTY and READY: the others have gone on, this one may follow: it promised
 * nothing. */
static void
an_empty_one_follows(void **state)
{
	(void)state;
	struct register_image empty = {.begun = false};
	boot(&empty);
	assert_int_equal(voter.status, VOTER_EMPTY);
	hear_status(2, VOTER_READY);
	put_on_disk();
	assert_true(voter_votes(&voter));
}

static void
ready(void)
{
	struct register_image begun = {.begun = true};
	boot(&begun);
	assert_true(voter_votes(&voter));
}

static void
nothing_is_answered_before_it_is_on_disk(void **state)
{
	(void)state;
	ready();
	hear_claim(1, "r", 7, 1);
	assert_int_equal(out.count, 0);
	assert_non_null(voter_save(&voter));
	assert_null(voter_save(&voter)); /* one at a time */
	hear_claim(2, "s", 9, 5);        /* after the image was taken */
	assert_int_equal(out.count, 0);
	voter_saved(&voter, &out);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.list[0].type, DATAGRAM_WRITTEN);
	assert_int_equal(out.list[0].to, 1);
	put_on_disk();
	assert_int_equal(out.count, 1);
	assert_int_equal(out.list[0].to, 2);
}

static const struct problem no_room = {"write: No space left on device"};

static void
fill_the_disk(void)
{
	assert_non_null(voter_save(&voter));
	voter_wait_for_room(&voter, now, &no_room);
	assert_int_equal(voter.status, VOTER_STOPPED);
}

/* As long as there is no room it answers nothing and tries at a slow pace; then it goes on, and
 * knows all that it was told before. */
static void
a_full_disk_is_waited_for(void **state)
{
	(void)state;
	ready();
	hear_claim(1, "r", 7, 4);
	put_on_disk();
	hear_claim(2, "r", 8, 5);
	fill_the_disk();
	for (int i = 0; i < 3; i++) {
		hear_claim(2, "r", 8, 5); /* again, and what is new */
		assert_int_equal(out.count, 0);
		hear_claim(1, "r", 9, 6);
		assert_int_equal(out.count, 0);
		now += VOTER_ROOM_MS - 1;
		voter_tick(&voter, now, &out);
		assert_null(voter_save(&voter));
		assert_int_equal(voter_next(&voter), now + 1);
		voter_tick(&voter, ++now, &out);
		fill_the_disk();
	}
	assert_int_equal(out.count, 0);
	now += VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	put_on_disk();
	assert_true(voter_votes(&voter));
	assert_int_equal(out.count, 0); /* who asked has given up, or asks again */
	assert_null(voter_save(&voter));
	hear_claim(1, "r", 9, 4);
	assert_int_equal(out.list[0].type, DATAGRAM_OUTDATED);
	hear_claim(2, "r", 8, 5);
	assert_int_equal(out.list[0].type, DATAGRAM_WRITTEN);
}

/* The image under way is of what was known when it was taken; what came behind it is not lost. */
static void
what_came_behind_the_image_is_tried_as_well(void **state)
{
	(void)state;
	ready();
	hear_claim(1, "r", 7, 4);
	assert_non_null(voter_save(&voter));
	hear_claim(2, "r", 8, 5);
	voter_wait_for_room(&voter, now, &no_room);
	now += VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	const struct register_image *image = voter_save(&voter);
	assert_non_null(image);
	assert_int_equal(register_image_head(image, "r").term, 5);
	out.count = 0;
	voter_saved(&voter, &out);
	assert_true(voter_votes(&voter));
}

/* A disk that fails is not a full one, whatever came first. */
static void
a_disk_that_fails_is_not_tried_again(void **state)
{
	(void)state;
	struct problem failed;
	(void)problem_set(&failed, RESULT_IO, "fsync: Input/output error");
	ready();
	hear_claim(1, "r", 7, 4);
	fill_the_disk();
	now += VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	assert_non_null(voter_save(&voter));
	voter_stop(&voter, &failed);
	now += 100 * VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	assert_null(voter_save(&voter));
	assert_int_equal(voter.status, VOTER_STOPPED);
}

/* Stopped by something else while the image was under way: that holds. */
static void
who_was_stopped_does_not_wait_for_room(void **state)
{
	(void)state;
	struct problem twin;
	(void)problem_set(&twin, RESULT_INVALID, "another process is this node");
	ready();
	hear_claim(1, "r", 7, 4);
	assert_non_null(voter_save(&voter));
	voter_stop(&voter, &twin);
	voter_wait_for_room(&voter, now, &no_room);
	now += 100 * VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	assert_null(voter_save(&voter));
	assert_int_equal(voter.status, VOTER_STOPPED);
	assert_string_equal(voter.problem.text, twin.text);
}

/* A cluster that begins: the first files find no room. */
static void
a_new_voter_waits_for_room(void **state)
{
	(void)state;
	boot(NULL);
	hear_status(1, VOTER_NEW);
	hear_status(2, VOTER_NEW);
	fill_the_disk();
	now += VOTER_ROOM_MS;
	voter_tick(&voter, now, &out);
	put_on_disk();
	assert_int_equal(voter.status, VOTER_EMPTY);
	hear_status(1, VOTER_EMPTY);
	hear_status(2, VOTER_EMPTY);
	put_on_disk();
	assert_true(voter_votes(&voter));
}

/* A term has one owner; who comes second, or with less, is told what stands there. */
static void
a_term_is_granted_once(void **state)
{
	(void)state;
	ready();
	hear_claim(1, "r", 7, 4);
	put_on_disk();
	hear_claim(2, "r", 8, 4);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.list[0].type, DATAGRAM_OUTDATED);
	hear_claim(2, "r", 8, 3);
	assert_int_equal(out.list[0].type, DATAGRAM_OUTDATED);
	hear_claim(1, "r", 7, 4); /* its own, again: the answer was lost */
	assert_int_equal(out.list[0].type, DATAGRAM_WRITTEN);
	assert_null(voter_save(&voter));
}

/* Nobody claims in another's name. */
static void
a_claim_is_the_senders_own(void **state)
{
	(void)state;
	ready();
	static struct outbox box;
	box.count = 0;
	struct register_asked asked = {.number = 7, .kind = REGISTER_CLAIM};
	asked.head.term = 4;
	asked.head.claimant = (struct claimant){nodes.node[2].alias, 1};
	register_put_write(&box, 0, "r", &asked);
	assert_false(hear(1, &box.list[0]));
	assert_null(voter_save(&voter));
}

/* Roles come and go; terms of a role whose place was given away still grow. */
static void
forgotten_roles_keep_their_terms(void **state)
{
	(void)state;
	ready();
	hear_claim(1, "first", 1, 41);
	char role[16];
	for (unsigned i = 0; i < ROLES_MAX; i++) {
		(void)snprintf(role, sizeof(role), "r%u", i);
		hear_claim(1, role, 2 + i, 42);
		put_on_disk();
	}
	assert_null(register_image_find(&voter.durable, "first"));
	assert_int_equal(register_image_head(&voter.durable, "first").term, 41);
	hear_claim(2, "first", 500, 41);
	assert_int_equal(out.list[0].type, DATAGRAM_OUTDATED);
	hear_claim(2, "first", 501, 43); /* r0 made room, and had 42 */
	assert_int_equal(out.count, 0);
	put_on_disk();
	assert_int_equal(out.list[0].type, DATAGRAM_WRITTEN);
}

/* ---- re-admission ---------------------------------------------------------------------------- */

#define SILENT_UNTIL 9000
#define NUMBER       100

static enum result
readmit(struct problem *p)
{
	return voter_readmit(&voter, now, SILENT_UNTIL, NUMBER, p);
}

/* As voter_tick has it. */
static void
tick_until(uint64_t then)
{
	for (; now < then; now++)
		if (now >= voter_next(&voter))
			voter_tick(&voter, now, &out);
}

/* `from` holds one role, r, of that term. */
static void
hear_entry(cluster_node from, uint64_t term)
{
	static struct outbox box;
	struct outgoing *o = message(&box, DATAGRAM_HELD, "", voter.learn.number);
	struct register_head head = {.term = term, .claimant = {nodes.node[from].alias, 1}};
	put_u8(o, REGISTER_ENTRY);
	put_u16(o, 0);
	put_u16(o, 1);
	put_u64(o, 0);
	put_text(o, "r");
	register_head_put(o, &head);
	assert_true(hear(from, o));
}

static void
a_lost_one_is_readmitted(void **state)
{
	(void)state;
	struct problem p;
	boot(NULL);
	hear_status(1, VOTER_READY);
	hear_status(2, VOTER_READY);
	assert_true(voter.lost);
	assert_int_equal(readmit(&p), RESULT_OK);
	assert_int_equal(voter.status, VOTER_LEARNING);
	assert_int_equal(readmit(&p), RESULT_OK);
	tick_until(SILENT_UNTIL);
	assert_null(voter_save(&voter));
	tick_until(SILENT_UNTIL + 1);
	hear_entry(1, 4);
	assert_null(voter_save(&voter)); /* one of them is no majority of two */
	hear_claim(1, "r", 7, 9);
	hear_entry(2, 6);
	assert_false(voter_votes(&voter)); /* not on disk yet */
	assert_int_equal(out.count, 0);
	put_on_disk();
	assert_true(voter_votes(&voter));
	assert_int_equal(register_image_head(&voter.durable, "r").term, 6);
	hear_claim(1, "r", 7, 6);
	assert_int_equal(out.list[0].type, DATAGRAM_OUTDATED);
}

/* To others it is one that does not vote. */
static void
who_learns_tells_nothing(void **state)
{
	(void)state;
	static struct outbox box;
	boot(NULL);
	hear_status(1, VOTER_READY);
	hear_status(2, VOTER_READY);
	assert_int_equal(readmit(NULL), RESULT_OK);
	struct outgoing *o = message(&box, DATAGRAM_READ, "", 3);
	put_u8(o, REGISTER_STATUS);
	assert_true(hear(1, o));
	assert_int_equal(out.count, 1);
	assert_int_equal(out.list[0].body[out.list[0].bytes - 1], VOTER_STOPPED);
	o = message(&box, DATAGRAM_READ, "", 3);
	put_u8(o, REGISTER_ENTRY);
	put_u16(o, 0);
	assert_true(hear(1, o));
	assert_int_equal(out.count, 0);
}

static void
too_few_others_know(void **state)
{
	(void)state;
	struct problem p;
	boot(NULL);
	hear_status(1, VOTER_READY);
	assert_int_equal(readmit(&p), RESULT_LIMIT);
	assert_non_null(strstr(p.text, "2 of the other voters (b, c) must vote"));
	assert_non_null(strstr(p.text, "of late these do: b"));
	hear_status(2, VOTER_STOPPED);
	assert_int_equal(readmit(&p), RESULT_LIMIT);
	hear_status(2, VOTER_NEW);
	assert_int_equal(readmit(&p), RESULT_LIMIT);
	hear_status(2, VOTER_READY);
	tick_until(now + VOTER_HEARD_MS_MAX + 1); /* that was then */
	assert_int_equal(readmit(&p), RESULT_LIMIT);
	assert_non_null(strstr(p.text, "of late these do: none"));
	assert_int_equal(voter.status, VOTER_STOPPED);
	assert_true(voter.lost);
}

/* Lost or not, it must know how the others are. */
static void
a_lost_one_goes_on_asking(void **state)
{
	(void)state;
	struct problem why;
	(void)problem_set(&why, RESULT_INVALID, "the register is damaged");
	boot(NULL);
	voter_lose(&voter, &why);
	tick_until(now + 1);
	assert_int_equal(out.count, 2);
	assert_true(voter_next(&voter) <= now + VOTER_ASK_LOST_MS);
	hear_status(1, VOTER_READY);
	hear_status(2, VOTER_READY);
	assert_string_equal(voter.problem.text, "the register is damaged");
	assert_int_equal(readmit(NULL), RESULT_OK);
}

static void
who_lost_nothing_is_not_readmitted(void **state)
{
	(void)state;
	struct problem p;
	ready();
	assert_int_equal(readmit(&p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "has lost nothing"));
	(void)problem_set(&p, RESULT_IO, "fsync: Input/output error");
	voter_stop(&voter, &p);
	hear_status(1, VOTER_READY);
	hear_status(2, VOTER_READY);
	assert_int_equal(readmit(&p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "fsync"));
	voter_deinit(&voter);
	ready();
	hear_claim(1, "r", 7, 1);
	fill_the_disk();
	assert_int_equal(readmit(&p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "No space"));
	voter_deinit(&voter);
	boot(NULL); /* of a cluster that begins, as far as it knows */
	hear_status(1, VOTER_NEW);
	assert_int_equal(readmit(&p), RESULT_INVALID);
}

static void
truncated_messages_are_dropped(void **state)
{
	(void)state;
	ready();
	static struct outbox box;
	struct register_asked asked = {.number = 7, .kind = REGISTER_CLAIM};
	asked.head.term = 4;
	asked.head.claimant = (struct claimant){nodes.node[1].alias, 1};
	box.count = 0;
	register_put_write(&box, 0, "r", &asked);
	for (uint16_t bytes = 0; bytes < box.list[0].bytes; bytes++) {
		struct outgoing cut = box.list[0];
		cut.bytes = bytes;
		assert_false(hear(1, &cut));
		assert_int_equal(out.count, 0);
	}
	assert_null(voter_save(&voter));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_new_cluster_begins, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_one_of_them_nothing_begins, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_voter_that_lost_its_file_stops, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_empty_one_follows, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_full_disk_is_waited_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_came_behind_the_image_is_tried_as_well, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(a_disk_that_fails_is_not_tried_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_was_stopped_does_not_wait_for_room, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(a_new_voter_waits_for_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_is_answered_before_it_is_on_disk, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(a_term_is_granted_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_claim_is_the_senders_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(forgotten_roles_keep_their_terms, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_lost_one_is_readmitted, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_learns_tells_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(too_few_others_know, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_lost_one_goes_on_asking, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_lost_nothing_is_not_readmitted, setup, teardown),
	    cmocka_unit_test_setup_teardown(truncated_messages_are_dropped, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
