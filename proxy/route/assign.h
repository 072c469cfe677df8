/*
 * assign.h: the primary of a session that has none (DESIGN section 6, step 2).
 * Pure: loads and draws are arguments.
 */
#ifndef HOLDFAST_ROUTE_ASSIGN_H
#define HOLDFAST_ROUTE_ASSIGN_H

#include "members/view.h"

/* Requests in flight at `member` now; asked for two members at most. */
typedef unsigned assign_load_fn(const void *context, uint32_t member);

struct assign_inputs {
	enum assign_method method; /* not ASSIGN_DEFAULT: resolve with assign_method_for */
	struct session_digest digest;
	const struct view *view;
	uint64_t draw; /* random; least_requests */
	uint64_t turn; /* round_robin: grows by one a new session, shared or a worker's */
	assign_load_fn *load;
	const void *load_context;
	uint64_t now_ms; /* monotonic; for shares that grow (members/weight.h) */
};

/* ASSIGN_DEFAULT becomes ordering when the key came from the request, else least_requests. */
enum assign_method assign_method_for(enum assign_method configured, bool key_from_request);

/*
 * The primary. `ordering`: rank 0 of the whole order, alive or not. `least_requests`: of two
 * members drawn by weight among those that take new sessions, the one with fewer requests
 * in flight for its weight. `round_robin`: smooth, by weight, among those that take new
 * sessions. In both the weight is the share that a member has just now: less in its slow start, and
 * what it asked for itself; in `ordering` it is the configured one. When nobody takes new ones, the
 * operational members stand in (suspect before drain); when nobody is operational, rank 0.
 * `race`, `master`: as ordering, which decides when nobody offers, or is master. MEMBER_NONE: no
 * member has a weight.
 */
uint32_t assign_primary(const struct assign_inputs *in);

#endif
