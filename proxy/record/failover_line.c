/* failover_line.c: the text of a failover log line; see failover_line.h. */
#include "record/failover_line.h"

#include "base/clock.h"

#include <assert.h>

#define SESSION_BYTES 4 /* of the digest, shown as 8 hex digits */

static struct slice
member_id(const struct membership *membership, uint32_t member)
{
	if (member >= membership->count)
		return SLICE_NONE;
	return (struct slice){membership->member[member].id, membership->member[member].id_bytes};
}

static void
field_text(struct writer *w, const char *name, struct slice value)
{
	write_text(w, name);
	if (value.bytes == 0)
		write_literal(w, "null");
	else
		write_json_string(w, value);
}

static void
field_number(struct writer *w, const char *name, uint64_t value)
{
	write_text(w, name);
	if (value == FAILOVER_NUMBER_NONE)
		write_literal(w, "null");
	else
		write_u64(w, value);
}

static void
field_bool(struct writer *w, const char *name, bool value)
{
	write_text(w, name);
	write_text(w, value ? "true" : "false");
}

static void
field_session(struct writer *w, const struct session_digest *digest)
{
	char hex[2 * SESSION_BYTES];
	struct writer text = writer_on(hex, sizeof(hex));
	if (digest != NULL)
		write_hex_bytes(&text, digest->bytes, SESSION_BYTES);
	field_text(w, ",\"session\":", (struct slice){hex, text.bytes});
}

/* 16 hex digits; 0: null. */
static void
field_hex(struct writer *w, const char *name, uint64_t value)
{
	write_text(w, name);
	if (value == 0)
		write_literal(w, "null");
	else
		write_format(w, "\"%016llx\"", (unsigned long long)value);
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
field_order(struct writer *w, const struct failover_entry *e, size_t listed_max)
{
	size_t count = e->plan != NULL ? smaller(e->plan->step_count, listed_max) : 0;
	write_literal(w, ",\"order\":[");
	for (size_t i = 0; i < count; i++)
		field_text(w, i > 0 ? "," : "", member_id(e->membership, e->plan->step[i].member));
	write_literal(w, "]");
}

static void
field_skipped(struct writer *w, const struct failover_entry *e, size_t listed_max)
{
	size_t known = e->plan != NULL ? smaller(e->plan->skipped_count, PLAN_SKIPPED_MAX) : 0;
	size_t count = smaller(known, listed_max);
	write_literal(w, ",\"skipped\":[");
	for (size_t i = 0; i < count; i++) {
		const struct plan_skipped *skipped = &e->plan->skipped[i];
		field_text(
		    w, i > 0 ? ",{\"id\":" : "{\"id\":", member_id(e->membership, skipped->member));
		field_text(w, ",\"why\":", slice_of(reason_text(skipped->why)));
		write_char(w, '}');
	}
	write_literal(w, "]");
}

static void
fields_fixed(struct writer *w, const struct failover_entry *e, size_t listed_max)
{
	struct slice evidence = {e->evidence.at, smaller(e->evidence.bytes, FAILOVER_EVIDENCE_MAX)};
	write_literal(w, "{\"ts\":\"");
	write_timestamp(w, e->wall_ms);
	field_text(w, "\",\"event\":", slice_of(event_text(e->event)));
	field_text(w, ",\"node\":", e->node.bytes > 0 ? e->node : SLICE("-"));
	field_text(w, ",\"service\":", e->service);
	field_session(w, e->digest);
	field_text(w, ",\"primary\":", e->primary);
	field_text(w, ",\"reason\":", slice_of(e->reason));
	field_text(w, ",\"evidence\":", evidence);
	field_order(w, e, listed_max);
	field_skipped(w, e, listed_max);
	field_text(w, ",\"chosen\":", e->chosen);
	field_number(w, ",\"rank\":", e->rank);
	field_number(w, ",\"attempt_ms\":", e->attempt_ms);
	field_number(w, ",\"hops\":", e->hops);
	field_number(w, ",\"epoch\":", e->epoch);
	field_hex(w, ",\"pool\":", e->pool);
	field_hex(w, ",\"request_id\":", e->request_id);
}

static void
fields_of_outage(struct writer *w, const struct outage *o, uint64_t outage_ms, size_t listed_max)
{
	uint64_t elsewhere = outage_heir_sessions(o, OUTAGE_HEIRS_MAX);
	field_number(w, ",\"sessions_moved\":", outage_sessions(o));
	write_literal(w, ",\"moved_to\":[");
	for (size_t i = 0; i < o->heir_count; i++) {
		const struct outage_heir *heir = &o->heir[i];
		if (i >= listed_max) {
			elsewhere += outage_heir_sessions(o, i);
			continue;
		}
		field_text(
		    w, i > 0 ? ",{\"id\":" : "{\"id\":", (struct slice){heir->id, heir->id_bytes});
		field_number(w, ",\"count\":", outage_heir_sessions(o, i));
		write_char(w, '}');
	}
	field_number(w, "],\"moved_elsewhere\":", elsewhere);
	field_number(w, ",\"requests_failed\":", o->requests_failed);
	field_number(w, ",\"detection_ms\":", o->detection_ms);
	field_number(w, ",\"outage_ms\":", outage_ms);
	field_number(w, ",\"requests_retried\":", o->requests_retried);
	field_number(w, ",\"failbacks\":", outage_failbacks(o));
	field_bool(w, ",\"estimated\":", o->moved.depth > 0);
	field_bool(w, ",\"ongoing\":", o->phase == OUTAGE_GOING_ON);
}

static void
write_listing(struct writer *w, const struct failover_entry *e, size_t listed_max)
{
	fields_fixed(w, e, listed_max);
	if (e->moves)
		field_text(w, ",\"from\":", e->from);
	if (e->member.bytes > 0)
		field_text(w, ",\"member\":", e->member);
	if (e->suppressed > 0)
		field_number(w, ",\"suppressed\":", e->suppressed);
	if (e->term > 0)
		field_number(w, ",\"term\":", e->term);
	if (e->outage != NULL)
		fields_of_outage(w, e->outage, e->outage_ms, listed_max);
	write_literal(w, "}\n");
}

void
write_failover_line(struct writer *w, const struct failover_entry *entry)
{
	assert(entry->plan == NULL || entry->membership != NULL);
	char line[FAILOVER_LINE_BYTES_MAX];
	struct writer whole = {0};
	size_t listed_max = FAILOVER_ORDER_MAX;
	for (;; listed_max /= 2) {
		whole = writer_on(line, sizeof(line));
		write_listing(&whole, entry, listed_max);
		if (!whole.overflow || listed_max == 0)
			break;
	}
	if (whole.overflow)
		w->overflow = true;
	else
		write_bytes(w, line, whole.bytes);
}
