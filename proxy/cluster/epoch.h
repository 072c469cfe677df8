/*
 * epoch.h: the membership by epochs, pure: who publishes the next one, and how every node comes to
 * hold it (DESIGN section 10; US 9,596,301: the management process makes system-wide state
 * changes).
 *
 *   a node:     propose --PROPOSAL--> master                          (again until it is answered)
 *   the master: held epoch = base? make(held + change) = epoch + 1
 *               lease:    engine_write, and it counts when it was WRITTEN
 *               advisory: it counts at once
 *               adopt, --EPOCH--> all, --ANSWER--> who proposed
 *   all:        a header, an EPOCH or a request's hop says more than is held: fetch, adopt
 *
 * Only the master writes, and one change at a time. Under lease a new master first reads the
 * register, and one whose write ended in doubt reads it again: there are no two documents of one
 * epoch. In advisory mode two masters can each publish the same epoch while they are parted; then
 * the higher term counts, then the greater digest, on all nodes alike, and what the other changed
 * has to be proposed again. Epochs never go back.
 *
 * A proposal is answered once: it is done (and then this node holds its epoch), it changed nothing,
 * it was refused, it was made against another epoch, nobody is master, or nobody knows.
 */
#ifndef HOLDFAST_CLUSTER_EPOCH_H
#define HOLDFAST_CLUSTER_EPOCH_H

#include "base/text.h"
#include "cluster/election.h"
#include "cluster/engine.h"

#define EPOCH_PROPOSALS_MAX    16   /* that wait, at a node; the master's and others' together */
#define EPOCH_CHANGE_BYTES_MAX 1000 /* of a change */
#define EPOCH_WHY_BYTES_MAX    200
#define EPOCH_ANSWERS_KEPT     32   /* by the master, for proposals that come again */
#define EPOCH_PROPOSAL_MS      6000 /* then a proposal is over, whatever is known of it */
#define EPOCH_RESEND_MS        250
#define EPOCH_FETCH_MS         2000  /* a fetch without an answer has failed */
#define EPOCH_RETRY_MS         200   /* before the same node is asked again */
#define EPOCH_REFUSED_MS       10000 /* before a document that this node cannot use is tried again */
#define EPOCH_ANNOUNCE_MS      1000  /* the master tells all what it holds */
#define EPOCH_READ_AGAIN_MS    500
#define EPOCH_ANY              UINT64_MAX

struct epoch_version {
	uint64_t epoch; /* 0: from the file, whatever that says */
	uint64_t term;  /* of the master that published it */
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
};

/* > 0: `a` is the later one. */
int epoch_compare(const struct epoch_version *a, const struct epoch_version *b);

enum epoch_outcome {
	EPOCH_DONE,
	EPOCH_SAME,      /* it changes nothing */
	EPOCH_STALE,     /* made against another epoch than the master holds */
	EPOCH_REFUSED,   /* `why` says it */
	EPOCH_NO_MASTER, /* nobody is, or it does not answer; nothing happened */
	EPOCH_UNKNOWN,   /* the master was lost on the way: it may have happened, or not */
	EPOCH_BUSY,      /* EPOCH_PROPOSALS_MAX wait */
	EPOCH_OUTCOMES
};
/* "no_master"; static. */
const char *epoch_outcome_text(enum epoch_outcome outcome);

/* What the machine has done; called from within its functions, and never calls back. */
struct epoch_host {
	void *self;
	/* RESULT_INVALID: no document, or none of this version. */
	enum result (*read)(void *self, const struct document *d, struct epoch_version *out,
			    struct problem *p);
	/* The held document with a change, as the given epoch; *out NULL: it changes nothing.
	 * Whatever else than RESULT_OK is a refusal, and the problem its reason. */
	enum result (*make)(void *self, struct slice change, uint64_t epoch, uint64_t term,
			    struct document **out, struct problem *p);
	/* From here on this node holds it. False: it cannot use it, which it says itself. */
	bool (*adopt)(void *self, struct document *d, const struct epoch_version *version);
	/* Begins; ends in epoch_fetched. */
	void (*fetch)(void *self, cluster_node from, uint64_t epoch);
	void (*done)(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch,
		     const char *why);
};

enum epoch_state {
	EPOCH_FOLLOWS, /* another is master, or nobody */
	EPOCH_READS,   /* master: the register is asked what was written last */
	EPOCH_READY,
	EPOCH_WRITES, /* a document is on its way into the register */
};

struct epoch_proposal {
	bool used;
	bool pinned;       /* `base` is what the operator said */
	bool sent;         /* a master may have seen it */
	bool doubt;        /* and it may have made it: it was lost, or asked again, since */
	bool waits;        /* done: until this node holds `base` too */
	cluster_node from; /* self, or who sent it */
	cluster_node to;   /* the master that it was sent to */
	uint64_t nonce;    /* of the sender */
	uint64_t ticket;   /* of our own */
	uint64_t base;     /* epoch, or EPOCH_ANY */
	uint64_t number;   /* the first comes first */
	uint64_t until;
	uint64_t send_at;
	size_t bytes;
	char change[EPOCH_CHANGE_BYTES_MAX];
};

struct epoch_answer {
	cluster_node to; /* NODE_NONE: empty */
	uint64_t nonce;
	enum epoch_outcome outcome;
	uint64_t epoch;
	char why[EPOCH_WHY_BYTES_MAX + 1];
};

struct epoch_counts {
	uint64_t adopted;
	uint64_t published; /* by this node as master */
	uint64_t fetches;
	uint64_t fetches_failed;
	uint64_t refused; /* documents that this node could not use */
};

struct epochs {
	const struct cluster_nodes *nodes; /* borrowed */
	struct epoch_host host;
	const struct engine *engine; /* borrowed; NULL: advisory */

	struct epoch_version held;
	struct document *document; /* one reference; NULL at epoch 0 */
	enum epoch_state state;
	struct claim master;
	uint64_t read_at;     /* READS: when to ask again */
	uint64_t announce_at; /* master */

	struct document *written; /* WRITES, or in doubt behind it; one reference */
	struct epoch_version written_version;
	size_t written_for; /* place of the proposal; EPOCH_PROPOSALS_MAX: it is over */
	bool doubt;         /* the write of `written` ended without an answer */

	uint64_t nonce;
	uint64_t numbers;
	struct epoch_proposal proposal[EPOCH_PROPOSALS_MAX];
	struct epoch_answer answer[EPOCH_ANSWERS_KEPT];
	size_t answer_next;

	struct epoch_peer {
		uint64_t epoch; /* as it said last */
		bool better;    /* of an equal epoch, but later than ours */
		uint64_t not_before;
	} peer[CLUSTER_NODES_MAX];
	cluster_node fetching; /* NODE_NONE: nobody is asked */
	uint64_t fetch_ends;
	uint64_t refused_epoch; /* what could not be used, */
	uint64_t refused_until; /* is not asked for before */
	struct epoch_counts counts;
};

/*
 * `document`: what was kept from the last run, with `version`; NULL: epoch 0. A reference is taken.
 * `nonce`: another one with every start.
 */
void epochs_init(struct epochs *e, const struct cluster_nodes *nodes, const struct epoch_host *host,
		 const struct engine *engine, struct document *document,
		 const struct epoch_version *version, uint64_t nonce);
void epochs_deinit(struct epochs *e);

/* True: the type is this machine's. */
bool epochs_receive(struct epochs *e, uint64_t now, const struct incoming *in, struct outbox *out);
/* What a node says that it holds: the header of any datagram, a hop, an answer to one. */
void epochs_heard(struct epochs *e, uint64_t now, cluster_node from, uint64_t epoch);
void epochs_tick(struct epochs *e, uint64_t now, struct outbox *out);
uint64_t epochs_next(const struct epochs *e);
/* Who is master, as far as this node knows. */
void epochs_master(struct epochs *e, uint64_t now, const struct claim *master, struct outbox *out);
/* What the engine tells of the role `cluster`: READ, UNREAD, WRITTEN, UNWRITTEN; the document's
 * reference stays the caller's. */
void epochs_engine(struct epochs *e, uint64_t now, const struct engine_event *event,
		   struct outbox *out);
/* What a fetch gave; NULL: nothing. */
void epochs_fetched(struct epochs *e, uint64_t now, cluster_node from, struct document *d,
		    struct outbox *out);
/* `base`: the epoch that it is made against, or EPOCH_ANY. host.done comes once, perhaps at once.
 */
void epochs_propose(struct epochs *e, uint64_t now, uint64_t ticket, uint64_t base,
		    struct slice change, struct outbox *out);
/* Documents that could not be used may be usable now: the configuration changed. */
void epochs_retry(struct epochs *e);

#endif
