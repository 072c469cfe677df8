/*
 * check_ev.h: one active check after another of one member: its socket, its clock, and what it
 * found, told to the pool; for check_ev.c and probe_ev.c alone.
 *
 *   waiting -> connecting -> [shaking ->] asking -> listening -> judged -> waiting ...
 *
 * The timer begins a check that waits; of one under way it is the deadline, and fires every
 * PROBE_TURN_MS before that, to see that this node runs.
 */
#ifndef HOLDFAST_MEMBERS_CHECK_EV_H
#define HOLDFAST_MEMBERS_CHECK_EV_H

#include "base/digest.h"
#include "members/probe.h"
#include "members/probe_ev.h"
#include "members/probe_h2.h"
#include "tls/channel.h"

#include <pthread.h>

/* The checks of one member, one at a time. */
struct check {
	struct prober *prober;
	struct check *next_asked; /* in prober->asked */
	struct event *timer;      /* waiting: when the next one begins; else `due_ms` */
	struct event *io;         /* of fd; NULL: waiting */
	char *answer;             /* owned; NULL: nothing was read */
	size_t held;              /* bytes in answer */
	size_t sent;              /* bytes of the request */
	uint64_t begun_ms;        /* of the last check */
	uint64_t begun_wall_ms;   /* the same, by the wall clock */
	uint64_t ends_ms;         /* its deadline */
	uint64_t due_ms;          /* when its timer fires: later than that the node did not run */
	unsigned excused;         /* how often in a row it began anew, as the node did not */
	uint32_t member;
	int fd;                      /* -1: waiting */
	struct tls_channel *channel; /* owned; NULL: plain, or not connected yet */
	struct tls_tickets tickets;
	struct probe_h2 *h2; /* owned; NULL: HTTP/1.1, or not connected yet */
	bool connected;
	bool shaken;   /* the channel's handshake is done */
	bool heard;    /* after its deadline: what had come by then, and nothing was there */
	bool unsaid;   /* the last weight it said is none, and the process log has it */
	bool is_asked; /* in prober->asked; guarded by its lock */
};

struct prober {
	struct event_base *base; /* borrowed */
	const struct config_service *service;
	struct pool *pool;
	struct prober_node node;
	struct membership *membership; /* one reference */
	struct check *check;           /* by member */
	struct parser *parser;
	struct prng prng;
	struct event *wake; /* of `bell` */
	int bell;           /* eventfd: somebody asked for a check */
	bool lacking;       /* the last check could not begin for want of something here */
	pthread_mutex_t lock;
	struct check *asked;   /* by other threads, guarded by lock */
	struct http_head head; /* scratch */
};

/* ---- check_ev.c ---- */

/* The timer's, of `context`, a check: begins it, or sees how far it is. */
void check_on_timer(evutil_socket_t fd, short what, void *context);

/* ---- check_end_ev.c ---- */

void check_set_timer(struct check *c, uint64_t delay_ms);
/* The timer of a check under way. */
void check_set_due(struct check *c, uint64_t now_ms);
/* From the start of one check to the next while a verdict is open. */
uint64_t check_fast_ms(const struct prober *p);
struct slice check_origin(const struct check *c);

/* Ends what is under way, without evidence; the timer is the caller's. */
void check_let_go(struct check *c);
/*
 * True: this node was stopped, or its machine, or it was kept from running: time passed for the
 * member, who may have given up on this check, and not for the check. It shows nothing, and begins
 * anew. A node that never runs in time has to judge all the same.
 */
bool check_start_over(struct check *c, uint64_t now_ms);
/* The ends of a check, each of which begins the wait for the next one. `what`: for the log. */
void check_finish(struct check *c, enum probe_outcome outcome, const struct probe_finding *f,
		  const char *what);
void check_finish_ill(struct check *c, enum reason why, const char *what);
/* This node lacks something: no evidence. */
void check_put_off(struct check *c, int error);
/* What a call failed of: evidence, or a lack. */
void check_end_badly(struct check *c, int error);

#endif
