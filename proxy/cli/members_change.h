/*
 * members_change.h: what stands behind `holdfast members`: an action and its operands, as a target
 * of the admin interface. Pure.
 */
#ifndef HOLDFAST_CLI_MEMBERS_CHANGE_H
#define HOLDFAST_CLI_MEMBERS_CHANGE_H

#include "cli/asking.h"

/* "/v1/membership/add?id=d&origin=10.0.0.4%3A8080". RESULT_INVALID: no such action, or other
 * operands than it has. */
enum result members_target(const struct cli_operands *operands, struct writer *target,
			   struct problem *p);

#endif
