/* A failover log that follows from itself, and logs of which one fact was changed. */
#include "cli/replay_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL "\"pool\":\"1d98a8396558d695\""

struct told {
	uint64_t faults;
	uint64_t line; /* of the last */
	char text[REPLAY_FAULT_BYTES];
};

static void
on_fault(void *context, uint64_t line, const char *text)
{
	struct told *t = context;
	t->faults++;
	t->line = line;
	(void)snprintf(t->text, sizeof(t->text), "%s", text);
}

static struct replay_counts
replay_all(const char *const *lines, size_t count, struct told *t)
{
	*t = (struct told){.faults = 0};
	struct replay *r = replay_create(on_fault, t);
	assert_non_null(r);
	for (size_t i = 0; i < count; i++)
		replay_line(r, slice_of(lines[i]));
	replay_end(r);
	struct replay_counts counts = *replay_counts(r);
	replay_free(&r);
	assert_int_equal(counts.faults, t->faults);
	return counts;
}

#define REPLAY(lines, told) replay_all((lines), sizeof(lines) / sizeof((lines)[0]), (told))

#define LINE(second, event, node, rest)                                                         \
	"{\"ts\":\"2026-01-31T12:00:" second ".250Z\",\"event\":\"" event "\",\"node\":\"" node \
	"\",\"service\":\"shop\"," POOL "," rest "}"
#define DOWN(second, node, member) LINE(second, "member_down", node, "\"member\":\"" member "\"")
#define UP(second, node, member)   LINE(second, "member_up", node, "\"member\":\"" member "\"")
#define MOVE(second, event, node, session, primary, from, chosen, rank, order, skipped) \
	LINE(second, event, node,                                                       \
	     "\"session\":\"" session "\",\"primary\":\"" primary "\",\"from\":" from   \
	     ",\"chosen\":\"" chosen "\",\"rank\":" rank ",\"order\":[" order           \
	     "],\"skipped\":[" skipped "]")
#define SKIPPED(id, why) "{\"id\":\"" id "\",\"why\":\"" why "\"}"

static void
a_whole_outage_follows(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    MOVE("01", "assigned", "n1", "aaaaaaaa", "a", "null", "a", "0", "\"a\",\"b\"", ""),
	    DOWN("02", "n1", "a"),
	    MOVE("03", "failover", "n1", "aaaaaaaa", "a", "\"a\"", "b", "1", "\"b\",\"c\"",
		 SKIPPED("a", "down")),
	    UP("10", "n1", "a"),
	    MOVE("11", "failback", "n1", "aaaaaaaa", "a", "\"b\"", "a", "0", "\"a\",\"b\"", ""),
	    LINE("12", "outage_summary", "n1",
		 "\"member\":\"a\",\"sessions_moved\":3,\"moved_elsewhere\":1,"
		 "\"moved_to\":[{\"id\":\"b\",\"count\":2}],\"estimated\":false"),
	};
	struct told told;
	struct replay_counts n = REPLAY(lines, &told);
	assert_string_equal(told.text, "");
	assert_int_equal(n.lines, 6);
	assert_int_equal(n.decisions, 3);
}

/* Each log has one fault, in its last line but those that follow it on purpose. */
static void
each_fault_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *lines[4];
		uint64_t line;
		const char *text;
	} cases[] = {
	    {{MOVE("01", "failover", "n1", "aaaaaaaa", "a", "\"a\"", "c", "2", "\"b\",\"c\"",
		   SKIPPED("a", "connect_refused"))},
	     1,
	     "b stands before c, and nothing says why"},
	    {{MOVE("01", "failover", "n1", "aaaaaaaa", "a", "\"a\"", "b", "1", "\"b\"",
		   SKIPPED("b", "connect_refused"))},
	     1,
	     "b is chosen, and skipped as connect_refused"},
	    {{MOVE("01", "failover", "n1", "aaaaaaaa", "a", "\"b\"", "b", "1", "\"b\"", "")},
	     1,
	     "a failover from b to itself"},
	    {{MOVE("01", "failback", "n1", "aaaaaaaa", "a", "\"c\"", "b", "1", "\"b\"", "")},
	     1,
	     "a failback to b, but the primary is a"},
	    {{MOVE("01", "failback", "n1", "aaaaaaaa", "a", "\"a\"", "a", "0", "\"a\"", "")},
	     1,
	     "a failback of a session that lived at its primary a"},
	    {{MOVE("01", "assigned", "n1", "aaaaaaaa", "a", "\"b\"", "a", "0", "\"a\"", "")},
	     1,
	     "a new session that lived at b"},
	    {{MOVE("01", "assigned", "n1", "aaaaaaaa", "a", "null", "a", "0", "\"a\"", ""),
	      MOVE("02", "assigned", "n2", "aaaaaaaa", "a", "null", "a", "1", "\"a\"", "")},
	     2,
	     "a has rank 1 for session aaaaaaaa, but had 0"},
	    {{UP("01", "n1", "a"),
	      MOVE("09", "failover", "n1", "aaaaaaaa", "a", "\"a\"", "b", "1", "\"b\"",
		   SKIPPED("a", "down")),
	      DOWN("15", "n1", "a")},
	     2,
	     "a is skipped as down, but n1 saw it come up"},
	    {{LINE("12", "outage_summary", "n1",
		   "\"member\":\"a\",\"sessions_moved\":3,\"moved_elsewhere\":0,"
		   "\"moved_to\":[{\"id\":\"b\",\"count\":2}],\"estimated\":false")},
	     1,
	     "3 sessions of a moved, but those who got them got 2"},
	    {{DOWN("12", "n1", "a"), UP("05", "n1", "a")}, 2, "n1 wrote it 7000 ms before"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct told told;
		size_t count = 0;
		while (count < 4 && cases[i].lines[count] != NULL)
			count++;
		struct replay_counts n = replay_all(cases[i].lines, count, &told);
		if (n.faults != 1 || strstr(told.text, cases[i].text) == NULL)
			fail_msg("case %zu: %d faults, the last: %s", i, (int)n.faults, told.text);
		assert_int_equal(told.line, cases[i].line);
	}
}

/* What other nodes saw, what came a moment late, and what was before a reload proves nothing. */
static void
what_is_unknown_is_no_fault(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    UP("01", "n2", "a"),
	    MOVE("09", "failover", "n1", "aaaaaaaa", "a", "\"a\"", "b", "1", "\"b\"",
		 SKIPPED("a", "down")),
	    UP("20", "n1", "b"),
	    MOVE("25", "failover", "n1", "bbbbbbbb", "b", "\"b\"", "a", "1", "\"a\"",
		 SKIPPED("b", "down")),
	    DOWN("26", "n1", "b"),
	    UP("30", "n1", "c"),
	    LINE("31", "reload", "n1", "\"reason\":\"signal\""),
	    MOVE("40", "failover", "n1", "cccccccc", "c", "\"c\"", "a", "1", "\"a\"",
		 SKIPPED("c", "down")),
	    MOVE("41", "assigned", "n1", "aaaaaaaa", "a", "null", "x", "null", "\"x\"", ""),
	};
	struct told told;
	(void)REPLAY(lines, &told);
	assert_string_equal(told.text, "");
}

static void
other_lines_are_counted(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "",
	    "no JSON",
	    "{\"event\":\"failover\"}",
	    "{\"ts\":\"yesterday\",\"event\":\"failover\"}",
	    "{\"ts\":\"2026-01-31T12:00:01.250Z\",\"event\":\"never heard of\"}",
	    ("{\"ts\":\"2026-01-31T12:00:01.250Z\",\"event\":\"failover\",\"order\":7,"
	     "\"skipped\":{\"a\":1},\"chosen\":\"b\",\"suppressed\":12}"),
	};
	struct told told;
	struct replay_counts n = REPLAY(lines, &told);
	assert_int_equal(n.broken, 4);
	assert_int_equal(n.suppressed, 12);
	assert_int_equal(n.faults, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_outage_follows),
	    cmocka_unit_test(each_fault_is_told),
	    cmocka_unit_test(what_is_unknown_is_no_fault),
	    cmocka_unit_test(other_lines_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
