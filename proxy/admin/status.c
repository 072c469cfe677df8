/* status.c: the memory of a status; see status.h. */
#include "admin/status.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

/* Blocks that are filled from the front, the newest first. */
struct status_memory {
	struct status_memory *next;
	size_t used;
	size_t capacity;
	alignas(max_align_t) char at[];
};

void
status_init(struct status *s)
{
	*s = (struct status){.version = HOLDFAST_VERSION};
}

void
status_deinit(struct status *s)
{
	while (s->memory != NULL) {
		struct status_memory *block = s->memory;
		s->memory = block->next;
		free(block);
	}
}

static bool
add_block(struct status *s, size_t bytes)
{
	size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct status_memory *block = calloc(1, sizeof(*block) + capacity);
	if (block == NULL)
		return false;
	block->capacity = capacity;
	block->next = s->memory;
	s->memory = block;
	return true;
}

void *
status_alloc(struct status *s, size_t bytes)
{
	size_t whole = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if ((s->memory == NULL || s->memory->capacity - s->memory->used < whole) &&
	    !add_block(s, whole))
		return NULL;
	void *at = s->memory->at + s->memory->used;
	s->memory->used += whole;
	return at;
}

const char *
status_text(struct status *s, const char *text)
{
	if (text == NULL)
		return NULL;
	size_t bytes = strlen(text) + 1;
	char *copy = status_alloc(s, bytes);
	if (copy == NULL)
		return "";
	memcpy(copy, text, bytes);
	return copy;
}
