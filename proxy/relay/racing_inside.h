/*
 * racing_inside.h: what one worker has for asking other nodes about new sessions: one socket and
 * one timer for races (racing.c) and placements (placing.c). For these two alone.
 */
#ifndef HOLDFAST_RELAY_RACING_INSIDE_H
#define HOLDFAST_RELAY_RACING_INSIDE_H

#include "relay/placing.h"
#include "relay/racing.h"
#include "relay/racing_socket.h"

struct racer;
struct placer;

struct racing {
	struct racing_socket socket;
	struct racer *first;
	size_t count;
	struct placer *placing;
	size_t placing_count;
};

/* Made when it is first needed. NULL: no memory, no descriptor. */
struct racing *racing_of(struct worker *w);
/* A datagram that is a placement's; the timer rang: returns when it is to ring again. */
void placing_hear(struct worker *w, const uint8_t *bytes, size_t count);
uint64_t placing_time(struct worker *w, uint64_t now_us);

#endif
