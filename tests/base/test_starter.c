/* test_starter.c: the process that starts programs: what it holds, what it tells. */
#include "base/starter.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS  50
#define WAIT_MS 20000

static struct starter *
create(const char *program)
{
	static const char *const argv[] = {"-c", "exit \"$0\"", NULL};
	const struct starter_setup setup = {.program = {program}, .argv = {argv, argv, argv}};
	struct problem p = {""};
	struct starter *s;
	if (starter_create(&setup, &s, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return s;
}

static struct starter_news
hear(struct starter *s)
{
	struct starter_news news = {.job = STARTER_JOBS};
	struct pollfd there = {.fd = starter_fd(s), .events = POLLIN};
	bool gone;
	assert_int_equal(poll(&there, 1, WAIT_MS), 1);
	assert_true(starter_hear(s, &news, &gone));
	assert_false(gone);
	return news;
}

/* The other end of a socket is gone as soon as this process alone has closed it. */
static void
holds_nothing_of_who_made_it(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int pair[2];
		char byte;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		struct starter *s = create(NULL);
		(void)close(pair[1]);
		assert_int_equal(recv(pair[0], &byte, 1, MSG_DONTWAIT), 0);
		(void)close(pair[0]);
		starter_free(&s);
	}
	while (wait(NULL) != -1)
		continue;
}

static void
tells_the_start_and_the_end(void **state)
{
	(void)state;
	struct starter *s = create("/bin/sh");
	const struct starter_order order = {
	    .job = STARTER_ON_MASTER, .number_count = 1, .number = {7}, .fd = -1};
	assert_true(starter_start(s, &order));
	struct starter_news began = hear(s);
	assert_int_equal(began.error, 0);
	assert_int_not_equal(began.pid, 0);
	assert_false(began.ended);
	struct starter_news ended = hear(s);
	assert_true(ended.ended);
	assert_int_equal(ended.pid, began.pid);
	assert_true(WIFEXITED(ended.status));
	assert_int_equal(WEXITSTATUS(ended.status), 7);
	starter_free(&s);
	assert_int_not_equal(wait(NULL), -1);
}

static void
tells_what_cannot_be_started(void **state)
{
	(void)state;
	struct starter *s = create("/nonexistent/program");
	const struct starter_order there_is_none = {.job = STARTER_UPGRADE, .fd = -1};
	const struct starter_order no_file = {.job = STARTER_ON_MASTER, .fd = -1};
	assert_true(starter_start(s, &there_is_none));
	struct starter_news news = hear(s);
	assert_int_equal(news.job, STARTER_UPGRADE);
	assert_int_equal(news.pid, 0);
	assert_int_not_equal(news.error, 0);
	assert_true(starter_start(s, &no_file));
	news = hear(s);
	assert_int_equal(news.job, STARTER_ON_MASTER);
	assert_int_equal(news.pid, 0);
	assert_int_not_equal(news.error, 0);
	starter_free(&s);
	assert_int_not_equal(wait(NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_nothing_of_who_made_it),
	    cmocka_unit_test(tells_the_start_and_the_end),
	    cmocka_unit_test(tells_what_cannot_be_started),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
