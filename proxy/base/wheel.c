/* wheel.c: hashed timing wheel with lazy moves; see wheel.h. */
#include "base/wheel.h"

#include <assert.h>

void
wheel_init(struct wheel *w, uint64_t now_ms)
{
	w->tick = now_ms / WHEEL_TICK_MS;
	w->armed = 0;
	for (size_t i = 0; i < WHEEL_SLOTS; i++) {
		w->slot[i].next = &w->slot[i];
		w->slot[i].prev = &w->slot[i];
	}
}

static uint64_t
tick_of(uint64_t deadline_ms)
{
	return (deadline_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
}

static void
put_in(struct wheel *w, struct wheel_timer *timer, uint64_t tick)
{
	if (tick <= w->tick)
		tick = w->tick + 1;
	/* Farther than one turn: wait in the farthest slot and look again there. */
	if (tick > w->tick + WHEEL_SLOTS - 1)
		tick = w->tick + WHEEL_SLOTS - 1;
	struct wheel_timer *head = &w->slot[tick % WHEEL_SLOTS];
	timer->slot_tick = tick;
	timer->next = head;
	timer->prev = head->prev;
	head->prev->next = timer;
	head->prev = timer;
	w->armed++;
}

void
wheel_remove(struct wheel *w, struct wheel_timer *timer)
{
	timer->deadline_ms = 0;
	if (timer->next == NULL)
		return;
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
	assert(w->armed > 0);
	w->armed--;
}

void
wheel_move(struct wheel *w, struct wheel_timer *timer, uint64_t deadline_ms)
{
	wheel_remove(w, timer);
	timer->deadline_ms = deadline_ms;
	put_in(w, timer, tick_of(deadline_ms));
}

void
wheel_run(struct wheel *w, uint64_t now_ms, wheel_expire_fn *expire, void *context)
{
	uint64_t last = now_ms / WHEEL_TICK_MS;
	/* After a long pause one whole turn visits every timer. */
	if (last > w->tick + WHEEL_SLOTS)
		w->tick = last - WHEEL_SLOTS;
	while (w->tick < last) {
		w->tick++;
		struct wheel_timer *head = &w->slot[w->tick % WHEEL_SLOTS];
		if (head->next == head)
			continue;
		/* Take the whole list off first: expire may set or remove any timer. */
		struct wheel_timer due = {.next = head->next, .prev = head->prev};
		due.next->prev = &due;
		due.prev->next = &due;
		head->next = head;
		head->prev = head;
		while (due.next != &due) {
			struct wheel_timer *timer = due.next;
			uint64_t deadline_ms = timer->deadline_ms;
			wheel_remove(w, timer);
			if (deadline_ms == 0)
				continue;
			if (tick_of(deadline_ms) <= w->tick) {
				expire(timer, context);
				continue;
			}
			timer->deadline_ms = deadline_ms;
			put_in(w, timer, tick_of(deadline_ms));
		}
	}
}
