/* grow.c: see grow.h. */
#include "base/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GROW_BYTES_FIRST 4096

void
grow_init(struct grow *g, size_t bytes_max)
{
	*g = (struct grow){.bytes_max = bytes_max};
}

void
grow_deinit(struct grow *g)
{
	free(g->at);
	g->at = NULL;
	g->bytes = 0;
	g->capacity = 0;
}

/* Room for `more` bytes. */
static bool
reserve(struct grow *g, size_t more)
{
	if (g->failed || more > g->bytes_max - g->bytes) {
		g->failed = true;
		return false;
	}
	size_t capacity = g->capacity == 0 ? GROW_BYTES_FIRST : g->capacity;
	while (capacity - g->bytes < more)
		capacity *= 2;
	if (capacity == g->capacity)
		return true;
	char *at = realloc(g->at, capacity);
	g->failed = at == NULL;
	if (g->failed)
		return false;
	g->at = at;
	g->capacity = capacity;
	return true;
}

void
grow_bytes(struct grow *g, const void *at, size_t bytes)
{
	if (bytes == 0 || !reserve(g, bytes))
		return;
	memcpy(g->at + g->bytes, at, bytes);
	g->bytes += bytes;
}

void
grow_text(struct grow *g, const char *terminated)
{
	grow_bytes(g, terminated, strlen(terminated));
}

void
grow_u64(struct grow *g, uint64_t value)
{
	char digits[U64_DIGITS_MAX];
	grow_slice(g, u64_text(value, digits));
}

void
grow_format(struct grow *g, const char *format, ...)
{
	va_list args;
	va_list again;
	if (!reserve(g, 1)) /* what follows has somewhere to begin */
		return;
	size_t room = g->capacity - g->bytes;
	va_start(args, format);
	va_copy(again, args);
	int bytes = vsnprintf(g->at + g->bytes, room, format, args);
	/* One byte more for the end that vsnprintf writes. */
	if (bytes < 0)
		g->failed = true;
	else if ((size_t)bytes >= room && reserve(g, (size_t)bytes + 1))
		bytes = vsnprintf(g->at + g->bytes, (size_t)bytes + 1, format, again);
	if (!g->failed && (size_t)bytes > g->bytes_max - g->bytes)
		g->failed = true;
	if (!g->failed)
		g->bytes += (size_t)bytes;
	va_end(again);
	va_end(args);
}
