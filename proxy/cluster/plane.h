/*
 * plane.h: the control plane of one node, pure: the machines put together, what comes handed to
 * the one that it is for, what they have to say signed and addressed. Its live driver is
 * cluster/cluster_ev.h; the simulator could be another.
 *
 *      datagram                                              datagrams
 *         |                                                      ^
 *         v   codec       by type: a table                       | plane_flush
 *     plane_receive ----> election | ask | other parties ----> outbox
 *                            |  ^
 *                  WANTS,    |  | granted, refused, lost
 *                  DROPS     v  |
 *                          engine (safety = lease), asked for the role `cluster`
 *
 * A party is another machine that speaks to its like on other nodes through the same socket: it
 * brings the types of its datagrams, gets what is let in, and puts answers into the same outbox.
 *
 * Every function that takes `now` is an event; behind each of them the owner takes what is new
 * (plane_take_change, plane_take_answered), sends (plane_flush), and calls plane_tick when
 * plane_next is reached. `now`: clock_boot_ms, as in machine.h.
 */
#ifndef HOLDFAST_CLUSTER_PLANE_H
#define HOLDFAST_CLUSTER_PLANE_H

#include "cluster/ask.h"
#include "cluster/datagram.h"
#include "cluster/election.h"
#include "cluster/engine.h"

#define PLANE_PARTIES_MAX 8
#define PLANE_TYPES       256 /* a byte */

struct plane_party {
	const char *name;     /* static */
	void *self;           /* borrowed, outlives the plane */
	const uint8_t *types; /* of datagrams that are its own; enum datagram_type; static */
	size_t type_count;
	/* A datagram of one of its types. */
	void (*receive)(void *self, uint64_t now, const struct incoming *in, struct outbox *out);
	/* Each of these may be NULL. Every datagram that is let in, whoever's it is: */
	void (*heard)(void *self, uint64_t now, const struct incoming *in);
	void (*tick)(void *self, uint64_t now, struct outbox *out);
	uint64_t (*next)(const void *self);
	/* Who is master changed, as this node knows; node NODE_NONE: nobody is. */
	void (*master)(void *self, uint64_t now, const struct claim *master, struct outbox *out);
	/* Something happened to a role, of any name; event->document is borrowed. */
	void (*role)(void *self, uint64_t now, const struct engine_event *event,
		     struct outbox *out);
};

struct plane_setup {
	struct cluster_nodes *nodes; /* sealed; borrowed, outlives the plane, which sets ranks */
	struct slice name;           /* of the cluster; borrowed for the call */
	struct datagram_secret secrets[SECRETS_MAX]; /* borrowed likewise */
	size_t secret_count;
	struct election_rules election;
	struct ask_rules ask;
	uint64_t boot; /* of this run: grows with every start, at least 1 */
};

/* Who is master, before and now; of a node that is master itself only from its registration on. */
struct plane_change {
	struct claim before;
	struct claim after;
	uint64_t for_ms; /* how long it was as it was before */
	bool again; /* `after` was told before, as the last that was: it is back, not elected */
};

struct plane {
	struct cluster_nodes *nodes; /* borrowed */
	struct datagram_codec codec;
	struct election election;
	struct ask ask;
	struct ask_rules ask_rules;
	struct engine engine; /* ops NULL: none, safety is advisory */
	uint64_t epoch;       /* of the membership that this node holds; plane_set_epoch */
	bool left;            /* for good: it neither hears nor speaks any more */
	struct plane_party party[PLANE_PARTIES_MAX];
	size_t party_count;
	uint8_t party_of[PLANE_TYPES]; /* 1 + place; 0: nobody's */
	struct claim master;           /* as parties and owner were told last */
	struct claim reported;         /* as plane_take_change told last */
	struct claim announced;        /* the last of those that is somebody */
	uint64_t master_since;
	uint64_t reported_since;
	bool answered;
	uint64_t received[PLANE_TYPES]; /* let in, by type */
	uint64_t sent[PLANE_TYPES];     /* to each node one */
	uint64_t unknown;               /* let in, of a type that nobody here has */
	struct outbox out;
};

/* About 300 KB; once. `engine`: needed with ELECTION_LEASE; NULL: none. Borrowed. */
void plane_init(struct plane *p, const struct plane_setup *setup, const struct engine *engine,
		uint64_t now);
/* Before the first datagram. Types that another party has, or no room: a programmer's error. */
void plane_join(struct plane *p, const struct plane_party *party);

/* One datagram. DATAGRAM_LET_IN, or why it was dropped (counted). */
enum datagram_drop plane_receive(struct plane *p, uint64_t now, const uint8_t *bytes, size_t count);
void plane_tick(struct plane *p, uint64_t now);
uint64_t plane_next(const struct plane *p);

/* Something was asked of the engine, or it was told something, outside of an event. */
void plane_turn(struct plane *p, uint64_t now);

/* Who is master? True: *answer holds it. False: it waits for plane_take_answered. */
bool plane_ask(struct plane *p, uint64_t now, const struct ask_question *question,
	       struct ask_answer *answer);
/* True, once: all who wait are answered now, with plane_answer. */
bool plane_take_answered(struct plane *p);
struct ask_answer plane_answer(const struct plane *p, uint64_t now,
			       const struct ask_question *question);

/* The service beside this node is well, or not. */
void plane_set_fit(struct plane *p, uint64_t now, bool fit);
/* rank[place] for each node (E14). */
void plane_rank(struct plane *p, const uint32_t *rank);
void plane_set_epoch(struct plane *p, uint64_t epoch);
/* The node stops: a master hands over. Flushed once more; then silent. */
void plane_leave(struct plane *p, uint64_t now);

/* False: nothing new. Several changes at once are one, from the first to the last. */
bool plane_take_change(struct plane *p, uint64_t now, struct plane_change *change);

typedef void plane_send_fn(void *context, cluster_node to, const uint8_t *bytes, size_t count);
/* Empties the outbox: each datagram to each node that it is for. */
void plane_flush(struct plane *p, plane_send_fn *send, void *context);

#endif
