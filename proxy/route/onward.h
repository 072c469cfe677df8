/*
 * onward.h: a request of the mesh at the node that it came to, pure (DESIGN section 8; US
 * 8,090,829): what of the whole plan may be carried out here. The node that sent it is believed in
 * nothing but where the request has been; who is alive, and what the order is, is found anew.
 *
 * `hop`: what stands in the field (affinity/hop.h); NULL: it came from a client.
 */
#ifndef HOLDFAST_ROUTE_ONWARD_H
#define HOLDFAST_ROUTE_ONWARD_H

#include "affinity/hop.h"
#include "route/plan.h"

/* The sender held a later membership: it is to be fetched before anything is decided. */
bool onward_is_behind(const struct hop *hop, const struct view *view);

/* Where it has been, this node included; `self`: the place in cluster.nodes. */
struct plan_way onward_way(const struct hop *hop, uint16_t self, uint32_t hops_max);

/* The path holds the primary down, and this view does not. */
enum onward_opinion {
	ONWARD_AGREES,
	ONWARD_EVIDENCE, /* the node beside it says so, which knows best */
	ONWARD_DISAGREES,
};
enum onward_opinion onward_compare(const struct hop *hop, const struct view *view,
				   uint32_t primary);

/* A step of the plan lies behind a node that had the request, and that one takes it back. */
bool onward_may_return(const struct hop *hop, const struct view *view, const struct plan_way *way,
		       const struct plan *plan);
/*
 * Its place is behind a node that had it, and handed it on for want of knowing that others before
 * that place are dead: it goes back there. Otherwise two nodes would answer for one session.
 */
bool onward_goes_back(const struct hop *hop, const struct view *view, const struct plan_way *way,
		      const struct plan *plan);
/*
 * The same, when the `count` members of `asked` turned out to be dead: of the others of the whole
 * plan (plan_make), the first that may be asked at all lies behind a node that had it. Never while
 * the member beside this node may serve: who gets it back holds that one for dead.
 */
bool onward_goes_back_after(const struct hop *hop, const struct view *view,
			    const struct plan_way *way, const struct plan *whole,
			    const uint32_t *asked, size_t count);

/* plan_restrict, by the node's own view. */
void onward_restrict(const struct hop *hop, const struct plan_rules *rules,
		     const struct plan_session *session, const struct view *view,
		     const struct plan_way *way, struct plan *plan);

/* Into the field for the next node: the path, and who was passed over; ids are borrowed. */
void onward_tell(const struct hop *hop, uint16_t self, const struct view *view,
		 const struct plan *plan, struct hop *next);

#endif
