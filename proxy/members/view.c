/* view.c: one opinion of who is up, in one piece of memory, never changed; see view.h. */
#include "members/view.h"

#include <stdlib.h>

static void
set_add(hashring_word *set, size_t member)
{
	set[member / 64] |= UINT64_C(1) << (member % 64);
}

static void
view_fill(struct view *v, const uint8_t *state, bool trial)
{
	for (size_t i = 0; i < v->membership->count; i++) {
		enum member_state s = (enum member_state)state[i];
		v->state[i] = state[i];
		v->up_count += s == MEMBER_UP;
		if (!member_state_operational(s))
			continue;
		set_add(v->operational, i);
		v->operational_count++;
		if (s == MEMBER_UP || s == MEMBER_SUSPECT) {
			set_add(v->backups, i);
			v->backups_count++;
		}
		if (member_state_takes_new(s) || (trial && s == MEMBER_SUSPECT))
			set_add(v->takes_new, i);
	}
}

struct view *
view_create(struct membership *m, uint64_t generation, const uint8_t *state, bool trial)
{
	size_t words = HASHRING_WORDS(m->count);
	size_t lane_bytes = hashring_lane_bytes(m->ring);
	struct view *v =
	    calloc(1, sizeof(*v) + 3 * words * sizeof(hashring_word) + lane_bytes + m->count);
	if (v == NULL)
		return NULL;
	atomic_init(&v->refs, 1);
	v->generation = generation;
	v->membership = membership_ref(m);
	v->operational = (hashring_word *)(v + 1);
	v->takes_new = v->operational + words;
	v->backups = v->takes_new + words;
	v->backup_lanes = (uint8_t *)(v->backups + words);
	v->state = v->backup_lanes + lane_bytes;
	view_fill(v, state, trial);
	hashring_lanes(m->ring, v->backups, v->backup_lanes);
	return v;
}

struct view *
view_ref(struct view *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void
view_unref(struct view **held)
{
	struct view *v = *held;
	*held = NULL;
	if (v == NULL || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	membership_unref(&v->membership);
	free(v);
}
