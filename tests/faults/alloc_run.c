/*
 * alloc_run.c: linked into a holdfast whose allocations fail as the environment says
 * (gate/alloc.h; libevent's count as well, other libraries keep their own):
 *
 *   ALLOC_FAIL=N    the N-th fails, from 0; ALLOC_FAIL=N+ all from the N-th on
 *   ALLOC_COUNT=F   file into which is written at the end: how many there were, and 1 when one
 *                   has failed
 */
#include "gate/alloc.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
write_count(void)
{
	const char *path = getenv("ALLOC_COUNT");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;
	if (f == NULL)
		return;
	(void)fprintf(f, "%llu %d\n", (unsigned long long)alloc_count(), alloc_has_failed());
	(void)fclose(f);
}

static void
stop_failing(void)
{
	(void)alloc_fail_end();
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("ALLOC_FAIL");
	/* Wrapped, as everything in this program. */
	event_set_mem_functions(malloc, realloc, free);
	(void)atexit(write_count);
	(void)atexit(stop_failing); /* what the C library and a coverage build do at the end */
	if (text != NULL)
		alloc_fail_at(strtoull(text, NULL, 10), strchr(text, '+') != NULL);
}
