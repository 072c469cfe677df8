/*
 * member.h: what of a member outlives a reload: its verdict, its counters, and the
 * connections to it. One struct member_live belongs to one id at one origin of one
 * service, spoken to in one way; every membership that names the three shares it,
 * and so does every connection. The last holder frees it.
 *
 *   membership (old) --.                    .-- verdict        (under the pool's lock)
 *   membership (new) ----> member_live -----+-- history, weight  (of its checks; likewise)
 *   connections -------'                    +-- load[worker]   (counters, idle connections)
 *                                           '-- retired        (no current membership names it)
 */
#ifndef HOLDFAST_MEMBERS_MEMBER_H
#define HOLDFAST_MEMBERS_MEMBER_H

#include "base/addr.h"
#include "members/history.h"
#include "members/latency.h"
#include "members/places.h"
#include "members/verdict.h"
#include "members/weight.h"
#include "tls/client.h"

#include <stdatomic.h>

struct h2_link;
struct upstream;

/* Connections that rest; of one worker and member. */
struct idle_list {
	struct upstream *first; /* most recently used */
	struct upstream *last;
	uint32_t count;
};

/*
 * A member as one worker has it. Padded: the counters are written by that worker alone and read by
 * all, `idle` is that worker's own.
 */
struct member_load {
	_Alignas(64) atomic_uint active; /* requests in flight */
	atomic_ullong attempts;          /* since start */
	atomic_ullong failures;
	_Atomic(struct latency_cell *) latency; /* one reference; NULL: no connection yet */
	struct idle_list idle;
	struct tls_tickets *tickets; /* owned; that worker's own; NULL: none yet */
	struct h2_link *links;       /* HTTP/2: that worker's own connections */
	uint32_t streams_max;        /* that the member allowed on one of them last; 0: not known */
	uint32_t queued;             /* exchanges that wait for a place; that worker's own */
};

#define MEMBER_SEEN_BYTES_MAX 96

/* The active check that ended last. */
struct member_check {
	uint64_t at_ms; /* 0: none has ended */
	bool well;
	char seen[MEMBER_SEEN_BYTES_MAX]; /* "probe 127.0.0.1:9001: status 500"; cut, terminated */
};

struct member_live {
	atomic_uint refs;
	unsigned workers;
	struct verdict verdict;    /* under the pool's lock */
	struct member_check check; /* likewise */
	struct history history;    /* likewise */
	uint64_t weights_refused;  /* likewise: values of Holdfast-Weight that are none */
	_Atomic(struct weight_said)
	    said;                  /* by its last good check; written under the pool's lock */
	_Atomic uint64_t risen_ms; /* its slow start began; 0: none; likewise */
	uint32_t place; /* in the pool's membership, under its lock; MEMBER_NONE: retired */
	atomic_bool wants_success; /* a row of failures stands that a success would end */
	atomic_bool retired;       /* left the membership: connections are not kept */
	struct addr origin;        /* family 0: its name has not resolved yet */
	bool http2;                /* that is spoken with it */
	uint8_t proxy;          /* enum proxy_out; what tells a client is never used for another */
	struct addr named;      /* the same, as it was configured: perhaps a name */
	struct addr source;     /* connections come from there; family 0: from any */
	struct tls_client *tls; /* one reference; NULL: plain */
	struct places places;   /* places, when it has a bound */
	struct member_load load[]; /* by worker */
};

/* Up, with one reference for the caller; takes one of `tls`, which may be NULL. NULL: no memory. */
struct member_live *member_live_create(const struct addr *origin, const struct addr *source,
				       struct tls_client *tls, unsigned workers);
/*
 * `m` is the same member, spoken to in another way from now on: what was found out about it holds.
 * Both under the pool's lock.
 */
void member_live_succeed(struct member_live *m, const struct member_live *before);
struct member_live *member_live_ref(struct member_live *m);
/* *m may be NULL. */
void member_live_unref(struct member_live **m);
/* The histograms of a worker, which asks before it connects; made when there are none. NULL: no
 * memory. */
struct latency_cell *member_live_latency(struct member_live *m, unsigned worker);
/* Adds what all workers counted to `done`. */
void member_live_read_latency(const struct member_live *m, struct latency_sum done[AFFINITIES]);
/* Requests in flight over all workers. */
unsigned member_live_active(const struct member_live *m);

#endif
