/* test_log_line.c: lines in RFC 5424's form and as fields of the journal. */
#include "record/log_line.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct log_origin origin = {"gate", 16, 4711};
static char text[LOG_DATAGRAM_BYTES_MAX];

static const char *
syslog_of(enum log_kind kind, struct slice line)
{
	struct writer w = writer_on(text, sizeof(text) - 1);
	write_syslog_line(&w, &origin, kind, line, 1000);
	text[w.bytes] = '\0';
	return text;
}

static const char *
entry_of(enum log_kind kind, struct slice line)
{
	struct writer w = writer_on(text, sizeof(text) - 1);
	write_journal_entry(&w, &origin, kind, line);
	text[w.bytes] = '\0';
	return text;
}

#define MOVED                                                                                   \
	"{\"ts\":\"2026-01-31T12:00:00.000Z\",\"event\":\"failover\",\"service\":\"a\\\"b\","   \
	"\"evidence\":null,\"order\":[\"b\",\"x,y}\"],\"skipped\":[{\"id\":\"a\"}],\"rank\":1," \
	"\"estimated\":false,\"chosen\":\"b\"}"

static void
syslog_has_event_and_severity(void **state)
{
	(void)state;
	assert_string_equal(syslog_of(LOG_FAILOVER, SLICE(MOVED)),
			    "<132>1 2026-01-31T12:00:00.000Z gate holdfast 4711 failover - " MOVED);
	assert_string_equal(
	    syslog_of(LOG_FAILOVER, SLICE("{\"ts\":\"T\",\"event\":\"no_live_member\"}")),
	    "<131>1 T gate holdfast 4711 no_live_member - "
	    "{\"ts\":\"T\",\"event\":\"no_live_member\"}");
	assert_string_equal(syslog_of(LOG_FAILOVER, SLICE("{\"event\":\"reload\"}")),
			    "<133>1 1970-01-01T00:00:01.000Z gate holdfast 4711 reload - "
			    "{\"event\":\"reload\"}");
	assert_string_equal(syslog_of(LOG_ACCESS, SLICE("127.0.0.1 - - [x] \"GET / HTTP/1.1\"")),
			    "<134>1 1970-01-01T00:00:01.000Z gate holdfast 4711 access - "
			    "127.0.0.1 - - [x] \"GET / HTTP/1.1\"");
	assert_string_equal(
	    syslog_of(LOG_PROCESS, SLICE("2026-01-31T12:00:00.000Z error: it broke\x1b[1m")),
	    "<131>1 2026-01-31T12:00:00.000Z gate holdfast 4711 process - it broke\\x1b[1m");
	assert_non_null(strstr(syslog_of(LOG_PROCESS, SLICE("T debug: x")), "<135>1 T "));
	assert_non_null(strstr(syslog_of(LOG_PROCESS, SLICE("odd")), " process - odd"));
}

static void
journal_has_fields(void **state)
{
	(void)state;
	assert_string_equal(entry_of(LOG_FAILOVER, SLICE(MOVED)),
			    "MESSAGE=" MOVED "\nPRIORITY=4\nSYSLOG_FACILITY=16\nSYSLOG_PID=4711\n"
			    "SYSLOG_IDENTIFIER=holdfast\nHOLDFAST_LOG=failover\n"
			    "HOLDFAST_TS=2026-01-31T12:00:00.000Z\nHOLDFAST_EVENT=failover\n"
			    "HOLDFAST_SERVICE=a\\\"b\nHOLDFAST_RANK=1\nHOLDFAST_ESTIMATED=false\n"
			    "HOLDFAST_CHOSEN=b\n");
	/* A line feed would begin a field of somebody else's choice. */
	assert_string_equal(entry_of(LOG_PROCESS, SLICE("T warn: a\nPRIORITY=0\x7f")),
			    "MESSAGE=a\\x0aPRIORITY=0\\x7f\nPRIORITY=4\nSYSLOG_FACILITY=16\n"
			    "SYSLOG_PID=4711\nSYSLOG_IDENTIFIER=holdfast\nHOLDFAST_LOG=process\n");
}

/* Whatever is cut off, the scan ends inside of the line. */
static void
broken_lines_end(void **state)
{
	(void)state;
	struct slice whole = SLICE(MOVED);
	for (size_t bytes = 0; bytes < whole.bytes; bytes++) {
		char line[sizeof(MOVED)];
		memcpy(line, whole.at, bytes);
		const char *entry = entry_of(LOG_FAILOVER, (struct slice){line, bytes});
		assert_non_null(strstr(entry, "HOLDFAST_LOG=failover\n"));
	}
}

static void
what_does_not_fit_is_cut(void **state)
{
	(void)state;
	char small[64];
	struct writer w = writer_on(small, sizeof(small));
	write_syslog_line(&w, &origin, LOG_PROCESS,
			  SLICE("T info: a text that is too long for so small a place"), 0);
	assert_int_equal(w.bytes, sizeof(small));
	assert_memory_equal(small, "<134>1 T gate holdfast 4711 process - a text", 44);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(syslog_has_event_and_severity),
	    cmocka_unit_test(journal_has_fields),
	    cmocka_unit_test(broken_lines_end),
	    cmocka_unit_test(what_does_not_fit_is_cut),
	};
	return cmocka_run_group_tests_name("log_line", tests, NULL, NULL);
}
