/* test_tail.c: the command as it is called: options, output, how it ends. Each case is a process.
 */
#include "cli/cli.h"

#include "../affinity/head_text.h" /* http_field_find, which key rules link with */
#include "../record/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define WORDS_MAX    16

#define LINE(event, service)                                                                \
	"{\"ts\":\"T\",\"event\":\"" event "\",\"service\":\"" service "\",\"from\":\"a\"," \
	"\"chosen\":\"b\"}\n"

/* ---- fixture ------------------------------------------------------------------------------- */

static pid_t child;
static int out = -1; /* what it prints comes from here */

static int
stop(void **state)
{
	if (child > 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
	}
	child = 0;
	if (out != -1)
		(void)close(out);
	out = -1;
	return scratch_remove(state);
}

/* `words`, ended by NULL, go behind "tail". What it says on stderr stands in the file "err". */
static void
tail_starts(const char *const *words)
{
	char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "tail"};
	int argc = 1;
	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		int err = open(scratch_path("err"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(err, STDERR_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		_exit(cli_tail(argc, argv));
	}
	assert_int_not_equal(child, -1);
	(void)close(ends[1]);
	out = ends[0];
}
#define TAIL_STARTS(...) tail_starts((const char *const[]){__VA_ARGS__, NULL})

static int
tail_ends(void)
{
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Reads as much as `want` has, or to the end; fails when it is something else. */
static void
assert_prints(const char *want)
{
	static char got[65536];
	size_t bytes = 0;
	while (bytes < strlen(want)) {
		ssize_t n = read(out, got + bytes, strlen(want) - bytes);
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	got[bytes] = '\0';
	assert_string_equal(got, want);
}

static void
assert_prints_no_more(void)
{
	char more[1];
	assert_int_equal(read(out, more, sizeof(more)), 0);
}

/* ---- once ---------------------------------------------------------------------------------- */

/* Without following: all lines that match, for people. */
static void
prints_what_is_there(void **state)
{
	(void)state;
	scratch_write("log", LINE("failover", "shop") "broken\n" LINE("failback", "other"));
	TAIL_STARTS("--no-follow", scratch_path("log"));
	assert_prints("T failover       shop a -> b\n?? broken\nT failback       other a -> b\n");
	assert_prints_no_more();
	assert_int_equal(tail_ends(), 0);
}

/* Options may stand behind the file; -n counts the lines that match. */
static void
prints_the_last_that_match(void **state)
{
	(void)state;
	scratch_write("log", LINE("failover", "one") LINE("failback", "x") LINE("failover", "two")
				 LINE("failover", "three") LINE("failback", "y"));
	TAIL_STARTS(scratch_path("log"), "-n", "2", "--event=failover,reload", "--no-follow",
		    "--color", "always");
	assert_prints("\x1b[2mT\x1b[0m \x1b[33mfailover\x1b[0m       two a -> b\n"
		      "\x1b[2mT\x1b[0m \x1b[33mfailover\x1b[0m       three a -> b\n");
	assert_prints_no_more();
	assert_int_equal(tail_ends(), 0);
}

/* --json passes lines through to the byte; what is broken goes to stderr. */
static void
passes_json_through(void **state)
{
	(void)state;
	scratch_write("log", "{ \"event\":\"failover\",  \"ts\":\"T\" }\n\x1b[2Jbroken\n"
			     "{\"ts\":\"\\u001b\",\"event\":\"reload\"}\n" LINE("failback", "x"));
	TAIL_STARTS("--json", "--color=always", "--event", "failover", "--event", "reload",
		    "--no-follow", scratch_path("log"));
	assert_prints("{ \"event\":\"failover\",  \"ts\":\"T\" }\n"
		      "{\"ts\":\"\\u001b\",\"event\":\"reload\"}\n");
	assert_prints_no_more();
	assert_int_equal(tail_ends(), 0);
	assert_string_equal(scratch_read("err"), "?? \\x1b[2Jbroken\n");
}

/* The log that a configuration names. */
static void
asks_the_configuration(void **state)
{
	(void)state;
	char text[1024];
	(void)snprintf(text, sizeof(text),
		       "listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
		       "log = { failover = \"%s\"; };\n"
		       "services = ( { name = \"shop\"; members = ( { id = \"a\"; origin = "
		       "\"127.0.0.1:9001\"; } ); } );\n",
		       scratch_path("log"));
	scratch_write("conf", text);
	scratch_write("log", LINE("failover", "shop"));
	TAIL_STARTS("-c", scratch_path("conf"), "--no-follow");
	assert_prints("T failover       shop a -> b\n");
	assert_int_equal(tail_ends(), 0);
}

/* ---- following ----------------------------------------------------------------------------- */

/* The last ten, then what is added, across a move, until a signal: exit 0. */
static void
follows_until_a_signal(void **state)
{
	(void)state;
	scratch_write("log", LINE("failback", "old"));
	for (int i = 0; i < 10; i++)
		scratch_write("log", LINE("failover", "shop"));
	TAIL_STARTS(scratch_path("log"));
	for (int i = 0; i < 10; i++)
		assert_prints("T failover       shop a -> b\n");
	scratch_write("log", LINE("failback", "added"));
	assert_prints("T failback       added a -> b\n");
	assert_int_equal(rename(scratch_path("log"), scratch_path("log.1")), 0);
	scratch_write("log", LINE("failback", "moved"));
	assert_prints("T failback       moved a -> b\n");
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(tail_ends(), 0);
}

/* A log that is not there yet is waited for, and that is said once. */
static void
waits_for_the_log(void **state)
{
	(void)state;
	TAIL_STARTS("-f", scratch_path("log"));
	WAIT_FOR(strstr(scratch_read("err"), "waiting for the log") != NULL);
	scratch_write("log", LINE("failover", "shop"));
	assert_prints("T failover       shop a -> b\n");
	assert_int_equal(kill(child, SIGINT), 0);
	assert_int_equal(tail_ends(), 0);
}

/* Its reader went away: it ends by itself, without a further line, exit 0. */
static void
ends_with_its_reader(void **state)
{
	(void)state;
	scratch_write("log", LINE("failover", "shop"));
	TAIL_STARTS("-n", "1", scratch_path("log"));
	assert_prints("T failover       shop a -> b\n");
	(void)close(out);
	out = -1;
	assert_int_equal(tail_ends(), 0);
}

/* ---- refused ------------------------------------------------------------------------------- */

static void
assert_refused(const char *const *words, int code, const char *part)
{
	tail_starts(words);
	assert_prints_no_more();
	assert_int_equal(tail_ends(), code);
	const char *said = scratch_read("err");
	if (strstr(said, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, said);
	assert_ptr_equal(strstr(said, "holdfast tail: "), said);
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	(void)close(out);
	out = -1;
}
#define ASSERT_REFUSED(code, part, ...) \
	assert_refused((const char *const[]){__VA_ARGS__, NULL}, code, part)

/* What makes no sense is refused in one line that says what. */
static void
refuses_bad_usage(void **state)
{
	(void)state;
	static const char log[] = "/nowhere/log";
	ASSERT_REFUSED(EXIT_USAGE, "give the failover log", NULL);
	ASSERT_REFUSED(EXIT_USAGE, "give the failover log", log, "-c", "x");
	ASSERT_REFUSED(EXIT_USAGE, "more than one file", log, "b");
	ASSERT_REFUSED(EXIT_USAGE, "unknown event \"nonsense\"; known: failover failback", log,
		       "--event", "failover,nonsense");
	ASSERT_REFUSED(EXIT_USAGE, "hex digits", log, "--session", "xyz");
	ASSERT_REFUSED(EXIT_USAGE, "not a number", log, "-n", "-3");
	ASSERT_REFUSED(EXIT_USAGE, "auto, always or never", log, "--color", "blue");
	ASSERT_REFUSED(EXIT_USAGE, "--nonsense: unknown option", log, "--nonsense");
	ASSERT_REFUSED(EXIT_USAGE, "-n: a value is wanted", log, "-n");
	ASSERT_REFUSED(EXIT_NEGATIVE, "No such file", log, "--no-follow");
	ASSERT_REFUSED(EXIT_NEGATIVE, "not a file", "/", "--no-follow");
}

/* A configuration that names no log. */
static void
refuses_a_configuration_without_log(void **state)
{
	(void)state;
	scratch_write("conf", "listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
			      "services = ( { name = \"shop\"; members = ( { id = \"a\"; origin = "
			      "\"127.0.0.1:9001\"; } ); } );\n");
	ASSERT_REFUSED(EXIT_USAGE, "no log.failover", "-c", scratch_path("conf"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(prints_what_is_there, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(prints_the_last_that_match, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(passes_json_through, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(asks_the_configuration, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(follows_until_a_signal, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(waits_for_the_log, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(ends_with_its_reader, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(refuses_bad_usage, scratch_make, stop),
	    cmocka_unit_test_setup_teardown(refuses_a_configuration_without_log, scratch_make,
					    stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
