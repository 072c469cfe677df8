/*
 * vocab.c: the texts of the shared nouns, generated from include/tbl. No other
 * file spells a state, an event, a reason or a cause.
 */
#include "vocab.h"

#include <assert.h>
#include <stddef.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

const struct cause_row cause_table[CAUSES] = {
#define CAUSE(name, text, side, phase, is_error, against_member, status, help) \
	{text, help, SIDE_##side, PHASE_##phase, is_error, against_member, status},
#include "tbl/causes.h"
#undef CAUSE
};

static const struct {
	const char *text;
	bool operational;
	bool takes_new;
} member_states[] = {
#define MEMBER_STATE(name, text, operational, takes_new, help) {text, operational, takes_new},
#include "tbl/member_states.h"
#undef MEMBER_STATE
};

static const char *const events[] = {
#define EVENT(name, text, help) text,
#include "tbl/events.h"
#undef EVENT
};

static const char *const reasons[] = {
#define REASON(name, text, help) text,
#include "tbl/reasons.h"
#undef REASON
};

static const char *const tag_rejections[] = {
#define TAG_REJECTION(name, text, help) text,
#include "tbl/tag_rejections.h"
#undef TAG_REJECTION
};

static const char *const ticket_rejections[] = {
#define TICKET_REJECTION(name, text, help) text,
#include "tbl/ticket_rejections.h"
#undef TICKET_REJECTION
};

static const char *const race_counts[] = {
#define RACE_COUNT(name, text, help) text,
#include "tbl/race_counts.h"
#undef RACE_COUNT
};

static const char *const mirrors[] = {
#define MIRROR_COUNT(name, text, help) text,
#include "tbl/mirror_counts.h"
#undef MIRROR_COUNT
};

static const char *const placements[] = {
#define PLACEMENT_COUNT(name, text, help) text,
#include "tbl/placement_counts.h"
#undef PLACEMENT_COUNT
};

static const char *const race_silences[] = {
#define RACE_SILENCE(name, text, help) text,
#include "tbl/race_silences.h"
#undef RACE_SILENCE
    "offers"};

static const char *const affinities[] = {"none",     "new",  "hit",  "failover",
					 "failback", "pass", "spill"};

const char *
member_state_text(enum member_state state)
{
	assert((size_t)state < ROWS(member_states));
	return member_states[state].text;
}

bool
member_state_operational(enum member_state state)
{
	assert((size_t)state < ROWS(member_states));
	return member_states[state].operational;
}

bool
member_state_takes_new(enum member_state state)
{
	assert((size_t)state < ROWS(member_states));
	return member_states[state].takes_new;
}

const char *
event_text(enum event_kind event)
{
	assert((size_t)event < ROWS(events));
	return events[event];
}

const char *
reason_text(enum reason reason)
{
	assert((size_t)reason < ROWS(reasons));
	return reasons[reason];
}

const char *
tag_rejection_text(enum tag_rejection rejection)
{
	assert((size_t)rejection < ROWS(tag_rejections));
	return tag_rejections[rejection];
}

const char *
affinity_text(enum affinity affinity)
{
	assert((size_t)affinity < ROWS(affinities));
	return affinities[affinity];
}

const char *
ticket_rejection_text(enum ticket_rejection rejection)
{
	assert((size_t)rejection < ROWS(ticket_rejections));
	return ticket_rejections[rejection];
}

const char *
race_count_text(enum race_count count)
{
	assert((size_t)count < ROWS(race_counts));
	return race_counts[count];
}

const char *
mirror_text(enum mirror_count count)
{
	assert((size_t)count < ROWS(mirrors));
	return mirrors[count];
}

const char *
placement_text(enum placement_count count)
{
	assert((size_t)count < ROWS(placements));
	return placements[count];
}

const char *
race_silence_text(enum race_silence silence)
{
	assert((size_t)silence < ROWS(race_silences));
	return race_silences[silence];
}
