/*
 * turn.h: the end of a round of the loop, behind all that is ready in it: when connections that
 * speak HTTP/2, on both sides, send what the round had for them.
 */
#ifndef HOLDFAST_RELAY_TURN_H
#define HOLDFAST_RELAY_TURN_H

#include "relay/worker.h"

/* False: no memory. */
bool turn_prepare(struct worker *w);
/* turn_run is called once before the loop waits again; prepared it was. */
void turn_ask(struct worker *w);
/* The same in the next round, which comes at once: behind what is ready by then. Refused for want
 * of memory: with the next round that asks. */
void turn_ask_next(struct worker *w);
/* When the worker's loop ends. */
void turn_release(struct worker *w);
/* Both sides, until neither asked for more: an answer that a member's connection gave may be what a
 * client's sends, and the other way. In h2_links.c. */
void turn_run(struct worker *w);

#endif
