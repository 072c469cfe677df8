/*
 * tally.h: what became of a service's requests, counted: by cause, by affinity, by class of status,
 * with bytes, retries and a histogram of how long they took. Each worker counts in a cell of its
 * own, padded, with relaxed loads and stores; whoever reads sums the cells. No counter ever goes
 * down, whenever it is read.
 *
 * Reference-counted: a reload hands a service's tally on to the next service of the same name.
 */
#ifndef HOLDFAST_RECORD_TALLY_H
#define HOLDFAST_RECORD_TALLY_H

#include "vocab.h"

#include <stdatomic.h>
#include <stddef.h>

#define TALLY_CLASSES 6 /* 0: no status was sent; 1 to 5: the status's first digit */

/*
 * Bucket b holds durations below 2^(b + TALLY_BUCKET_SHIFT) us that no smaller bucket holds; the
 * last one holds the rest. The first bound is 128 us, the last 67 s.
 */
#define TALLY_BUCKETS      21
#define TALLY_BUCKET_SHIFT 7
#define TALLY_BUCKETS_KEPT (64 - TALLY_BUCKET_SHIFT + 1) /* those behind are read as the last */

typedef atomic_ullong tally_counter; /* written by one worker */

/* One worker's. Delivered requests, nearly all, have counters of their own: `done`. */
struct tally_cell {
	_Alignas(64) tally_counter done[AFFINITIES][TALLY_CLASSES];
	tally_counter bytes_out; /* of answers' bodies, handed to the client */
	tally_counter duration_us;
	tally_counter bucket[TALLY_BUCKETS_KEPT];
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
	uint64_t duration_us; /* of the requests in the buckets */
	uint64_t bucket[TALLY_BUCKETS];
};
void tally_read(const struct tally *t, struct tally_sum *out);
/* Upper bound of a bucket in us, exclusive; UINT64_MAX: the last one. */
uint64_t tally_bucket_us(size_t bucket);

/* The end of one request. */
struct tally_entry {
	enum cause cause;
	enum affinity affinity;
	uint16_t status; /* sent to the client, 100 to 599; 0: none */
	uint32_t attempts;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t duration_us;
};

/* No read-modify-write: nobody else writes it. */
static inline void
tally_add(tally_counter *counter, uint64_t count)
{
	unsigned long long before = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, before + count, memory_order_relaxed);
}

static inline size_t
tally_bucket(uint64_t us)
{
	return 63 - (size_t)__builtin_clzll(us >> TALLY_BUCKET_SHIFT << 1 | 1);
}

/* Any request's end. A tunnel's duration says nothing of the service and is in no bucket. */
void tally_count(struct tally_cell *cell, const struct tally_entry *e);

/* The same for most requests: CAUSE_DONE by the first attempt, without a body. */
static inline void
tally_count_plain(struct tally_cell *cell, enum affinity affinity, uint16_t status,
		  uint64_t bytes_out, uint64_t duration_us)
{
	tally_add(&cell->done[affinity][status / 100], 1);
	tally_add(&cell->bytes_out, bytes_out);
	tally_add(&cell->duration_us, duration_us);
	tally_add(&cell->bucket[tally_bucket(duration_us)], 1);
}

#endif
