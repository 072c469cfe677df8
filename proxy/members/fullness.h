/*
 * fullness.h: how much of what it can take a member has, in parts of a million: for who offers to
 * take new sessions, how soon, and from where on they need a ticket (services[].session.race).
 */
#ifndef HOLDFAST_MEMBERS_FULLNESS_H
#define HOLDFAST_MEMBERS_FULLNESS_H

#include "members/view.h"

#define FULLNESS_ALL 1000000U /* full */

/* Requests that it can take: connections_max, or `full` for each of its weight. */
static inline uint64_t
fullness_capacity(const struct membership_member *m, uint32_t full)
{
	uint64_t weighed = (uint64_t)full * (m->weight > 0 ? m->weight : 1);
	return m->connections_max > 0 ? m->connections_max : weighed;
}

/* With `more_milli` thousandths of requests beside those in flight. FULLNESS_ALL at most. */
static inline uint32_t
fullness_of(const struct membership_member *m, uint32_t full, uint64_t more_milli)
{
	uint64_t has_milli = (uint64_t)member_live_active(m->live) * 1000 + more_milli;
	uint64_t ppm = has_milli * (FULLNESS_ALL / 1000) / fullness_capacity(m, full);
	return ppm < FULLNESS_ALL ? (uint32_t)ppm : FULLNESS_ALL;
}

#endif
