/* disk_view.c: what the blocks of all nodes say, of a role or its terms; see disk.h. */
#include "cluster/disk_inside.h"

bool
disk_well(const struct disk *d, size_t file)
{
	return d->answer[file].state == DISK_FILE_WELL;
}

struct disk_block *
disk_newest_block(const struct disk *d, size_t slot)
{
	struct disk_block *newest = NULL;
	for (size_t file = 0; file < d->files; file++) {
		struct disk_block *b = disk_well(d, file) ? d->answer[file].block[slot] : NULL;
		if (b != NULL &&
		    (newest == NULL || disk_version_compare(&b->version, &newest->version) > 0))
			newest = b;
	}
	return newest;
}

struct disk_view
disk_view_of(const struct disk *d)
{
	struct disk_view v;
	for (size_t slot = 0; slot < DISK_SLOTS; slot++)
		v.of[slot] = slot == d->slot ? NULL : disk_newest_block(d, slot);
	return v;
}

const struct disk_record *
disk_view_record(const struct disk_view *v, size_t slot, const char *role)
{
	return v->of[slot] == NULL ? NULL : disk_block_find(v->of[slot], role);
}

uint64_t
disk_highest_hold(const struct disk_view *v, const char *role)
{
	uint64_t term = 0;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = disk_view_record(v, i, role);
		if (o != NULL && o->held.term > term)
			term = o->held.term;
	}
	return term;
}

uint64_t
disk_highest_claim(const struct disk_view *v, const char *role)
{
	uint64_t term = disk_highest_hold(v, role);
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = disk_view_record(v, i, role);
		if (o != NULL && o->claim > term)
			term = o->claim;
	}
	return term;
}

uint64_t
disk_next_term(const struct disk *d, const struct disk_view *v, const struct disk_record *own)
{
	uint64_t term = disk_higher(disk_highest_claim(v, own->role), d->own.floor);
	term = disk_higher(term, disk_higher(own->held.term, own->stamp.term));
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *o = disk_view_record(v, i, own->role);
		if (v->of[i] != NULL)
			term = disk_higher(term, v->of[i]->floor);
		if (o != NULL)
			term = disk_higher(term, o->stamp.term);
	}
	return (term / DISK_SLOTS + 1) * DISK_SLOTS + d->slot;
}
