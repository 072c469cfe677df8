/*
 * history.h: what became of one member's last checks, and its last changes of state. Fixed memory,
 * pure; the owner locks.
 */
#ifndef HOLDFAST_MEMBERS_HISTORY_H
#define HOLDFAST_MEMBERS_HISTORY_H

#include "vocab.h"

#include <stddef.h>

#define HISTORY_CHECKS_MAX      64
#define HISTORY_TRANSITIONS_MAX 32

struct history_transition {
	uint64_t at_ms; /* monotonic */
	uint8_t from;   /* enum member_state */
	uint8_t to;     /* likewise */
	uint8_t reason; /* enum reason: of the state it went to */
};

/* Zeroed is empty. */
struct history {
	uint64_t checks; /* a bit each, 1: well; the lowest is the last one */
	uint64_t well;   /* of all, since the member is known */
	uint64_t failed;
	uint64_t transitions; /* of all; the last ones are kept */
	struct history_transition transition[HISTORY_TRANSITIONS_MAX]; /* n-th at n % MAX */
};

void history_add_check(struct history *h, bool well);
void history_add_transition(struct history *h, struct history_transition t);
/* Checks whose result is kept. */
unsigned history_checks_kept(const struct history *h);
/* '1' well, '0' failed; the last one stands last. Terminated. */
void history_checks_text(const struct history *h, char text[HISTORY_CHECKS_MAX + 1]);
size_t history_transitions_kept(const struct history *h);
/* 0 is the oldest one kept. */
const struct history_transition *history_transition_at(const struct history *h, size_t n);

#endif
