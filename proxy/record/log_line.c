/* log_line.c: see log_line.h. Lines are our own: flat JSON in printable ASCII, or text. */
#include "record/log_line.h"

#include "base/clock.h"
#include "vocab.h"

#include <string.h>

#define IDENTIFIER "holdfast"

static const char *const kind_names[] = {"failover", "access", "process"};

/* ---- JSON lines -------------------------------------------------------------------------------
 */

/* Behind the text whose opening quote stands at `at`. */
static const char *
behind_text(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : end;
}

/* Behind a value: to the ',' or '}' of its own level. */
static const char *
behind_value(const char *at, const char *end)
{
	unsigned depth = 0;
	while (at < end && (depth > 0 || (*at != ',' && *at != '}'))) {
		if (*at == '"') {
			at = behind_text(at, end);
			continue;
		}
		depth += *at == '[' || *at == '{';
		depth -= *at == ']' || *at == '}';
		at++;
	}
	return at;
}

struct json_field {
	struct slice name;
	struct slice value; /* as it stands; of a text without its quotes */
	bool text;
};

/* The field at *from, which moves behind it. False: there is none. */
static bool
next_field(const char **from, const char *end, struct json_field *out)
{
	const char *at = *from;
	if (end - at < 4 || (*at != '{' && *at != ',') || at[1] != '"')
		return false;
	const char *name_end = behind_text(at + 1, end);
	if (name_end == end || *name_end != ':')
		return false;
	const char *value = name_end + 1;
	const char *value_end = behind_value(value, end);
	out->name = (struct slice){at + 2, (size_t)(name_end - at) - 3};
	out->text = value < value_end && *value == '"';
	out->value = (struct slice){value, (size_t)(value_end - value)};
	if (out->text)
		out->value = (struct slice){value + 1, (size_t)(value_end - value) - 2};
	*from = value_end;
	return true;
}

static struct slice
text_of(struct slice line, struct slice name)
{
	const char *at = line.at;
	struct json_field field;
	while (next_field(&at, line.at + line.bytes, &field)) {
		if (field.text && slice_equal(field.name, name))
			return field.value;
	}
	return SLICE_NONE;
}

/* ---- what a line says -------------------------------------------------------------------------
 */

static enum log_severity
severity_of_event(struct slice event)
{
	static const enum event_kind warnings[] = {
	    EVENT_FAILOVER,     EVENT_MEMBER_DOWN,     EVENT_MASTER_LOST,    EVENT_DISAGREE,
	    EVENT_TAG_REJECTED, EVENT_TICKET_REJECTED, EVENT_RELOAD_REFUSED, EVENT_RACE_FALLBACK,
	};
	if (slice_equal(event, slice_of(event_text(EVENT_NO_LIVE_MEMBER))))
		return SEVERITY_ERROR;
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		if (slice_equal(event, slice_of(event_text(warnings[i]))))
			return SEVERITY_WARNING;
	}
	return SEVERITY_NOTICE;
}

/* "2026-01-31T12:00:00.000Z warn: what happened": base/log.c. */
static void
read_process_line(struct slice line, struct log_facts *facts)
{
	static const struct {
		struct slice word;
		enum log_severity severity;
	} levels[] = {{{"error: ", 7}, SEVERITY_ERROR},
		      {{"warn: ", 6}, SEVERITY_WARNING},
		      {{"info: ", 6}, SEVERITY_INFO},
		      {{"debug: ", 7}, SEVERITY_DEBUG}};
	size_t space = slice_find(line, ' ');
	if (space == line.bytes)
		return;
	struct slice rest = {line.at + space + 1, line.bytes - space - 1};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!slice_has_prefix(rest, levels[i].word))
			continue;
		facts->severity = levels[i].severity;
		facts->time = (struct slice){line.at, space};
		facts->message = (struct slice){rest.at + levels[i].word.bytes,
						rest.bytes - levels[i].word.bytes};
	}
}

struct log_facts
log_line_facts(enum log_kind kind, struct slice line)
{
	struct log_facts facts = {.severity = SEVERITY_INFO,
				  .name = slice_of(kind_names[kind]),
				  .message = line,
				  .json = line.bytes > 0 && line.at[0] == '{'};
	if (kind == LOG_PROCESS)
		read_process_line(line, &facts);
	else if (facts.json)
		facts.time = text_of(line, SLICE("ts"));
	if (kind != LOG_FAILOVER)
		return facts;
	struct slice event = text_of(line, SLICE("event"));
	facts.severity = severity_of_event(event);
	if (event.bytes > 0 && event.bytes <= 32) /* RFC 5424: MSGID */
		facts.name = event;
	return facts;
}

/* ---- its forms --------------------------------------------------------------------------------
 */

/* No control: a line feed would begin another entry, or another field. What does not fit is cut. */
static void
write_printable(struct writer *w, struct slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		if ((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7f)
			write_char(w, text.at[i]);
		else
			write_escaped(w, (struct slice){text.at + i, 1});
	}
}

void
write_syslog_line(struct writer *w, const struct log_origin *origin, enum log_kind kind,
		  struct slice line, uint64_t now_ms)
{
	struct log_facts facts = log_line_facts(kind, line);
	write_char(w, '<');
	write_u64(w, origin->facility * 8 + (unsigned)facts.severity);
	write_literal(w, ">1 ");
	if (facts.time.bytes > 0)
		write_slice(w, facts.time);
	else
		write_timestamp(w, now_ms);
	write_together(w, SLICE(" "), slice_of(origin->host), SLICE(" " IDENTIFIER " "));
	write_u64(w, (uint64_t)origin->pid);
	write_together(w, SLICE(" "), facts.name, SLICE(" - "));
	write_printable(w, facts.message);
}

static void
write_number(struct writer *w, const char *name, uint64_t value)
{
	write_text(w, name);
	write_u64(w, value);
	write_char(w, '\n');
}

/* HOLDFAST_MEMBER=a: names of ours are letters and '_'. */
static void
write_journal_field(struct writer *w, const struct json_field *field)
{
	write_literal(w, "HOLDFAST_");
	for (size_t i = 0; i < field->name.bytes; i++) {
		char c = field->name.at[i];
		if (c >= 'a' && c <= 'z')
			c = (char)((unsigned char)c & 0x5fU);
		write_char(w, c);
	}
	write_together(w, SLICE("="), field->value, SLICE("\n"));
}

static void
write_journal_fields(struct writer *w, struct slice line)
{
	const char *at = line.at;
	struct json_field field;
	for (size_t i = 0; i < LOG_FIELDS_MAX; i++) {
		if (!next_field(&at, line.at + line.bytes, &field))
			return;
		bool plain = field.value.bytes > 0 && field.value.at[0] != '[' &&
			     field.value.at[0] != '{' && !slice_equal(field.value, SLICE("null"));
		if (field.text || plain)
			write_journal_field(w, &field);
	}
}

void
write_journal_entry(struct writer *w, const struct log_origin *origin, enum log_kind kind,
		    struct slice line)
{
	struct log_facts facts = log_line_facts(kind, line);
	write_literal(w, "MESSAGE=");
	write_printable(w, facts.message);
	write_char(w, '\n');
	write_number(w, "PRIORITY=", (uint64_t)facts.severity);
	write_number(w, "SYSLOG_FACILITY=", origin->facility);
	write_number(w, "SYSLOG_PID=", (uint64_t)origin->pid);
	write_literal(w, "SYSLOG_IDENTIFIER=" IDENTIFIER "\nHOLDFAST_LOG=");
	write_text(w, kind_names[kind]);
	write_char(w, '\n');
	if (facts.json)
		write_journal_fields(w, line);
}
