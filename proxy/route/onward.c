/* onward.c: see onward.h. */
#include "route/onward.h"

#include "mutant.h"

static struct slice
id_of(const struct view *view, uint32_t member)
{
	const struct membership_member *m = &view->membership->member[member];
	return (struct slice){m->id, m->id_bytes};
}

bool
onward_is_behind(const struct hop *hop, const struct view *view)
{
	return MUTANT != MUTANT_DECIDES_BEHIND && hop->epoch > view->membership->epoch;
}

struct plan_way
onward_way(const struct hop *hop, uint16_t self, uint32_t hops_max)
{
	struct plan_way way = {.visited = UINT64_C(1) << self};
	if (hop == NULL)
		return way;
	if (MUTANT != MUTANT_FORGETS_WAY)
		way.visited |= hop->visited;
	way.ends_here = hop->path_count + 1 >= hops_max;
	return way;
}

enum onward_opinion
onward_compare(const struct hop *hop, const struct view *view, uint32_t primary)
{
	if (!hop_tells_down(hop, id_of(view, primary)) || !view_is_operational(view, primary))
		return ONWARD_AGREES;
	uint16_t sender = hop->path[hop->path_count - 1];
	return view->membership->member[primary].hop == sender + 1 ? ONWARD_EVIDENCE
								   : ONWARD_DISAGREES;
}

/* May this member serve it, though its node had the request? */
static bool
is_passed_by(const struct hop *hop, const struct view *view, const struct plan_way *way,
	     uint32_t member)
{
	return !plan_way_reaches(way, &view->membership->member[member]) &&
	       !hop_tells_down(hop, id_of(view, member));
}

bool
onward_may_return(const struct hop *hop, const struct view *view, const struct plan_way *way,
		  const struct plan *plan)
{
	bool any = false;
	for (uint32_t i = 0; i < plan->step_count; i++)
		any |= is_passed_by(hop, view, way, plan->step[i].member);
	return any && hop->can_return;
}

bool
onward_goes_back(const struct hop *hop, const struct view *view, const struct plan_way *way,
		 const struct plan *plan)
{
	return hop != NULL && hop->can_return && plan->step_count > 0 &&
	       is_passed_by(hop, view, way, plan->step[0].member);
}

static bool
is_among(const uint32_t *list, size_t count, uint32_t member)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == member)
			return true;
	}
	return false;
}

bool
onward_goes_back_after(const struct hop *hop, const struct view *view, const struct plan_way *way,
		       const struct plan *whole, const uint32_t *asked, size_t count)
{
	bool back = false;
	bool here = false;
	for (uint32_t i = 0; i < whole->step_count; i++) {
		uint32_t member = whole->step[i].member;
		if (is_among(asked, count, member))
			continue;
		if (view->membership->member[member].own)
			return false;
		here |= !back && plan_way_reaches(way, &view->membership->member[member]);
		back |= !here && is_passed_by(hop, view, way, member);
	}
	return back;
}

/* The mutant does what the sender meant: it serves, whoever is alive by its own view. */
static bool
trusts_sender(const struct hop *hop, const struct view *view, struct plan *plan)
{
	for (uint32_t i = 0; hop != NULL && i < plan->step_count; i++) {
		if (!view->membership->member[plan->step[i].member].own)
			continue;
		plan->step[0] = plan->step[i];
		plan->step_count = 1;
		return true;
	}
	return false;
}

void
onward_restrict(const struct hop *hop, const struct plan_rules *rules,
		const struct plan_session *session, const struct view *view,
		const struct plan_way *way, struct plan *plan)
{
	if (MUTANT == MUTANT_TRUSTS_SENDER && trusts_sender(hop, view, plan))
		return;
	plan_restrict(rules, session, view, way, plan);
}

void
onward_tell(const struct hop *hop, uint16_t self, const struct view *view, const struct plan *plan,
	    struct hop *next)
{
	next->path_count = 0;
	for (size_t i = 0; hop != NULL && i < hop->path_count; i++)
		next->path[next->path_count++] = hop->path[i];
	next->path[next->path_count++] = self;
	next->down_count = 0;
	for (uint32_t i = 0; i < plan->skipped_count && next->down_count < HOP_DOWN_MAX; i++)
		next->down[next->down_count++] = id_of(view, plan->skipped[i].member);
}
