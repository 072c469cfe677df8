/*
 * limiter.h: at most so many lines a second of one event about one member, and of one event about
 * all of them, however many they are; the rest is counted, and the counts come out with a later
 * line or at a tick. Pure: the time is an argument. Memory is fixed: subjects that find no cell
 * share one cell an event, so no count is ever dropped.
 */
#ifndef HOLDFAST_RECORD_LIMITER_H
#define HOLDFAST_RECORD_LIMITER_H

#include "base/text.h"
#include "vocab.h"

#define LIMITER_WINDOW_MS 1000
#define LIMITER_BUCKETS   128 /* a power of 2 */
#define LIMITER_WAYS      8   /* cells of one bucket */

/* What a line is about. Cut to ID_BYTES_MAX; empty: of no service, about no member. */
struct limiter_subject {
	enum event_kind event;
	struct slice service;
	struct slice member;
};

struct limiter_cell {
	uint64_t window_ms; /* when the present window began */
	uint64_t held;      /* lines held back and not yet told */
	uint32_t passed;    /* in the window */
	uint8_t event;      /* enum event_kind */
	bool used;
	uint8_t service_bytes;
	uint8_t member_bytes;
	char service[ID_BYTES_MAX];
	char member[ID_BYTES_MAX];
};

/* Zeroed is empty. */
struct limiter {
	struct limiter_cell cell[LIMITER_BUCKETS][LIMITER_WAYS];
	struct limiter_cell shared[EVENTS]; /* of subjects without a cell: no service, no member */
	struct {
		uint64_t window_ms;
		uint32_t passed; /* in the window, of all subjects */
	} together[EVENTS];
};

/* Lines in a window. */
struct limiter_bounds {
	uint32_t subject_max;  /* of one subject */
	uint32_t together_max; /* of all subjects of one event */
};

/* True: write it, and say that *suppressed were held back before. False: it is counted. */
bool limiter_pass(struct limiter *limiter, struct limiter_subject subject,
		  struct limiter_bounds bounds, uint64_t now_ms, uint64_t *suppressed);

/* Told of a count that no later line carried; the subject's texts are borrowed for the call. */
typedef void limiter_told_fn(void *context, struct limiter_subject subject, uint64_t suppressed);
/* Tells every count whose window is over; `all`: the others too. */
void limiter_tick(struct limiter *limiter, uint64_t now_ms, bool all, limiter_told_fn *told,
		  void *context);

#endif
