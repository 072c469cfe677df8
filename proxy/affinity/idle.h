/*
 * idle.h: failback = "stay_until_idle" without a table of sessions: how long a session was without
 * a request is read from its tag's issue time. Pure.
 *
 * Of a session that lives away from home the tag is issued anew once it is a quarter of T old (g,
 * below). So the client holds a tag that was issued at most g seconds before its last request, and
 *
 *     the tag's age - g  <=  time without a request  <=  the tag's age
 *
 *     requests   . ..  .   . .                              |<-- going home -->
 *     tags       t      t      t---------- T ----------|-- g --|
 *
 * It goes home when the tag is T + g old: never before T without a request, always at T + g and
 * the second that the tag's clock is coarse. Sessions at home carry no such duty and cost nothing.
 *
 * The clock is the wall clock of the node that issued the tag against that of the node that reads
 * it: nodes that differ by d find it out d earlier or later, so keep d far below a quarter of T. A
 * tag from the future is taken for new, and is issued anew when it is more than g ahead, so that a
 * clock that was wrong leaves nothing behind.
 *
 * A request counts when its answer begins; a tunnel or a long download is one request. A client
 * that does not take the new tags (a header that it copied once) counts as idle from the tag
 * that it holds.
 */
#ifndef HOLDFAST_AFFINITY_IDLE_H
#define HOLDFAST_AFFINITY_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#define IDLE_PARTS 4 /* of T: a tag lasts one of them */

/* Seconds, negative when it is from the future; both clocks may wrap. */
static inline int64_t
idle_tag_age_s(uint32_t issued_s, uint32_t now_s)
{
	return (int32_t)(now_s - issued_s);
}

/* T >= IDLE_PARTS seconds. Is a tag so old that it says too little of the last request? */
static inline bool
idle_tag_is_due(uint32_t stay_until_idle_s, uint32_t issued_s, uint32_t now_s)
{
	int64_t age_s = idle_tag_age_s(issued_s, now_s);
	int64_t part_s = stay_until_idle_s / IDLE_PARTS;
	return age_s >= part_s || age_s < -part_s;
}

/* Was the session without a request for T? */
static inline bool
idle_is_over(uint32_t stay_until_idle_s, uint32_t issued_s, uint32_t now_s)
{
	return idle_tag_age_s(issued_s, now_s) >=
	       (int64_t)stay_until_idle_s + stay_until_idle_s / IDLE_PARTS;
}

#endif
