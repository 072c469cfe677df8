/*
 * exchange.h: one request and its response, from the plan to the one cause it
 * ends with. Not a connection: it talks to the client through a door and to
 * members through upstreams.
 *
 *           QUEUED (for a place at a member that is full)
 *              |    RACING (nodes are asked who takes the new session), PLACING (the master is)
 *              |   /
 *  begin -> PLANNED -> CONNECTING -> WAITING -> ANSWERING ------> over(cause)
 *              ^            |           |  \                          ^
 *              |            v           v   `-> TUNNEL ---------------'
 *              `--- next attempt <- failed
 *  begin -> PLANNED -> ASKING (the control thread, for the master) -> over
 */
#ifndef HOLDFAST_RELAY_EXCHANGE_H
#define HOLDFAST_RELAY_EXCHANGE_H

#include "http/chunk.h"
#include "relay/body_queue.h"
#include "relay/door.h"
#include "relay/question.h"
#include "relay/upstream.h"

enum exchange_state {
	EXCHANGE_PLANNED,
	EXCHANGE_RACING,     /* the nodes race for its session */
	EXCHANGE_PLACING,    /* the master is asked where its session goes */
	EXCHANGE_QUEUED,     /* waits for a place at a member that is full */
	EXCHANGE_ASKING,     /* the control thread was asked (question.h) */
	EXCHANGE_CONNECTING, /* an attempt has no connection yet */
	EXCHANGE_WAITING,    /* the request is being sent, or was; no answer yet */
	EXCHANGE_ANSWERING,  /* the final head is on its way to the client */
	EXCHANGE_TUNNEL,     /* upgraded: bytes in both directions */
	EXCHANGE_OVER,       /* in the trash */
};

enum { EVIDENCE_BYTES_MAX = 96, INTERIMS_MAX = 64 /* 1xx answers before one final */ };

struct exchange {
	struct trash trash; /* first */
	struct worker *worker;
	struct door *door;
	uint8_t state;        /* enum exchange_state */
	bool composed;        /* the present attempt's head was written; head_rest is what waits */
	bool reached;         /* some attempt got a connection: not all members are away */
	bool fresh_only;      /* the next attempt takes no pooled connection */
	bool retried_here;    /* this step was tried again after a stale pooled connection */
	bool request_chunked; /* towards the member */
	bool member_keeps;    /* its connection may be used again */
	bool splicing;        /* the rest of the answer goes through `pipe` */
	bool primary_gone; /* the tag names a primary that left the membership: it got a new one */
	bool hopped;       /* another node sent it: `hop` says what it knew */
	bool returns;      /* hopped: a node that had it may serve it when nobody else can */
	bool behind;       /* in worker->behind: waits for the membership that `hop` names */
	bool half_closed;  /* tunnel: our side towards the member is shut */
	bool waits;        /* for its answer: counted in slot->waiting */
	bool repeats;      /* counted in slot->repeated */
	bool passed;       /* a member passed it on */
	bool unheld;       /* the answer is a pass, as nobody else may be asked, or a copy's */
	bool mirrored;     /* the first backup is to get a copy */
	bool copy;         /* this is one (mirror.h) */
	bool raced;        /* `racer` is there */
	bool forwarded;    /* a trusted proxy said of whom it asks for */
	bool introduced;   /* of a copy: another node has written Forwarded or X-Forwarded-* */
	uint8_t ticket_rejection;  /* CAUSE_TICKET_REJECTED: enum ticket_rejection */
	uint8_t spilled;           /* members that were full and passed over */
	uint8_t interims;          /* 1xx answers of the present attempt */
	struct service_slot *slot; /* NULL: no service matched */
	struct view_lease *lease;
	struct upstream *upstream; /* NULL: none */
	struct places *places;     /* whose place is held; NULL: none, or the member has no bound */
	struct queued *queued;     /* owned; while EXCHANGE_QUEUED */
	struct question_letter *asking; /* on its way; while EXCHANGE_ASKING */
	struct racer *racer;            /* owned; when `raced` */
	struct trace *trace;            /* owned; NULL: it is part of none (trace.h) */
	struct placer *placer;          /* owned; while EXCHANGE_PLACING */

	const struct addr *client;    /* who asks, also when proxies or nodes stand between */
	struct addr forwarded_client; /* when `forwarded`: that one */
	struct hop hop;               /* when hopped; borrows from the request */
	uint64_t behind_until_ms;
	struct session session;
	struct plan_session whom;
	struct plan plan;
	uint32_t step;          /* of the plan, being tried */
	uint32_t attempts;      /* begun */
	enum reason failed_why; /* of the last failed attempt */
	uint32_t failed_member;
	uint32_t answered_by; /* member that sent the final head; MEMBER_NONE: none */
	char evidence[EVIDENCE_BYTES_MAX];

	struct buf *head_rest; /* of the request head, not yet sent; a chain */
	struct body_queue body;
	struct pipe_pair *body_pipe; /* of the request's body; NULL: none yet */
	uint64_t body_piped;         /* bytes in it: part of body.unsent */
	uint64_t body_received;      /* payload bytes, for body_bytes_max and the access log */

	uint8_t answer_framing; /* enum body_framing, of the member's answer */
	uint64_t answer_left;   /* BODY_LENGTH: bytes that are still to come */
	struct chunk_decoder chunks;
	struct buf *trailers; /* NULL until the answer is chunked and has some */
	struct pipe_pair *pipe;
	uint64_t piped; /* bytes in the pipe */

	uint64_t begun_us;
	uint64_t begun_wall_ms;
	uint64_t first_byte_us;       /* 0: none */
	uint64_t attempt_us;          /* when the present attempt began */
	struct latency_cell *latency; /* of who is asked; borrowed from `lease`; once one was */
	uint64_t connect_us;          /* the present attempt's; 0: its connection was there */
	uint64_t wasted_us;           /* spent on attempts that failed */
	uint64_t queue_us;            /* spent on waiting for places, and for races */
	uint64_t request_id;
	enum cause cause;
	struct exchange *next;    /* in worker->asking (connected or queued), or in the spares */
	struct exchange *prev;    /* in worker->asking */
	struct http_head request; /* last: large, and only its used part is ever touched */
};

/* An exchange whose request head the door fills. NULL: no memory. */
struct exchange *exchange_get(struct worker *w, struct door *door);
/* Never begun: back to the spares. */
void exchange_put_unused(struct exchange *x);
void exchange_spares_free(struct worker *w);

/* The head is parsed; routes, plans and starts the first attempt. May be over on return. */
void exchange_begin(struct exchange *x);
/* Session, plan and first attempt of a request that has its service. */
void exchange_decide(struct exchange *x);
/* The service anew, as the configuration may have changed. False: x is over. */
bool exchange_route(struct exchange *x);
/* Payload of the request body, or bytes of the tunnel. May be over on return. */
void exchange_on_body(struct exchange *x, const char *at, size_t bytes);
/* The same, of which more is at hand: it waits for exchange_body_flush, or the body's end. */
void exchange_on_body_part(struct exchange *x, const char *at, size_t bytes);
void exchange_body_flush(struct exchange *x);
/*
 * A body with a length, `left` of it to come from the plain socket `fd`: may it go by a pipe now
 * (splice(2))? Then exchange_splice_body takes some as recv(2) does, and exchange_body_flush
 * follows.
 */
bool exchange_splices_body(struct exchange *x, uint64_t left);
ssize_t exchange_splice_body(struct exchange *x, int fd, uint64_t left);
/* The request body is complete; trailers are filtered lines. In a tunnel: the client's side ended.
 */
void exchange_on_body_end(struct exchange *x, struct slice trailers);
/* The client took what waited. */
void exchange_on_client_drained(struct exchange *x);
/* The client is gone; `cause` says how. */
void exchange_on_client_gone(struct exchange *x, enum cause cause);
/* The client's request cannot be completed (bad chunk, too slow): answers by cause if it still can.
 */
void exchange_on_client_error(struct exchange *x, enum cause cause);

/* A new view came: those who wait for members that are down by it ask the next one, if they may. */
void exchanges_review(struct worker *w, struct service_slot *slot);

/* From upstream.c. */
void exchange_on_connected(struct exchange *x); /* x->upstream is BUSY */
/* Nothing was sent; NONE: for want of something here. */
void exchange_on_unconnected(struct exchange *x, enum reason why);
void exchange_on_member(struct exchange *x, unsigned events);
void exchange_on_member_deadline(struct exchange *x);

/* ---- between the files of this room ---- */

/* x->client, by the connection and by what trusted proxies said. */
void exchange_find_client(struct exchange *x);
/* Who is asked is known: plans, and starts the first attempt. May be over on return. */
void exchange_plan(struct exchange *x);
/* The primary by the ordering alone. */
void exchange_by_ordering(struct exchange *x);
/* The only writer of x->state. */
void exchange_to(struct exchange *x, enum exchange_state next);
/* The one way out. Releases everything; the door is told; x is trash. */
void exchange_over(struct exchange *x, enum cause cause);
/* Answers by the cause's row if no answer was begun, else breaks it off; then over. */
void exchange_fail(struct exchange *x, enum cause cause);
void exchange_hold_upstream(struct exchange *x, struct upstream *u);
/* Into worker->asking, and out of it. */
void exchange_link(struct exchange *x);
void exchange_unlink(struct exchange *x);
/* Lets go of the connection: idle when it may be used again, else closed. */
void exchange_release_upstream(struct exchange *x, bool reusable);
/* The client side's bounds: the service's, or the first service's before one is known. */
const struct config_timeouts *exchange_timeouts(const struct exchange *x);
const struct config_rates *exchange_rates(const struct exchange *x);
struct membership *exchange_membership(const struct exchange *x);
/* Who is being asked, or was last; a place in that membership. */
static inline uint32_t
exchange_member(const struct exchange *x)
{
	return x->plan.step[x->step].member;
}

static inline struct member_live *
exchange_live(const struct exchange *x)
{
	return exchange_membership(x)->member[exchange_member(x)].live;
}
/* How many steps may be tried: members that were full are not counted as tries. */
static inline uint32_t
exchange_steps(const struct exchange *x)
{
	uint32_t steps = plan_attempts(&x->slot->service->plan, &x->plan) + x->spilled;
	return steps < x->plan.step_count ? steps : x->plan.step_count;
}

/* The client's verified certificate, also when nodes stand between; NULL: none. */
static inline const struct tls_identity *
exchange_identity(const struct exchange *x)
{
	if (x->hopped)
		return x->hop.identity.fingerprint.bytes > 0 ? &x->hop.identity : NULL;
	return x->door->tls != NULL ? x->door->tls->identity : NULL;
}
/* Asked through the node that stands before it, which makes the decision again. */
static inline bool
exchange_is_forwarded(const struct exchange *x)
{
	return exchange_membership(x)->member[exchange_member(x)].hop != 0;
}

/* mesh.c: requests that go from node to node. */
/* After a step in vain: does a node that had the request stand before the next one? It goes back.
 */
bool mesh_goes_back(struct exchange *x);
bool mesh_enter(struct exchange *x); /* from another node? True: x is over */
/* The sender decided by a newer membership than is held here: x waits for that, for
 * MESH_BEHIND_MS at most, and exchange_decide follows. */
bool mesh_waits(struct exchange *x);
void mesh_go_on(struct worker *w);          /* those that need not wait any more */
void mesh_unlink(struct exchange *x);       /* x->behind */
bool mesh_restrict(struct exchange *x);     /* the plan, by where it has been; true: x is over */
struct slice mesh_told(struct exchange *x); /* Holdfast-Hop, whole line; empty: does not fit */
void write_mesh_served(struct writer *w, const struct exchange *x); /* for the node that asked */
void mesh_learn(struct exchange *x, const struct http_head *head);  /* of a node's answer */

/* attempt.c */
void attempt_start(struct exchange *x);                   /* tries the plan from x->step on */
void attempt_failed(struct exchange *x, enum reason why); /* the next one, or the end */
/* The next step; `reusable`: the present member's connection was answered in full. */
void attempt_next(struct exchange *x, bool reusable);
/* Lets go of the member, to PLANNED; nothing of the request is sent any more. */
void attempt_abandon(struct exchange *x, bool reusable);
/* The member that is being asked was found dead or taken out: not waited for, if another may be. */
void attempt_review(struct exchange *x, const struct view *view);
void attempt_send(struct exchange *x);           /* what is unsent of head and body */
bool attempt_all_sent(const struct exchange *x); /* the whole request is at the member */
/* Is more of the body unsent than that? The pipe is to be empty before more comes: it may be full
 * of little. */
static inline bool
attempt_holds_body(const struct exchange *x, uint64_t most)
{
	return x->body.unsent > most || x->body_piped > 0;
}

/* retry.c */
enum cause retry_cause(enum reason why); /* the end of an exchange whose last attempt failed so */
void retry_note_failure(struct exchange *x, enum reason why); /* log, counters, evidence */
void retry_note_left(struct exchange *x, enum reason why);    /* the log alone */
void retry_note_busy(struct exchange *x);                     /* it is full: the log alone */
void retry_note_skipped(struct exchange *x, uint32_t member, enum reason why);
/* May the request be sent once more? Asked before the connection is closed. */
bool retry_may_repeat(const struct exchange *x, enum reason why);
/* Is there room for it in the service's budget? True as well when no step is left to take. */
bool retry_affords(struct exchange *x);
/* It does not wait for an answer any more. */
void retry_settle(struct exchange *x);
/* A member of x's membership in a view that may be of a later one; MEMBER_NONE: it left. */
uint32_t retry_place_in(const struct exchange *x, const struct view *view, uint32_t member);
/*
 * A status from 409 on came; `at`: what is there of its body. True: it was a pass (421), a refused
 * ticket (409), or the winner of a race has no place for its session (a node's own 503), and the
 * exchange went on, or is over. False: it is an answer like any other; of a pass that cannot go on
 * x->unheld is set.
 */
bool retry_other(struct exchange *x, const struct http_head *head, const char *at, size_t bytes);

/* place.c: of a member that has a bound */
enum place {
	PLACE_HELD,   /* x->places has it; x->step may be another one */
	PLACE_NONE,   /* passed over: the next step */
	PLACE_QUEUED, /* attempt_start comes when there is one */
	PLACE_REFUSED /* x is over */
};
enum place place_take(struct exchange *x);
void place_leave(struct exchange *x);   /* x->places is not NULL */
void place_unqueue(struct exchange *x); /* EXCHANGE_QUEUED: to PLANNED, without a place */
/* Starts those of this worker that were given a place; when the worker was rung. */
void place_admit_all(struct worker *w);

/* newcomer.c: a new session of a service with tickets */
bool newcomer_enter(struct exchange *x); /* true: x waits for a race, or is over */
bool newcomer_admit(struct exchange *x); /* without a ticket; false: x is over */

/* answer.c */
void answer_on_readable(struct exchange *x);
void answer_on_drained(struct exchange *x);
void answer_complete(struct exchange *x, struct slice trailers);
void answer_truncated(struct exchange *x); /* the member ended inside its answer */
void answer_stalled(struct exchange *x);   /* nothing came for timeouts.idle */

/* tunnel.c */
void tunnel_start(struct exchange *x, const char *at, size_t bytes); /* bytes behind the 101 head */
void tunnel_on_member(struct exchange *x, unsigned events);
void tunnel_on_drained(struct exchange *x);
void tunnel_on_sent(struct exchange *x); /* towards the member: perhaps the client's end follows */

/* splice.c: moves the rest of a BODY_LENGTH answer without copying it; x may be over behind them.
 */
bool splice_wanted(const struct exchange *x);
void splice_start(struct exchange *x);
void splice_pump(struct exchange *x);
/* What waits of the request's body, to the member. Returns the bytes taken. */
size_t splice_body_on(struct exchange *x);
void splice_body_drop(struct exchange *x); /* what waits in the pipe, and the pipe */

/* told.c: lines written into worker->added: for the member; for the client. */
struct slice told_member(struct exchange *x);
/* Of these, Forwarded or X-Forwarded-*; what came of them is marked to be left out. */
void write_told_forwarded(struct writer *out, struct exchange *x);
/* The tag, when it says something new, in answer->added or ->inserts, and ->tag_field. */
void told_client(struct exchange *x, struct door_answer *answer);
enum reason told_reason(const struct exchange *x); /* why the session is not where it lived */
/* Why its home was passed over; NONE: it was not. */
enum reason told_left(const struct exchange *x);
/* It is served elsewhere because its home is full, and lives on there. */
bool told_stays_full(const struct exchange *x);
static inline bool
told_stays(const struct exchange *x)
{
	return x->spilled > 0 && told_stays_full(x);
}
/* The first of Holdfast-Backups; MEMBER_NONE: there is none. */
uint32_t told_first_backup(const struct exchange *x);
uint32_t told_rank(const struct exchange *x,
		   uint32_t member); /* HASHRING_NONE: stands in no order */

/* journal.c: the logs' view of an exchange. */
void journal_rejected_tag(struct exchange *x);
void journal_race_fallback(struct exchange *x);
void journal_placed(struct exchange *x); /* by the master, or why not */
void journal_ticket_rejected(struct exchange *x, enum ticket_rejection rejection);
void journal_moved(struct exchange *x);    /* at the final head: failover, failback, assigned */
void journal_nobody(struct exchange *x);   /* no member is left to ask */
void journal_disagree(struct exchange *x); /* another node holds the primary down; it is not */
/* An attempt failed, or was passed on, and is not repeated elsewhere. */
void journal_stuck(struct exchange *x, enum reason why);
/* x->failed_member failed it, and it goes on to the next. */
void journal_retried(struct exchange *x);
void journal_rehomed(struct exchange *x, const struct session_digest *digest, enum reason why);
void journal_over(struct exchange *x); /* the access log, and the outage's count */
/* A request that never became an exchange: refused while its head was read. */
void journal_refused(struct worker *w, const struct addr *peer, enum cause cause);
/* The same, and nothing was answered. */
void journal_closed(struct worker *w, const struct addr *peer, enum cause cause);

#endif
