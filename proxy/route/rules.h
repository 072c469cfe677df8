/* rules.h: what the plan needs of a service's configuration; for all who make plans. */
#ifndef HOLDFAST_ROUTE_RULES_H
#define HOLDFAST_ROUTE_RULES_H

#include "config/config.h"
#include "route/plan.h"

static inline bool
has_bounded_member(const struct config_service *service)
{
	size_t i = 0;
	while (i < service->member_count && service->members[i].connections_max == 0)
		i++;
	return i < service->member_count;
}

static inline struct plan_rules
plan_rules_of(const struct config_service *service)
{
	return (struct plan_rules){
	    .assign = service->assign,
	    .failback = service->failback,
	    .spread = service->spread,
	    .strict = service->strict,
	    .attempts_max = service->attempts_max,
	    .spills = has_bounded_member(service),
	};
}

#endif
