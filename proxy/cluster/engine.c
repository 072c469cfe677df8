/* engine.c: events of an engine that wait to be taken; see engine.h. */
#include "cluster/engine.h"

#include <assert.h>
#include <string.h>

/* Consumes the event's reference to its document. */
void
engine_events_put(struct engine_events *q, const char *role, const struct engine_event *event)
{
	assert(q->count < ENGINE_EVENTS_MAX); /* taken after every call */
	struct engine_event *e = &q->list[(q->first + q->count++) % ENGINE_EVENTS_MAX];
	*e = *event;
	memcpy(e->role, role, strlen(role) + 1);
}

bool
engine_events_take(struct engine_events *q, struct engine_event *event)
{
	if (q->count == 0)
		return false;
	*event = q->list[q->first];
	q->first = (q->first + 1) % ENGINE_EVENTS_MAX;
	q->count--;
	return true;
}

void
engine_events_deinit(struct engine_events *q)
{
	struct engine_event event;
	while (engine_events_take(q, &event))
		document_unref(&event.document);
}
