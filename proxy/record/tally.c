/* tally.c: the cells, and their sum; see tally.h. */
#include "record/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	atomic_uint refs;
	unsigned workers;
	struct tally_cell cell[];
};

struct tally *
tally_create(unsigned workers)
{
	/* Cells are padded to a cache line; malloc aligns to less. */
	size_t bytes = sizeof(struct tally) + workers * sizeof(struct tally_cell);
	struct tally *t = aligned_alloc(_Alignof(struct tally_cell), bytes);
	if (t == NULL)
		return NULL;
	memset(t, 0, bytes);
	atomic_init(&t->refs, 1);
	t->workers = workers;
	return t;
}

struct tally *
tally_ref(struct tally *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void
tally_unref(struct tally **held)
{
	struct tally *t = *held;
	*held = NULL;
	if (t != NULL && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		free(t);
}

struct tally_cell *
tally_cell(struct tally *t, unsigned worker)
{
	assert(worker < t->workers);
	return &t->cell[worker];
}

void
tally_count(struct tally_cell *cell, const struct tally_entry *e)
{
	size_t class = e->status / 100;
	assert(class < TALLY_CLASSES);
	if (e->cause == CAUSE_DONE) {
		tally_add(&cell->done[e->affinity][class], 1);
	} else {
		tally_add(&cell->cause[e->cause], 1);
		tally_add(&cell->other_affinity[e->affinity], 1);
		tally_add(&cell->other_class[class], 1);
	}
	tally_add(&cell->bytes_in, e->bytes_in);
	tally_add(&cell->bytes_out, e->bytes_out);
	tally_add(&cell->retries, e->attempts > 1 ? e->attempts - 1 : 0);
	if (e->cause == CAUSE_TUNNEL_DONE)
		return;
	tally_add(&cell->duration_us, e->duration_us);
	tally_add(&cell->bucket[tally_bucket(e->duration_us)], 1);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static uint64_t
value(const tally_counter *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
read_done(const struct tally_cell *cell, struct tally_sum *out)
{
	for (size_t a = 0; a < AFFINITIES; a++) {
		for (size_t c = 0; c < TALLY_CLASSES; c++) {
			uint64_t count = value(&cell->done[a][c]);
			out->cause[CAUSE_DONE] += count;
			out->affinity[a] += count;
			out->class[c] += count;
		}
	}
}

static void
read_cell(const struct tally_cell *cell, struct tally_sum *out)
{
	read_done(cell, out);
	for (size_t i = 0; i < CAUSES; i++)
		out->cause[i] += value(&cell->cause[i]);
	for (size_t i = 0; i < AFFINITIES; i++)
		out->affinity[i] += value(&cell->other_affinity[i]);
	for (size_t i = 0; i < TALLY_CLASSES; i++)
		out->class[i] += value(&cell->other_class[i]);
	for (size_t i = 0; i < TAG_REJECTIONS; i++)
		out->rejected[i] += value(&cell->rejected[i]);
	for (size_t i = 0; i < MIRRORS; i++)
		out->mirrors[i] += value(&cell->mirrors[i]);
	for (size_t i = 0; i < PLACEMENTS; i++)
		out->placements[i] += value(&cell->placements[i]);
	for (size_t i = 0; i < RACE_COUNTS; i++)
		out->races[i] += value(&cell->races[i]);
	for (size_t i = 0; i < TICKET_REJECTIONS; i++)
		out->tickets[i] += value(&cell->tickets[i]);
	for (size_t i = 0; i < TALLY_BUCKETS_KEPT; i++)
		out->bucket[i < TALLY_BUCKETS ? i : TALLY_BUCKETS - 1] += value(&cell->bucket[i]);
	out->bytes_in += value(&cell->bytes_in);
	out->bytes_out += value(&cell->bytes_out);
	out->retries += value(&cell->retries);
	out->retries_refused += value(&cell->retries_refused);
	out->disagreements += value(&cell->disagreements);
	out->duration_us += value(&cell->duration_us);
}

void
tally_read(const struct tally *t, struct tally_sum *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned worker = 0; worker < t->workers; worker++)
		read_cell(&t->cell[worker], out);
}

uint64_t
tally_bucket_us(size_t bucket)
{
	assert(bucket < TALLY_BUCKETS);
	return bucket + 1 < TALLY_BUCKETS ? UINT64_C(1) << (bucket + TALLY_BUCKET_SHIFT)
					  : UINT64_MAX;
}
