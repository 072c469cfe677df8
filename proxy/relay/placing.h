/*
 * placing.h: new sessions of services with assign = "master", as one worker holds them: the node
 * that is master says which member has the session (US 9,667,750: the master balances over all, by
 * weight); this node, when it is master itself. Nobody waits for an election: while nobody is
 * master, or who was does not answer within session.placement.limit, the ordering decides.
 *
 *   PLANNED --placing_start: PLACE to the master--> PLACING --PLACED, or the limit--> PLANNED:
 *                                                                          exchange_plan
 */
#ifndef HOLDFAST_RELAY_PLACING_H
#define HOLDFAST_RELAY_PLACING_H

#include "relay/exchange.h"

#define PLACINGS_MAX 1024 /* at once, a worker; further sessions go by the ordering */

/*
 * x->whom.primary is by the ordering and becomes the master's choice. True: it is asked. False:
 * x->whom.primary is decided. Either is counted, and said in x->evidence.
 */
bool placing_start(struct exchange *x);
/* EXCHANGE_PLACING: to PLANNED, without an answer. */
void placing_leave(struct exchange *x);

#endif
