/*
 * ask.h: the client's question, "who is master?", put to any node (US 9,667,750, claim 1): the node
 * answers from what it knows, or finds one: it goes through the nodes in order of priority,
 * verifies by an inquiry that the best is there and its service well, invites it to stand, and
 * tells all. The letters M1.. are those of the project's notes on system 000.
 *
 *   IDLE ---- a question; a master is known and fresh ------------------------> answered (M2)
 *     |  the client says that it is dead, or knows a later term
 *     +------> VERIFY  this node's own detection, at once
 *     |           |  it lives -----------------------------------------------> answered: it is
 * wrong |  none     v  it does not
 *     +------> PING    the next in order of priority (M3, M4): an inquiry (M5)
 *                 |  no answer, or its service is ill: the next (M6)
 *                 v  it answers
 *              INVITED it stands now, and must win as anybody does (election.h)
 *                 |  not in time: the next
 *                 v  a master is known, whoever it is (M7, M14)
 *              a heartbeat to all names it (M9), and all who wait are answered (M10)
 *
 * One search at a time, whoever asks: what comes meanwhile waits for the same answer; a search that
 * found nobody stands as the answer for a while. Nothing that a client says is believed: it can
 * cause a verification and no more. The list of who waits is its owner's.
 */
#ifndef HOLDFAST_CLUSTER_ASK_H
#define HOLDFAST_CLUSTER_ASK_H

#include "cluster/election.h"

#define ASK_FRESH_HEARTBEATS                                                \
	3 /* a cached master counts this many periods after its last answer \
	   */

struct ask_rules {
	uint32_t ping_ms; /* how long an inquiry may take; the time-out of detection */
	uint32_t
	    win_ms; /* how long an invited node may take to be master: with a lease, its length */
	uint32_t rest_ms; /* after a search in vain: a period */
};

enum ask_state { ASK_IDLE, ASK_VERIFY, ASK_PING, ASK_INVITED };
enum ask_how { ASK_NOBODY, ASK_CACHED, ASK_ELECTED };

/* Zeroed: idle. */
struct ask {
	enum ask_state state;
	uint64_t since;
	uint64_t ends;     /* of what the state waits for */
	cluster_node at;   /* PING, INVITED: the candidate */
	uint64_t tried;    /* bit a node */
	uint64_t rest_to;  /* until then, nobody was found */
	enum ask_how how;  /* of the last search */
	uint64_t searches; /* that came as far as PING */
	uint64_t verified; /* VERIFY: the client was wrong */
};

struct ask_question {
	cluster_node
	    dead;      /* the client says that this master is dead; NODE_NONE: it says nothing */
	uint64_t term; /* the highest that it was told; 0: none */
};

struct ask_answer {
	enum ask_how how;
	struct claim master; /* NODE_NONE: nobody; ask again after retry_ms */
	uint32_t valid_ms;
	uint32_t retry_ms;
	/* Whether the client may be sent there by a redirect: never to a lower term than it came
	 * with. */
	bool redirect;
};

/* True: answered. False: it waits until ask_tick says so. */
bool ask_question(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
		  const struct ask_question *question, struct ask_answer *answer,
		  struct outbox *out);
/* After every event of the election, and when `now` reaches ask_next. True: all who wait are
 * answered now, with ask_answer. */
bool ask_tick(struct ask *a, const struct ask_rules *rules, struct election *e, uint64_t now,
	      struct outbox *out);
uint64_t ask_next(const struct ask *a);
struct ask_answer ask_answer(const struct ask *a, const struct ask_rules *rules,
			     const struct election *e, uint64_t now,
			     const struct ask_question *question);

#endif
