/*
 * h2_turn.h: the end of a round of the loop, behind all that is ready in it: when HTTP/2
 * connections send what the round had for them.
 */
#ifndef HOLDFAST_EDGE_H2_TURN_H
#define HOLDFAST_EDGE_H2_TURN_H

#include "relay/worker.h"

/* False: no memory. */
bool h2_turn_prepare(struct worker *w);
/* h2_connections_turn is called once before the loop waits again; prepared it was. */
void h2_turn_ask(struct worker *w);
/* When the worker's loop ends. */
void h2_turn_release(struct worker *w);

#endif
