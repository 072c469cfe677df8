/* upgrade_state.c: see upgrade_state.h. */
#include "node/upgrade_state.h"

#include <stddef.h>

enum { PROBED = 1, DRAINED = 2, WAS_OUT = 4 };

struct times {
	const char *name;
	size_t offset;
};

static const struct times times[] = {
    {"since", offsetof(struct verdict, since_ms)},
    {"health_since", offsetof(struct verdict, health_since_ms)},
    {"first_fail", offsetof(struct verdict, first_fail_ms)},
    {"outage", offsetof(struct verdict, outage_since_ms)},
    {"risen", offsetof(struct verdict, risen_ms)},
};
static const struct times counts[] = {
    {"probe_fails", offsetof(struct verdict, probe_fails)},
    {"probe_wins", offsetof(struct verdict, probe_wins)},
    {"live_fails", offsetof(struct verdict, live_fails)},
};

#define TIMES  (sizeof(times) / sizeof(times[0]))
#define COUNTS (sizeof(counts) / sizeof(counts[0]))

static uint64_t *
time_of(struct verdict *v, size_t i)
{
	return (uint64_t *)(void *)((char *)v + times[i].offset);
}

static uint32_t *
count_of(struct verdict *v, size_t i)
{
	return (uint32_t *)(void *)((char *)v + counts[i].offset);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

void
upgrade_member_write(struct writer *w, const struct upgrade_member *m)
{
	struct verdict v = m->verdict;
	write_literal(w, "member ");
	write_slice(w, m->service);
	write_literal(w, " ");
	write_slice(w, m->id);
	write_format(w, " health=%s order=%s given=%s reason=%s",
		     member_state_text((enum member_state)v.health),
		     member_state_text((enum member_state)v.order), member_state_text(m->given),
		     reason_text((enum reason)v.reason));
	for (size_t i = 0; i < TIMES; i++)
		write_format(w, " %s=%llu", times[i].name, (unsigned long long)*time_of(&v, i));
	for (size_t i = 0; i < COUNTS; i++)
		write_format(w, " %s=%lu", counts[i].name, (unsigned long)*count_of(&v, i));
	write_format(w, " flags=%d origin=",
		     (v.probed ? PROBED : 0) | (v.drained ? DRAINED : 0) |
			 (v.was_out ? WAS_OUT : 0));
	write_slice(w, m->origin);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static struct slice
next_word(struct slice *rest, char end)
{
	size_t bytes = slice_find(*rest, end);
	struct slice word = {rest->at, bytes};
	size_t taken = bytes < rest->bytes ? bytes + 1 : bytes;
	*rest = (struct slice){rest->at + taken, rest->bytes - taken};
	return word;
}

static uint8_t
state_of(struct slice text)
{
	for (int i = 0; i < MEMBER_STATES; i++) {
		if (slice_equal(text, slice_of(member_state_text((enum member_state)i))))
			return (uint8_t)i;
	}
	return MEMBER_UP;
}

static uint8_t
reason_of(struct slice text)
{
	for (int i = 0; i < REASONS; i++) {
		if (slice_equal(text, slice_of(reason_text((enum reason)i))))
			return (uint8_t)i;
	}
	return REASON_NONE;
}

static void
take_number(struct upgrade_member *m, struct slice name, struct slice text)
{
	uint64_t value = 0;
	if (!slice_to_u64(text, &value))
		return;
	for (size_t i = 0; i < TIMES; i++) {
		if (slice_equal(name, slice_of(times[i].name)))
			*time_of(&m->verdict, i) = value;
	}
	for (size_t i = 0; i < COUNTS; i++) {
		if (slice_equal(name, slice_of(counts[i].name)))
			*count_of(&m->verdict, i) = (uint32_t)value;
	}
	if (!slice_equal(name, SLICE("flags")))
		return;
	m->verdict.probed = (value & PROBED) != 0;
	m->verdict.drained = (value & DRAINED) != 0;
	m->verdict.was_out = (value & WAS_OUT) != 0;
}

static void
take(struct upgrade_member *m, struct slice name, struct slice text)
{
	if (slice_equal(name, SLICE("health")))
		m->verdict.health = state_of(text);
	else if (slice_equal(name, SLICE("order")))
		m->verdict.order = state_of(text);
	else if (slice_equal(name, SLICE("given")))
		m->given = (enum member_state)state_of(text);
	else if (slice_equal(name, SLICE("reason")))
		m->verdict.reason = reason_of(text);
	else
		take_number(m, name, text);
}

static bool
is_sound(const struct upgrade_member *m)
{
	const struct verdict *v = &m->verdict;
	bool health =
	    v->health == MEMBER_UP || v->health == MEMBER_SUSPECT || v->health == MEMBER_DOWN;
	bool order = v->order == MEMBER_UP || v->order == MEMBER_DRAIN || v->order == MEMBER_MAINT;
	return health && order && m->service.bytes > 0 && m->id.bytes > 0 && m->origin.bytes > 0;
}

bool
upgrade_member_read(struct slice line, struct upgrade_member *out)
{
	static const struct slice origin = {"origin=", sizeof("origin=") - 1};
	*out = (struct upgrade_member){.service = SLICE_NONE};
	if (!slice_equal(next_word(&line, ' '), SLICE("member")))
		return false;
	out->service = next_word(&line, ' ');
	out->id = next_word(&line, ' ');
	while (line.bytes > 0 && !slice_has_prefix(line, origin)) {
		struct slice field = next_word(&line, ' ');
		struct slice name = next_word(&field, '=');
		take(out, name, field);
	}
	if (line.bytes > origin.bytes)
		out->origin = (struct slice){line.at + origin.bytes, line.bytes - origin.bytes};
	return is_sound(out);
}
