/*
 * latency.h: histograms of how long requests took, as Prometheus has them: counts by bucket, and
 * the sum. Each is written by one worker, with relaxed loads and stores, and read by all; no
 * counter ever goes down.
 *
 *   exchange over --latency_add--> latency_cell (one worker and member; by affinity) --.
 *                                  ending (record/tally.h: what did not end well) -----+-->
 * latency_sum
 *
 * Bounds are powers of 2 in us, so that a bucket is found by counting leading zeros.
 */
#ifndef HOLDFAST_MEMBERS_LATENCY_H
#define HOLDFAST_MEMBERS_LATENCY_H

#include "vocab.h"

#include <stdatomic.h>
#include <stddef.h>

/*
 * Bucket b holds durations below 2^(b + LATENCY_BUCKET_SHIFT) us that no smaller bucket holds; the
 * last one holds the rest. The first bound is 128 us, the last 67 s. Durations are cut to whole us:
 * one of 128 is longer than that, so that it stands behind the bound (`le` includes it).
 */
#define LATENCY_BUCKETS      21
#define LATENCY_BUCKET_SHIFT 7

typedef atomic_ullong latency_counter; /* written by one worker */

struct latency {
	latency_counter sum_us;
	latency_counter bucket[LATENCY_BUCKETS];
};

/* One worker's requests that a member answered to their end (CAUSE_DONE), by affinity. */
struct latency_cell {
	atomic_uint refs;
	struct latency done[AFFINITIES];
};

/* Zeroed, one reference for the caller. NULL: no memory. */
struct latency_cell *latency_cell_create(void);
struct latency_cell *latency_cell_ref(struct latency_cell *cell);
void latency_cell_unref(struct latency_cell *cell); /* NULL is allowed */

static inline size_t
latency_bucket(uint64_t us)
{
	size_t bucket = 63 - (size_t)__builtin_clzll(us >> LATENCY_BUCKET_SHIFT << 1 | 1);
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* No read-modify-write: nobody else writes it. */
static inline void
latency_grow(latency_counter *counter, uint64_t by)
{
	unsigned long long before = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, before + by, memory_order_relaxed);
}

static inline void
latency_add(struct latency *l, uint64_t us)
{
	latency_grow(&l->sum_us, us);
	latency_grow(&l->bucket[latency_bucket(us)], 1);
}

/* What was read: of one histogram, or of several together. */
struct latency_sum {
	uint64_t sum_us;
	uint64_t count; /* of all buckets */
	uint64_t bucket[LATENCY_BUCKETS];
};
/* Adds `l` to *out. */
void latency_read(const struct latency *l, struct latency_sum *out);
/* Upper bound of a bucket in us; UINT64_MAX: the last one. */
uint64_t latency_bound_us(size_t bucket);

#endif
