/*
 * plan.c: THE decision, in one file: see plan.h and DESIGN section 6, steps 3 to 5.
 *
 *   where the session lives ->  the order of its digest  ->  draining members
 *   (last, primary)             (up and suspect members)     (when nothing else is left)
 *
 * The odd decision: sets of members are narrowed before the ordering is asked, so
 * that a session at home costs two places of the order and no more.
 */
#include "route/plan.h"

#include <assert.h>
#include <string.h>

#define PLACES       2 /* last and primary */
#define SKIP_AT_ONCE 2 /* asked of the order in one pass */

static_assert(PLAN_STEPS_MAX >= 1 + BACKUPS_TOLD, "a plan has room for the backups told");

/* The question, and the plan that grows. */
struct planning {
	const struct plan_rules *rules;
	const struct plan_session *session;
	const struct view *view;
	struct plan *plan;
	uint32_t apart; /* spread = "zone": the primary; else HASHRING_NONE */
	uint32_t want;  /* steps */
};

static enum member_state
state_of(const struct view *view, uint32_t member)
{
	return (enum member_state)view->state[member];
}

/* May the session go on at `member`, where it lives or lived? */
static bool
is_open(const struct planning *g, uint32_t member)
{
	enum member_state state = state_of(g->view, member);
	if (state == MEMBER_DRAIN)
		return member == g->plan->home && !g->session->fresh;
	return member_state_operational(state);
}

static void
add_step(struct planning *g, uint32_t member, enum step_why why)
{
	assert(g->plan->step_count < PLAN_STEPS_MAX);
	g->plan->step[g->plan->step_count++] = (struct plan_step){member, why, PLAN_RANK_UNASKED};
}

static void
skip(struct planning *g, uint32_t member)
{
	static const enum reason why[] = {
	    [MEMBER_UP] = REASON_NONE,     [MEMBER_SUSPECT] = REASON_SUSPECT,
	    [MEMBER_DRAIN] = REASON_DRAIN, [MEMBER_DOWN] = REASON_DOWN,
	    [MEMBER_MAINT] = REASON_MAINT,
	};
	struct plan *plan = g->plan;
	if (plan->skipped_count < PLAN_SKIPPED_MAX)
		plan->skipped[plan->skipped_count++] =
		    (struct plan_skipped){member, why[state_of(g->view, member)]};
}

/* The places where the session may live: last and primary, in the sequence of `failback`. */
static size_t
places(const struct planning *g, struct plan_step place[PLACES])
{
	const struct plan_session *s = g->session;
	struct plan_step primary = {s->primary, STEP_PRIMARY, PLAN_RANK_UNASKED};
	struct plan_step last = {s->last, STEP_LAST, PLAN_RANK_UNASKED};
	size_t count = 0;
	bool both = s->last != MEMBER_NONE && s->last != s->primary;
	bool stays = g->rules->failback != FAILBACK_RETURN && !s->idle;
	if (both && stays)
		place[count++] = last;
	if (s->primary != MEMBER_NONE)
		place[count++] = primary;
	if (both && !stays)
		place[count++] = last;
	return count;
}

static void
add_places(struct planning *g)
{
	struct plan_step place[PLACES];
	size_t count = places(g, place);
	for (size_t i = 0; i < count; i++) {
		if (is_open(g, place[i].member) && g->plan->step_count < g->want)
			add_step(g, place[i].member, place[i].why);
	}
}

static void
set_remove(hashring_word *set, uint32_t member)
{
	set[member / 64] &= ~(UINT64_C(1) << (member % 64));
}

static void
add_all(struct planning *g, const uint32_t *member, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_step(g, member[i],
			 member[i] == g->session->primary ? STEP_PRIMARY : STEP_BACKUP);
}

/* Those who may take the session over; in the same pass the rank of who has it. */
static void
add_near(struct planning *g)
{
	struct plan *plan = g->plan;
	uint32_t member[PLAN_STEPS_MAX];
	uint32_t without[PLACES];
	uint32_t rank;
	size_t steps = plan->step_count;
	assert(steps <= PLACES);
	for (size_t i = 0; i < steps; i++)
		without[i] = plan->step[i].member;
	struct hashring_near near = {.lanes = g->view->backup_lanes,
				     .without = without,
				     .without_count = steps,
				     .apart = g->apart,
				     .ranked = steps > 0 ? without[0] : HASHRING_NONE};
	size_t count = hashring_near(g->view->membership->ring, g->session->digest.bytes, &near,
				     member, g->want - steps, &rank);
	if (steps > 0)
		plan->step[0].rank = rank;
	add_all(g, member, count);
}

/* As nothing else is left: members that drain. */
static void
add_draining(struct planning *g)
{
	const struct view *view = g->view;
	hashring_word set[HASHRING_WORDS(MEMBERS_MAX)] = {0};
	uint32_t member[PLAN_STEPS_MAX];
	for (size_t i = 0; i < HASHRING_WORDS(view->membership->count); i++)
		set[i] = view->operational[i] & ~view->backups[i];
	for (uint32_t i = 0; i < g->plan->step_count; i++)
		set_remove(set, g->plan->step[i].member);
	size_t count = hashring_first_n(view->membership->ring, g->session->digest.bytes, g->apart,
					set, member, g->want - g->plan->step_count);
	add_all(g, member, count);
}

static uint32_t
place_of(const uint32_t *order, size_t count, uint32_t member)
{
	for (uint32_t i = 0; i < count; i++) {
		if (order[i] == member)
			return i;
	}
	return PLAN_RANK_UNASKED;
}

/* Those of `set` that are no step yet, in order. */
static void
add_few(struct planning *g, const uint32_t *order, size_t count, hashring_word set)
{
	struct plan *plan = g->plan;
	for (uint32_t i = 0; i < plan->step_count; i++)
		set &= ~(UINT64_C(1) << plan->step[i].member % PLAN_FEW_MEMBERS);
	for (uint32_t i = 0; i < count && plan->step_count < g->want; i++) {
		if ((set >> order[i] & 1) == 0)
			continue;
		add_step(g, order[i], order[i] == g->session->primary ? STEP_PRIMARY : STEP_BACKUP);
		plan->step[plan->step_count - 1].rank = i;
	}
}

/* Few members: the whole order is asked once, for the backups and for everybody's rank. */
static void
add_backups_of_few(struct planning *g)
{
	const struct view *view = g->view;
	struct plan *plan = g->plan;
	uint32_t order[PLAN_FEW_MEMBERS];
	size_t count = hashring_order(view->membership->ring, g->session->digest.bytes, g->apart,
				      order, PLAN_FEW_MEMBERS);
	for (uint32_t i = 0; i < plan->step_count; i++)
		plan->step[i].rank = place_of(order, count, plan->step[i].member);
	add_few(g, order, count, view->backups[0]);
	if (plan->step_count < g->want && view->operational_count > view->backups_count)
		add_few(g, order, count, view->operational[0] & ~view->backups[0]);
}

static void
add_backups(struct planning *g)
{
	const struct view *view = g->view;
	if (view->membership->count == 0)
		return;
	if (view->membership->count <= PLAN_FEW_MEMBERS) {
		add_backups_of_few(g);
		return;
	}
	if (g->plan->step_count < g->want)
		add_near(g);
	if (g->plan->step_count < g->want && view->operational_count > view->backups_count)
		add_draining(g);
}

/* The order before step[0], without the places; each is closed, or it would be step[0]. */
static void
skip_order(struct planning *g, const struct plan_step *place, size_t place_count)
{
	struct plan *plan = g->plan;
	uint32_t seen[PLACES + PLAN_SKIPPED_MAX + SKIP_AT_ONCE];
	uint32_t member[SKIP_AT_ONCE];
	uint32_t rank;
	struct hashring_near near = {
	    .lanes = NULL, .without = seen, .apart = g->apart, .ranked = HASHRING_NONE};
	size_t count = SKIP_AT_ONCE;
	for (size_t i = 0; i < place_count; i++)
		seen[near.without_count++] = place[i].member;
	while (count == SKIP_AT_ONCE && plan->skipped_count < PLAN_SKIPPED_MAX) {
		count = hashring_near(g->view->membership->ring, g->session->digest.bytes, &near,
				      member, SKIP_AT_ONCE, &rank);
		for (size_t i = 0; i < count; i++) {
			if (plan->step_count > 0 && member[i] == plan->step[0].member)
				return;
			skip(g, member[i]);
			seen[near.without_count++] = member[i];
		}
	}
}

/* What would have come before step[0]: where the session lives, then the order. */
static void
fill_skipped(struct planning *g)
{
	struct plan *plan = g->plan;
	struct plan_step place[PLACES];
	size_t count = places(g, place);
	for (size_t i = 0; i < count; i++) {
		if (plan->step_count > 0 && place[i].member == plan->step[0].member)
			return;
		skip(g, place[i].member);
	}
	if (plan->refuse_status == 0)
		skip_order(g, place, count);
}

static enum affinity
affinity_of(const struct planning *g)
{
	uint32_t first = g->plan->step[0].member;
	if (first == g->plan->home)
		return g->session->fresh ? AFFINITY_NEW : AFFINITY_HIT;
	return first == g->session->primary ? AFFINITY_FAILBACK : AFFINITY_FAILOVER;
}

static uint32_t
steps_wanted(const struct plan_rules *rules)
{
	if (rules->strict != 0)
		return 1;
	if (rules->spills)
		return PLAN_STEPS_MAX;
	uint32_t want =
	    rules->attempts_max > 1 + BACKUPS_TOLD ? rules->attempts_max : 1 + BACKUPS_TOLD;
	return want < PLAN_STEPS_MAX ? want : PLAN_STEPS_MAX;
}

void
plan_make(const struct plan_rules *rules, const struct plan_session *session,
	  const struct view *view, struct plan *plan)
{
	struct planning g = {
	    .rules = rules,
	    .session = session,
	    .view = view,
	    .plan = plan,
	    .apart = rules->spread == SPREAD_ZONE ? session->primary : HASHRING_NONE,
	    .want = steps_wanted(rules),
	};
	plan->step_count = 0;
	plan->skipped_count = 0;
	plan->home = session->last != MEMBER_NONE ? session->last : session->primary;
	plan->refuse_status = 0;
	plan->affinity = AFFINITY_NONE;
	add_places(&g);
	if (rules->strict == 0)
		add_backups(&g);
	else if (plan->step_count == 0)
		plan->refuse_status = rules->strict;
	if (plan->step_count > 0)
		plan->affinity = affinity_of(&g);
	if (plan->step_count == 0 || plan->step[0].member != plan->home)
		fill_skipped(&g);
}

bool
plan_way_reaches(const struct plan_way *way, const struct membership_member *member)
{
	if (member->hop == 0)
		return true;
	return !way->ends_here && (way->visited >> (member->hop - 1) & 1) == 0;
}

static uint32_t
own_member(const struct view *view)
{
	for (uint32_t i = 0; i < view->membership->count; i++) {
		if (view->membership->member[i].own && view_is_operational(view, i))
			return i;
	}
	return MEMBER_NONE;
}

static void
skip_visited(struct plan *plan, uint32_t member)
{
	if (plan->skipped_count < PLAN_SKIPPED_MAX)
		plan->skipped[plan->skipped_count++] =
		    (struct plan_skipped){member, REASON_VISITED};
}

void
plan_restrict(const struct plan_rules *rules, const struct plan_session *session,
	      const struct view *view, const struct plan_way *way, struct plan *plan)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < plan->step_count; i++) {
		if (plan_way_reaches(way, &view->membership->member[plan->step[i].member]))
			plan->step[kept++] = plan->step[i];
		else if (kept == 0)
			skip_visited(plan, plan->step[i].member);
	}
	plan->step_count = kept;
	uint32_t own = kept == 0 && rules->strict == 0 ? own_member(view) : MEMBER_NONE;
	if (own != MEMBER_NONE)
		plan->step[plan->step_count++] =
		    (struct plan_step){own, STEP_BACKUP, PLAN_RANK_UNASKED};
	struct planning g = {.rules = rules, .session = session, .view = view, .plan = plan};
	plan->affinity = plan->step_count > 0 ? affinity_of(&g) : AFFINITY_PASS;
}

uint32_t
plan_attempts(const struct plan_rules *rules, const struct plan *plan)
{
	uint32_t most = rules->strict != 0 ? 1 : rules->attempts_max;
	return plan->step_count < most ? plan->step_count : most;
}

const char *
step_why_text(enum step_why why)
{
	static const char *const texts[] = {
	    [STEP_PRIMARY] = "primary", [STEP_LAST] = "last", [STEP_BACKUP] = "backup"};
	return texts[why];
}
