/*
 * upgrade_state.h: what one process tells the next of its members, as lines. Pure. Times are
 * CLOCK_MONOTONIC's, which both have.
 *
 *   member SERVICE ID health=H order=O given=O reason=R since=T health_since=T first_fail=T
 *          outage=T risen=T probe_fails=N probe_wins=N live_fails=N flags=F origin=ADDRESS
 *   tickets HEX     the key of the tickets that races were won with
 *
 * Fields that are not known are passed over, those that are missing are 0: both processes may be of
 * another version.
 */
#ifndef HOLDFAST_NODE_UPGRADE_STATE_H
#define HOLDFAST_NODE_UPGRADE_STATE_H

#include "base/text.h"
#include "members/verdict.h"

struct upgrade_member {
	struct slice service; /* borrowed */
	struct slice id;
	struct slice origin;     /* as text: of another one nothing is known */
	struct verdict verdict;  /* but `state` */
	enum member_state given; /* the order that its configuration gave */
};

void upgrade_member_write(struct writer *w, const struct upgrade_member *m);
/* False: it is none. */
bool upgrade_member_read(struct slice line, struct upgrade_member *out);

#endif
