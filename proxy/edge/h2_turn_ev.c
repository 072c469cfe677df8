/* h2_turn_ev.c: see h2_turn.h. An event that is made active while others are handled comes behind
 * them, in the same round. */
#include "edge/h2_turn.h"

#include "edge/h2_connection.h"

#include <event2/event.h>

static void
on_turn(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;
	(void)fd;
	(void)what;
	worker_time(w);
	h2_connections_turn(w);
	worker_sweep(w);
}

bool
h2_turn_prepare(struct worker *w)
{
	if (w->turn == NULL)
		w->turn = event_new(w->base, -1, 0, on_turn, w);
	return w->turn != NULL;
}

void
h2_turn_ask(struct worker *w)
{
	event_active(w->turn, EV_TIMEOUT, 0);
}

void
h2_turn_release(struct worker *w)
{
	if (w->turn != NULL)
		event_free(w->turn);
	w->turn = NULL;
}
