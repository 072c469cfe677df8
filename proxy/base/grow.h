/*
 * grow.h: text of a length that nobody knows before, up to a bound. Like a writer it remembers
 * that something did not fit: write all, ask once.
 */
#ifndef HOLDFAST_BASE_GROW_H
#define HOLDFAST_BASE_GROW_H

#include "base/text.h"

struct grow {
	char *at; /* owned; NULL until something is written */
	size_t bytes;
	size_t capacity;
	size_t bytes_max;
	bool failed; /* above bytes_max, or no memory: what came then was left out */
};

void grow_init(struct grow *g, size_t bytes_max);
void grow_deinit(struct grow *g);
void grow_bytes(struct grow *g, const void *at, size_t bytes);
void grow_text(struct grow *g, const char *terminated);
void grow_u64(struct grow *g, uint64_t value);
void grow_format(struct grow *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void
grow_slice(struct grow *g, struct slice s)
{
	grow_bytes(g, s.at, s.bytes);
}

#endif
