/* disk_value.c: the value of a role: where the newest stands, its copies, reads and writes; see
 * disk.h. */
#include "cluster/disk_inside.h"
#include "mutant.h"

#include <string.h>

static struct stamp
stamp_in(struct disk_block *b, const char *role)
{
	const struct disk_record *o = b == NULL ? NULL : disk_block_find(b, role);
	return o == NULL ? (struct stamp){0, 0} : o->stamp;
}

struct disk_newest
disk_newest_value(struct disk *d, const char *role)
{
	struct disk_newest n = {stamp_in(&d->own, role), &d->own, d->files};
	for (size_t file = 0; file < d->files; file++)
		for (size_t slot = 0; disk_well(d, file) && slot < DISK_SLOTS; slot++) {
			struct disk_block *b = d->answer[file].block[slot];
			struct stamp stamp = stamp_in(b, role);
			if (stamp_compare(&stamp, &n.stamp) > 0)
				n = (struct disk_newest){stamp, b, file};
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
		for (size_t slot = 0; disk_well(d, file) && !has && slot < DISK_SLOTS; slot++) {
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

bool
disk_copy_value(struct disk *d, const struct disk_role *r, const struct disk_newest *n,
		struct stamp stamp)
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

/* ---- reads and writes ------------------------------------------------------------------------
 */

static void
tell_value(struct disk *d, const struct disk_role *r, enum engine_event_kind kind,
	   const struct disk_newest *n)
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
is_settled(struct disk *d, const struct disk_view *v, const struct disk_role *r,
	   const struct disk_newest *n)
{
	uint64_t term = 0;
	const struct disk_record *own = disk_block_find(&d->own, r->role);
	if (!is_cluster(r))
		return true;
	if (own != NULL && own->held.end != DISK_HOLD_VOID)
		term = own->held.term;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = disk_view_record(v, i, r->role);
		if (o != NULL && o->held.end != DISK_HOLD_VOID)
			term = disk_higher(term, o->held.term);
	}
	return n->stamp.term >= term;
}

void
disk_read_value(struct disk *d, const struct disk_view *v, struct disk_role *r, uint64_t now)
{
	if (!r->reads || d->round < r->read_round)
		return;
	struct disk_newest n = disk_newest_value(d, r->role);
	bool copied = n.stamp.term == 0 || MUTANT == MUTANT_NO_COPY ||
		      files_with(d, r->role, &n.stamp) > d->files / 2;
	if (!is_settled(d, v, r, &n)) {
		r->read_at = now + disk_pause_ms(d);
	} else if (copied) {
		r->reads = false;
		tell_value(d, r, ENGINE_READ, &n);
	} else {
		bool able = disk_copy_value(d, r, &n, n.stamp);
		r->read_at = able ? now : now + disk_pause_ms(d);
	}
}

void
disk_wrote_value(struct disk *d, const struct disk_view *v, struct disk_role *r)
{
	if (!r->writes || d->round < r->write_round)
		return;
	if (disk_highest_hold(v, r->role) > r->term) {
		disk_lose(d, r);
		return;
	}
	struct disk_newest own = {stamp_in(&d->own, r->role), &d->own, d->files};
	r->writes = false;
	tell_value(d, r, ENGINE_WRITTEN, &own);
}
