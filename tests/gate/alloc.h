/*
 * alloc.h: allocations that fail when the test says so. The linker puts them before the C
 * library's for every object of the program (--wrap: malloc, calloc, realloc, strdup,
 * strndup); shared libraries keep their own. Leaks are the sanitizers' to find.
 */
#ifndef HOLDFAST_TESTS_GATE_ALLOC_H
#define HOLDFAST_TESTS_GATE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALLOC_NEVER UINT64_MAX

/* The `number`-th allocation from now on fails, counted from 0; `on`: and all behind it. */
void alloc_fail_at(uint64_t number, bool on);
/* realloc(3) for the tests' own needs: never fails, and is not counted. */
void *alloc_safe(void *at, size_t bytes);
/* Since the process began; from any thread. */
uint64_t alloc_count(void);
bool alloc_has_failed(void);
/* Back to allocations that succeed. True: one has failed since alloc_fail_at. */
bool alloc_fail_end(void);

#endif
