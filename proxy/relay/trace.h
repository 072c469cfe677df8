/*
 * trace.h: a request as part of a trace, when `trace.endpoint` is configured and the request is
 * chosen: by the flag of the traceparent that it came with, else one in trace.one_in. A server span
 * for the request, a client span for each attempt, whose id the member is told in traceparent.
 * Requests that are not chosen, and all without an endpoint, pass with the fields as they came.
 */
#ifndef HOLDFAST_RELAY_TRACE_H
#define HOLDFAST_RELAY_TRACE_H

#include "relay/exchange.h"

/* x->trace, or NULL: it is not chosen, or there is no memory. */
void trace_begin(struct exchange *x);
/* The lines for the member with a traceparent behind them; those that came are marked to be left
 * out. `added` stands in worker->added. */
struct slice trace_tell(struct exchange *x, struct slice added);
/* The present attempt is over, in vain. */
void trace_failed(struct exchange *x, enum reason why);
/* The exchange is over. */
void trace_over(struct exchange *x);

#endif
