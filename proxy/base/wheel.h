/*
 * wheel.h: deadlines by a hashed timing wheel (Varghese and Lauck, 1987, scheme
 * 6). Moving a deadline later only stores a number: the timer stays in its slot
 * and is put into the right one when its old slot comes round. A request so
 * costs no timer work at all. One wheel a worker; no locks, no clock of its own.
 */
#ifndef HOLDFAST_BASE_WHEEL_H
#define HOLDFAST_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS        1024
#define WHEEL_TICK_MS      10                                 /* deadlines are rounded up to it */
#define WHEEL_DELAY_MS_MAX (UINT64_C(366) * 24 * 3600 * 1000) /* longer ones are cut to a year */

/* Embedded in its owner; zeroed is a timer that is not set. */
struct wheel_timer {
	struct wheel_timer *next; /* NULL: not in the wheel */
	struct wheel_timer *prev;
	uint64_t deadline_ms; /* 0: in the wheel perhaps, but not wanted */
	uint64_t slot_tick;   /* when its slot comes round, while in the wheel */
};

struct wheel {
	uint64_t tick;                        /* number of the last tick that was run */
	uint64_t armed;                       /* timers in the wheel */
	struct wheel_timer slot[WHEEL_SLOTS]; /* list heads */
};

/* Called with an expired timer, which is out of the wheel by then. */
typedef void wheel_expire_fn(struct wheel_timer *timer, void *context);

void wheel_init(struct wheel *w, uint64_t now_ms);
/* The rest of wheel_set: into another slot. */
void wheel_move(struct wheel *w, struct wheel_timer *timer, uint64_t deadline_ms);
/*
 * Wants `timer` at now_ms + delay_ms (not 0 together). An earlier deadline than the slot's moves
 * it; a later one does not. An expired timer that is set anew waits for a later tick at least.
 */
static inline void
wheel_set(struct wheel *w, struct wheel_timer *timer, uint64_t now_ms, uint64_t delay_ms)
{
	uint64_t cut_ms = delay_ms > WHEEL_DELAY_MS_MAX ? WHEEL_DELAY_MS_MAX : delay_ms;
	uint64_t deadline_ms = now_ms + cut_ms;
	/* Rounded up to a tick it is not before the slot's. */
	if (timer->next != NULL && deadline_ms + WHEEL_TICK_MS > timer->slot_tick * WHEEL_TICK_MS)
		timer->deadline_ms = deadline_ms;
	else
		wheel_move(w, timer, deadline_ms);
}
/* Not wanted any more; stays in its slot until it comes round. O(1), no list work. */
static inline void
wheel_clear(struct wheel_timer *timer)
{
	timer->deadline_ms = 0;
}
/* Out of the wheel; must be called before the owner is freed. */
void wheel_remove(struct wheel *w, struct wheel_timer *timer);
/* Runs all ticks up to now_ms; calls expire for each timer whose deadline has passed. */
void wheel_run(struct wheel *w, uint64_t now_ms, wheel_expire_fn *expire, void *context);

#endif
