/*
 * verdict.c: the transitions of verdict.h; become() is the only writer of a health, settle() of a
 * state.
 */
#include "members/verdict.h"

#include <assert.h>

/* Of the health: row = from, bit = to. */
static const uint8_t moves[] = {
    [MEMBER_UP] = 1 << MEMBER_SUSPECT | 1 << MEMBER_DOWN,
    [MEMBER_SUSPECT] = 1 << MEMBER_UP | 1 << MEMBER_DOWN,
    [MEMBER_DRAIN] = 0,
    [MEMBER_DOWN] = 1 << MEMBER_UP | 1 << MEMBER_SUSPECT,
    [MEMBER_MAINT] = 0,
};

/* Evidence of several threads: their clocks were read in another order than it arrives. */
static uint64_t
elapsed(uint64_t from_ms, uint64_t to_ms)
{
	return to_ms > from_ms ? to_ms - from_ms : 0;
}

static void
went_up(struct verdict *v, uint64_t now_ms, struct verdict_change *change)
{
	if (v->outage_since_ms != 0) {
		change->outage_ms = elapsed(v->outage_since_ms, now_ms);
		v->live_fails = 0;
	}
	v->outage_since_ms = 0;
	v->reason = REASON_NONE;
}

static void
went_down(struct verdict *v, const struct verdict_rules *rules, uint64_t now_ms,
	  struct verdict_change *change)
{
	change->detection_ms = elapsed(v->first_fail_ms, now_ms);
	if (v->outage_since_ms == 0)
		v->outage_since_ms = now_ms;
	v->probe_wins = 0;
	if (v->live_fails < rules->passive_fall) /* half-open: the next failure is enough */
		v->live_fails = rules->passive_fall;
}

static void
become(struct verdict *v, enum member_state next, const struct verdict_rules *rules,
       const struct evidence *e, struct verdict_change *change)
{
	assert((moves[v->health] >> next & 1) != 0);
	v->health = (uint8_t)next;
	v->health_since_ms = e->now_ms;
	if (next == MEMBER_UP)
		went_up(v, e->now_ms, change);
	else if (e->kind != EVIDENCE_TICK)
		v->reason = (uint8_t)e->reason;
	if (next == MEMBER_DOWN)
		went_down(v, rules, e->now_ms, change);
}

static void
note_failure(struct verdict *v, uint64_t now_ms)
{
	if (v->first_fail_ms == 0)
		v->first_fail_ms = now_ms;
}

static void
probe_ok(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
	 struct verdict_change *change)
{
	v->probed = true;
	v->probe_fails = 0;
	v->first_fail_ms = 0;
	if (v->probe_wins < rules->rise)
		v->probe_wins++;
	if (v->health == MEMBER_SUSPECT ||
	    (v->health == MEMBER_DOWN && v->probe_wins >= rules->rise))
		become(v, MEMBER_UP, rules, e, change);
}

static void
probe_failed(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
	     struct verdict_change *change)
{
	bool first = !v->probed;
	v->probed = true;
	v->probe_wins = 0;
	if (v->health == MEMBER_DOWN)
		return;
	note_failure(v, e->now_ms);
	v->probe_fails++;
	if (first || v->health == MEMBER_SUSPECT || v->probe_fails >= rules->fall)
		become(v, MEMBER_DOWN, rules, e, change);
}

static void
live_ok(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
	struct verdict_change *change)
{
	/* An answer that was on its way when the member went down proves nothing. */
	if (v->health == MEMBER_DOWN)
		return;
	v->live_fails = 0;
	if (v->probe_fails == 0)
		v->first_fail_ms = 0;
	if (v->health == MEMBER_SUSPECT)
		become(v, MEMBER_UP, rules, e, change);
}

static void
live_failed(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
	    struct verdict_change *change)
{
	if (v->health == MEMBER_DOWN)
		return;
	note_failure(v, e->now_ms);
	if (v->live_fails < rules->passive_fall)
		v->live_fails++;
	bool proved = e->reason == REASON_CONNECT_REFUSED || e->reason == REASON_UNRESOLVED ||
		      v->live_fails >= rules->passive_fall;
	if (proved && !e->last_operational) {
		become(v, MEMBER_DOWN, rules, e, change);
		return;
	}
	change->probe_now = rules->active;
	if (v->health == MEMBER_UP)
		become(v, MEMBER_SUSPECT, rules, e, change);
}

static void
tick(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
     struct verdict_change *change)
{
	if (!rules->active && v->health == MEMBER_DOWN &&
	    elapsed(v->health_since_ms, e->now_ms) >= rules->retry_ms)
		become(v, MEMBER_SUSPECT, rules, e, change);
}

static void
take_order(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e,
	   struct verdict_change *change)
{
	assert(e->order == MEMBER_UP || e->order == MEMBER_DRAIN || e->order == MEMBER_MAINT);
	v->order = (uint8_t)e->order;
	change->probe_now = rules->active && e->order == MEMBER_UP;
}

static enum member_state
state_of(const struct verdict *v)
{
	if (v->order == MEMBER_MAINT || (v->order == MEMBER_DRAIN && v->health != MEMBER_DOWN))
		return (enum member_state)v->order;
	return (enum member_state)v->health;
}

/* The slow start of who was out begins when it is up. */
static void
note_rise(struct verdict *v, const struct verdict_rules *rules, uint64_t now_ms)
{
	if (v->state == MEMBER_DOWN || v->state == MEMBER_MAINT) {
		v->was_out = true;
		v->risen_ms = 0;
	} else if (v->state == MEMBER_UP && v->was_out) {
		v->was_out = false;
		if (rules->slow_start_ms > 0)
			v->risen_ms = now_ms > 0 ? now_ms : 1;
	}
}

/* What counts now, of order and health. */
static void
settle(struct verdict *v, const struct verdict_rules *rules, uint64_t now_ms,
       struct verdict_change *change)
{
	change->before = v->state;
	v->state = (uint8_t)state_of(v);
	change->after = v->state;
	change->changed = change->after != change->before;
	if (!change->changed)
		return;
	v->since_ms = now_ms;
	v->drained = false;
	note_rise(v, rules, now_ms);
}

struct verdict_change
verdict_apply(struct verdict *v, const struct verdict_rules *rules, const struct evidence *e)
{
	struct verdict_change change = {.changed = false};
	switch (e->kind) {
	case EVIDENCE_PROBE_OK:
		probe_ok(v, rules, e, &change);
		break;
	case EVIDENCE_PROBE_FAILED:
		probe_failed(v, rules, e, &change);
		break;
	case EVIDENCE_LIVE_OK:
		if (rules->passive)
			live_ok(v, rules, e, &change);
		break;
	case EVIDENCE_LIVE_FAILED:
		if (rules->passive)
			live_failed(v, rules, e, &change);
		break;
	case EVIDENCE_TICK:
		tick(v, rules, e, &change);
		break;
	case EVIDENCE_ORDER:
		take_order(v, rules, e, &change);
		break;
	}
	settle(v, rules, e->now_ms, &change);
	return change;
}

bool
verdict_is_open(const struct verdict *v, const struct verdict_rules *rules)
{
	switch ((enum member_state)v->health) {
	case MEMBER_UP:
		return v->probe_fails > 0;
	case MEMBER_DOWN:
		return v->probe_wins > 0 && v->probe_wins < rules->rise;
	default:
		return true;
	}
}

enum reason
verdict_reason(const struct verdict *v)
{
	if (v->state == MEMBER_MAINT)
		return REASON_MAINT;
	return v->state == MEMBER_DRAIN ? REASON_DRAIN : (enum reason)v->reason;
}

bool
verdict_drain_done(struct verdict *v, unsigned active)
{
	if (v->state != MEMBER_DRAIN || v->drained || active > 0)
		return false;
	v->drained = true;
	return true;
}
