/* view.c: one opinion of who is up, in one piece of memory, never changed; see view.h. */
#include "members/view.h"

#include <stdlib.h>

static void
set_add(hashring_word *set, size_t member)
{
	set[member / 64] |= UINT64_C(1) << (member % 64);
}

static struct weight_said
said_by(const struct member_live *live)
{
	return atomic_load_explicit(&live->said, memory_order_relaxed);
}

static bool
asks_for_none(const struct view *v, size_t member)
{
	const struct member_live *live = v->membership->member[member].live;
	return v->graded && live != NULL && weight_is_none(said_by(live));
}

static void
view_fill(struct view *v, const struct view_opinion *o)
{
	for (size_t i = 0; i < v->membership->count; i++) {
		enum member_state s = (enum member_state)o->state[i];
		v->state[i] = o->state[i];
		v->up_count += s == MEMBER_UP;
		if (!member_state_operational(s))
			continue;
		set_add(v->operational, i);
		v->operational_count++;
		if (s == MEMBER_UP || s == MEMBER_SUSPECT) {
			set_add(v->backups, i);
			v->backups_count++;
		}
		bool takes = member_state_takes_new(s) || (o->trial && s == MEMBER_SUSPECT);
		if (takes && !asks_for_none(v, i))
			set_add(v->takes_new, i);
	}
}

struct view *
view_create(struct membership *m, uint64_t generation, const struct view_opinion *opinion)
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
	v->graded = opinion->graded;
	v->slow_start_ms = opinion->slow_start_ms;
	v->operational = (hashring_word *)(v + 1);
	v->takes_new = v->operational + words;
	v->backups = v->takes_new + words;
	v->backup_lanes = (uint8_t *)(v->backups + words);
	v->state = v->backup_lanes + lane_bytes;
	view_fill(v, opinion);
	hashring_lanes(m->ring, v->backups, v->backup_lanes);
	return v;
}

uint32_t
view_share(const struct view *v, uint32_t member, uint64_t now_ms)
{
	const struct membership_member *m = &v->membership->member[member];
	if (!v->graded || m->live == NULL)
		return m->weight * WEIGHT_UNIT;
	uint64_t risen_ms = atomic_load_explicit(&m->live->risen_ms, memory_order_relaxed);
	return weight_share(m->weight, said_by(m->live),
			    weight_ramp(risen_ms, v->slow_start_ms, now_ms));
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
