/* replay_check.c: see replay_check.h. */
#include "cli/replay_check.h"

#include "cli/log_line.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum fact_kind { FACT_RANK, FACT_STATE, FACT_TIME };

/* Found by the hash of what it is about; 64 bits, so that two of a million do not meet. */
struct fact {
	uint64_t about; /* 0: free */
	int64_t value;  /* rank; ms of the last line; of a state: when, negative: it went down */
};

/* A line that says of a server what would be wrong, unless a line that comes late makes it right.
 */
struct suspect {
	uint64_t about;
	uint64_t line;
	int64_t ms;
	char text[REPLAY_FAULT_BYTES];
};

struct replay {
	replay_fault_fn *fault;
	void *context;
	struct replay_counts counts;
	struct suspect suspect[REPLAY_SUSPECTS_MAX];
	size_t suspects;
	int64_t known_since_ms;
	size_t facts;
	struct fact fact[2 * REPLAY_FACTS_MAX];
};

/* One line, taken apart. */
struct said {
	const json_t *object;
	enum event_kind event;
	int64_t ms; /* -1: no time */
	struct slice node;
	struct slice service;
	struct slice session;
	struct slice primary;
	struct slice from;
	struct slice chosen;
	struct slice member;
	const json_t *order;
	const json_t *skipped;
};

/* ---- what is remembered ----------------------------------------------------------------------
 */

static uint64_t
about(enum fact_kind kind, const struct slice *parts, size_t count)
{
	XXH64_hash_t hash = (XXH64_hash_t)kind + 1;
	for (size_t i = 0; i < count; i++)
		hash = XXH3_64bits_withSeed(parts[i].at, parts[i].bytes, hash + parts[i].bytes);
	return hash != 0 ? hash : 1;
}

/* The place of it, or a free one. */
static struct fact *
fact_find(struct replay *r, uint64_t what)
{
	size_t i = what % (sizeof(r->fact) / sizeof(r->fact[0]));
	while (r->fact[i].about != 0 && r->fact[i].about != what)
		i = (i + 1) % (sizeof(r->fact) / sizeof(r->fact[0]));
	return &r->fact[i];
}

static void
fact_set(struct replay *r, struct fact *f, uint64_t what, int64_t value)
{
	if (f->about == 0 && r->facts == REPLAY_FACTS_MAX) {
		r->counts.forgotten++;
		return;
	}
	r->facts += f->about == 0;
	*f = (struct fact){what, value};
}

/* ---- saying it -------------------------------------------------------------------------------
 */

/* What came from the log must not speak to a terminal. */
static void
tell(struct replay *r, uint64_t line, char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	r->counts.faults++;
	r->fault(r->context, line, text);
}

__attribute__((format(printf, 2, 3))) static void
fault(struct replay *r, const char *format, ...)
{
	char text[REPLAY_FAULT_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell(r, r->counts.lines, text);
}

#define SHOWN(s) (int)((s).bytes < ID_BYTES_MAX ? (s).bytes : ID_BYTES_MAX), (s).at

/* ---- a line ------------------------------------------------------------------------------------
 */

static struct said
take_apart(const json_t *object)
{
	return (struct said){
	    .object = object,
	    .event = log_event_find(log_line_text(object, "event")),
	    .ms = log_line_time(log_line_text(object, "ts")),
	    .node = log_line_text(object, "node"),
	    .service = log_line_text(object, "service"),
	    .session = log_line_text(object, "session"),
	    .primary = log_line_text(object, "primary"),
	    .from = log_line_text(object, "from"),
	    .chosen = log_line_text(object, "chosen"),
	    .member = log_line_text(object, "member"),
	    .order = json_object_get(object, "order"),
	    .skipped = json_object_get(object, "skipped"),
	};
}

/* Why `id` was passed over; empty: it was not. */
static struct slice
why_skipped(const struct said *s, struct slice id)
{
	for (size_t i = 0; i < json_array_size(s->skipped); i++) {
		const json_t *one = json_array_get(s->skipped, i);
		if (slice_equal(log_line_text(one, "id"), id))
			return log_line_text(one, "why");
	}
	return SLICE_NONE;
}

/* ---- the decision ----------------------------------------------------------------------------
 */

/* Lists are cut when they are long: then nothing is said of what does not stand in them. */
static void
check_order(struct replay *r, const struct said *s)
{
	struct slice why = why_skipped(s, s->chosen);
	if (why.bytes > 0)
		fault(r, "%.*s is chosen, and skipped as %.*s", SHOWN(s->chosen), SHOWN(why));
	for (size_t i = 0; i < json_array_size(s->order); i++) {
		const char *id = json_string_value(json_array_get(s->order, i));
		struct slice one = id != NULL ? slice_of(id) : SLICE_NONE;
		if (slice_equal(one, s->chosen))
			return;
		if (why_skipped(s, one).bytes == 0)
			fault(r, "%.*s stands before %.*s, and nothing says why it was passed over",
			      SHOWN(one), SHOWN(s->chosen));
	}
}

static void
check_move(struct replay *r, const struct said *s)
{
	if (s->event == EVENT_FAILOVER && slice_equal(s->from, s->chosen))
		fault(r, "a failover from %.*s to itself", SHOWN(s->from));
	if (s->event == EVENT_FAILBACK && !slice_equal(s->chosen, s->primary))
		fault(r, "a failback to %.*s, but the primary is %.*s", SHOWN(s->chosen),
		      SHOWN(s->primary));
	if (s->event == EVENT_FAILBACK && slice_equal(s->from, s->primary))
		fault(r, "a failback of a session that lived at its primary %.*s",
		      SHOWN(s->primary));
	if (s->event == EVENT_ASSIGNED && s->from.bytes > 0)
		fault(r, "a new session that lived at %.*s", SHOWN(s->from));
}

static void
check_rank(struct replay *r, const struct said *s)
{
	long long rank = log_line_number(s->object, "rank");
	struct slice pool = log_line_text(s->object, "pool");
	if (rank < 0 || pool.bytes == 0)
		return;
	const struct slice parts[] = {s->service, pool, s->session, s->chosen};
	uint64_t what = about(FACT_RANK, parts, 4);
	struct fact *f = fact_find(r, what);
	if (f->about == 0)
		fact_set(r, f, what, rank);
	else if (f->value != rank)
		fault(r, "%.*s has rank %lld for session %.*s, but had %lld in the same membership",
		      SHOWN(s->chosen), rank, SHOWN(s->session), (long long)f->value);
}

/* ---- who is down -----------------------------------------------------------------------------
 */

static uint64_t
state_of(const struct said *s, struct slice member)
{
	const struct slice parts[] = {s->node, s->service, member};
	return about(FACT_STATE, parts, 3);
}

static void
note_state(struct replay *r, const struct said *s)
{
	uint64_t what = state_of(s, s->member);
	if (s->event == EVENT_MEMBER_UP) {
		fact_set(r, fact_find(r, what), what, s->ms);
		return;
	}
	fact_set(r, fact_find(r, what), what, -s->ms);
	for (size_t i = 0; i < r->suspects; i++)
		if (r->suspect[i].about == what)
			r->suspect[i--] = r->suspect[--r->suspects];
}

static void
suspect(struct replay *r, const struct said *s, struct slice member, uint64_t what)
{
	if (r->suspects == REPLAY_SUSPECTS_MAX)
		return;
	struct suspect *one = &r->suspect[r->suspects++];
	*one = (struct suspect){.about = what, .line = r->counts.lines, .ms = s->ms};
	(void)snprintf(
	    one->text, sizeof(one->text),
	    "%.*s is skipped as down, but %.*s saw it come up before, and not go down since",
	    SHOWN(member), SHOWN(s->node));
}

static void
check_states(struct replay *r, const struct said *s)
{
	for (size_t i = 0; i < json_array_size(s->skipped); i++) {
		const json_t *one = json_array_get(s->skipped, i);
		struct slice id = log_line_text(one, "id");
		if (!slice_equal(log_line_text(one, "why"), slice_of(reason_text(REASON_DOWN))))
			continue;
		uint64_t what = state_of(s, id);
		const struct fact *f = fact_find(r, what);
		if (f->about != 0 && f->value > r->known_since_ms &&
		    s->ms - f->value > REPLAY_TOLERANCE_MS)
			suspect(r, s, id, what);
	}
}

static void
settle_suspects(struct replay *r, int64_t until_ms)
{
	for (size_t i = 0; i < r->suspects; i++) {
		if (r->suspect[i].ms >= until_ms)
			continue;
		tell(r, r->suspect[i].line, r->suspect[i].text);
		r->suspect[i--] = r->suspect[--r->suspects];
	}
}

/* ---- the rest --------------------------------------------------------------------------------
 */

static void
check_summary(struct replay *r, const struct said *s)
{
	long long moved = log_line_number(s->object, "sessions_moved");
	long long sum = log_line_number(s->object, "moved_elsewhere");
	const json_t *heirs = json_object_get(s->object, "moved_to");
	if (moved < 0 || sum < 0)
		return;
	for (size_t i = 0; i < json_array_size(heirs); i++)
		sum += log_line_number(json_array_get(heirs, i), "count");
	if (sum != moved && !json_is_true(json_object_get(s->object, "estimated")))
		fault(r, "%lld sessions of %.*s moved, but those who got them got %lld", moved,
		      SHOWN(s->member), sum);
}

static void
check_time(struct replay *r, const struct said *s)
{
	uint64_t what = about(FACT_TIME, &s->node, 1);
	struct fact *f = fact_find(r, what);
	if (f->about != 0 && f->value - s->ms > REPLAY_TOLERANCE_MS)
		fault(r, "%.*s wrote it %lld ms before its line above", SHOWN(s->node),
		      (long long)(f->value - s->ms));
	if (f->about == 0 || s->ms > f->value)
		fact_set(r, f, what, s->ms);
}

static void
check_session(struct replay *r, const struct said *s)
{
	r->counts.decisions++;
	if (s->chosen.bytes > 0) {
		check_order(r, s);
		check_move(r, s);
		check_rank(r, s);
	}
	check_states(r, s);
}

static void
check(struct replay *r, const struct said *s)
{
	long long suppressed = log_line_number(s->object, "suppressed");
	r->counts.suppressed += suppressed > 0 ? (uint64_t)suppressed : 0;
	check_time(r, s);
	settle_suspects(r, s->ms - REPLAY_TOLERANCE_MS);
	switch (s->event) {
	case EVENT_FAILOVER:
	case EVENT_FAILBACK:
	case EVENT_ASSIGNED:
		check_session(r, s);
		break;
	case EVENT_MEMBER_UP:
	case EVENT_MEMBER_DOWN:
		note_state(r, s);
		break;
	case EVENT_OUTAGE_SUMMARY:
		check_summary(r, s);
		break;
	case EVENT_RELOAD:
	case EVENT_UPGRADED:
	case EVENT_EPOCH_ADOPTED:
		/* Other members, perhaps: what was seen of those before counts no more. */
		r->known_since_ms = s->ms;
		break;
	default:
		break;
	}
}

/* ---- the face --------------------------------------------------------------------------------
 */

struct replay *
replay_create(replay_fault_fn *fault_fn, void *context)
{
	struct replay *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->fault = fault_fn;
	r->context = context;
	return r;
}

void
replay_free(struct replay **r)
{
	free(*r);
	*r = NULL;
}

void
replay_line(struct replay *r, struct slice line)
{
	json_t *object = log_line_parse(line);
	r->counts.lines++;
	if (object == NULL) {
		r->counts.broken++;
		return;
	}
	struct said said = take_apart(object);
	if (said.ms >= 0)
		check(r, &said);
	else
		r->counts.broken++;
	json_decref(object);
}

void
replay_end(struct replay *r)
{
	settle_suspects(r, INT64_MAX);
}

const struct replay_counts *
replay_counts(const struct replay *r)
{
	return &r->counts;
}
