/*
 * engine.h: who grants roles: one small interface, three engines behind it.
 *
 *   embedded   PaxosLease and register by messages between the nodes (cluster/embedded.h)
 *   disk       shared files, a block a node (cluster/disk.h): a safe master for two nodes
 *   etcd       an existing cluster (cluster/etcd.h)
 *
 * An engine promises, whatever the others do and as long as clocks keep to 1 %:
 *   - from GRANTED or RENEWED to `until`, or LOST if that is sooner, nobody else is granted it;
 *   - LOST is told before another node can be granted it; engine_owns is false from `until` on;
 *   - terms of a role strictly grow from grant to grant, over every restart, whatever clocks do.
 *
 * It renews what is granted, until it is told to release it.
 *
 * The value of a role (the membership, of role `cluster`) is written by its owner alone, and read
 * by everybody: a read that begins after a write was WRITTEN gives that value or a later one.
 *
 * Pure, like all machines: `receive`, `tick`, `next` as in machine.h. What an engine wants of a
 * disk or of another program stands in its own header.
 */
#ifndef HOLDFAST_CLUSTER_ENGINE_H
#define HOLDFAST_CLUSTER_ENGINE_H

#include "cluster/document.h"
#include "cluster/lease.h"
#include "cluster/register_image.h"
#include "cluster/role.h"

enum engine_event_kind {
	ENGINE_GRANTED,   /* term, until */
	ENGINE_RENEWED,   /* term, until */
	ENGINE_REFUSED,   /* refusal, wait_ms: this acquire is over */
	ENGINE_LOST,      /* term */
	ENGINE_READ,      /* term: the highest claimed; stamp, document: NULL, none was written */
	ENGINE_UNREAD,    /* no majority in time */
	ENGINE_WRITTEN,   /* stamp, document */
	ENGINE_UNWRITTEN, /* it may have happened all the same, or still happen */
};

struct engine_event {
	enum engine_event_kind kind;
	char role[ROLE_BYTES_MAX + 1];
	uint64_t term;
	uint64_t until; /* own clock */
	enum lease_refusal refusal;
	uint32_t wait_ms; /* the soonest that asking again may help; 0: unknown */
	struct stamp stamp;
	struct document *document; /* one reference, the taker's */
};

struct engine_ops {
	/* True: the type is this engine's, whatever became of the datagram. NULL: none is. */
	bool (*receive)(void *self, uint64_t now, const struct incoming *in, struct outbox *out);
	void (*tick)(void *self, uint64_t now, struct outbox *out);
	uint64_t (*next)(const void *self);
	void (*acquire)(void *self, uint64_t now, const char *role, struct outbox *out);
	void (*release)(void *self, uint64_t now, const char *role, struct outbox *out);
	bool (*owns)(const void *self, uint64_t now, const char *role, uint64_t *term,
		     uint64_t *until);
	void (*read)(void *self, uint64_t now, const char *role, struct outbox *out);
	void (*write)(void *self, uint64_t now, const char *role, struct document *d,
		      struct outbox *out);
	bool (*take)(void *self, struct engine_event *event);
};

struct engine {
	const struct engine_ops *ops;
	void *self; /* borrowed */
};

static inline bool
engine_receive(const struct engine *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	return e->ops->receive != NULL && e->ops->receive(e->self, now, in, out);
}

static inline void
engine_tick(const struct engine *e, uint64_t now, struct outbox *out)
{
	e->ops->tick(e->self, now, out);
}

static inline uint64_t
engine_next(const struct engine *e)
{
	return e->ops->next(e->self);
}

/* One attempt: ends in GRANTED or REFUSED. Nothing happens when it is owned, or one is under way.
 */
static inline void
engine_acquire(const struct engine *e, uint64_t now, const char *role, struct outbox *out)
{
	e->ops->acquire(e->self, now, role, out);
}

/* Owned no more from here on, and told to all; an attempt under way is given up. No event. */
static inline void
engine_release(const struct engine *e, uint64_t now, const char *role, struct outbox *out)
{
	e->ops->release(e->self, now, role, out);
}

/* Ask right before use. `term`, `until` may be NULL. */
static inline bool
engine_owns(const struct engine *e, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	return e->ops->owns(e->self, now, role, term, until);
}

/* Ends in READ or UNREAD; one for all who asked before it began. */
static inline void
engine_read(const struct engine *e, uint64_t now, const char *role, struct outbox *out)
{
	e->ops->read(e->self, now, role, out);
}

/* By the owner; ends in WRITTEN or UNWRITTEN. One at a time: a second is UNWRITTEN at once. */
static inline void
engine_write(const struct engine *e, uint64_t now, const char *role, struct document *d,
	     struct outbox *out)
{
	e->ops->write(e->self, now, role, d, out);
}

/* After every call: what happened, oldest first. False: nothing more. */
static inline bool
engine_take(const struct engine *e, struct engine_event *event)
{
	return e->ops->take(e->self, event);
}

/* ---- for engines: events that wait to be taken ---------------------------------------------- */

/* Two attempts, a read and a write a role: never full. */
#define ENGINE_EVENTS_MAX ((size_t)4 * ROLES_MAX)

struct engine_events {
	size_t first;
	size_t count;
	struct engine_event list[ENGINE_EVENTS_MAX];
};

void engine_events_put(struct engine_events *q, const char *role, const struct engine_event *event);
bool engine_events_take(struct engine_events *q, struct engine_event *event);
void engine_events_deinit(struct engine_events *q);

#endif
