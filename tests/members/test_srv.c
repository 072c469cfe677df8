/* test_srv.c: targets of answers as servers send them, and of such as none should. */
#include "members/srv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(questions, answers) "\x12\x34\x81\x80\0" questions "\0" answers "\0\0\0\0"
#define QUESTION                 "\5_http\4_tcp\4test\0\0\x21\0\1"
#define SRV(ttl, length)         "\xc0\x0c\0\x21\0\1\0\0" ttl "\0" length
#define TARGET(priority, weight) "\0" priority "\0" weight "\x1f\x90"

static struct name_answer answer;

static const char *
read(struct slice bytes)
{
	/* A copy of its very length: what is read behind it is seen. */
	unsigned char *copy = malloc(bytes.bytes);
	assert_non_null(copy);
	memcpy(copy, bytes.at, bytes.bytes);
	answer = (struct name_answer){.ttl_ms = UINT32_MAX};
	srv_read(copy, (int)bytes.bytes, &answer);
	free(copy);
	return answer.why;
}

static void
reads_targets(void **state)
{
	(void)state;
	assert_null(read(SLICE(HEAD("\1", "\2") QUESTION SRV("\0\x1e", "\x10") TARGET(
	    "\1", "\2") "\3App\4test\0" SRV("\0\x05", "\x0b") TARGET("\0", "\0") "\2b9\xc0\x17")));
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.ttl_ms, 5000);
	assert_string_equal(addr_kept_text(&answer.target[0].host), "app.test");
	assert_int_equal(answer.target[0].host.port, 8080);
	assert_int_equal(answer.target[0].priority, 1);
	assert_int_equal(answer.target[0].weight, 2);
	assert_string_equal(addr_kept_text(&answer.target[1].host), "b9.test");
}

/* "." (no such service), what is no host name, other records. */
static void
leaves_out_what_is_no_target(void **state)
{
	(void)state;
	assert_null(
	    read(SLICE(HEAD("\1", "\3") QUESTION SRV("\0\x1e", "\x07") TARGET("\0", "\0") "\0" SRV(
		"\0\x1e", "\x0c") TARGET("\0", "\0") "\4a b!\0"
						     "\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\x7f\0\0\1")));
	assert_int_equal(answer.count, 0);
}

static void
counts_what_has_no_room(void **state)
{
	static char bytes[64 + 32 * (NAME_ANSWERS_MAX + 5)];
	struct writer w = writer_on(bytes, sizeof(bytes));
	(void)state;
	write_slice(&w, SLICE("\x12\x34\x81\x80\0\1\1\5\0\0\0\0" QUESTION));
	for (unsigned i = 0; i < NAME_ANSWERS_MAX + 5; i++) {
		write_slice(&w, SLICE(SRV("\0\x1e", "\x0e") TARGET("\0", "\0") "\1x\4test\0"));
		w.at[w.bytes - 7] = (char)('a' + i % 26);
	}
	assert_false(w.overflow);
	assert_null(read((struct slice){w.at, w.bytes}));
	assert_int_equal(answer.count, NAME_ANSWERS_MAX);
	assert_int_equal(answer.more, 5);
}

static void
refuses_every_part_of_an_answer(void **state)
{
	static const char whole[] =
	    HEAD("\1", "\1") QUESTION SRV("\0\x1e", "\x10") TARGET("\1", "\2") "\3App\4test\0";
	(void)state;
	assert_null(read((struct slice){whole, sizeof(whole) - 1}));
	for (size_t bytes = 1; bytes < sizeof(whole) - 1; bytes++) {
		const char *why = read((struct slice){whole, bytes});
		if (why == NULL && answer.count > 0)
			fail_msg("%zu bytes", bytes);
	}
	assert_non_null(read(SLICE(HEAD("\1", "\1") "\xc0\x0c\0\x21\0\1"))); /* a loop */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_targets),
	    cmocka_unit_test(leaves_out_what_is_no_target),
	    cmocka_unit_test(counts_what_has_no_room),
	    cmocka_unit_test(refuses_every_part_of_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
