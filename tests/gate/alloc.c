/* alloc.c: allocations that fail; see alloc.h. */
#include "gate/alloc.h"

#include <errno.h>
#include <stdlib.h>

/* The linker gives the names. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *at, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *at, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);

static uint64_t left = ALLOC_NEVER;
static bool goes_on;
static bool failed;

void
alloc_fail_at(uint64_t number, bool on)
{
	left = number;
	goes_on = on;
	failed = false;
}

bool
alloc_fail_end(void)
{
	left = ALLOC_NEVER;
	return failed;
}

static bool
fails(void)
{
	if (left == ALLOC_NEVER)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	if (!goes_on)
		left = ALLOC_NEVER;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *
__wrap_realloc(void *at, size_t bytes)
{
	return fails() ? NULL : __real_realloc(at, bytes);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *
__wrap_strndup(const char *text, size_t bytes)
{
	return fails() ? NULL : __real_strndup(text, bytes);
}

void *
alloc_safe(void *at, size_t bytes)
{
	at = __real_realloc(at, bytes);
	if (at == NULL)
		abort();
	return at;
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
