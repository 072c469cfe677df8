/* test_mailbox.c: letters from any thread: none is lost, none comes twice, never more than agreed.
 */
#include "base/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define WRITERS         4
#define LETTERS         5000
#define LETTERS_AT_ONCE 16

struct counted {
	struct letter letter; /* first */
	unsigned number;
	unsigned dropped;
};

static unsigned rings;

static void
ring(void *context)
{
	assert_ptr_equal(context, &rings);
	rings++;
}

static void
drop(struct letter *letter)
{
	((struct counted *)(void *)letter)->dropped++;
}

static void
the_oldest_comes_first(void **state)
{
	struct mailbox m;
	struct counted letters[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
	(void)state;
	rings = 0;
	mailbox_init(&m, 0, ring, &rings);
	assert_null(mailbox_take(&m));
	for (size_t i = 0; i < 3; i++)
		assert_true(mailbox_post(&m, &letters[i].letter));
	assert_int_equal(rings, 1); /* who was rung for takes all */
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(mailbox_take(&m), &letters[i].letter);
	assert_null(mailbox_take(&m));
	assert_true(mailbox_post(&m, &letters[1].letter));
	assert_int_equal(rings, 2);
	assert_ptr_equal(mailbox_take(&m), &letters[1].letter);
	mailbox_deinit(&m);
}

/* What found no room is still the writer's; there is room again when one was taken. */
static void
a_full_one_refuses(void **state)
{
	struct mailbox m;
	struct counted letters[3] = {
	    {.letter = {.drop = drop}}, {.letter = {.drop = drop}}, {.letter = {.drop = drop}}};
	(void)state;
	mailbox_init(&m, 2, NULL, NULL);
	assert_true(mailbox_post(&m, &letters[0].letter));
	assert_true(mailbox_post(&m, &letters[1].letter));
	assert_false(mailbox_post(&m, &letters[2].letter));
	assert_ptr_equal(mailbox_take(&m), &letters[0].letter);
	assert_true(mailbox_post(&m, &letters[2].letter));
	mailbox_deinit(&m);
	assert_int_equal(letters[0].dropped, 0);
	assert_int_equal(letters[1].dropped, 1); /* nobody read it */
	assert_int_equal(letters[2].dropped, 1);
}

static struct mailbox shared;

static void *
write_letters(void *context)
{
	struct counted *letters = context;
	for (unsigned i = 0; i < LETTERS; i++) {
		letters[i].number = i;
		while (!mailbox_post(&shared, &letters[i].letter))
			(void)sched_yield();
	}
	return NULL;
}

/* Each writer's letters come in his sequence, each once. */
static void
from_many_threads(void **state)
{
	static struct counted letters[WRITERS][LETTERS];
	pthread_t thread[WRITERS];
	unsigned next[WRITERS] = {0};
	(void)state;
	mailbox_init(&shared, LETTERS_AT_ONCE, NULL, NULL);
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, write_letters, letters[i]), 0);
	for (size_t taken = 0; taken < (size_t)WRITERS * LETTERS;) {
		const struct counted *c = (struct counted *)(void *)mailbox_take(&shared);
		if (c == NULL) {
			(void)sched_yield();
			continue;
		}
		size_t writer = (size_t)(c - &letters[0][0]) / LETTERS;
		assert_int_equal(c->number, next[writer]++);
		taken++;
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_null(mailbox_take(&shared));
	mailbox_deinit(&shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_oldest_comes_first),
	    cmocka_unit_test(a_full_one_refuses),
	    cmocka_unit_test(from_many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
