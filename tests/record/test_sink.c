/*
 * test_sink.c: lines reach the file whole and in order, and nothing that happens to the file
 * stops whoever appends. The process log is caught, so what is said of trouble can be counted.
 */
#include "record/sink.h"

#include "base/log.h"
#include "scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

#define THREADS      4
#define THREAD_LINES 2000

static struct sink *sink;

/* ---- the process log, caught --------------------------------------------------------------- */

static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static char said[8192];
static unsigned said_count;

void
log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)pthread_mutex_lock(&said_lock);
	size_t used = strlen(said);
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(said + used, sizeof(said) - used, format, ap);
	va_end(ap);
	said_count++;
	(void)pthread_mutex_unlock(&said_lock);
}

void
log_aside(enum log_level level, const char *format, ...)
{
	(void)level;
	fail_msg("not of the process log: %s", format);
}

static unsigned
said_so_far(void)
{
	(void)pthread_mutex_lock(&said_lock);
	unsigned count = said_count;
	(void)pthread_mutex_unlock(&said_lock);
	return count;
}

static void
assert_said(const char *part)
{
	(void)pthread_mutex_lock(&said_lock);
	if (strstr(said, part) == NULL)
		fail_msg("\"%s\" was not said, but: %s", part, said);
	(void)pthread_mutex_unlock(&said_lock);
}

/* ---- fixture ------------------------------------------------------------------------------- */

static int
start(void **state)
{
	said[0] = '\0';
	said_count = 0;
	return scratch_make(state);
}

static int
stop(void **state)
{
	sink_free(&sink);
	return scratch_remove(state);
}

static void
sink_on(const char *path)
{
	struct problem p = {""};
	if (sink_create(LOG_ACCESS, path, &sink, &p) != RESULT_OK)
		fail_msg("%s", p.text);
}

static void
append(const char *line)
{
	sink_append(sink, slice_of(line));
}

static bool
holds(const char *name, const char *text)
{
	return strcmp(scratch_read(name), text) == 0;
}

static void
move(const char *from, const char *to)
{
	assert_int_equal(rename(scratch_path(from), scratch_path(to)), 0);
}

/* What the file may grow to; RLIM_INFINITY: as it likes. */
static void
file_bytes_max(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---- a file that is well ------------------------------------------------------------------- */

/* A line appears soon, without anybody asking; the file is made, readable by its group. */
static void
writes_a_line(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	append("one\n");
	WAIT_FOR(holds("log", "one\n"));
	append("two\nthree\n");
	WAIT_FOR(holds("log", "one\ntwo\nthree\n"));
	struct stat st;
	assert_int_equal(stat(scratch_path("log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(said_so_far(), 0);
	assert_int_equal(sink_lost(sink), 0);
}

/* What was there before stays. */
static void
appends_to_what_is_there(void **state)
{
	(void)state;
	scratch_write("log", "old\n");
	sink_on(scratch_path("log"));
	append("new\n");
	sink_free(&sink);
	assert_string_equal(scratch_read("log"), "old\nnew\n");
}

/* Freeing writes what waits, and nothing is lost on the way. */
static void
free_writes_what_waits(void **state)
{
	(void)state;
	static char want[10000 * 8];
	size_t bytes = 0;
	sink_on(scratch_path("log"));
	for (int i = 0; i < 10000; i++) {
		char line[16];
		int n = snprintf(line, sizeof(line), "%06d\n", i);
		sink_append(sink, (struct slice){line, (size_t)n});
		memcpy(want + bytes, line, (size_t)n);
		bytes += (size_t)n;
	}
	want[bytes] = '\0';
	sink_free(&sink);
	assert_null(sink);
	assert_string_equal(scratch_read("log"), want);
	sink_free(&sink); /* NULL is allowed */
}

static void *
append_many(void *number)
{
	for (int i = 0; i < THREAD_LINES; i++) {
		char line[32];
		int n = snprintf(line, sizeof(line), "%d %d\n", *(const int *)number, i);
		sink_append(sink, (struct slice){line, (size_t)n});
	}
	return NULL;
}

/* Lines of several threads never mix, and each thread's stand in its order. */
static void
takes_lines_of_many_threads(void **state)
{
	(void)state;
	pthread_t thread[THREADS];
	int number[THREADS];
	int next[THREADS] = {0};
	sink_on(scratch_path("log"));
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, append_many, &number[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(sink_lost(sink), 0);
	sink_free(&sink);
	const char *at = scratch_read("log");
	int lines = 0;
	for (; *at != '\0'; lines++) {
		char *end;
		long who = strtol(at, &end, 10);
		long count = strtol(end, &end, 10);
		assert_in_range(who, 0, THREADS - 1);
		assert_int_equal(count, next[who]++);
		assert_int_equal(*end, '\n');
		at = end + 1;
	}
	assert_int_equal(lines, THREADS * THREAD_LINES);
}

/* ---- rotation ------------------------------------------------------------------------------ */

/* A file that was moved is found out without being told; the old one keeps what it had. */
static void
follows_its_path(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	append("old\n");
	WAIT_FOR(holds("log", "old\n"));
	move("log", "log.1");
	WAIT_FOR(access(scratch_path("log"), F_OK) == 0);
	append("new\n");
	WAIT_FOR(holds("log", "new\n"));
	assert_string_equal(scratch_read("log.1"), "old\n");
	assert_int_equal(unlink(scratch_path("log")), 0);
	WAIT_FOR(access(scratch_path("log"), F_OK) == 0);
	assert_int_equal(said_so_far(), 0);
}

/* Told to, it opens its path at once. */
static void
reopens_when_told(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	append("old\n");
	WAIT_FOR(holds("log", "old\n"));
	move("log", "log.1");
	sink_reopen(sink);
	WAIT_FOR(access(scratch_path("log"), F_OK) == 0);
	append("new\n");
	sink_free(&sink);
	assert_string_equal(scratch_read("log"), "new\n");
	assert_string_equal(scratch_read("log.1"), "old\n");
}

/* Lines go where the last redirection says; also to a path that was waited for in vain before. */
static void
goes_elsewhere_when_told(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	append("old\n");
	WAIT_FOR(holds("log", "old\n"));
	assert_true(sink_redirect(sink, scratch_path("nowhere/log")));
	assert_true(sink_redirect(sink, scratch_path("other")));
	WAIT_FOR(access(scratch_path("other"), F_OK) == 0);
	append("new\n");
	sink_free(&sink);
	assert_string_equal(scratch_read("other"), "new\n");
	assert_string_equal(scratch_read("log"), "old\n");
}

/* ---- trouble ------------------------------------------------------------------------------- */

/* A missing directory is said once; when it is there, what waited is written and that is said. */
static void
waits_for_its_directory(void **state)
{
	(void)state;
	sink_on(scratch_path("dir/log"));
	assert_int_equal(said_so_far(), 1);
	assert_said("No such file or directory");
	append("one\n");
	sink_reopen(sink);
	append("two\n");
	sink_reopen(sink);
	assert_int_equal(mkdir(scratch_path("dir"), 0755), 0);
	WAIT_FOR(holds("dir/log", "one\ntwo\n"));
	WAIT_FOR(said_so_far() == 2);
	assert_said("is written again; lines lost meanwhile: 0");
}

/* A full disk: appending goes on, what finds no room is counted to the line, and both are said. */
static void
counts_what_a_full_disk_loses(void **state)
{
	(void)state;
	static char block[64 * 1024];
	memset(block, 'x', sizeof(block));
	for (size_t i = 1023; i < sizeof(block); i += 1024)
		block[i] = '\n';
	assert_int_equal(symlink("/dev/full", scratch_path("log")), 0);
	sink_on(scratch_path("log"));
	append("first\n");
	WAIT_FOR(said_so_far() == 1);
	assert_said("No space left on device");
	uint64_t appended = 0;
	while (sink_lost(sink) == 0) {
		sink_append(sink, (struct slice){block, sizeof(block)});
		appended += sizeof(block) / 1024;
		assert_true(appended <= SINK_BYTES_MAX / 1024 + sizeof(block) / 1024);
	}
	assert_int_equal(sink_lost(sink), sizeof(block) / 1024);
	assert_int_equal(said_so_far(), 1);

	assert_int_equal(unlink(scratch_path("log")), 0);
	WAIT_FOR(said_so_far() == 2);
	assert_said("lines lost meanwhile: 64");
	sink_free(&sink);
	const char *text = scratch_read("log");
	assert_int_equal(strncmp(text, "first\n", 6), 0);
	assert_int_equal(strlen(text), 6 + (appended - 64) * 1024);
}

/* A line that was written in part is completed when there is room again. */
static void
completes_a_torn_line(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	file_bytes_max(6);
	append("0123\n5678\n");
	WAIT_FOR(said_so_far() == 1);
	bool torn = holds("log", "0123\n5");
	file_bytes_max(RLIM_INFINITY);
	assert_true(torn);
	WAIT_FOR(holds("log", "0123\n5678\n"));
	WAIT_FOR(said_so_far() == 2);
}

/* ... and if the file was moved meanwhile, the new one gets it whole. */
static void
gives_a_torn_line_to_the_new_file_whole(void **state)
{
	(void)state;
	sink_on(scratch_path("log"));
	file_bytes_max(6);
	append("0123\n5678\n");
	WAIT_FOR(said_so_far() == 1);
	move("log", "log.1");
	file_bytes_max(RLIM_INFINITY);
	WAIT_FOR(holds("log", "5678\n"));
	assert_string_equal(scratch_read("log.1"), "0123\n5");
}

/* More than fits at once is not waited for. */
static void
refuses_what_can_never_fit(void **state)
{
	(void)state;
	char *huge = calloc(1, SINK_BYTES_MAX);
	assert_non_null(huge);
	huge[SINK_BYTES_MAX - 1] = '\n';
	sink_on(scratch_path("log"));
	sink_append(sink, (struct slice){huge, SINK_BYTES_MAX});
	free(huge);
	assert_int_equal(sink_lost(sink), 1);
	append("next\n");
	WAIT_FOR(holds("log", "next\n"));
	WAIT_FOR(said_so_far() == 1);
	assert_said("faster than they could be written: 1");
}

/* Freeing what cannot be written comes to an end and says what is lost. */
static void
gives_up_at_the_end(void **state)
{
	(void)state;
	sink_on(scratch_path("nowhere/log"));
	append("one\ntwo\n");
	sink_free(&sink);
	assert_said("lines lost at the end: 2");
}

/* ---- pipes --------------------------------------------------------------------------------- */

/* A FIFO that nobody reads holds nothing up; a reader gets what waited. */
static void
waits_for_a_reader(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	sink_on(scratch_path("fifo"));
	append("one\n");
	assert_int_equal(said_so_far(), 1);
	int fd = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	char line[8];
	WAIT_FOR(read(fd, line, sizeof(line)) == 4);
	assert_memory_equal(line, "one\n", 4);
	(void)close(fd);
}

/* stderr that goes to a pipe which nobody empties: sink_free comes back all the same. */
static void
does_not_hang_on_stderr(void **state)
{
	(void)state;
	static char block[128 * 1024]; /* more than a pipe holds */
	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	int kept = dup(STDERR_FILENO);
	assert_int_not_equal(dup2(ends[1], STDERR_FILENO), -1);
	sink_on(NULL);
	append("one\n");
	char line[8] = "";
	ssize_t n = read(ends[0], line, sizeof(line));
	sink_append(sink, (struct slice){block, sizeof(block)});
	sink_free(&sink);
	assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
	assert_int_equal(n, 4);
	assert_string_equal(line, "one\n");
	assert_said("lines lost at the end: 1");
	(void)close(kept);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(writes_a_line, start, stop),
	    cmocka_unit_test_setup_teardown(appends_to_what_is_there, start, stop),
	    cmocka_unit_test_setup_teardown(free_writes_what_waits, start, stop),
	    cmocka_unit_test_setup_teardown(takes_lines_of_many_threads, start, stop),
	    cmocka_unit_test_setup_teardown(follows_its_path, start, stop),
	    cmocka_unit_test_setup_teardown(reopens_when_told, start, stop),
	    cmocka_unit_test_setup_teardown(goes_elsewhere_when_told, start, stop),
	    cmocka_unit_test_setup_teardown(waits_for_its_directory, start, stop),
	    cmocka_unit_test_setup_teardown(counts_what_a_full_disk_loses, start, stop),
	    cmocka_unit_test_setup_teardown(completes_a_torn_line, start, stop),
	    cmocka_unit_test_setup_teardown(gives_a_torn_line_to_the_new_file_whole, start, stop),
	    cmocka_unit_test_setup_teardown(refuses_what_can_never_fit, start, stop),
	    cmocka_unit_test_setup_teardown(gives_up_at_the_end, start, stop),
	    cmocka_unit_test_setup_teardown(waits_for_a_reader, start, stop),
	    cmocka_unit_test_setup_teardown(does_not_hang_on_stderr, start, stop),
	};
	(void)umask(022);
	(void)signal(SIGXFSZ, SIG_IGN); /* of file_bytes_max, when the test itself writes */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
