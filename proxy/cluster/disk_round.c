/* disk_round.c: what a majority of the files says, and what follows from it; see disk.h. */
#include "cluster/disk_inside.h"

#include "mutant.h"

#include <assert.h>
#include <string.h>

/* ---- who holds it ----------------------------------------------------------------------------
 */

static bool
same_hold(const struct disk_hold *a, const struct disk_hold *b)
{
	bool same_run = a->boot == b->boot || MUTANT == MUTANT_OWN_RUNS_ALIKE;
	return a->term == b->term && same_run && a->seq == b->seq && a->end == b->end;
}

/* The highest hold that is not this run's. */
static void
watch(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	const struct disk_record *own = disk_block_find(&d->own, r->role);
	struct disk_hold highest = {.term = 0};
	size_t slot = d->slot;
	if (own != NULL && own->held.boot != d->boot && MUTANT != MUTANT_OWN_RUNS_ALIKE)
		highest = own->held;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = disk_view_record(v, i, r->role);
		if (o == NULL || o->held.term <= highest.term)
			continue;
		highest = o->held;
		slot = i;
	}
	if (slot == r->seen_slot && same_hold(&highest, &r->seen))
		return;
	r->seen_slot = slot;
	r->seen = highest;
	r->seen_since = now;
}

/* Of whoever holds it anywhere: how long it stands still is known when it is wanted. */
static void
watch_all(struct disk *d, const struct disk_view *v, uint64_t now)
{
	for (size_t slot = 0; slot < DISK_SLOTS; slot++)
		for (size_t i = 0; v->of[slot] != NULL && i < v->of[slot]->count; i++) {
			const struct disk_record *o = &v->of[slot]->record[i];
			if (o->held.term != 0 && o->held.end == DISK_HOLD_LIVES)
				(void)disk_add_role(d, o->role);
		}
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (d->role[i].role[0] != '\0')
			watch(d, v, &d->role[i], now);
}

/* When it is free by standing still; now or earlier: it is. */
static uint64_t
free_at(const struct disk *d, const struct disk_role *r)
{
	uint64_t t = d->timing.lease_ms;
	if (r->seen.term == 0 || r->seen.end != DISK_HOLD_LIVES || MUTANT == MUTANT_NO_STANDSTILL)
		return 0;
	return r->seen_since + t + t * LEASE_DRIFT_PER_MILLE / 1000 + 1;
}

/* ---- an attempt ------------------------------------------------------------------------------
 */

static void
go_to(struct disk *d, struct disk_role *r, enum disk_state state, uint64_t now)
{
	r->state = state;
	r->round = d->round + 1;
	r->at = now;
}

/* True: it is somebody else's, and the attempt is over. */
static bool
is_held(struct disk *d, struct disk_role *r, uint64_t now)
{
	uint64_t at = free_at(d, r);
	if (at <= now)
		return false;
	disk_refuse(d, r, LEASE_REFUSED_HELD, at - now);
	return true;
}

static void
look(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	if (is_held(d, r, now))
		return;
	struct disk_record *own = disk_own(d, r->role);
	if (own == NULL) {
		disk_refuse(d, r, LEASE_REFUSED_FULL, 0);
		return;
	}
	r->term = own->claim = disk_next_term(d, v, own);
	d->changed = true;
	go_to(d, r, DISK_CLAIMS, now);
}

static void
claim(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	if (disk_highest_claim(v, r->role) > r->term) {
		disk_refuse(d, r, LEASE_REFUSED_LOWER, 0);
		return;
	}
	if (is_held(d, r, now))
		return;
	struct disk_record *own = disk_own(d, r->role);
	assert(own != NULL);
	own->claim = 0;
	own->held = (struct disk_hold){.term = r->term, .boot = d->boot};
	d->changed = true;
	go_to(d, r, DISK_TAKES, now);
}

static void
settle_value(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	if (disk_highest_claim(v, r->role) > r->term && MUTANT != MUTANT_NO_SECOND_LOOK) {
		disk_refuse(d, r, LEASE_REFUSED_LOWER, 0);
		return;
	}
	struct disk_newest n = disk_newest_value(d, r->role);
	if (disk_copy_value(d, r, &n, (struct stamp){r->term, 0}))
		go_to(d, r, DISK_ADOPTS, now);
	else
		r->at = now + disk_pause_ms(d);
}

static void
hold(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	bool renewed = r->state == DISK_HELD;
	uint64_t until = disk_held_until(d, r->began);
	if (disk_highest_hold(v, r->role) > r->term) {
		if (renewed)
			disk_lose(d, r);
		else
			disk_refuse(d, r, LEASE_REFUSED_NO_TERM, 0);
		return;
	}
	if (until <= now) { /* ADOPTS, too slowly; the next round counts from its own beginning */
		r->at = now;
		return;
	}
	r->state = DISK_HELD;
	r->until = until;
	r->renew_at = r->began + d->timing.lease_ms / 3;
	disk_tell(d, r, renewed ? ENGINE_RENEWED : ENGINE_GRANTED);
}

static void
step(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	if (r->state == DISK_IDLE || d->round < r->round)
		return;
	switch (r->state) {
	case DISK_LOOKS:
		look(d, v, r, now);
		break;
	case DISK_CLAIMS:
		claim(d, v, r, now);
		break;
	case DISK_TAKES:
		settle_value(d, v, r, now);
		break;
	case DISK_ADOPTS:
		hold(d, v, r, now);
		break;
	case DISK_HELD:
		if (r->renews)
			hold(d, v, r, now);
		break;
	case DISK_IDLE:
		break;
	}
}

/* ---- all of it ------------------------------------------------------------------------------
 */

void
disk_conclude(struct disk *d, uint64_t now)
{
	struct disk_view v = disk_view_of(d);
	watch_all(d, &v, now);
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct disk_role *r = &d->role[i];
		if (r->role[0] == '\0')
			continue;
		disk_wrote_value(d, &v, r);
		disk_read_value(d, &v, r, now);
		step(d, &v, r, now);
	}
}
