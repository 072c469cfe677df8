/* disk_round.c: what a majority of the files says, and what follows from it; see disk.h. */
#include "cluster/disk_inside.h"

#include "mutant.h"

#include <assert.h>
#include <string.h>

/* The newest block of each other node; NULL: none. */
struct view {
	struct disk_block *of[DISK_SLOTS];
};

/* The newest value of a role: where it stands. */
struct newest {
	struct stamp stamp;
	const struct disk_block *block;
	size_t file; /* of block; files: it is this node's own, in memory */
};

static bool
well(const struct disk *d, size_t file)
{
	return d->answer[file].state == DISK_FILE_WELL;
}

static struct disk_block *
newest_block(const struct disk *d, size_t slot)
{
	struct disk_block *newest = NULL;
	for (size_t file = 0; file < d->files; file++) {
		struct disk_block *b = well(d, file) ? d->answer[file].block[slot] : NULL;
		if (b != NULL &&
		    (newest == NULL || disk_version_compare(&b->version, &newest->version) > 0))
			newest = b;
	}
	return newest;
}

static struct view
view_of(const struct disk *d)
{
	struct view v;
	for (size_t slot = 0; slot < DISK_SLOTS; slot++)
		v.of[slot] = slot == d->slot ? NULL : newest_block(d, slot);
	return v;
}

static const struct disk_record *
record_of(const struct view *v, size_t slot, const char *role)
{
	return v->of[slot] == NULL ? NULL : disk_block_find(v->of[slot], role);
}

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
watch(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	const struct disk_record *own = disk_block_find(&d->own, r->role);
	struct disk_hold highest = {.term = 0};
	size_t slot = d->slot;
	if (own != NULL && own->held.boot != d->boot && MUTANT != MUTANT_OWN_RUNS_ALIKE)
		highest = own->held;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = record_of(v, i, r->role);
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
watch_all(struct disk *d, const struct view *v, uint64_t now)
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

static uint64_t
highest_hold(const struct view *v, const char *role)
{
	uint64_t term = 0;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = record_of(v, i, role);
		if (o != NULL && o->held.term > term)
			term = o->held.term;
	}
	return term;
}

static uint64_t
highest_claim(const struct view *v, const char *role)
{
	uint64_t term = highest_hold(v, role);
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = record_of(v, i, role);
		if (o != NULL && o->claim > term)
			term = o->claim;
	}
	return term;
}

static uint64_t
higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Above all that anybody ever wrote, and nobody else's. */
static uint64_t
next_term(const struct disk *d, const struct view *v, const struct disk_record *own)
{
	uint64_t term = higher(highest_claim(v, own->role), d->own.floor);
	term = higher(term, higher(own->held.term, own->stamp.term));
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = record_of(v, i, own->role);
		if (v->of[i] != NULL)
			term = higher(term, v->of[i]->floor);
		if (o != NULL)
			term = higher(term, o->stamp.term);
	}
	return (term / DISK_SLOTS + 1) * DISK_SLOTS + d->slot;
}

/* ---- the value -------------------------------------------------------------------------------
 */

static struct stamp
stamp_in(struct disk_block *b, const char *role)
{
	const struct disk_record *o = b == NULL ? NULL : disk_block_find(b, role);
	return o == NULL ? (struct stamp){0, 0} : o->stamp;
}

static struct newest
newest_value(struct disk *d, const char *role)
{
	struct newest n = {stamp_in(&d->own, role), &d->own, d->files};
	for (size_t file = 0; file < d->files; file++)
		for (size_t slot = 0; well(d, file) && slot < DISK_SLOTS; slot++) {
			struct disk_block *b = d->answer[file].block[slot];
			struct stamp stamp = stamp_in(b, role);
			if (stamp_compare(&stamp, &n.stamp) > 0)
				n = (struct newest){stamp, b, file};
		}
	return n;
}

/* Files in which that stamp stands, or a later one. */
static size_t
files_with(const struct disk *d, const char *role, const struct stamp *stamp)
{
	size_t count = 0;
	for (size_t file = 0; file < d->files; file++) {
		bool has = false;
		for (size_t slot = 0; well(d, file) && !has && slot < DISK_SLOTS; slot++) {
			struct stamp other = stamp_in(d->answer[file].block[slot], role);
			has = stamp_compare(&other, stamp) >= 0;
		}
		count += has;
	}
	return count;
}

static bool
is_cluster(const struct disk_role *r)
{
	return strcmp(r->role, ROLE_CLUSTER) == 0;
}

/* Into this node's block, under that stamp. False: its bytes did not come along. */
static bool
copy_value(struct disk *d, const struct disk_role *r, const struct newest *n, struct stamp stamp)
{
	struct disk_record *own = disk_own(d, r->role);
	if (own == NULL)
		return false;
	if (is_cluster(r) && n->file < d->files) {
		struct document *document = NULL;
		if (n->block->value_bytes != 0) {
			struct document *read = d->answer[n->file].document;
			document = read != NULL ? read : d->document;
			if (document == NULL || memcmp(document->digest, n->block->value_digest,
						       sizeof(document->digest)) != 0)
				return false;
		}
		document = document_ref(document);
		document_unref(&d->document);
		d->document = document;
		d->own.value_bytes = n->block->value_bytes;
		memcpy(d->own.value_digest, n->block->value_digest, sizeof(d->own.value_digest));
	}
	own->stamp = stamp;
	d->changed = true;
	return true;
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
look(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	if (is_held(d, r, now))
		return;
	struct disk_record *own = disk_own(d, r->role);
	if (own == NULL) {
		disk_refuse(d, r, LEASE_REFUSED_FULL, 0);
		return;
	}
	r->term = own->claim = next_term(d, v, own);
	d->changed = true;
	go_to(d, r, DISK_CLAIMS, now);
}

static void
claim(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	if (highest_claim(v, r->role) > r->term) {
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
settle_value(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	if (highest_claim(v, r->role) > r->term && MUTANT != MUTANT_NO_SECOND_LOOK) {
		disk_refuse(d, r, LEASE_REFUSED_LOWER, 0);
		return;
	}
	struct newest n = newest_value(d, r->role);
	if (copy_value(d, r, &n, (struct stamp){r->term, 0}))
		go_to(d, r, DISK_ADOPTS, now);
	else
		r->at = now + disk_pause_ms(d);
}

static void
hold(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	bool renewed = r->state == DISK_HELD;
	uint64_t until = disk_held_until(d, r->began);
	if (highest_hold(v, r->role) > r->term) {
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
step(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
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

/* ---- reads and writes ------------------------------------------------------------------------
 */

static void
tell_value(struct disk *d, const struct disk_role *r, enum engine_event_kind kind,
	   const struct newest *n)
{
	struct engine_event event = {.kind = kind, .term = n->stamp.term, .stamp = n->stamp};
	if (is_cluster(r) && n->block->value_bytes != 0) {
		const struct document *read =
		    n->file < d->files ? d->answer[n->file].document : NULL;
		struct document *told = read != NULL ? d->answer[n->file].document : d->document;
		if (told == NULL ||
		    memcmp(told->digest, n->block->value_digest, sizeof(told->digest)) != 0)
			event.kind = ENGINE_UNREAD;
		else
			event.document = document_ref(told);
	}
	engine_events_put(&d->events, r->role, &event);
}

/* A hold whose value is not settled: what it will be is not known yet. */
static bool
is_settled(struct disk *d, const struct view *v, const struct disk_role *r, const struct newest *n)
{
	uint64_t term = 0;
	const struct disk_record *own = disk_block_find(&d->own, r->role);
	if (!is_cluster(r))
		return true;
	if (own != NULL && own->held.end != DISK_HOLD_VOID)
		term = own->held.term;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = record_of(v, i, r->role);
		if (o != NULL && o->held.end != DISK_HOLD_VOID)
			term = higher(term, o->held.term);
	}
	return n->stamp.term >= term;
}

static void
read_value(struct disk *d, const struct view *v, struct disk_role *r, uint64_t now)
{
	if (!r->reads || d->round < r->read_round)
		return;
	struct newest n = newest_value(d, r->role);
	bool copied = n.stamp.term == 0 || MUTANT == MUTANT_NO_COPY ||
		      files_with(d, r->role, &n.stamp) > d->files / 2;
	if (!is_settled(d, v, r, &n)) {
		r->read_at = now + disk_pause_ms(d);
	} else if (copied) {
		r->reads = false;
		tell_value(d, r, ENGINE_READ, &n);
	} else {
		bool able = copy_value(d, r, &n, n.stamp);
		r->read_at = able ? now : now + disk_pause_ms(d);
	}
}

static void
wrote_value(struct disk *d, const struct view *v, struct disk_role *r)
{
	if (!r->writes || d->round < r->write_round)
		return;
	if (highest_hold(v, r->role) > r->term) {
		disk_lose(d, r);
		return;
	}
	struct newest own = {stamp_in(&d->own, r->role), &d->own, d->files};
	r->writes = false;
	tell_value(d, r, ENGINE_WRITTEN, &own);
}

void
disk_conclude(struct disk *d, uint64_t now)
{
	struct view v = view_of(d);
	watch_all(d, &v, now);
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct disk_role *r = &d->role[i];
		if (r->role[0] == '\0')
			continue;
		wrote_value(d, &v, r);
		read_value(d, &v, r, now);
		step(d, &v, r, now);
	}
}

/* ---- the start -------------------------------------------------------------------------------
 */

static bool
any_block(const struct disk *d)
{
	for (size_t slot = 0; slot < DISK_SLOTS; slot++)
		if (newest_block(d, slot) != NULL)
			return true;
	return false;
}

static size_t
count_state(const struct disk *d, enum disk_file_state state)
{
	size_t count = 0;
	for (size_t i = 0; i < d->files; i++)
		count += d->answer[i].state == state;
	return count;
}

/* Of former runs: whose stamp was not written by a majority was not granted. */
static void
forget_attempts(struct disk *d)
{
	for (size_t i = 0; i < d->own.count; i++) {
		struct disk_record *o = &d->own.record[i];
		o->claim = 0;
		if (o->held.end == DISK_HOLD_LIVES && o->stamp.term < o->held.term)
			o->held.end = DISK_HOLD_VOID;
	}
}

/* What this node knew of itself. False: it is not known, or not this node's. */
static bool
recover(struct disk *d)
{
	struct disk_block *own = newest_block(d, d->slot);
	struct problem p;
	if (own == NULL)
		return true;
	if (strcmp(own->node, d->own.node) != 0) {
		(void)problem_set(&p, RESULT_INVALID, "block %zu is that of node %s", d->slot + 1,
				  own->node);
		disk_stop(d, &p);
		return false;
	}
	if (own->version.boot >= d->boot) {
		(void)problem_set(
		    &p, RESULT_INVALID,
		    "this node's block is of a later start: another process runs as this node, or "
		    "its state_dir was put back");
		disk_stop(d, &p);
		return false;
	}
	struct newest n = newest_value(d, ROLE_CLUSTER);
	struct disk_block former = d->own;
	d->own = *own;
	d->own.value_bytes = 0;
	const struct disk_role cluster = {.role = ROLE_CLUSTER};
	if (n.stamp.term != 0 && !copy_value(d, &cluster, &n, n.stamp)) {
		d->own = former;
		return false;
	}
	forget_attempts(d);
	return true;
}

static void
run(struct disk *d, uint64_t now)
{
	d->own.version = (struct disk_version){d->boot, 0};
	d->changed = true;
	d->phase = DISK_RUNS;
	d->look_at = now;
	d->rest_until = now;
	(void)problem_set(&d->problem, RESULT_OK, "%s", "");
	for (size_t i = 0; i < ROLES_MAX; i++) {
		d->role[i].round = d->round + 1;
		d->role[i].read_round = d->round + 1;
	}
}

void
disk_join(struct disk *d, uint64_t now)
{
	size_t is_well = count_state(d, DISK_FILE_WELL);
	size_t empty = count_state(d, DISK_FILE_EMPTY);
	bool begun = any_block(d);
	d->look_at = now + disk_pause_ms(d);
	d->format = !begun && empty > 0 && is_well + empty == d->files;
	if ((begun && is_well > d->files / 2) || is_well == d->files) {
		if (recover(d))
			run(d, now);
	} else if (begun) {
		(void)problem_set(&d->problem, RESULT_IO, "%zu of %zu files answer", is_well,
				  d->files);
	} else if (!d->format) {
		(void)problem_set(&d->problem, RESULT_IO,
				  "%zu of %zu files answer: the first start wants all of them",
				  is_well + empty, d->files);
	}
}
