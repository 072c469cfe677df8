/* pace.c: too slow or not; see pace.h. */
#include "edge/pace.h"

static uint64_t
left_ms(uint64_t until_ms, uint64_t now_ms)
{
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

uint64_t
pace_wait_ms(const struct pace *p, const struct pace_bounds *b, uint64_t now_ms)
{
	uint64_t idle_left_ms = left_ms(p->moved_ms + b->idle_ms, now_ms);
	uint64_t period_left_ms = left_ms(p->from_ms + b->period_ms, now_ms);
	if (b->rate_min == 0 || idle_left_ms < period_left_ms)
		return idle_left_ms;
	return period_left_ms;
}

enum pace_verdict
pace_judge(struct pace *p, const struct pace_bounds *b, uint64_t now_ms)
{
	if (now_ms - p->moved_ms >= b->idle_ms)
		return PACE_STALLED;
	uint64_t took_ms = now_ms - p->from_ms;
	if (took_ms < b->period_ms)
		return PACE_GOOD;
	/* Both bounds are checked when the configuration is loaded: the product fits 64 bits. */
	if (p->bytes < b->rate_min * took_ms / 1000)
		return PACE_SLOW;
	p->from_ms = now_ms;
	p->bytes = 0;
	return PACE_GOOD;
}
