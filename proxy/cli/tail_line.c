/*
 * tail_line.c: see tail_line.h. A line reads from left to right: when, what, whose, from where to
 * where, why, and what it took:
 *
 *   2026-01-31T12:00:00.250Z failover       shop 1a2b3c4d a -> b connect_refused: connect to
 *       127.0.0.1:9001: refused (12 ms, order b c, skipped a=down)
 */
#include "cli/tail_line.h"

#include "base/clock.h"

#define EVENT_COLUMN      14   /* the longest event */
#define BROKEN_BYTES_MAX  1024 /* of a broken line that are shown */
#define COLOUR_OFF        "\x1b[0m"
#define COLOUR_FAINT      "\x1b[2m"
#define COLOUR_BAD        "\x1b[31m"
#define COLOUR_GOOD       "\x1b[32m"
#define COLOUR_MOVE       "\x1b[33m"
#define COLOUR_SUM        "\x1b[36m"
#define COLOUR_NEWS       "\x1b[34m"
#define COLOUR_UNEXPECTED "\x1b[41;37m"

static const char *
event_colour(enum event_kind event)
{
	switch (event) {
	case EVENT_FAILOVER:
	case EVENT_REHOMED:
	case EVENT_DISAGREE:
		return COLOUR_MOVE;
	case EVENT_FAILBACK:
	case EVENT_MEMBER_UP:
	case EVENT_MASTER_ELECTED:
	case EVENT_MASTER_BACK:
		return COLOUR_GOOD;
	case EVENT_TAG_REJECTED:
	case EVENT_NO_LIVE_MEMBER:
	case EVENT_MEMBER_DOWN:
	case EVENT_MASTER_LOST:
	case EVENT_RELOAD_REFUSED:
	case EVENT_UPGRADE_REFUSED:
		return COLOUR_BAD;
	case EVENT_OUTAGE_SUMMARY:
		return COLOUR_SUM;
	default:
		return COLOUR_NEWS;
	}
}

/* ---- the filter ---------------------------------------------------------------------------- */

static enum result
refuse_event(struct slice name, struct problem *p)
{
	char text[PROBLEM_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "unknown event \"");
	write_escaped(&w,
		      name.bytes <= ID_BYTES_MAX ? name : (struct slice){name.at, ID_BYTES_MAX});
	write_literal(&w, "\"; known:");
	for (unsigned i = 0; i < EVENTS; i++) {
		write_char(&w, ' ');
		write_text(&w, event_text((enum event_kind)i));
	}
	return problem_set(p, RESULT_INVALID, "%s", writer_text(&w));
}

enum result
tail_filter_add_events(struct tail_filter *filter, struct slice list, struct problem *p)
{
	struct slice name;
	bool some = false;
	for (; slice_next_element(&list, &name); some = true) {
		enum event_kind event = log_event_find(name);
		if (event == EVENTS)
			return refuse_event(name, p);
		filter->event[event] = true;
	}
	filter->some_events = true;
	return some ? RESULT_OK : refuse_event(SLICE_NONE, p);
}

enum result
tail_filter_set_session(struct tail_filter *filter, struct slice hex, struct problem *p)
{
	filter->session_digits = 0;
	for (size_t i = 0; i < hex.bytes; i++) {
		char c = ascii_lower(hex.at[i]);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return problem_set(p, RESULT_INVALID,
					   "a session is given by hex digits of its digest");
		if (i < TAIL_SESSION_DIGITS)
			filter->session[filter->session_digits++] = c;
	}
	if (hex.bytes == 0)
		return problem_set(p, RESULT_INVALID,
				   "a session is given by at least one hex digit");
	return RESULT_OK;
}

/* ---- reading a line ------------------------------------------------------------------------ */

/* Digits and what stands between them, as in "2026-01-31T12:00:00.250Z". */
static bool
looks_like_a_time(struct slice when)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	if (when.bytes < sizeof("2026-01-31") - 1 || when.bytes >= sizeof(form))
		return false;
	for (size_t i = 0; i < when.bytes; i++) {
		bool digit = when.at[i] >= '0' && when.at[i] <= '9';
		/* "...00Z" and "...00.250Z" are both written. */
		if (form[i] == '.' && when.at[i] == 'Z')
			return i + 1 == when.bytes;
		if (form[i] == 'd' ? !digit : when.at[i] != form[i])
			return false;
	}
	return true;
}

enum result
tail_filter_set_since(struct tail_filter *filter, const char *when, uint64_t now_ms,
		      struct problem *p)
{
	struct writer w = writer_on(filter->since, sizeof(filter->since));
	uint64_t ago_ms;
	if (looks_like_a_time(slice_of(when)))
		write_text(&w, when);
	else if (duration_parse(slice_of(when), &ago_ms, p) == RESULT_OK && ago_ms <= now_ms)
		write_timestamp(&w, now_ms - ago_ms);
	else
		return problem_set(p, RESULT_INVALID,
				   "--since: \"10m\", \"2h\" or a time such as 2026-01-31T12:00");
	/* Without the zone: it is always UTC, and 'Z' stands above every fraction. */
	while (w.bytes > 0 && filter->since[w.bytes - 1] == 'Z')
		w.bytes--;
	filter->since_bytes = w.bytes;
	return RESULT_OK;
}

/* Timestamps sort as texts. */
static bool
is_since(const struct tail_filter *filter, const json_t *object)
{
	struct slice ts = log_line_text(object, "ts");
	size_t bytes = ts.bytes < filter->since_bytes ? ts.bytes : filter->since_bytes;
	int order = bytes > 0 ? memcmp(ts.at, filter->since, bytes) : 0;
	return order > 0 || (order == 0 && ts.bytes >= filter->since_bytes);
}

static bool
names_member(const json_t *object, struct slice member)
{
	static const char *const places[] = {"primary", "from", "chosen", "member"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (slice_equal(log_line_text(object, places[i]), member))
			return true;
	}
	return false;
}

static bool
filter_passes(const struct tail_filter *filter, const json_t *object)
{
	struct slice session = {filter->session, filter->session_digits};
	if (!is_since(filter, object))
		return false;
	if (filter->some_events) {
		enum event_kind event = log_event_find(log_line_text(object, "event"));
		if (event == EVENTS || !filter->event[event])
			return false;
	}
	return (filter->service.bytes == 0 ||
		slice_equal(log_line_text(object, "service"), filter->service)) &&
	       (filter->member.bytes == 0 || names_member(object, filter->member)) &&
	       slice_has_prefix(log_line_text(object, "session"), session);
}

enum tail_verdict
tail_judge(const struct tail_filter *filter, struct slice line)
{
	json_t *object = log_line_parse(line);
	if (object == NULL)
		return TAIL_BROKEN;
	bool passes = filter_passes(filter, object);
	json_decref(object);
	return passes ? TAIL_PASSES : TAIL_FILTERED;
}

/* ---- writing it for people ----------------------------------------------------------------- */

/* Printable ASCII as it is, all else as \xHH: nothing a terminal would obey. */
static void
write_visible(struct writer *w, struct slice s)
{
	for (size_t i = 0; i < s.bytes; i++) {
		if (s.at[i] >= 0x20 && s.at[i] < 0x7f)
			write_char(w, s.at[i]);
		else
			write_format(w, "\\x%02x", (uint8_t)s.at[i]);
	}
}

static void
write_coloured(struct writer *w, struct slice s, const char *colour, bool on)
{
	if (on)
		write_text(w, colour);
	write_visible(w, s);
	if (on)
		write_literal(w, COLOUR_OFF);
}

static void
write_word(struct writer *w, struct slice word)
{
	if (word.bytes == 0)
		return;
	write_char(w, ' ');
	write_visible(w, word);
}

/* "a -> b"; a session that goes nowhere: "a -> nobody". */
static void
write_way(struct writer *w, const json_t *object)
{
	struct slice from = log_line_text(object, "from");
	struct slice chosen = log_line_text(object, "chosen");
	write_word(w, from);
	if (chosen.bytes > 0) {
		write_literal(w, " ->");
		write_word(w, chosen);
	} else if (from.bytes > 0) {
		write_literal(w, " -> nobody");
	}
	write_word(w, log_line_text(object, "member"));
}

/* "connect_refused: connect to 127.0.0.1:9001: refused" */
static void
write_why(struct writer *w, const json_t *object)
{
	struct slice reason = log_line_text(object, "reason");
	struct slice evidence = log_line_text(object, "evidence");
	bool some = reason.bytes > 0 && !slice_equal(reason, slice_of(reason_text(REASON_NONE)));
	if (some)
		write_word(w, reason);
	if (some && evidence.bytes > 0)
		write_char(w, ':');
	write_word(w, evidence);
}

/* The remarks at the end of a line, in parentheses, apart by commas. */
struct remarks {
	struct writer *w;
	unsigned count;
};

static struct writer *
remark(struct remarks *r)
{
	write_text(r->w, r->count++ == 0 ? " (" : ", ");
	return r->w;
}

static void
remark_number(struct remarks *r, const json_t *object, const char *name, const char *format)
{
	long long value = log_line_number(object, name);
	if (value <= 0)
		return;
	struct writer *w = remark(r);
	const char *at = strchr(format, '#');
	write_bytes(w, format, (size_t)(at - format));
	write_u64(w, (uint64_t)value);
	write_text(w, at + 1);
}

/* "order b c" */
static void
remark_order(struct remarks *r, const json_t *object)
{
	const json_t *order = json_object_get(object, "order");
	if (json_array_size(order) == 0)
		return;
	write_literal(remark(r), "order");
	for (size_t i = 0; i < json_array_size(order); i++) {
		const json_t *id = json_array_get(order, i);
		if (json_is_string(id))
			write_word(r->w, slice_of(json_string_value(id)));
	}
}

/* "skipped a=down b=maint" */
static void
remark_skipped(struct remarks *r, const json_t *object)
{
	const json_t *skipped = json_object_get(object, "skipped");
	if (json_array_size(skipped) == 0)
		return;
	write_literal(remark(r), "skipped");
	for (size_t i = 0; i < json_array_size(skipped); i++) {
		const json_t *one = json_array_get(skipped, i);
		if (log_line_text(one, "id").bytes == 0)
			continue;
		write_word(r->w, log_line_text(one, "id"));
		write_char(r->w, '=');
		write_visible(r->w, log_line_text(one, "why"));
	}
}

/* "3 sessions moved to b x2 and c x1" */
static void
remark_moved(struct remarks *r, const json_t *object)
{
	const json_t *heirs = json_object_get(object, "moved_to");
	if (log_line_number(object, "sessions_moved") <= 0)
		return;
	remark_number(r, object, "sessions_moved", "# sessions moved");
	for (size_t i = 0; i < json_array_size(heirs); i++) {
		const json_t *heir = json_array_get(heirs, i);
		long long count = log_line_number(heir, "count");
		write_text(r->w, i == 0 ? " to" : " and");
		write_word(r->w, log_line_text(heir, "id"));
		write_format(r->w, " x%lld", count);
	}
	long long elsewhere = log_line_number(object, "moved_elsewhere");
	if (elsewhere > 0)
		write_format(r->w, " and others x%lld", elsewhere);
}

static void
write_remarks(struct writer *w, const json_t *object)
{
	struct remarks r = {.w = w};
	remark_number(&r, object, "attempt_ms", "# ms");
	remark_order(&r, object);
	remark_skipped(&r, object);
	remark_number(&r, object, "hops", "hops #");
	remark_number(&r, object, "outage_ms", "out for # ms");
	remark_number(&r, object, "detection_ms", "detected in # ms");
	remark_moved(&r, object);
	remark_number(&r, object, "requests_failed", "# requests failed");
	remark_number(&r, object, "requests_retried", "# retried");
	remark_number(&r, object, "failbacks", "# sessions back");
	if (json_is_true(json_object_get(object, "ongoing")))
		write_literal(remark(&r), "still going on");
	remark_number(&r, object, "suppressed", "# more held back");
	if (r.count > 0)
		write_char(w, ')');
}

static void
write_event(struct writer *w, struct slice name, bool colour)
{
	enum event_kind event = log_event_find(name);
	write_char(w, ' ');
	write_coloured(w, name, event != EVENTS ? event_colour(event) : COLOUR_UNEXPECTED, colour);
	for (size_t i = name.bytes; i < EVENT_COLUMN; i++)
		write_char(w, ' ');
}

static void
write_object(struct writer *w, const json_t *object, bool colour)
{
	write_coloured(w, log_line_text(object, "ts"), COLOUR_FAINT, colour);
	write_event(w, log_line_text(object, "event"), colour);
	write_word(w, log_line_text(object, "service"));
	write_word(w, log_line_text(object, "session"));
	write_way(w, object);
	write_why(w, object);
	write_remarks(w, object);
	write_char(w, '\n');
}

void
tail_write_broken(struct writer *w, struct slice line, bool colour)
{
	struct slice shown = {line.at,
			      line.bytes < BROKEN_BYTES_MAX ? line.bytes : BROKEN_BYTES_MAX};
	write_coloured(w, SLICE("??"), COLOUR_UNEXPECTED, colour);
	write_char(w, ' ');
	write_visible(w, shown);
	if (shown.bytes < line.bytes)
		write_literal(w, " ...");
	write_char(w, '\n');
}

enum tail_verdict
tail_write(struct writer *w, const struct tail_filter *filter, struct slice line, bool colour)
{
	json_t *object = log_line_parse(line);
	if (object == NULL) {
		tail_write_broken(w, line, colour);
		return TAIL_BROKEN;
	}
	bool passes = filter_passes(filter, object);
	if (passes)
		write_object(w, object, colour);
	json_decref(object);
	return passes ? TAIL_PASSES : TAIL_FILTERED;
}
