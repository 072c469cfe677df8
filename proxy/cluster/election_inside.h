/*
 * election_inside.h: the election's parts among themselves: election.c (events and time),
 * election_claim.c (who is above whom, and what follows), election_detect.c (is the master there),
 * election_wire.c (bodies).
 */
#ifndef HOLDFAST_CLUSTER_ELECTION_INSIDE_H
#define HOLDFAST_CLUSTER_ELECTION_INSIDE_H

#include "cluster/election.h"

#define AGE_NEVER UINT32_MAX

/* One event. */
struct turn {
	uint64_t now;
	struct outbox *out;
};

/* ---- bodies (election_wire.c) ------------------------------------------------------------------
 */

/* What a node says of itself, in HEARTBEAT and REPLY. */
struct word {
	enum election_state state;
	bool fit;
	struct claim claim;
	uint32_t age_ms; /* since the master's last answer to it; AGE_NEVER: it follows nobody */
};

enum revoke_kind {
	REVOKE_CLAIM,   /* the sender is master, above the rejected: Revoke_Master (E9) */
	REVOKE_FACT,    /* the winner is, as the sender knows: the rejected is told (D1, E16) */
	REVOKE_REQUEST, /* the sender wants the rejected's lease: it stands before it */
	REVOKE_RESIGN,  /* the sender, the rejected, is master no more; the winner may stand at once
			 */
};

struct revoke {
	enum revoke_kind kind;
	cluster_node rejected;
	struct claim winner; /* RESIGN: the term that ends, and the successor or NODE_NONE */
	uint32_t age_ms;     /* FACT: of the sender's proof */
};

struct echo {
	uint64_t incarnation; /* of who inquired */
	uint64_t sent_at;     /* by its clock */
};

/* An unknown node in a claim makes it NODE_NONE. */
void put_claim(struct outgoing *o, const struct cluster_nodes *nodes, const struct claim *claim);
struct claim get_claim(struct body *b, const struct cluster_nodes *nodes);
void put_word(struct outgoing *o, const struct cluster_nodes *nodes, const struct word *word);
struct word get_word(struct body *b, const struct cluster_nodes *nodes);
void put_echo(struct outgoing *o, const struct echo *echo);
struct echo get_echo(struct body *b);
void put_revoke(struct outgoing *o, const struct cluster_nodes *nodes, const struct revoke *revoke);
struct revoke get_revoke(struct body *b, const struct cluster_nodes *nodes);

/* ---- claims (election_claim.c) ----------------------------------------------------------------
 */

static inline bool
election_is_master(const struct election *e)
{
	return e->state == ELECTION_CLAIM || e->state == ELECTION_MASTER;
}

/* The claimant itself says so. `loud`: by a message that all got, to which one answer is enough. */
void hear_claim(struct election *e, const struct turn *t, const struct claim *claim, bool loud);
/* `from` follows it, and had an answer `age_ms` ago. */
void hear_hearsay(struct election *e, const struct turn *t, const struct claim *claim,
		  uint32_t age_ms);
/* Somebody knows of it, and follows it no more. */
void hear_lost(struct election *e, const struct claim *claim);
void hear_revoke(struct election *e, const struct turn *t, cluster_node from,
		 const struct revoke *revoke);
/* Tells `to` this node's claim, that it follows or has. */
void tell_fact(struct election *e, const struct turn *t, cluster_node to);
/* D_i is over, or this node was asked to. */
void stand(struct election *e, const struct turn *t);
void become_master(struct election *e, const struct turn *t, uint64_t term);
/* The master, this node, ends. */
void resign(struct election *e, const struct turn *t, cluster_node successor);
/* E9: the best of those who live looks at a worse master for long enough. */
void consider_preempting(struct election *e, const struct turn *t);
/* A master whose service is ill hands over as soon as one is there whose service is well. */
void consider_resigning(struct election *e, const struct turn *t);
/* The best other one that lives and is fit, or NODE_NONE. */
cluster_node best_alive(const struct election *e, uint64_t now);
void follow(struct election *e, const struct turn *t, const struct claim *claim, bool direct);

/* ---- detection (election_detect.c) ------------------------------------------------------------
 */

void inquire(struct election *e, const struct turn *t, cluster_node to);
void begin_join(struct election *e, const struct turn *t);
void join_tick(struct election *e, const struct turn *t);
/* Detection of the master that is followed, or of the one that was lost. */
void detect_tick(struct election *e, const struct turn *t);
uint64_t detect_next(const struct election *e);
/* A heartbeat of the master came: detection of all nodes is spread behind it. */
void align_detection(struct election *e, uint64_t now);
/* claim.node is lost: WAIT. `probe`: it is asked whether it is so. */
void lose(struct election *e, const struct turn *t, bool probe);
/* Of answers to this node alone: what it may say in its heartbeats. */
uint32_t proof_age(const struct election *e, uint64_t now);
void hear_reply(struct election *e, const struct turn *t, cluster_node from,
		const struct echo *echo, const struct word *word);
void hear_suspect(struct election *e, const struct turn *t, cluster_node from,
		  const struct claim *claim);
void hear_refute(struct election *e, const struct turn *t, const struct claim *claim,
		 uint32_t age_ms);
/* This node was called much later than it asked for: what it waited for may be in the socket. */
void overslept(struct election *e, const struct turn *t);

#endif
