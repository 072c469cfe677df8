/* member.c: what of a member outlives a reload; see member.h. */
#include "members/member.h"

#include <stdlib.h>
#include <string.h>

struct member_live *
member_live_create(const struct addr *origin, const struct addr *source, unsigned workers)
{
	/* The loads are padded to a cache line; malloc aligns to less. */
	size_t bytes = sizeof(struct member_live) + workers * sizeof(struct member_load);
	struct member_live *m = aligned_alloc(_Alignof(struct member_load), bytes);
	if (m == NULL)
		return NULL;
	memset(m, 0, bytes);
	atomic_init(&m->refs, 1);
	m->workers = workers;
	m->origin = *origin;
	m->source = *source;
	m->verdict.state = MEMBER_UP;
	m->place = MEMBER_NONE;
	places_init(&m->places);
	return m;
}

struct member_live *
member_live_ref(struct member_live *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void
member_live_unref(struct member_live **held)
{
	struct member_live *m = *held;
	*held = NULL;
	if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	places_deinit(&m->places);
	free(m);
}

unsigned
member_live_active(const struct member_live *m)
{
	unsigned sum = 0;
	for (unsigned worker = 0; worker < m->workers; worker++)
		sum += atomic_load_explicit(&m->load[worker].active, memory_order_relaxed);
	return sum;
}
