/*
 * tally.h: what became of a service's requests, counted: by cause, by affinity, by class of status,
 * with bytes and retries. Each worker counts in a cell of its own, padded, with relaxed loads and
 * stores; whoever reads sums the cells. No counter ever goes down, whenever it is read.
 *
 * How long requests took stands with the member that answered (members/latency.h). Of those that no
 * member answered to the end, or that failed, it stands here, in `endings`: by member, affinity and
 * cause, in a list that is bounded.
 *
 * Reference-counted: a reload hands a service's tally on to the next service of the same name.
 */
#ifndef HOLDFAST_RECORD_TALLY_H
#define HOLDFAST_RECORD_TALLY_H

#include "base/text.h"
#include "members/latency.h"
#include "vocab.h"

#include <stdatomic.h>
#include <stddef.h>

#define TALLY_CLASSES 6 /* 0: no status was sent; 1 to 5: the status's first digit */

/* Of one worker and service; what comes beyond is kept by cause alone, of no member. */
#define ENDINGS_MAX 128

typedef atomic_ullong tally_counter; /* written by one worker */

struct endings;

/* One worker's. Delivered requests, nearly all, have counters of their own: `done`. */
struct tally_cell {
	_Alignas(64) tally_counter done[AFFINITIES][TALLY_CLASSES];
	tally_counter bytes_out;                  /* of answers' bodies, handed to the client */
	tally_counter bytes_in;                   /* of request bodies, received */
	tally_counter retries;                    /* attempts beyond the first */
	tally_counter retries_refused;            /* that the budget did not allow */
	tally_counter cause[CAUSES];              /* but CAUSE_DONE */
	tally_counter other_affinity[AFFINITIES]; /* of those */
	tally_counter other_class[TALLY_CLASSES];
	tally_counter rejected[TAG_REJECTIONS]; /* tags treated as absent */
	tally_counter races[RACE_COUNTS];
	tally_counter placements[PLACEMENTS];
	tally_counter mirrors[MIRRORS];
	tally_counter tickets[TICKET_REJECTIONS]; /* [NONE]: sessions that one opened */
	tally_counter disagreements;              /* with other nodes, about who is down */
	_Atomic(struct endings *) endings;        /* owned; NULL: none yet */
};

struct tally;

/* One reference belongs to the caller. NULL: no memory. */
struct tally *tally_create(unsigned workers);
struct tally *tally_ref(struct tally *t);
void tally_unref(struct tally **t); /* NULL is allowed */
struct tally_cell *tally_cell(struct tally *t, unsigned worker);

/* All workers' together. */
struct tally_sum {
	uint64_t cause[CAUSES];
	uint64_t affinity[AFFINITIES];
	uint64_t class[TALLY_CLASSES];
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t retries;
	uint64_t retries_refused;
	uint64_t rejected[TAG_REJECTIONS];
	uint64_t races[RACE_COUNTS];
	uint64_t placements[PLACEMENTS];
	uint64_t mirrors[MIRRORS];
	uint64_t tickets[TICKET_REJECTIONS];
	uint64_t disagreements;
};
void tally_read(const struct tally *t, struct tally_sum *out);

/* One worker's requests of one kind. */
struct ending {
	char member[ID_BYTES_MAX + 1]; /* who answered, or failed; "": nobody */
	enum affinity affinity;
	enum cause cause;
	struct latency latency;
};
/* Each of all workers: one kind may come several times. */
void tally_endings(const struct tally *t, void (*visit)(void *context, const struct ending *ending),
		   void *context);

/* The end of one request. */
struct tally_entry {
	enum cause cause;
	enum affinity affinity;
	uint16_t status; /* sent to the client, 100 to 599; 0: none */
	uint32_t attempts;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t duration_us;
	struct latency_cell *latency; /* of who answered; wanted by CAUSE_DONE */
	struct slice member;          /* who answered, or failed; empty: nobody */
};

/* No read-modify-write: nobody else writes it. */
static inline void
tally_add(tally_counter *counter, uint64_t count)
{
	latency_grow(counter, count);
}

/* Any request's end. A tunnel's duration says nothing of the service and is in no histogram. */
void tally_count(struct tally_cell *cell, const struct tally_entry *e);

/* The same for most requests: CAUSE_DONE by the first attempt, without a body. */
static inline void
tally_count_plain(struct tally_cell *cell, struct latency_cell *latency, enum affinity affinity,
		  uint16_t status, uint64_t bytes_out, uint64_t duration_us)
{
	tally_add(&cell->done[affinity][status / 100], 1);
	tally_add(&cell->bytes_out, bytes_out);
	latency_add(&latency->done[affinity], duration_us);
}

#endif
