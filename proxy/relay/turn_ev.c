/* turn_ev.c: see turn.h. An event that is made active while others are handled comes behind them,
 * in the same round. */
#include "relay/turn.h"

#include <event2/event.h>

static void
on_turn(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;
	(void)fd;
	(void)what;
	worker_time(w);
	w->turn_asked = true;
	turn_run(w);
	worker_sweep(w);
}

bool
turn_prepare(struct worker *w)
{
	if (w->turn == NULL)
		w->turn = event_new(w->base, -1, 0, on_turn, w);
	return w->turn != NULL;
}

void
turn_ask(struct worker *w)
{
	w->turn_asked = true;
	event_active(w->turn, EV_TIMEOUT, 0);
}

void
turn_ask_next(struct worker *w)
{
	static const struct timeval now = {0, 0};
	(void)event_add(w->turn, &now);
}

void
turn_release(struct worker *w)
{
	if (w->turn != NULL)
		event_free(w->turn);
	w->turn = NULL;
}
