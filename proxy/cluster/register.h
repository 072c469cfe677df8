/*
 * register.h: the asking side of one role's storage register (cluster/register_image.h), pure. One
 * job at a time:
 *
 *   read    by all nodes: heads of a majority; the newest value, fetched if it is not known here,
 *           and written back to a majority unless it is there: who reads later reads no older one
 *   claim   by the lease's owner, once: heads of a majority; the highest term + 1 is claimed at a
 *           majority; the newest value that it tells of is made to stand at one, stamped (that
 *           term, 0): newer than all that a few may have of earlier terms, as Paxos proposes anew
 *   write   by who claimed, often: the value, timestamp (own term, next seq), at a majority
 *
 * A job ends in news, at its deadline at the latest. A claim or a write that failed may still have
 * happened, or happen later; nobody can tell.
 */
#ifndef HOLDFAST_CLUSTER_REGISTER_H
#define HOLDFAST_CLUSTER_REGISTER_H

#include "cluster/register_wire.h"

enum register_job { REGISTER_NO_JOB, REGISTER_READS, REGISTER_CLAIMS, REGISTER_WRITES };

enum register_phase {
	REGISTER_IDLE,
	REGISTER_ASKING,   /* READ to all voters */
	REGISTER_CLAIMING, /* WRITE of a claim */
	REGISTER_PULLING,  /* the value, from one that has it */
	REGISTER_WRITING,  /* WRITE of a value: own, or back */
};

enum register_news {
	REGISTER_NEWS_NONE,
	REGISTER_NEWS_READ,    /* term, known, document */
	REGISTER_NEWS_CLAIMED, /* own_term is this node's; known, document */
	REGISTER_NEWS_WRITTEN, /* known, document */
	REGISTER_NEWS_UNREAD,  /* no majority in time, as all UN.. */
	REGISTER_NEWS_UNCLAIMED,
	REGISTER_NEWS_UNWRITTEN,
	REGISTER_NEWS_DEPOSED, /* a write met a higher term: this node's is over */
};

struct register_client {
	enum register_job job;
	enum register_phase phase;
	uint64_t number; /* of the request: answers to others are not counted; 0: none yet */
	uint64_t deadline;
	uint64_t resend_at;

	uint64_t answered;         /* bit a node, in this phase */
	uint64_t term;             /* highest seen; of a claim: the one that is claimed */
	struct register_head best; /* of the answers: the one with the newest value */
	uint64_t holders;          /* bit a node: that have it */

	uint64_t own_term; /* claimed; 0: none */
	uint64_t own_seq;

	struct stamp known; /* newest value whose bytes are here */
	struct document *document;
	struct pull pull;
	enum register_news news;
};

void register_client_deinit(struct register_client *c);
/* Each starts a job; false: one is under way, or (write) no term is this node's. */
bool register_read(struct register_client *c, const struct role_turn *t, uint64_t deadline);
bool register_claim(struct register_client *c, const struct role_turn *t, uint64_t deadline);
/* `d` is borrowed for the call, referenced as long as needed; not empty. */
bool register_write(struct register_client *c, const struct role_turn *t, struct document *d,
		    uint64_t deadline);
/* The job under way ends without news. */
void register_stop(struct register_client *c);
/* So it does, and the claimed term is this node's no more. */
void register_forsake(struct register_client *c);

/* READ (for a piece), HELD, WRITTEN, OUTDATED with `b` behind the role's name. False: bad. */
bool register_receive(struct register_client *c, const struct role_turn *t, cluster_node from,
		      enum datagram_type type, struct body *b);
void register_tick(struct register_client *c, const struct role_turn *t);
uint64_t register_next(const struct register_client *c);
enum register_news register_take_news(struct register_client *c);

#endif
