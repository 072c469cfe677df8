/*
 * racing.h: races for the places of new sessions, as one worker holds them (assign = "race";
 * cluster/race.h is the machine). Each worker has a socket of its own for INIT and OFFER, made when
 * the first race begins: nothing of a race waits for the control thread, or costs anybody who has
 * none.
 *
 *   PLANNED --racing_start--> RACING --an offer, or the limit twice--> PLANNED: exchange_plan
 *                               ^                                         | the winner is gone,
 *                               `-------- racing_repeat ------------------' or refuses its ticket
 */
#ifndef HOLDFAST_RELAY_RACING_H
#define HOLDFAST_RELAY_RACING_H

#include "relay/exchange.h"

#define RACES_MAX 256 /* at once, a worker; further sessions go by the ordering */

/*
 * All nodes that stand beside members of x's service are asked. x->whom.primary is by the ordering
 * and stays so unless somebody offers. False: no race was begun, and that was counted.
 */
bool racing_start(struct exchange *x);
/* EXCHANGE_RACING: to PLANNED, without an answer. */
void racing_leave(struct exchange *x);
/* x->raced: the exchange is over. */
void racing_forget(struct exchange *x);
/*
 * x->raced, and the present attempt failed before the member had the request, or its node refused
 * the ticket: races once more, or goes on by the ordering: true. False: it was not the winner that
 * was asked, or the request cannot be sent again. `reusable` as in attempt_next.
 */
bool racing_repeat(struct exchange *x, bool reusable);
bool racing_may_repeat(const struct exchange *x); /* would it be true? */
/* The winner that was asked has no room: this race asks it no more, nor does the ordering. */
void racing_leave_out(struct exchange *x);
/* For the winner's node, when that is asked; empty: for anybody else. */
struct slice racing_ticket(const struct exchange *x);
/* Sockets and timer; all exchanges are over. w->racing may be NULL. */
void racing_free(struct worker *w);

#endif
