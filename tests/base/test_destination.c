/* test_destination.c: where a log may go, and what is refused. */
#include "base/destination.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct destination
parsed(const char *text)
{
	struct destination d;
	struct problem p;
	if (destination_parse(text, &d, &p) != RESULT_OK)
		fail_msg("%s: %s", text, p.text);
	return d;
}

static void
takes_all_forms(void **state)
{
	(void)state;
	assert_int_equal(parsed(NULL).kind, TO_STDERR);
	assert_int_equal(parsed("stderr").kind, TO_STDERR);
	assert_int_equal(parsed("stdout").kind, TO_STDOUT);
	assert_int_equal(parsed("/var/log/a").kind, TO_FILE);
	assert_string_equal(parsed("./stdout").path, "./stdout");
	assert_int_equal(parsed("./stdout").kind, TO_FILE);
	assert_int_equal(parsed("syslog:").kind, TO_SYSLOG);
	assert_string_equal(parsed("syslog:").path, SYSLOG_SOCKET);
	assert_string_equal(parsed("syslog:/run/log").path, "/run/log");
	assert_null(parsed("syslog:192.0.2.1:514").path);
	assert_int_equal(parsed("syslog:192.0.2.1:514").addr.port, 514);
	assert_int_equal(parsed("syslog:[2001:db8::1]:514").addr.family, AF_INET6);
	assert_int_equal(parsed("journald:").kind, TO_JOURNALD);
	assert_string_equal(parsed("journald:").path, JOURNALD_SOCKET);
	assert_string_equal(parsed("journald:/run/j").path, "/run/j");
}

static void
refuses_what_is_no_place(void **state)
{
	(void)state;
	static const char *const bad[] = {"syslog:192.0.2.1", "syslog:log.example:514",
					  "syslog:192.0.2.1:0", "syslog:dev/log", "journald:x"};
	char longer[160] = "journald:/";
	memset(longer + 10, 'a', ADDR_PATH_BYTES_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct destination d;
		struct problem p = {""};
		assert_int_equal(destination_parse(bad[i], &d, &p), RESULT_INVALID);
		assert_true(p.text[0] != '\0');
	}
	assert_int_equal(destination_parse(longer, &(struct destination){0}, NULL), RESULT_INVALID);
	longer[10 + ADDR_PATH_BYTES_MAX - 1] = '\0';
	assert_int_equal(parsed(longer).kind, TO_JOURNALD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_all_forms),
	    cmocka_unit_test(refuses_what_is_no_place),
	};
	return cmocka_run_group_tests_name("destination", tests, NULL, NULL);
}
