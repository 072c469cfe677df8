/* test_plan.c: where a request goes: every case by table, and by a second, naive plan. */
#include "route/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "../members/fixture.h"

#define DIGESTS 100000

static struct membership *members;   /* a, b, c, d */
static struct session_digest digest; /* whose order is a, b, c, d */

static const struct plan_rules stay = {.failback = FAILBACK_STAY, .attempts_max = 3};
static const struct plan_rules back = {.failback = FAILBACK_RETURN, .attempts_max = 3};
static const struct plan_rules until = {.failback = FAILBACK_STAY_UNTIL_IDLE, .attempts_max = 3};
static const struct plan_rules strict_until = {
    .failback = FAILBACK_STAY_UNTIL_IDLE, .strict = 503, .attempts_max = 3};
static const struct plan_rules strict_stay = {
    .failback = FAILBACK_STAY, .strict = 503, .attempts_max = 3};
static const struct plan_rules strict_back = {
    .failback = FAILBACK_RETURN, .strict = 409, .attempts_max = 3};
static const struct plan_rules single = {.failback = FAILBACK_STAY, .attempts_max = 1};

static int
start(void **state)
{
	(void)state;
	struct config_service service = fixture_service(4);
	members = fixture_membership(&service);
	digest = fixture_digest_in_order(members);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	membership_unref(&members);
	return 0;
}

/* "a=primary b=backup / c=down / failover": steps, skipped, affinity; or "refused 503 / a=down". */
static const char *
plan_text(const struct plan *plan)
{
	static char text[1024];
	struct writer w = writer_on(text, sizeof(text));
	if (plan->refuse_status != 0)
		write_format(&w, "refused %d ", plan->refuse_status);
	for (uint32_t i = 0; i < plan->step_count; i++)
		write_format(&w, "%s=%s ", members->member[plan->step[i].member].id,
			     step_why_text(plan->step[i].why));
	write_literal(&w, "/");
	for (uint32_t i = 0; i < plan->skipped_count; i++)
		write_format(&w, " %s=%s", members->member[plan->skipped[i].member].id,
			     reason_text(plan->skipped[i].why));
	if (plan->step_count > 0)
		write_format(&w, " / %s", affinity_text(plan->affinity));
	return writer_text(&w);
}

struct row {
	const struct plan_rules *rules;
	const char *states;
	char primary;
	char last; /* '-': unknown; '*': a fresh session; 'B': at b, and it was idle */
	const char *plan;
};

static const struct row rows[] = {
    /* at home */
    {&stay, "UUUU", 'a', 'a', "a=primary b=backup c=backup / / hit"},
    {&back, "UUUU", 'a', 'a', "a=primary b=backup c=backup / / hit"},
    {&stay, "UUUU", 'c', 'c', "c=primary a=backup b=backup / / hit"},
    {&stay, "UUUU", 'a', '-', "a=primary b=backup c=backup / / hit"},
    {&stay, "UUUU", 'd', '*', "d=primary a=backup b=backup / / new"},
    /* the primary is gone: the order, and what was passed over */
    {&stay, "DUUU", 'a', 'a', "b=backup c=backup d=backup / a=down / failover"},
    {&back, "DUUU", 'a', 'a', "b=backup c=backup d=backup / a=down / failover"},
    {&stay, "DDUU", 'a', 'a', "c=backup d=backup / a=down b=down / failover"},
    {&stay, "DMUU", 'b', 'b', "c=backup d=backup / b=maint a=down / failover"},
    {&stay, "UUDU", 'c', 'c', "a=backup b=backup d=backup / c=down / failover"},
    {&stay, "DUUU", 'a', '*', "b=backup c=backup d=backup / a=down / failover"},
    /* it lives with a backup, and the primary is back */
    {&stay, "UUUU", 'a', 'b', "b=last a=primary c=backup / / hit"},
    {&back, "UUUU", 'a', 'b', "a=primary b=last c=backup / / failback"},
    /* it lives with a backup, and the primary is not back: whatever the order says */
    {&stay, "DUUU", 'a', 'c', "c=last b=backup d=backup / / hit"},
    {&back, "DUUU", 'a', 'c', "c=last b=backup d=backup / / hit"},
    /* the backup dies: to the primary if that is back, else by the order */
    {&stay, "UDUU", 'a', 'b', "a=primary c=backup d=backup / b=down / failback"},
    {&back, "UDUU", 'a', 'b', "a=primary c=backup d=backup / / failback"},
    {&stay, "DDUU", 'a', 'b', "c=backup d=backup / b=down a=down / failover"},
    {&back, "DDUU", 'a', 'b', "c=backup d=backup / a=down b=down / failover"},
    /* it stays with the backup until it was idle */
    {&until, "UUUU", 'a', 'b', "b=last a=primary c=backup / / hit"},
    {&until, "UUUU", 'a', 'B', "a=primary b=last c=backup / / failback"},
    {&until, "DUUU", 'a', 'B', "b=last c=backup d=backup / / hit"},
    {&until, "RUUU", 'a', 'B', "b=last c=backup d=backup / / hit"},
    {&until, "UDUU", 'a', 'B', "a=primary c=backup d=backup / / failback"},
    {&until, "DDUU", 'a', 'B', "c=backup d=backup / a=down b=down / failover"},
    {&until, "UDUU", 'a', 'b', "a=primary c=backup d=backup / b=down / failback"},
    {&until, "UUUU", 'b', 'B', "b=primary a=backup c=backup / / hit"},
    {&strict_until, "UUUU", 'a', 'b', "b=last / / hit"},
    {&strict_until, "UUUU", 'a', 'B', "a=primary / / failback"},
    {&strict_until, "DUUU", 'a', 'B', "b=last / / hit"},
    {&strict_until, "DDUU", 'a', 'B', "refused 503 / a=down b=down"},
    /* suspect: keeps its sessions and may take others', but drain takes none */
    {&stay, "SUUU", 'a', 'a', "a=primary b=backup c=backup / / hit"},
    {&stay, "SUUU", 'a', '*', "a=primary b=backup c=backup / / new"},
    {&stay, "DSUU", 'a', 'a', "b=backup c=backup d=backup / a=down / failover"},
    {&stay, "DRUU", 'a', 'a', "c=backup d=backup b=backup / a=down b=drain / failover"},
    {&stay, "URUU", 'a', 'a', "a=primary c=backup d=backup / / hit"},
    {&stay, "URDD", 'a', 'a', "a=primary b=backup / / hit"},
    {&stay, "DRDD", 'a', 'a', "b=backup / a=down / failover"},
    {&stay, "DRRU", 'a', 'a', "d=backup b=backup c=backup / a=down b=drain c=drain / failover"},
    /* draining: the sessions that live there, and no others */
    {&stay, "RUUU", 'a', 'a', "a=primary b=backup c=backup / / hit"},
    {&stay, "RUUU", 'a', '-', "a=primary b=backup c=backup / / hit"},
    {&stay, "URUU", 'a', 'b', "b=last a=primary c=backup / / hit"},
    {&stay, "RUUU", 'a', '*', "b=backup c=backup d=backup / a=drain / failover"},
    {&back, "RUUU", 'a', 'b', "b=last c=backup d=backup / / hit"},
    {&stay, "RDUU", 'a', 'b', "c=backup d=backup a=primary / b=down a=drain / failover"},
    {&stay, "RDDD", 'a', '*', "a=primary / / new"},
    /* nothing is operational */
    {&stay, "DDMD", 'b', 'b', "/ b=down a=down c=maint d=down"},
    {&stay, "DDMD", 'b', 'c', "/ c=maint b=down a=down d=down"},
    /* strict: its own server or none */
    {&strict_stay, "UUUU", 'a', 'a', "a=primary / / hit"},
    {&strict_stay, "DUUU", 'a', 'a', "refused 503 / a=down"},
    {&strict_stay, "DUUU", 'a', '*', "refused 503 / a=down"},
    {&strict_stay, "UUUU", 'a', 'b', "b=last / / hit"},
    {&strict_stay, "UDUU", 'a', 'b', "a=primary / b=down / failback"},
    {&strict_back, "UUUU", 'a', 'b', "a=primary / / failback"},
    {&strict_back, "DUUU", 'a', 'b', "b=last / / hit"},
    {&strict_back, "DDUU", 'a', 'b', "refused 409 / a=down b=down"},
    {&strict_stay, "DDDD", 'a', 'a', "refused 503 / a=down"},
    /* one attempt, yet two backups to tell */
    {&single, "UUUU", 'a', 'a', "a=primary b=backup c=backup / / hit"},
};

static struct plan
plan_of(const struct row *row)
{
	struct plan plan;
	memset(&plan, 0xa5, sizeof(plan)); /* what is not filled in shows */
	struct plan_session session = {
	    .digest = digest,
	    .primary = fixture_member(row->primary),
	    .last = row->last == '*'   ? MEMBER_NONE
		    : row->last == 'B' ? fixture_member('b')
				       : fixture_member(row->last),
	    .fresh = row->last == '*',
	    .idle = row->last == 'B',
	};
	struct view *view = fixture_view(members, row->states);
	plan_make(row->rules, &session, view, &plan);
	view_unref(&view);
	return plan;
}

/* Every rule of DESIGN section 6, steps 3 to 5, a line a case. */
static void
by_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan plan = plan_of(&rows[i]);
		if (strcmp(plan_text(&plan), rows[i].plan) != 0)
			fail_msg("row %zu, %s, %c at %c: %s, not %s", i, rows[i].states,
				 rows[i].primary, rows[i].last, plan_text(&plan), rows[i].plan);
	}
}

/* How many of the steps may be tried. */
static void
attempts_are_bounded(void **state)
{
	(void)state;
	struct plan plan = {.step_count = 3};
	assert_int_equal(plan_attempts(&stay, &plan), 3);
	assert_int_equal(plan_attempts(&single, &plan), 1);
	assert_int_equal(plan_attempts(&strict_stay, &plan), 1);
	plan.step_count = 2;
	assert_int_equal(plan_attempts(&stay, &plan), 2);
	plan.step_count = 0;
	assert_int_equal(plan_attempts(&strict_stay, &plan), 0);
	assert_int_equal(plan_attempts(&single, &plan), 0);
}

/* ---- a second plan: each member gets a class, then they are sorted ---- */

enum { CLASS_FIRST_PLACE, CLASS_SECOND_PLACE, CLASS_BACKUP, CLASS_LAST_RESORT, CLASS_NEVER };

static int
class_of(const struct plan_rules *rules, const struct plan_session *s, enum member_state state,
	 uint32_t member)
{
	uint32_t home = s->last != MEMBER_NONE ? s->last : s->primary;
	bool open = state == MEMBER_UP || state == MEMBER_SUSPECT ||
		    (state == MEMBER_DRAIN && member == home && !s->fresh);
	bool returns = rules->failback == FAILBACK_RETURN || s->idle;
	uint32_t first = returns ? s->primary : home;
	if (state == MEMBER_DOWN || state == MEMBER_MAINT)
		return CLASS_NEVER;
	if (open && member == first)
		return CLASS_FIRST_PLACE;
	if (open && (member == s->primary || member == s->last))
		return CLASS_SECOND_PLACE;
	if (rules->strict != 0)
		return CLASS_NEVER;
	return open || state == MEMBER_UP ? CLASS_BACKUP : CLASS_LAST_RESORT;
}

static uint32_t
naive_steps(const struct plan_rules *rules, const struct plan_session *s, const struct view *view,
	    uint32_t out[FIXTURE_MEMBERS_MAX])
{
	uint32_t order[FIXTURE_MEMBERS_MAX];
	uint32_t apart = rules->spread == SPREAD_ZONE ? s->primary : HASHRING_NONE;
	size_t placed = hashring_order(members->ring, s->digest.bytes, apart, order, COUNT(order));
	uint32_t count = 0;
	for (int class = CLASS_FIRST_PLACE; class < CLASS_NEVER; class ++) {
		for (size_t i = 0; i < placed; i++) {
			enum member_state state = (enum member_state)view->state[order[i]];
			if (class_of(rules, s, state, order[i]) == class)
				out[count++] = order[i];
		}
	}
	uint32_t most = rules->strict != 0 ? 1 : 3;
	return count < most ? count : most;
}

static void
compare_with_naive(const struct plan_rules *rules, const struct plan_session *s,
		   const struct view *view)
{
	struct plan plan;
	uint32_t want[FIXTURE_MEMBERS_MAX];
	plan_make(rules, s, view, &plan);
	uint32_t count = naive_steps(rules, s, view, want);
	assert_int_equal(plan.step_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(plan.step[i].member, want[i]);
	assert_int_equal(plan.refuse_status, count == 0 ? rules->strict : 0);
	uint32_t home = s->last != MEMBER_NONE ? s->last : s->primary;
	assert_int_equal(plan.home, home);
	if (count > 0)
		assert_int_equal(plan.affinity, want[0] == home
						    ? s->fresh ? AFFINITY_NEW : AFFINITY_HIT
						: want[0] == s->primary ? AFFINITY_FAILBACK
									: AFFINITY_FAILOVER);
	/* Nobody is passed over who could have been chosen. */
	for (uint32_t i = 0; i < plan.skipped_count; i++)
		assert_true(count == 0 || plan.skipped[i].member != want[0]);
	if (count > 0 && want[0] == home)
		assert_int_equal(plan.skipped_count, 0);
}

static void
each_session(const struct plan_rules *rules, const struct view *view)
{
	for (uint32_t primary = 0; primary < 4; primary++) {
		struct plan_session s = {.digest = digest, .primary = primary, .last = MEMBER_NONE};
		compare_with_naive(rules, &s, view);
		s.fresh = true;
		compare_with_naive(rules, &s, view);
		s.fresh = false;
		for (s.last = 0; s.last < 4; s.last++)
			compare_with_naive(rules, &s, view);
		s.idle = rules->failback == FAILBACK_STAY_UNTIL_IDLE;
		for (s.last = 0; s.idle && s.last < 4; s.last++)
			compare_with_naive(rules, &s, view);
	}
}

static void
each_rule(const struct view *view)
{
	static const enum failback policies[] = {FAILBACK_STAY, FAILBACK_RETURN,
						 FAILBACK_STAY_UNTIL_IDLE};
	for (size_t i = 0; i < 4 * COUNT(policies); i++) {
		struct plan_rules rules = {.failback = policies[i / 4],
					   .strict = (i & 1) != 0 ? 503 : 0,
					   .spread = (i & 2) != 0 ? SPREAD_ZONE : SPREAD_ANY,
					   .attempts_max = 3};
		each_session(&rules, view);
	}
}

/* All states of four members, all primaries and last servers, all rules. */
static void
agrees_with_the_naive_plan(void **state)
{
	static const char letters[] = "USRDM";
	(void)state;
	for (int n = 0; n < 5 * 5 * 5 * 5; n++) {
		char states[] = {letters[n % 5], letters[n / 5 % 5], letters[n / 25 % 5],
				 letters[n / 125], '\0'};
		struct view *view = fixture_view(members, states);
		each_rule(view);
		view_unref(&view);
	}
}

static uint32_t
place_in(const uint32_t *order, size_t count, uint32_t member)
{
	uint32_t place = 0;
	while (place < count && order[place] != member)
		place++;
	return place < count ? place : HASHRING_NONE;
}

/* Ranks are places of the whole order; who was skipped stood before the first step, in order. */
static void
compare_with_order(const struct plan_rules *rules, const struct plan_session *s,
		   const struct view *view)
{
	struct plan plan;
	uint32_t order[FIXTURE_MEMBERS_MAX];
	uint32_t apart = rules->spread == SPREAD_ZONE ? s->primary : HASHRING_NONE;
	size_t count = hashring_order(members->ring, s->digest.bytes, apart, order, COUNT(order));
	plan_make(rules, s, view, &plan);
	for (uint32_t i = 0; i < plan.step_count; i++) {
		if (plan.step[i].rank != PLAN_RANK_UNASKED)
			assert_int_equal(plan.step[i].rank,
					 place_in(order, count, plan.step[i].member));
	}
	uint32_t next = 0; /* of the order; the places stand in front */
	for (uint32_t i = 0; i < plan.skipped_count && plan.refuse_status == 0; i++) {
		if (plan.skipped[i].member == s->primary || plan.skipped[i].member == s->last)
			continue;
		while (order[next] == s->primary || order[next] == s->last)
			next++;
		assert_int_equal(plan.skipped[i].member, order[next++]);
	}
}

/* More members than are asked for their whole order, of several weights and zones. */
static void
agrees_over_more_members(void **state)
{
	static const char *const mixes[] = {"UUUSRDDM", "UUUSUUUS", "RRDRMRRR", "RRDRURRM"};
	struct membership *few = members;
	(void)state;
	for (uint32_t turn = 0; turn < 300; turn++) {
		uint32_t count = 9 + turn % (FIXTURE_MEMBERS_MAX - 9 + 1);
		struct config_service service = fixture_service(count);
		char states[FIXTURE_MEMBERS_MAX + 1] = "";
		for (uint32_t i = 0; i < count; i++) {
			fixture_list[i].weight = turn % 3 == 0 ? 1 : 1 + (i * 7 + turn) % 4;
			fixture_list[i].zone = (turn + i) % 3 == 0 ? TEXT("x") : TEXT("y");
			states[i] = mixes[turn % 4][(i * 5 + turn * 11 + turn / (i + 1)) % 8];
		}
		members = fixture_membership(&service);
		struct view *view = fixture_view(members, states);
		struct plan_session s = {.digest = fixture_digest(turn)};
		struct plan_rules rules = {.failback =
					       turn % 2 == 0 ? FAILBACK_STAY : FAILBACK_RETURN,
					   .spread = turn % 5 == 0 ? SPREAD_ZONE : SPREAD_ANY,
					   .attempts_max = 3};
		for (s.primary = 0; s.primary < count; s.primary++) {
			s.last = s.primary % 4 == 0 ? MEMBER_NONE : (s.primary * 3 + turn) % count;
			s.fresh = s.last == MEMBER_NONE && turn % 2 == 0;
			compare_with_naive(&rules, &s, view);
			compare_with_order(&rules, &s, view);
		}
		view_unref(&view);
		membership_unref(&members);
	}
	members = few;
}

/* What stands behind step[0] is the plan that would be made without that member. */
static void
the_rest_is_the_plan_without_the_first(void **state)
{
	(void)state;
	const struct plan_rules rules = {.failback = FAILBACK_STAY, .attempts_max = 4};
	for (uint32_t i = 0; i < 16; i++) {
		struct plan_session s = {.digest = digest, .primary = i % 4, .last = i / 4};
		char states[] = "USUR";
		struct plan before;
		struct plan after;
		struct view *view = fixture_view(members, states);
		plan_make(&rules, &s, view, &before);
		view_unref(&view);
		assert_int_equal(before.step_count, 4);
		states[before.step[0].member] = 'D';
		view = fixture_view(members, states);
		plan_make(&rules, &s, view, &after);
		view_unref(&view);
		assert_int_equal(after.step_count, 3);
		for (uint32_t k = 0; k < 3; k++)
			assert_int_equal(after.step[k].member, before.step[k + 1].member);
	}
}

/* spread = "zone": what stands apart from the primary comes first. */
static void
backups_stand_apart(void **state)
{
	(void)state;
	struct config_service service = fixture_service(4);
	static const char *const zones[] = {"east", "east", "west", "west"};
	for (size_t i = 0; i < 4; i++)
		fixture_list[i].zone = TEXT(zones[i]);
	struct membership *m = fixture_membership(&service);
	struct view *view = fixture_view(m, "UUUU");
	struct plan_rules rules = {.spread = SPREAD_ZONE, .attempts_max = 4};
	struct plan_session s = {.digest = digest, .last = MEMBER_NONE};
	for (s.primary = 0; s.primary < 4; s.primary++) {
		struct plan plan;
		plan_make(&rules, &s, view, &plan);
		assert_int_equal(plan.step_count, 4);
		assert_int_equal(plan.step[0].member, s.primary);
		assert_int_equal(plan.step[3].member, s.primary ^ 1); /* its neighbour */
	}
	view_unref(&view);
	membership_unref(&m);
}

/* ---- many sessions ---- */

static uint32_t
first_step(struct session_digest d, const struct view *view, uint32_t primary)
{
	struct plan plan;
	struct plan_session s = {.digest = d, .primary = primary, .last = MEMBER_NONE};
	plan_make(&stay, &s, view, &plan);
	assert_true(plan.step_count > 0);
	return plan.step[0].member;
}

/* Two nodes that list the members in another sequence choose the same member for every session. */
static void
nodes_agree(void **state)
{
	(void)state;
	struct config_service here = fixture_service(5);
	struct membership *m = fixture_membership(&here);
	struct config_member reversed[5];
	for (size_t i = 0; i < 5; i++)
		reversed[i] = fixture_list[4 - i];
	struct config_service there = here;
	there.members = reversed;
	struct membership *other = fixture_membership(&there);
	struct view *view = fixture_view(m, "UDUUU");
	struct view *other_view = fixture_view(other, "UUUDU");
	for (uint64_t n = 0; n < DIGESTS; n++) {
		struct session_digest d = fixture_digest(n);
		uint32_t primary = hashring_first(m->ring, d.bytes, HASHRING_NONE, NULL);
		uint32_t ours = first_step(d, view, primary);
		uint32_t theirs = first_step(d, other_view, 4 - primary);
		assert_int_equal(ours, 4 - theirs);
	}
	view_unref(&view);
	view_unref(&other_view);
	membership_unref(&m);
	membership_unref(&other);
}

/* A death moves the sessions of the dead member, to all the others; not one more. */
static void
only_the_dead_members_sessions_move(void **state)
{
	(void)state;
	struct view *before = fixture_view(members, "UUUU");
	struct view *after = fixture_view(members, "UUDU");
	uint64_t moved[4] = {0};
	uint64_t lived = 0;
	for (uint64_t n = 0; n < DIGESTS; n++) {
		struct session_digest d = fixture_digest(n);
		uint32_t primary = hashring_first(members->ring, d.bytes, HASHRING_NONE, NULL);
		uint32_t was = first_step(d, before, primary);
		uint32_t is = first_step(d, after, primary);
		assert_int_equal(was, primary);
		lived += was == 2;
		if (was != 2)
			assert_int_equal(is, was);
		else
			moved[is]++;
	}
	assert_int_equal(moved[2], 0);
	assert_int_equal(moved[0] + moved[1] + moved[3], lived);
	for (size_t i = 0; i < 4; i++) /* a third each, within 2 % of them */
		assert_true(i == 2 || (moved[i] * 100 > lived * 31 && moved[i] * 100 < lived * 36));
	view_unref(&before);
	view_unref(&after);
}

/* A member of weight 0 stands in no order, but sessions that live there go on there. */
static void
weightless_members_keep_their_sessions(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	fixture_list[1].weight = 0;
	struct membership *m = fixture_membership(&service);
	struct view *view = fixture_view(m, "UUU");
	struct plan plan;
	struct plan_session s = {.digest = digest, .primary = 1, .last = 1};
	plan_make(&stay, &s, view, &plan);
	assert_int_equal(plan.step_count, 3);
	assert_int_equal(plan.step[0].member, 1);
	view_unref(&view);
	view = fixture_view(m, "DUD");
	s.primary = 0;
	s.last = 2;
	plan_make(&stay, &s, view, &plan);
	assert_int_equal(plan.step_count, 0);
	view_unref(&view);
	membership_unref(&m);
}

/* More members than a plan and its lists hold. */
static void
lists_are_bounded(void **state)
{
	(void)state;
	struct config_service service = fixture_service(26);
	struct membership *m = fixture_membership(&service);
	struct plan_rules rules = {.attempts_max = PLAN_STEPS_MAX};
	struct plan_session s = {.digest = digest, .primary = 25, .last = 25};
	struct plan plan;
	struct view *view = fixture_view(m, "UUUUUUUUUUUUUUUUUUUUUUUUUU");
	plan_make(&rules, &s, view, &plan);
	assert_int_equal(plan.step_count, PLAN_STEPS_MAX);
	view_unref(&view);
	view = fixture_view(m, "DDDDDDDDDDDDDDDDDDDDDDDDDD");
	plan_make(&rules, &s, view, &plan);
	assert_int_equal(plan.step_count, 0);
	assert_int_equal(plan.skipped_count, PLAN_SKIPPED_MAX);
	assert_int_equal(plan.skipped[0].member, 25);
	view_unref(&view);
	membership_unref(&m);
}

/* Member a stands beside this node, b, c and d behind nodes 1, 2 and 3. */
static const struct {
	const char *states;
	char primary;
	uint64_t visited; /* this node is bit 0 */
	bool ends_here;
	uint16_t strict;
	const char *plan;
} ways[] = {
    /* the entry: everything is open to it */
    {"UUUU", 'b', 1, false, 0, "b=primary a=backup c=backup / / hit"},
    {"DUUU", 'a', 1, false, 0, "b=backup c=backup d=backup / a=down / failover"},
    /* nothing goes back to who had it */
    {"UUUU", 'b', 3, false, 0, "a=backup c=backup / b=visited / failover"},
    {"UUUU", 'b', 7, false, 0, "a=backup / b=visited / failover"},
    {"UUUU", 'a', 15, false, 0, "a=primary / / hit"},
    {"DUUU", 'a', 7, false, 0, "d=backup / a=down b=visited c=visited / failover"},
    /* the way ends here: its own member or nobody */
    {"UUUU", 'b', 9, true, 0, "a=backup / b=visited / failover"},
    {"UDDU", 'b', 9, true, 0, "a=backup / b=down / failover"},
    {"DUUU", 'b', 9, true, 0, "/ b=visited c=visited d=visited"},
    {"DUUU", 'a', 15, false, 0, "/ a=down b=visited c=visited d=visited"},
    /* its own member serves when the plan holds nothing else, though it is not in it */
    {"RUUU", 'b', 15, false, 0, "a=backup / b=visited c=visited d=visited / failover"},
    /* strict: its own server or none */
    {"UUUU", 'b', 3, false, 503, "/ b=visited"},
    {"UUUU", 'b', 1, false, 503, "b=primary / / hit"},
};

static void
ways_restrict_plans(void **state)
{
	(void)state;
	members->member[0].own = true;
	for (uint16_t i = 1; i < 4; i++)
		members->member[i].hop = (uint16_t)(i + 1);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct plan_rules rules = stay;
		struct plan_session session = {.digest = digest,
					       .primary = fixture_member(ways[i].primary),
					       .last = fixture_member(ways[i].primary)};
		struct plan_way way = {ways[i].visited, ways[i].ends_here};
		struct view *view = fixture_view(members, ways[i].states);
		struct plan plan;
		rules.strict = ways[i].strict;
		plan_make(&rules, &session, view, &plan);
		plan_restrict(&rules, &session, view, &way, &plan);
		if (strcmp(plan_text(&plan), ways[i].plan) != 0)
			fail_msg("way %zu: \"%s\" is wanted, it is \"%s\"", i, ways[i].plan,
				 plan_text(&plan));
		view_unref(&view);
	}
	for (size_t i = 0; i < 4; i++) {
		members->member[i].own = false;
		members->member[i].hop = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_table),
	    cmocka_unit_test(attempts_are_bounded),
	    cmocka_unit_test(agrees_with_the_naive_plan),
	    cmocka_unit_test(agrees_over_more_members),
	    cmocka_unit_test(the_rest_is_the_plan_without_the_first),
	    cmocka_unit_test(backups_stand_apart),
	    cmocka_unit_test(nodes_agree),
	    cmocka_unit_test(only_the_dead_members_sessions_move),
	    cmocka_unit_test(weightless_members_keep_their_sessions),
	    cmocka_unit_test(lists_are_bounded),
	    cmocka_unit_test(ways_restrict_plans),
	};
	return cmocka_run_group_tests_name("plan", tests, start, stop);
}
