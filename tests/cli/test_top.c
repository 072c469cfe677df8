/* test_top.c: keys as terminals send them, rates and sequences, and screens of every size. */
#include "cli/top_draw.h"
#include "cli/top_terminal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- a node -----------------------------------------------------------------------------------
 */

#define ID_HOSTILE "a\x1b[31m\x07"

static struct top_sample
sample(int uptime_ms, int pid, int attempts)
{
	struct top_sample s = {.status = NULL};
	histograms_init(&s.latencies);
	s.status = json_pack(
	    "{s:s, s:s, s:i, s:{s:i, s:i}, s:i, s:[{s:s, s:{s:i, s:{}, s:{s:i}}, s:[{s:s, s:s, "
	    "s:s, s:i, "
	    "s:i, s:i}, {s:s, s:s, s:i, s:i, s:i}, {s:s, s:s, s:i, s:i, s:i}]}]}",
	    "node", "n1\x1b[2J", "version", "0", "uptime_ms", uptime_ms, "process", "pid", pid,
	    "cpu_ms", uptime_ms / 2, "workers", 2, "services", "name", "shop", "requests", "total",
	    attempts, "by_cause", "by_affinity", "failover", 0, "members", "id", ID_HOSTILE,
	    "state", "up", "zone", "z1", "active", 3, "attempts", attempts, "failures", 0, "id",
	    "b", "state", "down", "active", 0, "attempts", 5 * attempts, "failures", attempts, "id",
	    "c", "state", "drain", "active", 7, "attempts", 0, "failures", 0);
	assert_non_null(s.status);
	return s;
}

static void
take(struct top_model *m, int uptime_ms, int pid, int attempts)
{
	struct top_sample s = sample(uptime_ms, pid, attempts);
	assert_true(top_model_take(m, &s, NULL));
}

static void
rates_are_differences(void **state)
{
	struct top_model m;
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	assert_int_equal(m.member_count, 3);
	assert_true(isnan(m.member[0].rates.requests) && isnan(m.cpu));
	take(&m, 3000, 7, 300);
	assert_float_equal(m.seconds, 2, 1e-9);
	assert_float_equal(m.member[0].rates.requests, 100, 1e-9);
	assert_float_equal(m.member[1].rates.requests, 500, 1e-9);
	assert_float_equal(m.member[1].rates.failures, 100, 1e-9);
	assert_float_equal(m.service[0].rates.requests, 100, 1e-9);
	assert_float_equal(m.cpu, 0.5, 1e-9);
	top_model_deinit(&m);
}

static void
a_node_that_was_started_anew(void **state)
{
	struct top_model m;
	(void)state;
	top_model_init(&m);
	take(&m, 60000, 7, 100000);
	take(&m, 1000, 8, 1);
	assert_true(isnan(m.member[0].rates.requests));
	take(&m, 2000, 8, 11);
	assert_float_equal(m.member[0].rates.requests, 10, 1e-9);
	/* Counters that began anew within one process (a member that left and came) give no rate.
	 */
	take(&m, 3000, 8, 5);
	assert_true(isnan(m.member[0].rates.requests));
	top_model_deinit(&m);
}

static void
one_service_of_several(void **state)
{
	struct top_model m;
	struct top_sample s = sample(1000, 7, 1);
	(void)state;
	top_model_init(&m);
	assert_true(top_model_take(&m, &s, "other"));
	assert_int_equal(m.service_count + m.member_count, 0);
	top_model_deinit(&m);
}

static void
members_in_sequence(void **state)
{
	static const struct {
		enum top_sort sort;
		bool reverse;
		const char *ids; /* a stands for the first one */
	} cases[] = {
	    {TOP_SORT_CONFIGURED, false, "abc"}, {TOP_SORT_CONFIGURED, true, "cba"},
	    {TOP_SORT_STATE, false, "bca"},      {TOP_SORT_LOAD, false, "cab"},
	    {TOP_SORT_REQUESTS, false, "bac"},   {TOP_SORT_FAILURES, false, "bac"},
	    {TOP_SORT_FAILURES, true, "cab"},    {TOP_SORT_LATENCY, false, "abc"},
	    {TOP_SORT_NAME, true, "cba"},
	};
	struct top_model m;
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	take(&m, 2000, 7, 200);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		top_model_sort(&m, cases[i].sort, cases[i].reverse);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(m.member[k].id[0], cases[i].ids[k]);
	}
	top_model_deinit(&m);
}

/* ---- screens ----------------------------------------------------------------------------------
 */

/* Lines and columns of what was drawn; nothing but printable ASCII and the drawing's own sequences.
 */
static void
measure(const struct grow *out, size_t *lines, size_t *columns)
{
	size_t column = 0;
	*lines = 1;
	*columns = 0;
	for (size_t i = 0; i < out->bytes; i++) {
		char c = out->at[i];
		if (c == 0x1b) {
			assert_int_equal(out->at[i + 1], '[');
			i += 2;
			i += strspn(out->at + i, "0123456789;");
			assert_non_null(strchr("HKJm", out->at[i]));
		} else if (c == '\r') {
			assert_int_equal(out->at[i + 1], '\n');
		} else if (c == '\n') {
			(*lines)++;
			column = 0;
		} else {
			assert_true(c >= 0x20 && c < 0x7f);
			column++;
			*columns = column > *columns ? column : *columns;
		}
	}
}

static void
every_size(void **state)
{
	struct top_model m;
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	take(&m, 2000, 7, 200);
	for (size_t columns = 1; columns < 130; columns += columns < 60 ? 1 : 23) {
		for (size_t lines = 1; lines < 40; lines++) {
			for (int page = TOP_PAGE_MEMBERS; page <= TOP_PAGE_HELP; page++) {
				struct top_screen s = {.columns = columns,
						       .lines = lines,
						       .color = lines % 2 == 0,
						       .page = (enum top_page)page,
						       .where = "x\x1b:1",
						       .away = lines % 3 == 0 ? "g\x07one" : NULL};
				struct grow out;
				size_t drawn;
				size_t wide;
				grow_init(&out, TOP_BYTES_MAX);
				top_draw(&m, &s, &out);
				assert_false(out.failed);
				measure(&out, &drawn, &wide);
				assert_true(drawn <= lines && wide <= columns);
				grow_deinit(&out);
			}
		}
	}
	top_model_deinit(&m);
}

static void
text_of(const struct top_model *m, struct top_screen *s, char *text, size_t bytes)
{
	struct grow out;
	grow_init(&out, TOP_BYTES_MAX);
	top_draw(m, s, &out);
	assert_true(out.bytes < bytes);
	memcpy(text, out.at, out.bytes);
	text[out.bytes] = '\0';
	grow_deinit(&out);
}

static void
a_selection_is_seen(void **state)
{
	struct top_model m;
	char text[16384];
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	struct top_screen s = {
	    .columns = 80, .lines = 6, .where = "here", .selected = "shop/c", .color = true};
	text_of(&m, &s, text, sizeof(text));
	assert_non_null(strstr(text, ">c "));
	assert_null(strstr(text, " b "));
	assert_int_equal(s.first, 2);
	s.selected = "shop/gone"; /* it left: the first one is selected */
	text_of(&m, &s, text, sizeof(text));
	assert_non_null(strstr(text, ">a"));
	assert_int_equal(s.first, 0);
	top_model_deinit(&m);
}

/* Where lines are few the services make way, not the members. */
static void
members_are_seen_on_every_screen(void **state)
{
	struct top_model m;
	char text[16384];
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	for (size_t lines = TOP_LINES_MIN; lines < 40; lines++) {
		struct top_screen s = {.columns = 25, .lines = lines, .where = "here"};
		text_of(&m, &s, text, sizeof(text));
		assert_non_null(strstr(text, ">a"));
		assert_int_equal(strstr(text, "SERVICE") != NULL, lines >= 11);
	}
	top_model_deinit(&m);
}

static void
colours_can_be_left_out(void **state)
{
	struct top_model m;
	char text[16384];
	(void)state;
	top_model_init(&m);
	take(&m, 1000, 7, 100);
	struct top_screen s = {.columns = 80, .lines = 24, .where = "here", .color = true};
	text_of(&m, &s, text, sizeof(text));
	assert_non_null(strstr(text, "\x1b[31m"));
	s.color = false;
	text_of(&m, &s, text, sizeof(text));
	assert_null(strstr(text, "\x1b[3"));
	top_model_deinit(&m);
}

/* ---- keys -------------------------------------------------------------------------------------
 */

static void
keys_one_after_another(void **state)
{
	static const struct {
		const char *typed;
		enum top_key keys[4]; /* ends with none */
	} cases[] = {
	    {"q", {TOP_KEY_QUIT}},
	    {"\x1b[A", {TOP_KEY_UP}},
	    {"\x1bOB", {TOP_KEY_DOWN}},
	    {"\x1b[A\x1b[Bq", {TOP_KEY_UP, TOP_KEY_DOWN, TOP_KEY_QUIT}},
	    {"\x1b", {TOP_KEY_BACK}},
	    {"\x1bq", {TOP_KEY_BACK, TOP_KEY_QUIT}},
	    {"\x1b[5~\x1b[6~", {TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN}},
	    {"\x1b[1;5A", {TOP_KEY_UP}},
	    {"\x1b[1~\x1b[F", {TOP_KEY_HOME, TOP_KEY_END}},
	    {"\rs r", {TOP_KEY_ENTER, TOP_KEY_SORT, TOP_KEY_PAUSE, TOP_KEY_REVERSE}},
	    {"h?", {TOP_KEY_HELP, TOP_KEY_HELP}},
	    {"\x1b[", {TOP_KEY_NONE}},
	    {"\x1b[200~", {TOP_KEY_NONE}},
	    {"\x1b[99999", {TOP_KEY_NONE}},
	    {"\xff", {TOP_KEY_NONE}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice typed = slice_of(cases[i].typed);
		for (size_t k = 0; k < 4 && typed.bytes > 0; k++)
			assert_int_equal(top_key_next(&typed), cases[i].keys[k]);
		assert_int_equal(typed.bytes, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rates_are_differences),
	    cmocka_unit_test(a_node_that_was_started_anew),
	    cmocka_unit_test(one_service_of_several),
	    cmocka_unit_test(members_in_sequence),
	    cmocka_unit_test(every_size),
	    cmocka_unit_test(a_selection_is_seen),
	    cmocka_unit_test(members_are_seen_on_every_screen),
	    cmocka_unit_test(colours_can_be_left_out),
	    cmocka_unit_test(keys_one_after_another),
	};
	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
