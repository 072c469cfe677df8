/*
 * race_ask.h: a race as a client outside holds it: INIT to all nodes, by UDP, and what comes
 * back. Blocks, for twice the limit and a while at most. The machine is cluster/race.h.
 */
#ifndef HOLDFAST_CLI_RACE_ASK_H
#define HOLDFAST_CLI_RACE_ASK_H

#include "cluster/race.h"
#include "result.h"

#define RACE_SECRET_BYTES 16

struct race_run {
	const char *service; /* "": the nodes' only one */
	uint64_t limit_us;   /* of an attempt */
	uint64_t stagger_us; /* between two INITs; 0: all at once */
	uint64_t late_us; /* after the winner: how long others are listened to; at most the limit */
	enum ticket_bind_kind bind;
	size_t count; /* of nodes, 2 at least */
	struct addr node[RACE_SERVERS_MAX];

	uint8_t secret[RACE_SECRET_BYTES]; /* SECRET: what the ticket is bound to; drawn here */
	struct race race;                  /* CHOSEN, or FALLBACK: nobody offered */
	uint64_t strangers;
};

/* "10.0.0.1:7946", or a name instead of the address. RESULT_INVALID, RESULT_NOT_FOUND. */
enum result race_find(const char *where, struct addr *out, struct problem *p);
/* RESULT_IO: no socket. */
enum result race_run(struct race_run *r, struct problem *p);

#endif
