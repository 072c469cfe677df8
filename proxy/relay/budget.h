/*
 * budget.h: how many requests may be on their second try at once, so that members that are slow
 * or broken are not given the same work again and again (as Envoy's retry budget: a share of the
 * requests that wait for an answer, and a floor for services with little traffic). Pure.
 *
 * Counted by each worker for itself: what waits for an answer there (struct service_slot), and how
 * much of it is a repeat. A repeat lasts until its answer begins; a tunnel or a long body is none.
 *
 * A try counts when it repeats work that a member which still takes part may be doing: it was sent,
 * and then it timed out or its connection broke, or the member passed it on. Free is
 *   - what was not sent (refused, no connection): nobody has worked on it;
 *   - what leaves a member that is down by then: each of its requests moves once, however many
 * there are. So a member that is killed under load costs no answer, whatever the budget;
 *   - the same member once more, after a pooled connection that it had closed.
 */
#ifndef HOLDFAST_RELAY_BUDGET_H
#define HOLDFAST_RELAY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* May one more of `waiting` requests be repeated, when `repeated` of them are? */
static inline bool
budget_allows(uint32_t percent, uint32_t floor, uint32_t waiting, uint32_t repeated)
{
	return repeated < floor || (uint64_t)repeated * 100 < (uint64_t)waiting * percent;
}

#endif
