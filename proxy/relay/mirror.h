/*
 * mirror.h: services[].mirror = "first-backup" (US 6,889,338, paragraphs 9 and 28: all servers
 * process each request, the master answers; here the one that would get the session next does):
 * once a request of a session was answered by the member that it lives at, a copy of it goes to the
 * first of Holdfast-Backups, which so is warm when it takes over. The copy is marked
 * (Holdfast-Mirror: first-backup), its answer is thrown away, and nobody waits for it.
 *
 *   exchange, answered and over --mirror_offer--> lane: copy, copy, copy --one at a time--> backup
 *
 * Copies of one session have one lane and so arrive in the order in which its requests were
 * answered by this worker. A copy is an exchange of its own, with a door that leads nowhere: what
 * holds for connections, time-outs, fences and places of requests holds for it; it is not repeated,
 * never copied again, and stands in no counter of requests. In a mesh it goes to the backup's node
 * under a hop that says what it is. Off, this costs a request nothing.
 */
#ifndef HOLDFAST_RELAY_MIRROR_H
#define HOLDFAST_RELAY_MIRROR_H

#include "relay/exchange.h"

#define MIRROR_LANES            64
#define MIRROR_COPIES_MAX       1024                /* a worker, under way and waiting */
#define MIRROR_BYTES_MAX        (UINT64_C(8) << 20) /* of them */
#define MIRROR_ANSWER_BYTES_MAX (UINT64_C(1) << 20) /* then the connection is closed */

/* x->mirrored, and x is over: copied, or counted why not. */
void mirror_offer(struct exchange *x);
/* x is a copy for this member alone: its plan, and that nothing is said of it. */
void mirror_mark(struct exchange *x, uint32_t member);
/* Ends those under way and lets go of the others; no client is left. w->mirror may be NULL. */
void mirror_stop(struct worker *w);

#endif
