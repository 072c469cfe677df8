/* alloc.c: allocations that fail; see alloc.h. */
#include "gate/alloc.h"

#include <errno.h>
#include <stdatomic.h>
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

static atomic_ullong made;                  /* of allocations so far */
static atomic_ullong fail_at = ALLOC_NEVER; /* in terms of `made` */
static atomic_bool goes_on;
static atomic_bool failed;

void
alloc_fail_at(uint64_t number, bool on)
{
	atomic_store(&failed, false);
	atomic_store(&goes_on, on);
	atomic_store(&fail_at, number == ALLOC_NEVER ? ALLOC_NEVER : atomic_load(&made) + number);
}

bool
alloc_fail_end(void)
{
	atomic_store(&fail_at, ALLOC_NEVER);
	return atomic_load(&failed);
}

uint64_t
alloc_count(void)
{
	return atomic_load(&made);
}

bool
alloc_has_failed(void)
{
	return atomic_load(&failed);
}

static bool
fails(void)
{
	uint64_t number = atomic_fetch_add(&made, 1);
	uint64_t at = atomic_load(&fail_at);
	if (number < at || (number > at && !atomic_load(&goes_on)))
		return false;
	atomic_store(&failed, true);
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
