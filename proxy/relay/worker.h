/*
 * worker.h: one worker: a thread, an event loop, and all that a request needs
 * there: timers, buffers, idle upstream connections, views. Workers share
 * nothing mutable on the request path but counters.
 *
 *        node (control thread)
 *          |  commands by eventfd: stop
 *   +------+-------+
 *   worker 0       worker 1 ...
 *     listeners      (SO_REUSEPORT: one listening socket each)
 *     clients -> exchanges -> upstreams (idle ones pooled by service and member)
 */
#ifndef HOLDFAST_RELAY_WORKER_H
#define HOLDFAST_RELAY_WORKER_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/mailbox.h"
#include "base/wheel.h"
#include "cluster/ticket.h"
#include "http/parse.h"
#include "record/access.h"
#include "record/arrivals.h"
#include "record/exporter.h"
#include "record/failover.h"
#include "record/http2.h"
#include "relay/board.h"
#include "relay/fence.h"
#include "relay/io.h"
#include "route/service.h"

#include <stdatomic.h>

/* Composed heads, small answers; bulk reads. One of each a worker, always in cache. */
#define SCRATCH_BYTES    65536
#define WORKER_PERIOD_MS 20  /* of the timer that runs the wheel and flushes the access log */
#define WORKER_REST_MS   500 /* the same, while nobody is there and nothing is due */
#define PIPES_SPARE_MAX  64  /* kept for splice(2) */
#define PIPE_BYTES       524288

struct addresses;
struct event;
struct event_base;
struct exchange;
struct upstream;
struct client;
struct h2_links;
struct h2_worker;

/* A deadline that calls its owner. Zeroed is not set. */
struct deadline {
	struct wheel_timer timer; /* first */
	void (*fire)(struct deadline *d);
};

/* One reference to a view, held for many exchanges of this worker. */
struct view_lease {
	struct view *view;
	uint32_t users; /* exchanges that hold it, and the slot while it is current */
};

/* What a worker keeps of one service. */
struct service_slot {
	struct worker_generation *generation; /* it is part of */
	struct service *service;              /* borrowed from generation->services */
	struct tally_cell *tally;             /* this worker's; borrowed from service->tally */
	struct view_lease *lease;             /* NULL: not yet */
	struct membership
	    *membership;   /* whose idle connections are kept; one reference; NULL: none */
	uint64_t reviewed; /* generation of the view that waiting exchanges were told of */
	uint32_t waiting;  /* exchanges without an answer yet */
	uint32_t repeated; /* of these, on a further try that counts: see relay/budget.h */
};

/*
 * One generation of the configuration as one worker has it. Exchanges hold the one that they began
 * in; after a reload the old one lasts until the last of them is over.
 */
struct worker_generation {
	uint32_t users;             /* exchanges, and the worker while it is current */
	struct services *services;  /* one reference */
	struct service_slot slot[]; /* by service->number */
};

struct pipe_pair {
	struct pipe_pair *next;
	int out; /* read end */
	int in;  /* write end */
};

/* Things to be freed after the present callback. */
struct trash {
	struct trash *next;
	void (*drop)(struct worker *w, struct trash *t);
};

/* What Via says of a request names the version that it came by (RFC 9110 section 7.6.3). */
#define VIA_VERSIONS      3 /* 1.0, 1.1, and HTTP_MINOR_OF_2 */
#define VIA_VERSION_BYTES 4 /* "1.1 " */
#define VIA_BYTES_MAX     (ID_BYTES_MAX + 32)

/* Shared by all workers; owned by the node; immutable while workers run. */
struct worker_shared {
	struct services *services; /* one reference is the node's */
	struct failover_log *failover;
	struct exporter *spans;                /* owned by the node */
	struct sink *access;                   /* NULL: no access log */
	struct tally *unrouted;                /* of requests without a service */
	char via[VIA_VERSIONS][VIA_BYTES_MAX]; /* by the minor of a request: "1.0 holdfast-..." */
	uint64_t instance;                     /* random; the high half of request ids */
	uint8_t tickets[16];                   /* random: what the keys of tickets are made from */
	unsigned workers;
	atomic_uint clients;         /* connections of the process */
	struct addresses *addresses; /* owned by the node: connections by client address */
	atomic_ullong crowded;       /* connections closed for limits.connections_per_address */
	struct arrivals arrivals;    /* what came before requests */
	struct board board;          /* epochs, to and from other nodes */
	struct mailbox *questions;   /* the control thread's; NULL: there is no control plane */
	void (*on_question)(struct letter *letter, void *reader); /* of what is posted there */
	struct fences fences; /* terms of roles that services are fenced by */
};

/* Hops that came in, by what they were found to be; written by this worker alone. */
struct worker_hops {
	atomic_ullong fault[HOP_FAULTS];
};

/* In the order in which they may follow each other. */
enum worker_command { WORKER_DRAIN = 1, WORKER_STOP_SOFT, WORKER_STOP_HARD };

struct worker {
	unsigned number;
	struct worker_shared *shared; /* borrowed */
	struct event_base *base;      /* owned */
	uint64_t round;               /* of the loop; grows by one each */
	bool time_stale;              /* now_us is of an earlier round of the loop */
	uint64_t now_us;              /* monotonic, as of the first callback of this round */
	uint64_t now_ms;
	struct wheel wheel;
	struct buf_pool bufs;
	struct parser *parser;
	struct parse_limits limits;        /* of request heads */
	struct parse_limits answer_limits; /* of members' heads: the compile-time bounds */
	struct prng prng;
	struct worker_generation *generation; /* the current one */
	struct services *services;            /* borrowed from it */
	struct tally_cell *unrouted;          /* borrowed from shared->unrouted */
	uint64_t request_serial;
	struct trash *trash;
	struct exchange *spare_exchanges; /* owned */
	struct exchange *behind;          /* those that wait for a newer membership */
	struct exchange *asking;          /* those that hold a connection to a member, or wait */
	struct mailbox letters;           /* answers of the control thread; rings the worker */
	struct places_mailbox mailbox;    /* exchanges that were given a place; rings the worker */
	size_t exchanges;                 /* in use */
	struct pipe_pair *spare_pipes;
	size_t spare_pipe_count;
	struct client *clients; /* all of them, linked */
	size_t client_count;
	struct tls_channel *held;    /* of ios that are told in the next round (io_ev.c) */
	struct event *held_timer;    /* owned by io_ev.c; NULL: not yet */
	struct listener *listeners;  /* owned by edge */
	struct arrival *arrivals;    /* likewise: connections before their first request, linked */
	uint64_t crowded_said_ms;    /* when it was last said that an address holds too many */
	uint64_t stale_said_ms;      /* the same, that a node's clock is another one */
	uint64_t malformed_said_ms;  /* or that a trusted proxy's fields are malformed */
	bool stopping;               /* soft: finish exchanges, take no new connection */
	bool draining;               /* and wait for the last request of idle connections */
	struct access_batch *access; /* NULL: none */
	struct worker_hops hops;
	struct http2_counts http2;
	struct h2_worker *h2;                /* owned by edge; NULL: nobody spoke HTTP/2 yet */
	struct h2_links *links;              /* owned; NULL: no member spoke HTTP/2 yet */
	struct event *turn;                  /* owned by turn_ev.c; NULL: not yet */
	bool turn_asked;                     /* for the end of this round */
	void (*turn_edge)(struct worker *w); /* edge's part of it; NULL: nobody spoke HTTP/2 yet */
	struct racing *racing;               /* owned; NULL: nobody raced yet */
	struct mirror_lanes *mirror;         /* owned; NULL: nothing was copied yet */
	struct ticket_keys tickets;          /* of this node */
	struct slice via[VIA_VERSIONS];      /* in `shared` */
	uint64_t date_s;                     /* wall second of `date` */
	char date[32];                       /* IMF-fixdate, terminated */
	struct http_head answer;             /* scratch: the answer head being handled */
	struct http_insert inserts[HTTP_INSERTS_MAX]; /* scratch: what is put into it */
	struct writer out; /* scratch: what is being composed for a client, not yet sent */
	char out_bytes[SCRATCH_BYTES];
	char added[SCRATCH_BYTES];   /* scratch: lines told to a member or client */
	char request[SCRATCH_BYTES]; /* scratch: a request head being composed */
	char bulk[SCRATCH_BYTES];    /* scratch: bytes just read from a member */
};

/* Pools and scratch. NULL: no memory. The loop belongs to worker_ev. */
struct worker *worker_create(unsigned number, struct worker_shared *shared,
			     struct event_base *base);
/* All clients and exchanges must be gone. */
void worker_free(struct worker **w);

/* The worker's part of a generation, made by any thread. NULL: no memory. */
struct worker_generation *worker_generation_create(struct services *services);
/* One user less; frees after the last. */
void worker_generation_put(struct worker_generation *g);
/*
 * From here on requests begin in `next`, which is taken over; `access`: where they are logged,
 * NULL: nowhere. Keeps idle connections of who stays, closes those of who left. False: there is no
 * memory for the access log's lines, which are left out.
 */
bool worker_adopt(struct worker *w, struct worker_generation *next, struct sink *access);

void worker_tell_time(struct worker *w); /* now_us, now_ms */
/* The same, once a round of the loop: the callbacks of a round happen at one time. */
static inline void
worker_time(struct worker *w)
{
	if (w->time_stale)
		worker_tell_time(w);
}
struct slice worker_date(struct worker *w);
/* Drops what was put into the trash during the callback. */
void worker_sweep(struct worker *w);
void worker_trash(struct worker *w, struct trash *t, void (*drop)(struct worker *, struct trash *));
/* Runs due deadlines, flushes the access log; every WORKER_PERIOD_MS, or WORKER_REST_MS at rest. */
void worker_tick(struct worker *w);
/* No client and no deadline: behind a tick there is nothing to do until something comes. */
static inline bool
worker_at_rest(const struct worker *w)
{
	return w->wheel.armed == 0 && w->client_count == 0 && !w->stopping;
}

/* The current view of a service, leased; give it back with worker_view_put. NULL: no memory. */
struct view_lease *worker_view_get(struct worker *w, struct service_slot *slot);
void worker_view_put(struct worker *w, struct view_lease **lease);

static inline void
deadline_set(struct worker *w, struct deadline *d, uint64_t delay_ms)
{
	wheel_set(&w->wheel, &d->timer, w->now_ms, delay_ms);
}
static inline void
deadline_clear(struct deadline *d)
{
	wheel_clear(&d->timer);
}
static inline void
deadline_remove(struct worker *w, struct deadline *d)
{
	wheel_remove(&w->wheel, &d->timer);
}

/* A pipe for splice(2), empty. NULL: no descriptors left. */
struct pipe_pair *worker_pipe_get(struct worker *w);
/* `clean`: empty, so it may be used again. */
void worker_pipe_put(struct worker *w, struct pipe_pair **pipe, bool clean);

#endif
