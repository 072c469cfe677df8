/*
 * probe_ev.h: active checks of one service's members on the control thread's
 * event base: HTTP with an expected status, or TCP when no path is configured.
 *
 * A check is well only when a complete, well-formed response head with an
 * expected status came within health.timeout: a socket that accepts and never
 * answers fails it. First checks run at once, later ones every interval with
 * +-10 % jitter. Each check uses a connection of its own.
 */
#ifndef HOLDFAST_MEMBERS_PROBE_EV_H
#define HOLDFAST_MEMBERS_PROBE_EV_H

#include "config/config.h"
#include "members/pool.h"

#include <event2/event.h>

struct prober;

/* config and pool are borrowed and outlive the prober. health.enabled must be true. */
enum result prober_start(struct event_base *base, const struct config_service *service,
			 struct pool *pool, struct prober **out, struct problem *p);
void prober_stop(struct prober **prober);
/* Checks `member` at once, unless a check of it is under way; any thread (wakes the base). */
void prober_check_now(struct prober *prober, uint32_t member);

#endif
