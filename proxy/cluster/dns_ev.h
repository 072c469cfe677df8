/* dns_ev.h: the socket behind cluster/dns.h, on the control thread. */
#ifndef HOLDFAST_CLUSTER_DNS_EV_H
#define HOLDFAST_CLUSTER_DNS_EV_H

#include "cluster/dns.h"

#include <event2/event.h>

#define DNS_A_WAKEUP 64 /* questions; then others have their turn */

struct dns_server;

/* A bound socket is taken over, also on an error. `zone` fills *out for each wake-up; borrowed
 * texts are good until it is called again. */
enum result dns_server_create(struct event_base *base, int fd,
			      void (*zone)(void *context, struct dns_zone *out), void *context,
			      struct dns_server **out, struct problem *p);
/* NULL is allowed. */
void dns_server_free(struct dns_server **s);

#endif
