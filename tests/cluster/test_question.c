/* test_question.c: GET /v1/master: what may be asked, and what is answered. */
#include "cluster/question.h"
#include "planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct planes w;
static struct config_node places[3];
static char name[] = "shop";
static struct config_cluster cluster = {.name = name, .nodes = places, .node_count = 3};
static struct question question;
static struct problem problem;

static int
setup(void **state)
{
	static char ids[3][2] = {"a", "b", "c"};
	(void)state;
	planes_start(&w, 3);
	for (size_t i = 0; i < 3; i++) {
		places[i].id = ids[i];
		places[i].http = (struct addr){
		    .family = AF_INET, .port = 8080, .ip = {10, 0, 0, (uint8_t)(i + 1)}};
	}
	return 0;
}

static enum result
parse(const char *query)
{
	return question_parse(slice_of(query), &w.nodes[0], &question, &problem);
}

static void
what_may_be_asked(void **state)
{
	(void)state;
	assert_int_equal(parse(""), RESULT_OK);
	assert_int_equal(question.ask.dead, NODE_NONE);
	assert_int_equal(question.ask.term, 0);
	assert_false(question.follow);
	assert_int_equal(parse("dead=b&term=18446744073709551615&follow=1"), RESULT_OK);
	assert_int_equal(question.ask.dead, 1);
	assert_true(question.ask.term == UINT64_MAX);
	assert_true(question.follow);
	assert_int_equal(parse("dead=%62"), RESULT_OK);
	assert_int_equal(question.ask.dead, 1);
	assert_int_equal(parse("other=1&&x"), RESULT_OK); /* of another version, perhaps */
	assert_int_equal(parse("follow=2"), RESULT_OK);
	assert_false(question.follow);
}

static void
what_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"dead=x",  "dead=",    "dead",
					  "dead=%6", "dead=%zz", "term=-1",
					  "term=1x", "term=",    "term=18446744073709551616"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		problem.text[0] = '\0';
		assert_int_equal(parse(bad[i]), RESULT_INVALID);
		assert_int_not_equal(problem.text[0], '\0');
	}
	char longest[QUESTION_BYTES_MAX + 2];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(parse(longest), RESULT_INVALID);
	longest[QUESTION_BYTES_MAX] = '\0';
	assert_int_equal(parse(longest), RESULT_OK);
	memcpy(longest, "dead=", 5); /* longer than any id */
	assert_int_equal(parse(longest), RESULT_INVALID);
}

static void
assert_reply(const struct ask_answer *answer, uint16_t status, const char *fields, const char *has)
{
	struct question_reply reply;
	question_reply(&w.plane[2], &cluster, &question, answer, &reply);
	assert_false(reply.body.failed);
	assert_int_equal(reply.status, status);
	assert_string_equal(reply.fields, fields);
	assert_non_null(memmem(reply.body.at, reply.body.bytes, has, strlen(has)));
	question_reply_deinit(&reply);
}

static void
who_is_master_is_told(void **state)
{
	(void)state;
	struct ask_answer answer = {
	    .how = ASK_CACHED, .master = {7, 1}, .valid_ms = 900, .redirect = true};
	(void)parse("");
	assert_reply(
	    &answer, 200, "",
	    "{\"cluster\":\"shop\",\"master\":{\"id\":\"b\",\"url\":\"http://10.0.0.2:8080\","
	    "\"http\":\"10.0.0.2:8080\"},\"term\":7,\"epoch\":0,\"valid_for_ms\":900,"
	    "\"how\":\"cached\",\"by\":\"c\"");
	assert_reply(&answer, 200, "",
		     "{\"id\":\"c\",\"url\":\"http://10.0.0.3:8080\",\"http\":\"10.0.0.3:8080\","
		     "\"rank\":2,\"voter\":true}]}\n");
	answer.how = ASK_ELECTED;
	assert_reply(&answer, 200, "", "\"how\":\"elected\"");
}

static void
who_follows_is_sent_there(void **state)
{
	(void)state;
	struct ask_answer answer = {.how = ASK_CACHED, .master = {7, 1}, .redirect = true};
	(void)parse("follow=1");
	assert_reply(&answer, 307, "Location: http://10.0.0.2:8080/v1/master?follow=1&term=7\r\n",
		     "\"term\":7");
	answer.redirect = false; /* to a lower term than it came with */
	assert_reply(&answer, 200, "", "\"term\":7");
}

static void
nobody_is_told_with_a_reason(void **state)
{
	(void)state;
	struct ask_answer answer = {.how = ASK_NOBODY, .master = {0, NODE_NONE}, .retry_ms = 1001};
	(void)parse("follow=1");
	assert_reply(&answer, 503, "Retry-After: 2\r\n", "\"master\":null");
	assert_reply(&answer, 503, "Retry-After: 2\r\n", "no node that is well");
	w.plane[2].election.rules.safety = ELECTION_LEASE;
	assert_reply(&answer, 503, "Retry-After: 2\r\n", "nobody has a majority");
	w.plane[2].left = true;
	assert_reply(&answer, 503, "Retry-After: 2\r\n", "this node is stopping");
}

static void
a_refusal_is_one_line_of_json(void **state)
{
	struct question_reply reply;
	(void)state;
	question_refuse(&reply, 429, 1, "too many questions");
	assert_int_equal(reply.status, 429);
	assert_string_equal(reply.fields, "Retry-After: 1\r\n");
	assert_memory_equal(reply.body.at, "{\"error\":\"too many questions\"}\n",
			    reply.body.bytes);
	question_reply_deinit(&reply);
	question_refuse(&reply, 400, 0, "no");
	assert_string_equal(reply.fields, "");
	question_reply_deinit(&reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_may_be_asked, setup),
	    cmocka_unit_test_setup(what_is_refused, setup),
	    cmocka_unit_test_setup(who_is_master_is_told, setup),
	    cmocka_unit_test_setup(who_follows_is_sent_there, setup),
	    cmocka_unit_test_setup(nobody_is_told_with_a_reason, setup),
	    cmocka_unit_test_setup(a_refusal_is_one_line_of_json, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
