/*
 * race_open.h: the session at the winner of a race, opened by one GET that shows the ticket.
 * Blocks, within bounds.
 */
#ifndef HOLDFAST_CLI_RACE_OPEN_H
#define HOLDFAST_CLI_RACE_OPEN_H

#include "cli/race_ask.h"

#include <stdio.h>

#define RACE_OPEN_MS          10000
#define RACE_COOKIE_BYTES_MAX 4096

struct race_opened {
	int status;
	char reason[64];                        /* of a ticket that was rejected; else "" */
	char cookie[RACE_COOKIE_BYTES_MAX + 1]; /* Set-Cookie of the answer, the first; else "" */
};

/* The ticket as the field's value has it: "TICKET; secret=HEX". */
void write_race_ticket(struct writer *w, const struct race_run *run);
/*
 * run->race is CHOSEN. `host`: NULL: the winner's address. RESULT_IO: no answer; RESULT_INVALID:
 * the offer's URL is none of ours.
 */
enum result race_open(const struct race_run *run, const char *host, struct race_opened *out,
		      struct problem *p);

#endif
