/* admission.h: limits.connections_per_address, asked of each new connection once its client is
 * known.
 */
#ifndef HOLDFAST_EDGE_ADMISSION_H
#define HOLDFAST_EDGE_ADMISSION_H

#include "relay/worker.h"

/* False: it is one too many, which was counted and logged; to be closed unheard, for an answer
 * would cost more than the connection. *counted: it is to be given back by addresses_leave. */
bool admit(struct worker *w, const struct addr *peer, bool *counted);

#endif
