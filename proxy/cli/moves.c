/* moves.c: see moves.h. */
#include "cli/moves.h"

#include <stdlib.h>

#define PAIR_SLOTS (2 * (size_t)MOVES_PAIRS_MAX) /* a power of 2; half of it stays empty */

enum result
moves_init(struct moves *m, size_t members, struct problem *p)
{
	*m = (struct moves){
	    .members = members,
	    .before = calloc(members + 1, sizeof(*m->before)),
	    .after = calloc(members + 1, sizeof(*m->after)),
	    .pair = calloc(PAIR_SLOTS, sizeof(*m->pair)),
	};
	if (m->before != NULL && m->after != NULL && m->pair != NULL)
		return RESULT_OK;
	moves_deinit(m);
	return problem_set(p, RESULT_NO_MEMORY, "no memory");
}

void
moves_deinit(struct moves *m)
{
	free(m->before);
	free(m->after);
	free(m->pair);
}

/* The pair's slot, or the empty one where it would stand. */
static struct move_pair *
slot_of(const struct moves *m, uint32_t from, uint32_t to)
{
	uint64_t hash = ((uint64_t)from << 32 | to) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 32) & (PAIR_SLOTS - 1);
	while (m->pair[at].keys > 0 && (m->pair[at].from != from || m->pair[at].to != to))
		at = (at + 1) & (PAIR_SLOTS - 1);
	return &m->pair[at];
}

void
moves_count(struct moves *m, uint32_t from, uint32_t to)
{
	m->keys++;
	m->before[from]++;
	m->after[to]++;
	if (from == to)
		return;
	m->moved++;
	struct move_pair *slot = slot_of(m, from, to);
	if (slot->keys == 0 && m->pair_count == MOVES_PAIRS_MAX) {
		m->unpaired++;
		return;
	}
	m->pair_count += slot->keys == 0;
	*slot = (struct move_pair){from, to, slot->keys + 1};
}

/* Most keys first, then by members; empty slots last. */
static int
pair_compare(const void *left, const void *right)
{
	const struct move_pair *a = left;
	const struct move_pair *b = right;
	if (a->keys != b->keys)
		return a->keys < b->keys ? 1 : -1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

void
moves_sort(struct moves *m)
{
	size_t held = 0;
	for (size_t i = 0; i < PAIR_SLOTS; i++) {
		if (m->pair[i].keys > 0)
			m->pair[held++] = m->pair[i];
	}
	qsort(m->pair, m->pair_count, sizeof(*m->pair), pair_compare);
}
