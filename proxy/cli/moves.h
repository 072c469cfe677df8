/*
 * moves.h: who served how many keys before a change and after it, and from whom to whom they
 * moved. Memory for each member and for MOVES_PAIRS_MAX pairs, whatever the number of keys.
 */
#ifndef HOLDFAST_CLI_MOVES_H
#define HOLDFAST_CLI_MOVES_H

#include "result.h"

#include <stddef.h>
#include <stdint.h>

#define MOVES_PAIRS_MAX 65536 /* counted one by one; of further pairs only the keys */

struct move_pair {
	uint32_t from;
	uint32_t to;
	uint64_t keys; /* 0: an empty slot */
};

struct moves {
	size_t members; /* the number `members` itself stands for nobody */
	uint64_t keys;
	uint64_t moved;
	uint64_t *before; /* keys by member, members + 1 of them */
	uint64_t *after;
	struct move_pair *pair; /* open addressing, then by moves_sort a list */
	size_t pair_count;
	uint64_t unpaired; /* keys of pairs above MOVES_PAIRS_MAX */
};

/* RESULT_NO_MEMORY. */
enum result moves_init(struct moves *m, size_t members, struct problem *p);
void moves_deinit(struct moves *m);
/* One key. */
void moves_count(struct moves *m, uint32_t from, uint32_t to);
/* pair[0 .. pair_count) becomes a list, most keys first; nothing may be counted after it. */
void moves_sort(struct moves *m);

#endif
