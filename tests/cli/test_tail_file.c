/* test_tail_file.c: every line once and whole, through growth, rotation and truncation. */
#include "cli/tail_file.h"

#include "../record/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct tail_file file;

static int
start(void **state)
{
	if (scratch_make(state) != 0)
		return -1;
	static char path[160];
	(void)snprintf(path, sizeof(path), "%s", scratch_path("log"));
	tail_file_init(&file, path);
	return 0;
}

static int
stop(void **state)
{
	tail_file_deinit(&file);
	return scratch_remove(state);
}

static void
open_with(const char *text)
{
	struct problem p = {""};
	scratch_write("log", text);
	if (tail_file_open(&file, &p) != RESULT_OK)
		fail_msg("%s", p.text);
}

/* What there is to read now, with '|' behind each line. */
static void
assert_reads(const char *want)
{
	char got[512];
	struct writer w = writer_on(got, sizeof(got));
	struct slice line;
	while (tail_file_next(&file, &line)) {
		write_slice(&w, line);
		write_char(&w, '|');
	}
	assert_string_equal(writer_text(&w), want);
}

static void
move(const char *from, const char *to)
{
	assert_int_equal(rename(scratch_path(from), scratch_path(to)), 0);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Lines as they come; half a line waits for its other half. */
static void
reads_what_is_added(void **state)
{
	(void)state;
	open_with("one\n\ntwo\nthr");
	assert_reads("one||two|");
	assert_false(tail_file_follow(&file, 1000));
	scratch_write("log", "ee\nfo");
	assert_reads("three|");
	scratch_write("log", "ur\n");
	assert_reads("four|");
	assert_reads("");
}

/* At the end of all, half a line is a line. */
static void
reads_what_is_left_at_the_end(void **state)
{
	(void)state;
	open_with("one\ntw");
	file.end = true;
	assert_reads("one|tw|");
}

/* A line that is too long is cut, and the next one is whole. */
static void
cuts_long_lines(void **state)
{
	(void)state;
	static char text[3 * TAIL_BLOCK_BYTES];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	open_with(text);
	scratch_write("log", "next\n");
	struct slice line;
	assert_true(tail_file_next(&file, &line));
	assert_int_equal(line.bytes, TAIL_LINE_BYTES_MAX);
	assert_reads("next|");
}

/* What cannot be followed is refused: none, a directory. */
static void
refuses_what_is_no_file(void **state)
{
	(void)state;
	struct problem p = {""};
	assert_int_equal(tail_file_open(&file, &p), RESULT_NOT_FOUND);
	assert_int_equal(mkdir(file.path, 0755), 0);
	assert_int_equal(tail_file_open(&file, &p), RESULT_INVALID);
	assert_int_equal(file.fd, -1);
}

/* ---- the last lines ------------------------------------------------------------------------ */

static bool
begins_with(const void *context, struct slice line)
{
	return slice_has_prefix(line, slice_of(context));
}

static void
finds_the_last_lines(void **state)
{
	(void)state;
	open_with("a1\nb1\na2\nb2\na3\n");
	tail_file_seek_last(&file, 2, begins_with, "");
	assert_reads("b2|a3|");
	tail_file_seek_last(&file, 2, begins_with, "a");
	assert_reads("b1|a2|b2|a3|"); /* what stands between is for the filter to leave out */
	tail_file_seek_last(&file, 1, begins_with, "b");
	assert_reads("a2|b2|a3|");
	tail_file_seek_last(&file, 9, begins_with, "b");
	assert_reads("a1|b1|a2|b2|a3|");
	tail_file_seek_last(&file, 0, begins_with, "a");
	assert_reads("");
	scratch_write("log", "a4\n");
	assert_reads("a4|");
}

/* In a file of many blocks, wherever the matching lines stand. */
static void
finds_the_last_lines_far_back(void **state)
{
	(void)state;
	static char text[8 * TAIL_BLOCK_BYTES];
	struct writer w = writer_on(text, sizeof(text));
	for (unsigned i = 0; w.bytes + 64 < sizeof(text); i++)
		write_format(&w, "%c%u padding padding\n", i % 7000 == 50 ? 'a' : 'b', i);
	open_with(writer_text(&w));
	struct slice line;
	tail_file_seek_last(&file, 2, begins_with, "a");
	unsigned matches = 0;
	while (tail_file_next(&file, &line))
		matches += begins_with("a", line);
	assert_int_equal(matches, 2);
	tail_file_seek_last(&file, 1000, begins_with, "a");
	assert_true(tail_file_next(&file, &line));
	assert_true(slice_equal(line, SLICE("b0 padding padding")));
	/* Each count gives a line that was written, never the rest of one. */
	for (uint64_t count = 1; count < 20000; count += 997) {
		uint64_t left = 0;
		tail_file_seek_last(&file, count, begins_with, "");
		while (tail_file_next(&file, &line)) {
			assert_true(begins_with("a", line) || begins_with("b", line));
			left++;
		}
		assert_int_equal(left, count);
	}
}

/* ---- rotation ------------------------------------------------------------------------------ */

/* Moved and made anew: all of the old one first, with what its writer still added, then the new. */
static void
survives_a_move(void **state)
{
	(void)state;
	open_with("one\n");
	assert_reads("one|");
	move("log", "log.1");
	assert_false(tail_file_follow(&file, 1000));
	scratch_write("log.1", "two\n");
	scratch_write("log", "three\n");
	assert_false(tail_file_follow(&file, 1100));
	assert_reads("two|");
	assert_true(tail_file_follow(&file, 1200));
	assert_reads("three|");
	assert_false(tail_file_follow(&file, 1300));
}

/* As long as the new file is empty its writer may be at the old one, but not for ever. */
static void
lingers_at_the_old_file(void **state)
{
	(void)state;
	open_with("");
	move("log", "log.1");
	scratch_write("log", "");
	assert_false(tail_file_follow(&file, 1000));
	assert_false(tail_file_follow(&file, 1000 + TAIL_LINGER_MS - 1));
	scratch_write("log.1", "late\n");
	assert_reads("late|");
	assert_true(tail_file_follow(&file, 1000 + TAIL_LINGER_MS));
	scratch_write("log", "new\n");
	assert_reads("new|");
}

/* Half a line that the old file ends with is shown before the new one. */
static void
leaves_no_half_line_behind(void **state)
{
	(void)state;
	open_with("tor");
	assert_reads("");
	move("log", "log.1");
	scratch_write("log", "new\n");
	assert_false(tail_file_follow(&file, 1000));
	assert_true(tail_file_follow(&file, 1100));
	assert_reads("tor|");
	assert_true(tail_file_follow(&file, 1200));
	assert_reads("new|");
}

/* Truncated: from its beginning again. */
static void
survives_truncation(void **state)
{
	(void)state;
	open_with("one\ntwo\nthr");
	assert_reads("one|two|");
	assert_int_equal(truncate(file.path, 0), 0);
	assert_true(tail_file_follow(&file, 1000));
	assert_reads("");
	assert_false(tail_file_follow(&file, 1100));
	scratch_write("log", "new\n");
	assert_reads("new|");
}

/* Not there yet: it is read from its beginning when it comes. */
static void
waits_for_the_file(void **state)
{
	(void)state;
	assert_false(tail_file_follow(&file, 1000));
	assert_reads("");
	scratch_write("log", "one\n");
	assert_true(tail_file_follow(&file, 1100));
	assert_reads("one|");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(reads_what_is_added, start, stop),
	    cmocka_unit_test_setup_teardown(reads_what_is_left_at_the_end, start, stop),
	    cmocka_unit_test_setup_teardown(cuts_long_lines, start, stop),
	    cmocka_unit_test_setup_teardown(refuses_what_is_no_file, start, stop),
	    cmocka_unit_test_setup_teardown(finds_the_last_lines, start, stop),
	    cmocka_unit_test_setup_teardown(finds_the_last_lines_far_back, start, stop),
	    cmocka_unit_test_setup_teardown(survives_a_move, start, stop),
	    cmocka_unit_test_setup_teardown(lingers_at_the_old_file, start, stop),
	    cmocka_unit_test_setup_teardown(leaves_no_half_line_behind, start, stop),
	    cmocka_unit_test_setup_teardown(survives_truncation, start, stop),
	    cmocka_unit_test_setup_teardown(waits_for_the_file, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
