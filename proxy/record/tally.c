/* tally.c: the cells, and their sum; see tally.h. */
#include "record/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Grows at its end: what stands below `count` never changes its kind. */
struct endings {
	atomic_uint count;
	struct ending of[ENDINGS_MAX];
	struct ending others[CAUSES]; /* that found no place there */
};

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
	if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned worker = 0; worker < t->workers; worker++)
		free(atomic_load_explicit(&t->cell[worker].endings, memory_order_acquire));
	free(t);
}

struct tally_cell *
tally_cell(struct tally *t, unsigned worker)
{
	assert(worker < t->workers);
	return &t->cell[worker];
}

/* ---- how long what did not end well took ------------------------------------------------------
 */

static struct endings *
endings_of(struct tally_cell *cell)
{
	struct endings *e = atomic_load_explicit(&cell->endings, memory_order_relaxed);
	if (e != NULL)
		return e;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	for (size_t i = 0; i < CAUSES; i++)
		e->others[i].cause = (enum cause)i;
	atomic_store_explicit(&cell->endings, e, memory_order_release);
	return e;
}

static bool
is_kind(const struct ending *ending, const struct tally_entry *e)
{
	return ending->cause == e->cause && ending->affinity == e->affinity &&
	       slice_equal(slice_of(ending->member), e->member);
}

/* The place of this kind, found or made; the list being full, that of its cause alone. */
static struct ending *
ending_of(struct endings *all, const struct tally_entry *e)
{
	unsigned count = atomic_load_explicit(&all->count, memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		if (is_kind(&all->of[i], e))
			return &all->of[i];
	}
	if (count == ENDINGS_MAX || e->member.bytes > ID_BYTES_MAX)
		return &all->others[e->cause];
	struct ending *ending = &all->of[count];
	ending->cause = e->cause;
	ending->affinity = e->affinity;
	if (e->member.bytes > 0) /* else it went nowhere: there may be no name to copy from */
		memcpy(ending->member, e->member.at, e->member.bytes);
	atomic_store_explicit(&all->count, count + 1, memory_order_release);
	return ending;
}

/* Apart, for mostly requests end well. Without memory it stands in no histogram. */
static __attribute__((noinline, cold)) void
count_ending(struct tally_cell *cell, const struct tally_entry *e)
{
	struct endings *all = endings_of(cell);
	if (all != NULL)
		latency_add(&ending_of(all, e)->latency, e->duration_us);
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
	if (e->cause == CAUSE_DONE && e->latency != NULL)
		latency_add(&e->latency->done[e->affinity], e->duration_us);
	else if (e->cause != CAUSE_TUNNEL_DONE)
		count_ending(cell, e);
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
	out->bytes_in += value(&cell->bytes_in);
	out->bytes_out += value(&cell->bytes_out);
	out->retries += value(&cell->retries);
	out->retries_refused += value(&cell->retries_refused);
	out->disagreements += value(&cell->disagreements);
}

void
tally_read(const struct tally *t, struct tally_sum *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned worker = 0; worker < t->workers; worker++)
		read_cell(&t->cell[worker], out);
}

void
tally_endings(const struct tally *t, void (*visit)(void *context, const struct ending *ending),
	      void *context)
{
	for (unsigned worker = 0; worker < t->workers; worker++) {
		const struct endings *all =
		    atomic_load_explicit(&t->cell[worker].endings, memory_order_acquire);
		if (all == NULL)
			continue;
		unsigned count = atomic_load_explicit(&all->count, memory_order_acquire);
		for (unsigned i = 0; i < count; i++)
			visit(context, &all->of[i]);
		for (size_t i = 0; i < CAUSES; i++)
			visit(context, &all->others[i]);
	}
}
