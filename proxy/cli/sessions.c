/* sessions.c: see sessions.h. */
#include "cli/sessions.h"

#include <stdlib.h>

#define SLOTS_FIRST 1024

void
sessions_init(struct sessions *s)
{
	*s = (struct sessions){.slot = NULL};
}

void
sessions_deinit(struct sessions *s)
{
	free(s->slot);
	sessions_init(s);
}

/* The session's slot, or the empty one where it would stand. */
static struct seen_session *
slot_of(struct seen_session *slot, size_t slots, uint64_t point, uint32_t service)
{
	uint64_t hash = (point ^ service) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 32) & (slots - 1);
	while (slot[at].requests > 0 && (slot[at].point != point || slot[at].service != service))
		at = (at + 1) & (slots - 1);
	return &slot[at];
}

/* Half of them stay empty. */
static bool
make_room(struct sessions *s)
{
	if (2 * (s->count + 1) <= s->slots)
		return true;
	size_t slots = s->slots > 0 ? 2 * s->slots : SLOTS_FIRST;
	struct seen_session *slot = calloc(slots, sizeof(*slot));
	if (slot == NULL)
		return false;
	for (size_t i = 0; i < s->slots; i++) {
		if (s->slot[i].requests > 0)
			*slot_of(slot, slots, s->slot[i].point, s->slot[i].service) = s->slot[i];
	}
	free(s->slot);
	s->slot = slot;
	s->slots = slots;
	return true;
}

bool
sessions_add(struct sessions *s, const struct seen_session *seen)
{
	if (!make_room(s))
		return false;
	struct seen_session *slot = slot_of(s->slot, s->slots, seen->point, seen->service);
	if (slot->requests == 0 && s->count == SESSIONS_MAX) {
		s->left_out++;
		return true;
	}
	uint32_t requests = slot->requests;
	s->count += requests == 0;
	/* Of the same millisecond the later line counts. */
	if (requests == 0 || memcmp(seen->stamp, slot->stamp, sizeof(seen->stamp)) >= 0)
		*slot = *seen;
	slot->requests = requests < UINT32_MAX ? requests + 1 : requests;
	return true;
}

static int
compare(const void *one, const void *other)
{
	const struct seen_session *a = one;
	const struct seen_session *b = other;
	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	int found = memcmp(a->digits, b->digits, sizeof(a->digits));
	return found != 0 ? found : (a->point > b->point) - (a->point < b->point);
}

void
sessions_sort(struct sessions *s)
{
	size_t to = 0;
	for (size_t i = 0; i < s->slots; i++) {
		if (s->slot[i].requests > 0)
			s->slot[to++] = s->slot[i];
	}
	if (s->count > 0)
		qsort(s->slot, s->count, sizeof(*s->slot), compare);
}

bool
session_is_untagged(const struct seen_session *s)
{
	return s->fresh && s->requests > 1;
}
