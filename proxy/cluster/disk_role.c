/*
 * disk_role.c: the roles of a node, in its table and in its block: places for them, what ends, and
 * what of it is told; see disk.h.
 */
#include "cluster/disk_inside.h"

#include <string.h>

/* ---- places ----------------------------------------------------------------------------------
 */

struct disk_role *
disk_find_role(struct disk *d, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(d->role[i].role, role) == 0)
			return &d->role[i];
	return NULL;
}

static bool
idle(const struct disk_role *r)
{
	return r->state == DISK_IDLE && !r->reads && !r->writes;
}

/* Nothing is forgotten with it: how long somebody has been silent is worth keeping. */
static bool
spare(const struct disk_role *r)
{
	return idle(r) && (r->seen.term == 0 || r->seen.end != DISK_HOLD_LIVES);
}

struct disk_role *
disk_add_role(struct disk *d, const char *role)
{
	struct disk_role *r = disk_find_role(d, role);
	if (r == NULL)
		r = disk_find_role(d, "");
	for (size_t i = 0; r == NULL && i < ROLES_MAX; i++)
		if (spare(&d->role[i]))
			r = &d->role[i];
	for (size_t i = 0; r == NULL && i < ROLES_MAX; i++)
		if (idle(&d->role[i]))
			r = &d->role[i];
	if (r != NULL && strcmp(r->role, role) != 0) {
		memset(r, 0, sizeof(*r));
		memcpy(r->role, role, strlen(role) + 1);
	}
	return r;
}

/* A record that says nothing but a term that was: the floor says that as well. */
static struct disk_record *
give_up_record(struct disk *d)
{
	struct disk_record *least = NULL;
	for (size_t i = 0; i < d->own.count; i++) {
		struct disk_record *o = &d->own.record[i];
		const struct disk_role *r = disk_find_role(d, o->role);
		if (o->held.end == DISK_HOLD_LIVES && o->held.term != 0)
			continue;
		if ((r != NULL && !idle(r)) || strcmp(o->role, ROLE_CLUSTER) == 0)
			continue;
		if (least == NULL || stamp_compare(&o->stamp, &least->stamp) < 0)
			least = o;
	}
	if (least == NULL)
		return NULL;
	uint64_t term = least->held.term > least->stamp.term ? least->held.term : least->stamp.term;
	if (term > d->own.floor)
		d->own.floor = term;
	return least;
}

struct disk_record *
disk_own(struct disk *d, const char *role)
{
	struct disk_record *o = disk_block_find(&d->own, role);
	if (o != NULL)
		return o;
	o = d->own.count < DISK_RECORDS_MAX ? &d->own.record[d->own.count++] : give_up_record(d);
	if (o == NULL)
		return NULL;
	memset(o, 0, sizeof(*o));
	memcpy(o->role, role, strlen(role) + 1);
	d->changed = true;
	return o;
}

/* ---- what is told ----------------------------------------------------------------------------
 */

void
disk_tell(struct disk *d, const struct disk_role *r, enum engine_event_kind kind)
{
	const struct engine_event event = {.kind = kind, .term = r->term, .until = r->until};
	engine_events_put(&d->events, r->role, &event);
}

void
disk_tell_refused(struct disk *d, const char *role, enum lease_refusal why, uint64_t wait_ms)
{
	const struct engine_event event = {
	    .kind = ENGINE_REFUSED, .refusal = why, .wait_ms = (uint32_t)wait_ms};
	engine_events_put(&d->events, role, &event);
}

void
disk_take_back(struct disk *d, const struct disk_role *r, enum disk_hold_end end)
{
	struct disk_record *o = disk_block_find(&d->own, r->role);
	if (o == NULL)
		return;
	o->claim = 0;
	if (r->state >= DISK_TAKES)
		o->held.end = end;
	d->changed = true;
}

void
disk_refuse(struct disk *d, struct disk_role *r, enum lease_refusal why, uint64_t wait_ms)
{
	disk_take_back(d, r, DISK_HOLD_VOID);
	r->state = DISK_IDLE;
	disk_tell_refused(d, r->role, why, wait_ms);
}

void
disk_lose(struct disk *d, struct disk_role *r)
{
	disk_take_back(d, r, DISK_HOLD_RELEASED);
	r->state = DISK_IDLE;
	if (r->writes)
		disk_tell(d, r, ENGINE_UNWRITTEN);
	r->writes = false;
	disk_tell(d, r, ENGINE_LOST);
}

void
disk_unread(struct disk *d, struct disk_role *r)
{
	r->reads = false;
	disk_tell(d, r, ENGINE_UNREAD);
}

void
disk_stop(struct disk *d, const struct problem *why)
{
	d->phase = DISK_STOPPED;
	d->problem = *why;
	d->under_way = false;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		struct disk_role *r = &d->role[i];
		if (r->state == DISK_HELD)
			disk_lose(d, r);
		else if (r->state != DISK_IDLE)
			disk_refuse(d, r, LEASE_REFUSED_NO_MAJORITY, 0);
		if (r->reads)
			disk_unread(d, r);
	}
}
