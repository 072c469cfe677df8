/*
 * lease.h: who may hold a role: PaxosLease for one role, as two pure machines. The acceptor is a
 * voter's memory of it; the proposer negotiates for this node. No disk: what a voter forgets when
 * it starts again is made up for by silence. (Trencseni, Gazso, Reinhardt, "PaxosLease: Diskless
 * Paxos for Leases", 2012; the rules R1 to R8 are those of the project's notes on system 003.)
 *
 *   proposer                                acceptor
 *     | PREPARE ballot, T, TN  ------------->|  not below its promise, nobody else's lease lives:
 *     |<------------- PROMISE ballot         |  promised = ballot                          (R1)
 *     |  of a majority (R2)                  |
 *   timer T starts (R3)                      |
 *     | PROPOSE ballot, T, TN  ------------->|  its promise, exactly: timer T * 1.025 starts
 *     |<------------- ACCEPT ballot          |
 *     |  of a majority, before TN and T end (R4, R7): held
 *     |                                      |  timer ends: the lease is forgotten,
 *     |                                      |  the promise is kept                        (R5)
 *     | RELEASE ballot (R8) ---------------->|
 *
 * A refusal says why, and how long the reason will stand.
 *
 * Two rules go beyond the paper. A voter whose accepted lease lives promises other owners nothing:
 * so contenders cannot hinder a renewal. And PROPOSE needs the very ballot that was promised, in
 * this run of the voter; taking any ballot that is not lower, as Paxos may, is wrong here: PROPOSE
 * may come long after its ballot died; a voter that had forgotten its promise, and has accepted
 * another's lease since, would hold the lease for the dead ballot, and its owner's next PREPARE
 * would find its "own" lease there while the other owner has its own (tests/model: four ballots and
 * one restart; three ballots do not show it).
 *
 * With both a voter is a lock that none but its owner takes again before the timer ends, which is
 * never before the owner's; two owners at once would need one voter locked twice. An owner is a
 * node in one run of it (node, boot counter): a node that started again does not own what it owned
 * before, as those who were told so then may still act on it.
 *
 * Why the silence M is what it is (R6), for a voter that forgets at time r:
 *
 *   M >= T: a lease that it had accepted was proposed before r and ends before r + T.
 *
 *   M >= 2 * TN: a promise that it had given to ballot b is gone, and a lower ballot a might pass.
 *   The other voters let it only if it was prepared before they accepted b, that is before r + TN
 *   (b dies TN after its own PREPARE, which was before r), and a is dead TN later.
 *
 * By the two rules above a voter would refuse a all the same: deadlines (R7) and 2 * TN are the
 * second line. One clock measures T and TN, another M, and their rates differ: LEASE_DRIFT.
 */
#ifndef HOLDFAST_CLUSTER_LEASE_H
#define HOLDFAST_CLUSTER_LEASE_H

#include "cluster/body.h"
#include "cluster/role.h"

/*
 * Clocks run within 1 % of true time: two durations that must not end in the wrong order need a
 * factor of 1.01 / 0.99 = 1.0202, which is a hair more than the 1.02 that 2 * 1 % suggests.
 */
#define LEASE_DRIFT_PER_MILLE 25
/* The holder stops this part of T before its timer ends: time to be told, and to finish. */
#define LEASE_MARGIN_PER_MILLE 50

/* TN = T / 5, M = T * 6 / 5: 10 s, 2 s, 12 s. */
struct lease_timing lease_timing_of(uint32_t lease_ms);
/* M >= max(T, 2 * TN) and drift; see above; and TN within what is held of T. Asserted by machines.
 */
bool lease_timing_sound(const struct lease_timing *timing);

enum lease_refusal {
	LEASE_REFUSED_NOT,
#define LEASE_REFUSAL(name, number, text, help) LEASE_REFUSED_##name = (number),
#include "tbl/lease_refusals.h"
#undef LEASE_REFUSAL
};
const char *lease_refusal_text(enum lease_refusal refusal);

/* Ordered by round, owner, boot. Round 0: none. */
struct ballot {
	uint64_t round;
	uint64_t boot;
	uint32_t owner; /* alias */
};
int ballot_compare(const struct ballot *a, const struct ballot *b);

/* ---- a voter's side ---------------------------------------------------------------------------
 */

/* Zeroed: nothing promised. */
struct acceptor {
	struct ballot promised;
	struct ballot
	    accepted; /* the lease that lives until accepted_until; its owner is the ballot's
		       */
	uint64_t accepted_until;
	uint64_t touched; /* last message that changed it */
};

/* PREPARE, PROPOSE, RELEASE; `b` stands behind the role's name. Bad bodies are dropped: false. */
bool acceptor_receive(struct acceptor *a, const struct role_turn *t, cluster_node from,
		      enum datagram_type type, struct body *b);
/*
 * True: nothing here can matter any more, as if the voter had started again and been silent since:
 * the place may be given to another role.
 */
bool acceptor_idle(const struct acceptor *a, const struct role_ground *ground, uint64_t now);
/* Answers a PREPARE for which there is no room. */
void acceptor_refuse_full(const struct role_turn *t, cluster_node from, struct body *b);

/* ---- the asking side --------------------------------------------------------------------------
 */

enum lease_state {
	LEASE_IDLE,
	LEASE_PREPARING,
	LEASE_PROPOSING,
	LEASE_HELD, /* and being renewed, in time */
	LEASE_LOST, /* it was held; until the next lease_acquire */
};

enum lease_news {
	LEASE_NEWS_WON = 1,
	LEASE_NEWS_RENEWED = 2,
	LEASE_NEWS_REFUSED = 4, /* an acquire ended in vain: see refusal, wait_ms */
	LEASE_NEWS_LOST = 8,    /* told before any other node can win */
};

struct lease {
	enum lease_state state;
	enum lease_state negotiation; /* IDLE, PREPARING or PROPOSING; of a renewal, too */
	bool bid_again;               /* this acquire has, after it was outbid */
	struct ballot ballot;         /* of the negotiation, or of the last one */
	uint64_t round_seen;          /* highest that a refusal named */
	uint64_t ballot_ends;         /* R7 */
	uint64_t resend_at;           /* to those that did not answer */
	uint64_t proposed_at;         /* R3 */
	uint64_t held_until;          /* the margin is taken off */
	uint64_t renew_at;
	uint64_t promised; /* bit a node */
	uint64_t accepted;
	uint64_t refused;
	enum lease_refusal refusal; /* of this negotiation, or the last: the weightiest */
	uint32_t wait_ms; /* the soonest that a refusal's reason may be gone; 0: unknown */
	unsigned news;    /* enum lease_news, since lease_take_news */
};

/* Starts one negotiation; nothing when one is under way or the lease is held. Ends in news. */
void lease_acquire(struct lease *l, const struct role_turn *t);
/* R8: this node is no owner any more, then the voters are told. No news of it. */
void lease_release(struct lease *l, const struct role_turn *t);
/* PROMISE, ACCEPT, REFUSE; `b` stands behind the role's name. Bad bodies are dropped: false. */
bool lease_receive(struct lease *l, const struct role_turn *t, cluster_node from,
		   enum datagram_type type, struct body *b);
void lease_tick(struct lease *l, const struct role_turn *t);
uint64_t lease_next(const struct lease *l);
/* Ask right before use. */
bool lease_held(const struct lease *l, uint64_t now);
unsigned lease_take_news(struct lease *l);

#endif
