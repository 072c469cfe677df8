/*
 * probe_ev.h: active checks of one service's members on the control thread's
 * event base: HTTP with an expected status, or TCP when no path is configured.
 *
 * A check is well only when a complete, well-formed response head with an
 * expected status came within health.timeout, the connection (and the TLS handshake, where the
 * member is spoken to so) included: a socket
 * that accepts and never answers fails it, and so does one that trickles. First
 * checks run within the first milliseconds, spread so that not all members are
 * asked at once; later ones every interval with +-10 % jitter, from start to start.
 * While a verdict is open the interval is health.fast_interval: from the first failed check until
 * the member is down or well again, and from the first good one until it is up. A failed request
 * makes the next check due, but never sooner than that after the one before: so a member that
 * passes its checks and fails its requests is not asked more often either.
 * Each check uses a connection of its own.
 *
 * What this node lacks (descriptors, memory, ports) is no evidence against a
 * member: the check is put off and the process log says so. Nor is a time-out that ran while the
 * node did not (stopped, its machine paused): the check begins anew.
 */
#ifndef HOLDFAST_MEMBERS_PROBE_EV_H
#define HOLDFAST_MEMBERS_PROBE_EV_H

#include "config/config.h"
#include "members/pool.h"

#include <event2/event.h>

#define PROBE_START_SPREAD_MS  5   /* a member, at most an interval together: first checks */
#define PROBE_TURN_MS          100 /* a check under way sees at least so often that the node runs */
#define PROBE_LATE_MS          50  /* later than due by more: it did not */
#define PROBE_EXCUSED_MAX      3   /* checks of a member in a row that show nothing therefore */
#define WEIGHT_SHOWN_BYTES_MAX 32  /* of what is no weight, in the process log */

struct prober;

/* As which node others are asked; hops NULL: there are no others. */
struct prober_node {
	const struct hop_codec *hops; /* borrowed; outlives the prober */
	uint16_t self;
};
/* config and pool are borrowed and outlive the prober. health.enabled must be true. */
enum result prober_start(struct event_base *base, const struct config_service *service,
			 struct pool *pool, struct prober_node node, struct prober **out,
			 struct problem *p);
/* On the base's thread, or when its loop has ended; nobody asks for checks any more. */
void prober_stop(struct prober **prober);
/* Checks `member` as soon as fast_interval allows, unless a check of it is under way or it is not
 * the prober's; any thread (wakes the base). */
void prober_check_now(struct prober *prober, const struct member_live *member);

#endif
