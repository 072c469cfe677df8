/* latency.c: histograms' lives, and reading them; see latency.h. */
#include "members/latency.h"

#include <assert.h>
#include <stdlib.h>

struct latency_cell *
latency_cell_create(void)
{
	struct latency_cell *cell = calloc(1, sizeof(*cell));
	if (cell != NULL)
		atomic_init(&cell->refs, 1);
	return cell;
}

struct latency_cell *
latency_cell_ref(struct latency_cell *cell)
{
	atomic_fetch_add_explicit(&cell->refs, 1, memory_order_relaxed);
	return cell;
}

void
latency_cell_unref(struct latency_cell *cell)
{
	if (cell != NULL && atomic_fetch_sub_explicit(&cell->refs, 1, memory_order_acq_rel) == 1)
		free(cell);
}

void
latency_read(const struct latency *l, struct latency_sum *out)
{
	out->sum_us += atomic_load_explicit(&l->sum_us, memory_order_relaxed);
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		uint64_t count = atomic_load_explicit(&l->bucket[i], memory_order_relaxed);
		out->bucket[i] += count;
		out->count += count;
	}
}

uint64_t
latency_bound_us(size_t bucket)
{
	assert(bucket < LATENCY_BUCKETS);
	return bucket + 1 < LATENCY_BUCKETS ? UINT64_C(1) << (bucket + LATENCY_BUCKET_SHIFT)
					    : UINT64_MAX;
}
