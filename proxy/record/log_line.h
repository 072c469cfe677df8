/*
 * log_line.h: a line of one of the three logs as others take it: with a severity and a name for
 * what it tells of, in RFC 5424's form, or as fields of systemd's journal. Pure.
 */
#ifndef HOLDFAST_RECORD_LOG_LINE_H
#define HOLDFAST_RECORD_LOG_LINE_H

#include "base/text.h"

#define LOG_DATAGRAM_BYTES_MAX 32768 /* the longest line of all, and its fields */
#define LOG_FIELDS_MAX         64    /* of one JSON line */

enum log_kind { LOG_FAILOVER, LOG_ACCESS, LOG_PROCESS };

/* RFC 5424 section 6.2.1; as in syslog(3). */
enum log_severity {
	SEVERITY_ERROR = 3,
	SEVERITY_WARNING = 4,
	SEVERITY_NOTICE = 5,
	SEVERITY_INFO = 6,
	SEVERITY_DEBUG = 7
};

#define LOG_FACILITY_DEFAULT 3 /* daemon */

/* Who writes. */
struct log_origin {
	const char *host;  /* "-": not known */
	unsigned facility; /* 0 to 23 */
	int pid;
};

/* Slices of the line. */
struct log_facts {
	enum log_severity severity;
	struct slice time;    /* RFC 3339, UTC; empty: not said */
	struct slice name;    /* the event, "access" or "process" */
	struct slice message; /* for the journal: the line, without time and level if it has them */
	bool json;
};
struct log_facts log_line_facts(enum log_kind kind, struct slice line);

/*
 * "<30>1 2026-01-31T12:00:00.000Z host holdfast 4711 failover - {...}"; `line` without its '\n';
 * now_ms: its time where it says none. What does not fit is cut.
 */
void write_syslog_line(struct writer *w, const struct log_origin *origin, enum log_kind kind,
		       struct slice line, uint64_t now_ms);

/*
 * One datagram of the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): MESSAGE,
 * PRIORITY, SYSLOG_IDENTIFIER, SYSLOG_FACILITY, SYSLOG_PID, HOLDFAST_LOG, and of a JSON line each
 * text, number and truth as HOLDFAST_ and its name in capitals, texts as the line escapes them. No
 * control reaches the journal.
 */
void write_journal_entry(struct writer *w, const struct log_origin *origin, enum log_kind kind,
			 struct slice line);

#endif
