/*
 * pace.h: is a client that is waited for too slow? Two bounds: so long without a
 * byte, and so many bytes a second over a period. Pure: who owns the deadline asks
 * when it fires, and nothing is done for a client that is fast.
 */
#ifndef HOLDFAST_EDGE_PACE_H
#define HOLDFAST_EDGE_PACE_H

#include <stdint.h>

struct pace {
	uint64_t from_ms;  /* begin of the period that is being measured */
	uint64_t moved_ms; /* when bytes moved last, as far as is known */
	uint64_t bytes;    /* moved since from_ms */
};

struct pace_bounds {
	uint64_t idle_ms;   /* without a byte */
	uint64_t rate_min;  /* bytes a second; 0: no bound */
	uint64_t period_ms; /* over which the rate is measured; not 0 */
};

enum pace_verdict {
	PACE_GOOD,
	PACE_STALLED, /* nothing moved for idle_ms */
	PACE_SLOW,    /* less than rate_min over a whole period */
};

static inline void
pace_begin(struct pace *p, uint64_t now_ms)
{
	*p = (struct pace){.from_ms = now_ms, .moved_ms = now_ms};
}

static inline void
pace_moved(struct pace *p, uint64_t bytes, uint64_t now_ms)
{
	p->bytes += bytes;
	p->moved_ms = now_ms;
}

/* When to judge next, from now_ms on; 0: now. */
uint64_t pace_wait_ms(const struct pace *p, const struct pace_bounds *b, uint64_t now_ms);
/* A period that was whole and good is followed by the next one. */
enum pace_verdict pace_judge(struct pace *p, const struct pace_bounds *b, uint64_t now_ms);

#endif
