/*
 * fetch_ev.h: the membership of another node, over HTTP: GET HOP_MEMBERSHIP_PATH at the address
 * where it takes requests, under a signed hop; the answer is signed likewise (affinity/hop.h). One
 * fetch; on the thread of its event base.
 */
#ifndef HOLDFAST_CLUSTER_FETCH_EV_H
#define HOLDFAST_CLUSTER_FETCH_EV_H

#include "affinity/hop.h"
#include "cluster/document.h"
#include "tls/client.h"

#include <event2/event.h>

struct fetch;

/* `d`: the document, whose signature is good, for the call; NULL: `why` says it. The fetch is over
 * and must be freed with fetch_free, not from within. */
typedef void fetch_done_fn(void *context, struct document *d, const char *why);

struct fetch_from {
	struct event_base *base;
	const struct hop_codec *hops;         /* borrowed, for the whole fetch */
	const struct config_cluster *cluster; /* likewise */
	struct tls_client *tls;               /* likewise; NULL: plain */
	uint16_t node;                        /* place of whom to ask */
	uint64_t limit_ms;                    /* for all of it */
};

/* Never calls `done` from within. NULL: no memory or descriptor. */
struct fetch *fetch_start(const struct fetch_from *from, fetch_done_fn *done, void *context);
/* *f may be NULL. */
void fetch_free(struct fetch **f);

#endif
