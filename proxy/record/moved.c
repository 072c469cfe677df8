/*
 * moved.c: see moved.h. A slot is one word: 58 bits of the session, whether it is back, and 1 + its
 * label, so that no used slot is 0.
 */
#include "record/moved.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BITS 5
#define BACK       (UINT64_C(1) << LABEL_BITS)
#define WHO        (~(2 * BACK - 1))
#define DEPTH_MAX  32

static uint64_t
who_is(const struct session_digest *digest)
{
	uint64_t z;
	memcpy(&z, digest->bytes, sizeof(z));
	/* SplitMix64's finish: also of digests that are no digests every bit counts. */
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) & WHO;
}

static unsigned
label_of(uint64_t slot)
{
	return (unsigned)(slot & (BACK - 1)) - 1;
}

/* The highest bits choose the sample, the lower ones the slot. */
static bool
is_sampled(const struct moved_sessions *m, uint64_t who)
{
	return m->depth == 0 || who >> (64 - m->depth) == 0;
}

/* Where the session stands, or would stand. */
static uint64_t *
find(uint64_t *slot, uint32_t slots, uint64_t who)
{
	uint32_t at = (uint32_t)(who >> (LABEL_BITS + 1)) & (slots - 1);
	while (slot[at] != 0 && (slot[at] & WHO) != who)
		at = (at + 1) & (slots - 1);
	return &slot[at];
}

static void
count(struct moved_sessions *m, uint64_t slot, uint32_t by)
{
	m->kept += by;
	m->label[label_of(slot)] += by;
	if ((slot & BACK) != 0)
		m->back += by;
}

/* Who is in the sample goes to `to`, and is counted anew. */
static void
move_to(struct moved_sessions *m, uint64_t *to, uint32_t slots)
{
	uint64_t *from = m->slot;
	m->kept = 0;
	m->back = 0;
	memset(m->label, 0, sizeof(m->label));
	for (uint32_t i = 0; i < m->slots; i++) {
		if (from[i] == 0 || !is_sampled(m, from[i] & WHO))
			continue;
		*find(to, slots, from[i] & WHO) = from[i];
		count(m, from[i], 1);
	}
	free(from);
	m->slot = to;
	m->slots = slots;
}

static bool
grow(struct moved_sessions *m, size_t *slots_left)
{
	uint32_t slots = m->slots == 0 ? MOVED_SLOTS_MIN : 2 * m->slots;
	uint32_t more = slots - m->slots;
	if (slots > MOVED_SLOTS_MAX || more > *slots_left)
		return false;
	uint64_t *to = calloc(slots, sizeof(*to));
	if (to == NULL)
		return false;
	*slots_left -= more;
	move_to(m, to, slots);
	return true;
}

/* Half of them leave. False: no memory. */
static bool
thin(struct moved_sessions *m)
{
	uint64_t *to =
	    m->slots == 0 || m->depth == DEPTH_MAX ? NULL : calloc(m->slots, sizeof(*to));
	if (to == NULL)
		return false;
	m->depth++;
	move_to(m, to, m->slots);
	return true;
}

void
moved_deinit(struct moved_sessions *m)
{
	free(m->slot);
	*m = (struct moved_sessions){.slot = NULL};
}

void
moved_add(struct moved_sessions *m, const struct session_digest *digest, unsigned label,
	  size_t *slots_left)
{
	assert(label < MOVED_LABELS_MAX);
	uint64_t who = who_is(digest);
	if (m->slots > 0 && *find(m->slot, m->slots, who) == 0) {
		/* A new one: a slot in two stays empty. */
		while (is_sampled(m, who) && 2 * (m->kept + 1) > m->slots) {
			if (!grow(m, slots_left) && !thin(m))
				return;
		}
	} else if (m->slots == 0 && !grow(m, slots_left)) {
		return;
	}
	if (!is_sampled(m, who))
		return;
	uint64_t *at = find(m->slot, m->slots, who);
	if (*at != 0)
		count(m, *at, UINT32_MAX); /* one less */
	*at = who | (label + 1);
	count(m, *at, 1);
}

void
moved_note_back(struct moved_sessions *m, const struct session_digest *digest)
{
	uint64_t *at = m->slots > 0 ? find(m->slot, m->slots, who_is(digest)) : NULL;
	if (at == NULL || *at == 0 || (*at & BACK) != 0)
		return;
	*at |= BACK;
	m->back++;
}

bool
moved_all_back(const struct moved_sessions *m)
{
	return m->back == m->kept;
}
