/* disk_join.c: what a node that starts finds in the files, before it writes any; see disk.h. */
#include "cluster/disk_inside.h"

#include <string.h>

static bool
any_block(const struct disk *d)
{
	for (size_t slot = 0; slot < DISK_SLOTS; slot++)
		if (disk_newest_block(d, slot) != NULL)
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
	struct disk_block *own = disk_newest_block(d, d->slot);
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
	struct disk_newest n = disk_newest_value(d, ROLE_CLUSTER);
	struct disk_block former = d->own;
	d->own = *own;
	d->own.value_bytes = 0;
	const struct disk_role cluster = {.role = ROLE_CLUSTER};
	if (n.stamp.term != 0 && !disk_copy_value(d, &cluster, &n, n.stamp)) {
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
