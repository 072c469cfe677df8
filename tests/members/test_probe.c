/* test_probe.c: what a check sends, and what it makes of answers, whole and in pieces. */
#include "members/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) ((char *)(uintptr_t)(literal)) /* the configuration owns mutable strings */

static const struct config_health health = {
    .enabled = true, .path = TEXT("/healthz?deep=1"), .expect_low = 200, .expect_high = 299};

static struct parser *parser;
static struct http_head head;
static struct probe_finding finding;
static char seen[PROBE_SEEN_BYTES_MAX];

static int
start(void **state)
{
	(void)state;
	parser = parser_create();
	return parser == NULL;
}

static int
stop(void **state)
{
	(void)state;
	parser_free(&parser);
	return 0;
}

static enum probe_outcome
judge(struct slice answer, bool ended)
{
	struct writer w = writer_on(seen, sizeof(seen));
	enum probe_outcome outcome =
	    probe_judge(parser, &head, &health, answer, ended, &finding, &w);
	(void)writer_text(&w);
	return outcome;
}

/* One request a connection, to the path and host configured. */
static void
request_as_sent(void **state)
{
	(void)state;
	char text[PROBE_REQUEST_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_probe_request(&w, &health, SLICE("127.0.0.1:9001"));
	assert_string_equal(writer_text(&w),
			    "GET /healthz?deep=1 HTTP/1.1\r\n"
			    "Host: 127.0.0.1:9001\r\n"
			    "User-Agent: Holdfast/" HOLDFAST_VERSION " (health)\r\n"
			    "Accept: */*\r\n"
			    "Connection: close\r\n\r\n");
	struct config_health named = health;
	named.host = TEXT("shop.example");
	w = writer_on(text, sizeof(text));
	write_probe_request(&w, &named, SLICE("127.0.0.1:9001"));
	assert_non_null(strstr(writer_text(&w), "\r\nHost: shop.example\r\n"));
}

static const struct {
	const char *answer;
	enum probe_outcome outcome;
	enum reason why;
	const char *seen; /* how it begins */
} whole[] = {
    {"HTTP/1.1 200 OK\r\n\r\n", PROBE_WELL, REASON_NONE, ""},
    {"HTTP/1.0 204 \r\n\r\n", PROBE_WELL, REASON_NONE, ""},
    {"HTTP/1.1 299 x\r\nContent-Length: 5\r\n\r\nhel", PROBE_WELL, REASON_NONE, ""},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
     PROBE_WELL, REASON_NONE, ""},
    {"HTTP/1.1 300 x\r\n\r\n", PROBE_ILL, REASON_PROBE_STATUS, "status 300"},
    {"HTTP/1.1 503 x\r\nRetry-After: 1\r\n\r\n", PROBE_ILL, REASON_PROBE_STATUS, "status 503"},
    {"HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n", PROBE_ILL, REASON_PROBE_STATUS,
     "status 101"},
    {"SSH-2.0-OpenSSH_9\r\n\r\n", PROBE_ILL, REASON_PROBE_FAILED, "not an HTTP answer: "},
    {"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n", PROBE_ILL, REASON_PROBE_FAILED,
     "not an HTTP answer: "},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", PROBE_ILL,
     REASON_PROBE_FAILED, "not an HTTP answer: "},
};

/* Whole answers, ended or not: the verdict does not wait for a body. */
static void
whole_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++) {
		for (int ended = 0; ended < 2; ended++) {
			enum probe_outcome got = judge(slice_of(whole[i].answer), ended != 0);
			if (got != whole[i].outcome || finding.why != whole[i].why ||
			    strncmp(seen, whole[i].seen, strlen(whole[i].seen)) != 0)
				fail_msg("%s: %d %s %s", whole[i].answer, got,
					 reason_text(finding.why), seen);
		}
	}
}

/* Nothing but a whole final head is well, however much of it came. */
static void
parts_are_open_until_the_end(void **state)
{
	(void)state;
	const struct slice answer =
	    SLICE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n");
	for (size_t bytes = 0; bytes < answer.bytes; bytes++) {
		struct slice part = {answer.at, bytes};
		assert_int_equal(judge(part, false), PROBE_OPEN);
		assert_int_equal(judge(part, true), PROBE_ILL);
		assert_int_equal(finding.why, REASON_PROBE_FAILED);
		/* Behind an interim answer nothing of the final one has come yet. */
		bool nothing = bytes == 0 || bytes == strlen("HTTP/1.1 100 Continue\r\n\r\n");
		assert_string_equal(seen, nothing ? "closed without an answer"
						  : "closed within the answer's head");
	}
	assert_int_equal(judge(answer, false), PROBE_WELL);
}

/* Heads without end, in one piece or as interim answers for ever. */
static void
too_much_is_ill(void **state)
{
	(void)state;
	char *bytes = malloc(PROBE_ANSWER_BYTES_MAX);
	assert_non_null(bytes);
	struct writer w = writer_on(bytes, PROBE_ANSWER_BYTES_MAX);
	write_literal(&w, "HTTP/1.1 200 OK\r\nA: ");
	while (w.bytes < w.capacity)
		write_char(&w, 'b');
	assert_int_equal(judge((struct slice){bytes, w.bytes - 1}, false), PROBE_OPEN);
	assert_int_equal(judge((struct slice){bytes, w.bytes}, false), PROBE_ILL);
	assert_int_equal(finding.why, REASON_PROBE_FAILED);
	w = writer_on(bytes, PROBE_ANSWER_BYTES_MAX);
	const struct slice interim = SLICE("HTTP/1.1 100 C\r\n\r\n");
	while (w.bytes < w.capacity)
		write_bytes(&w, interim.at,
			    w.capacity - w.bytes < interim.bytes ? w.capacity - w.bytes
								 : interim.bytes);
	assert_int_equal(judge((struct slice){bytes, w.bytes - 1}, false), PROBE_OPEN);
	assert_int_equal(judge((struct slice){bytes, w.bytes}, false), PROBE_ILL);
	assert_string_equal(seen, "no answer within 16384 bytes");
	free(bytes);
}

static const struct {
	const char *answer;
	struct weight_said said;
	const char *unsaid; /* NULL: it is a weight, or there is none */
} weights[] = {
    {"HTTP/1.1 200 OK\r\n\r\n", {0}, NULL},
    {"HTTP/1.1 200 OK\r\nHoldfast-Weight: 50%\r\n\r\n", {WEIGHT_PERCENT, 50}, NULL},
    {"HTTP/1.1 200 OK\r\nholdfast-weight:  3 \r\n\r\n", {WEIGHT_NUMBER, 3}, NULL},
    {"HTTP/1.1 100 C\r\nHoldfast-Weight: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", {0}, NULL},
    {"HTTP/1.1 200 OK\r\nHoldfast-Weight: lots\r\n\r\n", {0}, "lots"},
    {"HTTP/1.1 200 OK\r\nHoldfast-Weight:\r\n\r\n", {0}, ""},
    {"HTTP/1.1 200 OK\r\nHoldfast-Weight: 1\r\nHoldfast-Weight: 1\r\n\r\n", {0}, "1"},
};

/* Only the final answer of who is well says something of its weight. */
static void
weights_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(weights); i++) {
		assert_int_equal(judge(slice_of(weights[i].answer), false), PROBE_WELL);
		assert_int_equal(finding.unsaid, weights[i].unsaid != NULL);
		if (weights[i].unsaid != NULL)
			assert_true(slice_equal(finding.unsaid_text, slice_of(weights[i].unsaid)));
		else
			assert_true(weight_equal(finding.said, weights[i].said));
	}
	const struct slice ill = SLICE("HTTP/1.1 500 x\r\nHoldfast-Weight: 9\r\n\r\n");
	assert_int_equal(judge(ill, false), PROBE_ILL);
	assert_int_equal(finding.said.value, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(weights_are_found), cmocka_unit_test(request_as_sent),
	    cmocka_unit_test(whole_answers),     cmocka_unit_test(parts_are_open_until_the_end),
	    cmocka_unit_test(too_much_is_ill),
	};
	return cmocka_run_group_tests_name("probe", tests, start, stop);
}
