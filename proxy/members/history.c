/* history.c: see history.h. */
#include "members/history.h"

#include <assert.h>

void
history_add_check(struct history *h, bool well)
{
	h->checks = h->checks << 1 | well;
	h->well += well;
	h->failed += !well;
}

void
history_add_transition(struct history *h, struct history_transition t)
{
	h->transition[h->transitions % HISTORY_TRANSITIONS_MAX] = t;
	h->transitions++;
}

unsigned
history_checks_kept(const struct history *h)
{
	uint64_t all = h->well + h->failed;
	return all < HISTORY_CHECKS_MAX ? (unsigned)all : HISTORY_CHECKS_MAX;
}

void
history_checks_text(const struct history *h, char text[HISTORY_CHECKS_MAX + 1])
{
	unsigned kept = history_checks_kept(h);
	for (unsigned i = 0; i < kept; i++)
		text[i] = (h->checks >> (kept - 1 - i) & 1) != 0 ? '1' : '0';
	text[kept] = '\0';
}

size_t
history_transitions_kept(const struct history *h)
{
	return h->transitions < HISTORY_TRANSITIONS_MAX ? (size_t)h->transitions
							: HISTORY_TRANSITIONS_MAX;
}

const struct history_transition *
history_transition_at(const struct history *h, size_t n)
{
	size_t kept = history_transitions_kept(h);
	assert(n < kept);
	return &h->transition[(h->transitions - kept + n) % HISTORY_TRANSITIONS_MAX];
}
