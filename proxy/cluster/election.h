/*
 * election.h: who stands for master, and when: ranked timers (US 6,889,338, and its companion
 * US 2003/0037284 on self-monitoring), as one pure machine a node. The letters E1.., D1.. are those
 * of the project's notes on system 002.
 *
 *            boot                      its inquiry timed out, or a Suspect came
 *              |                          +------------------------------+
 *              v   a claim was heard      |                              v
 *            JOIN ------------------> BACKUP <------ proof of life --- WAIT
 *              |  all silent for D_N,     ^                              | D_i is over
 *              +-- or none has one -------|----------> WAIT              v
 *                                         |             ^    advisory    |   lease
 *                                         |             |   +------------+-----------+
 *                                         |             |   v                        v
 *                  a better claim --------+             | CLAIM                     ASK
 *                                         |             |   | 1.5 round trips,      | granted(term)
 *                                         |             |   v nobody objects        v
 *                                         +-------------|- MASTER <------------------+
 *                                                       +--- refused, lost, resigned
 *
 * A claim is (term, node). Claims have one order on all nodes: the higher term, then who stands
 * before whom (D3, D4). A node follows the highest claim that it heard, never a lower one; who
 * claims less is told the better claim, by one message, and nobody contests it by claiming himself
 * (D1): only with `preempt`, and only the best of those who live, does a better node contest a
 * worse master (E9, D5).
 *
 * Detection (E2, E3): each backup sends the master an inquiry every period, up to three times
 * within the time-out. Nothing came back: Suspect to all, so that all timers start within one delay
 * (D2). All inquire at once; who gets an answer refutes. Only an answer to an inquiry proves life:
 * a master that speaks and does not hear is lost. What others say of the master's answers to them
 * counts as well, so that one cut link starts no election. Waiting times: delays.h.
 *
 * Safety. `advisory`: whose time is over declares itself: never blocks, two masters are possible
 * while the network is parted, and the higher claim wins when it heals. `lease`: whose time is over
 * asks the lease of the role `cluster` first, and is master only while it has it; the lease's
 * machine (or an engine outside) answers with the events below. Terms then come from the lease's
 * register.
 *
 * Nothing is kept on disk: terms live in the datagrams' headers. A node that starts again listens
 * first (JOIN), for D_N at least.
 */
#ifndef HOLDFAST_CLUSTER_ELECTION_H
#define HOLDFAST_CLUSTER_ELECTION_H

#include "cluster/delays.h"
#include "cluster/machine.h"

#define ELECTION_TRIES 3 /* inquiries within one time-out */
#define ELECTION_TERM_MAX \
	(UINT64_MAX / 2) /* what is above was never reached by counting: ignored */

enum election_safety { ELECTION_ADVISORY, ELECTION_LEASE };

struct election_rules {
	enum election_safety safety;
	uint32_t period_ms;  /* of detection and heartbeats; 1 s */
	uint32_t timeout_ms; /* of an inquiry; less than the period; 300 ms */
	uint32_t t1_ms;      /* T1 of the waiting times; 150 ms */
	uint32_t ask_ms; /* how long the lease may take to answer before that counts as refused */
	uint64_t preempt_ms; /* CLUSTER_NEVER: off; else how long a better node looks on */
};

enum election_state {
	ELECTION_JOIN,   /* listens; no master known */
	ELECTION_BACKUP, /* follows claim.node */
	ELECTION_WAIT,   /* claim.node is lost (or NODE_NONE); D_i runs */
	ELECTION_ASK,    /* D_i is over; the lease was asked */
	ELECTION_CLAIM,  /* declared itself, listens for objections (advisory) */
	ELECTION_MASTER,
};

struct claim {
	uint64_t term;
	cluster_node node; /* NODE_NONE: none, term 0 */
};

/*
 * What the owner has to do; bits, taken with election_take_news. DROPS is meant before WANTS, when
 * both are there.
 */
enum election_news {
	ELECTION_NEWS_MASTER = 1,      /* who is master changed: election_master */
	ELECTION_NEWS_DROPS_LEASE = 2, /* release the lease of the role, or stop asking */
	ELECTION_NEWS_WANTS_LEASE = 4, /* ask for it; answer with granted or refused */
};

struct election_counts {
	uint64_t suspected; /* by this node's own inquiries */
	uint64_t refuted;   /* suspicions that came to nothing */
	uint64_t stood;     /* D_i was over */
	uint64_t won;
	uint64_t contested; /* E9 */
	uint64_t revoked; /* claims of others that were told a better one: surplus masters (E16) */
};

struct election {
	const struct cluster_nodes *nodes; /* borrowed; ranks may change: election_rank */
	struct election_rules rules;
	uint64_t incarnation;

	enum election_state state;
	struct claim claim; /* followed, lost, or own: by state; no lower one is ever followed */
	uint64_t term_seen; /* the highest of all, in the header of all that is sent */
	bool fit;           /* the service is well; unfit nodes stand after all others */
	unsigned news;
	struct election_counts counts;
	struct delays delays;

	struct election_peer {
		uint64_t heard_at; /* any datagram; CLUSTER_NEVER: none since the start */
		uint64_t
		    inquired_at; /* when this node asked what it answered last; CLUSTER_NEVER */
		bool fit;
	} peer[CLUSTER_NODES_MAX];

	uint64_t heartbeat_at;
	cluster_node measure_next; /* whom the next measuring inquiry goes to */
	uint64_t due; /* election_next after the last event: who comes much later slept */

	/* JOIN */
	uint64_t join_ends;
	uint64_t join_again_at; /* inquiries are repeated */
	uint64_t answered;      /* bit a node */
	bool invited;

	/* BACKUP: detection of claim.node. WAIT: is it back? */
	uint64_t inquire_at; /* BACKUP: next detection */
	uint64_t inquired_at;
	uint64_t aligned_at;   /* the master's last heartbeat */
	bool inquiring;        /* one is under way: */
	uint64_t inquiry_from; /*   sent first */
	uint64_t inquiry_again_at;
	uint64_t inquiry_ends; /*   CLUSTER_NEVER in WAIT */
	unsigned inquiry_tries;
	uint64_t followed_at;
	uint64_t proof_at;   /* the last answer of the master to this node; CLUSTER_NEVER: none */
	uint64_t vouched_at; /* the last to any other, as told; CLUSTER_NEVER: none */
	bool indirect;       /* believed alive by what others say */
	uint64_t preempt_since;

	/* WAIT */
	uint64_t wait_from;
	uint64_t stand_at;
	bool alarmed;        /* this node sent the Suspect */
	uint64_t suspecters; /* bit a node: who is to be told when it was a mistake */

	uint64_t ask_ends;   /* ASK */
	uint64_t claim_ends; /* CLAIM */
};

/* Starts in JOIN and says so. `nodes` is sealed. `incarnation` grows with every start. */
void election_init(struct election *e, const struct cluster_nodes *nodes,
		   const struct election_rules *rules, uint64_t incarnation, uint64_t now,
		   struct outbox *out);

/* True: the type is this machine's, whatever became of the datagram. */
bool election_receive(struct election *e, uint64_t now, const struct incoming *in,
		      struct outbox *out);
void election_tick(struct election *e, uint64_t now, struct outbox *out);
uint64_t election_next(const struct election *e);

/* The gate's answers (safety = lease). One that nobody waits for is answered by DROPS. */
void election_granted(struct election *e, uint64_t now, uint64_t term, struct outbox *out);
/* `retry_ms`: the soonest that asking again may help; 0: unknown. */
void election_refused(struct election *e, uint64_t now, uint64_t retry_ms, struct outbox *out);
void election_lost(struct election *e, uint64_t now, struct outbox *out);

/*
 * For the client's question (cluster/ask.h): detection now and not when it is due; an inquiry of
 * any node, whose answer shows in peer[].inquired_at; to stand now, as if invited; and a heartbeat
 * now.
 */
void election_detect(struct election *e, uint64_t now, struct outbox *out);
void election_inquire(struct election *e, uint64_t now, cluster_node to, struct outbox *out);
void election_invite(struct election *e, uint64_t now, cluster_node to, struct outbox *out);
void election_announce(struct election *e, uint64_t now, struct outbox *out);

/* The node stops, or an operator moves the master: who is master tells all, and is no more. */
void election_resign(struct election *e, uint64_t now, struct outbox *out);
/* Of the service beside the node. A master that falls ill hands over, if someone well is there. */
void election_set_fit(struct election *e, uint64_t now, bool fit, struct outbox *out);
/* Other ranks (E14), the same nodes in the same places. Mastership moves by `preempt` alone. */
void election_rank(struct election *e, const struct cluster_nodes *nodes);

/*
 * How long ago the master that is followed answered, this node or as it was told; 0 when this node
 * is it; UINT32_MAX: nobody is followed.
 */
uint32_t election_evidence_age(const struct election *e, uint64_t now);
/* Who is master as far as this node knows: node NODE_NONE when nobody is. */
struct claim election_master(const struct election *e);
/* Of the header: datagram_encode's `term`. */
uint64_t election_term(const struct election *e);
/* D_N as of now: published as the worst case. */
uint32_t election_longest_wait(const struct election *e);
unsigned election_take_news(struct election *e);
const char *election_state_text(enum election_state state);

/* > 0: `a` is above `b`; 0: the same claim. */
int claim_compare(const struct cluster_nodes *nodes, const struct claim *a, const struct claim *b);

#endif
