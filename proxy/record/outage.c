/* outage.c: the table of outages; see outage.h. */
#include "record/outage.h"

#include <stdlib.h>

static size_t
bucket_of(struct slice service, struct slice member)
{
	uint32_t hash = UINT32_C(0x811c9dc5);
	for (size_t i = 0; i < service.bytes; i++)
		hash = (hash ^ (uint8_t)service.at[i]) * UINT32_C(0x01000193);
	for (size_t i = 0; i < member.bytes; i++)
		hash = (hash ^ (uint8_t)member.at[i]) * UINT32_C(0x01000193);
	return (hash ^ hash >> 16) & (OUTAGE_BUCKETS - 1);
}

static bool
is_of(const struct outage *o, struct slice service, struct slice member)
{
	return slice_equal(member, (struct slice){o->member, o->member_bytes}) &&
	       slice_equal(service, (struct slice){o->service, o->service_bytes});
}

/* The link that points to the member's outage, over or not, or the one where it would stand. */
static struct outage **
link_of(struct outages *outages, struct slice service, struct slice member, bool over)
{
	struct outage **link = &outages->bucket[bucket_of(service, member)];
	while (*link != NULL &&
	       (((*link)->phase == OUTAGE_OVER) != over || !is_of(*link, service, member)))
		link = &(*link)->next;
	return link;
}

static uint8_t
copy_id(char to[ID_BYTES_MAX], struct slice id)
{
	memcpy(to, id.at, id.bytes);
	return (uint8_t)id.bytes;
}

static struct outage *
find_or_add(struct outages *outages, struct slice service, struct slice member)
{
	if (member.bytes == 0 || member.bytes > ID_BYTES_MAX || service.bytes == 0 ||
	    service.bytes > ID_BYTES_MAX)
		return NULL;
	struct outage **link = link_of(outages, service, member, false);
	if (*link != NULL)
		return *link;
	if (outages->count == OUTAGES_MAX)
		return NULL;
	struct outage *o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	o->service_bytes = copy_id(o->service, service);
	o->member_bytes = copy_id(o->member, member);
	outages->count++;
	*link = o;
	return o;
}

static struct outage *
take_out(struct outages *outages, struct outage **link)
{
	struct outage *o = *link;
	*link = o->next;
	o->next = NULL;
	outages->count--;
	outages->over -= o->phase == OUTAGE_OVER;
	outages->slots_used -= o->moved.slots;
	return o;
}

void
outage_free(struct outage **held)
{
	struct outage *o = *held;
	*held = NULL;
	if (o == NULL)
		return;
	moved_deinit(&o->moved);
	free(o);
}

static void
drop(struct outages *outages, struct outage **link)
{
	struct outage *o = take_out(outages, link);
	outage_free(&o);
}

void
outages_deinit(struct outages *outages)
{
	for (size_t b = 0; b < OUTAGE_BUCKETS; b++) {
		while (outages->bucket[b] != NULL)
			drop(outages, &outages->bucket[b]);
	}
}

/* ---- phases ----------------------------------------------------------------------------------
 */

struct outage *
outages_find(struct outages *outages, struct slice service, struct slice member)
{
	struct outage *o = *link_of(outages, service, member, false);
	return o != NULL && o->phase == OUTAGE_GOING_ON ? o : NULL;
}

struct outage *
outages_begin(struct outages *outages, struct slice service, struct slice member, enum reason why,
	      uint64_t detection_ms, uint64_t now_ms)
{
	struct outage *o = find_or_add(outages, service, member);
	if (o == NULL || o->phase == OUTAGE_GOING_ON)
		return o;
	o->phase = OUTAGE_GOING_ON;
	o->why = why;
	o->since_ms = now_ms;
	o->detection_ms = detection_ms;
	return o;
}

bool
outages_end(struct outages *outages, struct slice service, struct slice member, uint64_t now_ms)
{
	struct outage **link = link_of(outages, service, member, false);
	struct outage *o = *link;
	if (o == NULL)
		return false;
	if (o->phase == OUTAGE_BREWING) { /* the member was well after all */
		drop(outages, link);
		return false;
	}
	o->phase = OUTAGE_OVER;
	o->until_ms = now_ms;
	o->last_ms = now_ms;
	outages->over++;
	return true;
}

static bool
is_settled(const struct outage *o, uint64_t now_ms)
{
	return !o->returns || moved_all_back(&o->moved) ||
	       now_ms >= o->last_ms + OUTAGE_SETTLE_MS ||
	       now_ms >= o->until_ms + OUTAGE_SETTLE_MS_MAX;
}

static bool
is_wanted(const struct outage *o, bool all, uint64_t now_ms)
{
	return o->phase != OUTAGE_BREWING &&
	       (all || (o->phase == OUTAGE_OVER && is_settled(o, now_ms)));
}

struct outage *
outages_take(struct outages *outages, struct slice service, struct slice member, bool all,
	     uint64_t now_ms)
{
	if (!all && outages->over == 0)
		return NULL;
	size_t first = member.bytes > 0 ? bucket_of(service, member) : 0;
	size_t end = member.bytes > 0 ? first + 1 : OUTAGE_BUCKETS;
	for (size_t b = first; b < end; b++) {
		struct outage **link = &outages->bucket[b];
		for (; *link != NULL; link = &(*link)->next) {
			bool his = member.bytes == 0 || is_of(*link, service, member);
			if (his && is_wanted(*link, all, now_ms))
				return take_out(outages, link);
		}
	}
	return NULL;
}

void
outages_tick(struct outages *outages, uint64_t now_ms)
{
	for (size_t b = 0; b < OUTAGE_BUCKETS; b++) {
		struct outage **link = &outages->bucket[b];
		while (*link != NULL) {
			struct outage *o = *link;
			if (o->phase == OUTAGE_BREWING && now_ms >= o->since_ms + OUTAGE_BREWING_MS)
				drop(outages, link);
			else
				link = &o->next;
		}
	}
}

/* ---- counting --------------------------------------------------------------------------------
 */

static struct outage *
sign(struct outages *outages, struct slice service, struct slice member, uint64_t now_ms)
{
	struct outage *o = find_or_add(outages, service, member);
	if (o != NULL && o->phase == OUTAGE_BREWING)
		o->since_ms = now_ms;
	return o;
}

/* OUTAGE_HEIRS_MAX: all names are taken. */
static unsigned
heir_of(struct outage *o, struct slice id)
{
	for (unsigned i = 0; i < o->heir_count; i++) {
		if (slice_equal(id, (struct slice){o->heir[i].id, o->heir[i].id_bytes}))
			return i;
	}
	if (o->heir_count == OUTAGE_HEIRS_MAX || id.bytes > ID_BYTES_MAX)
		return OUTAGE_HEIRS_MAX;
	o->heir[o->heir_count].id_bytes = copy_id(o->heir[o->heir_count].id, id);
	return (unsigned)o->heir_count++;
}

void
outages_count_move(struct outages *outages, struct slice service, struct slice from,
		   struct slice to, const struct outage_session *session, uint64_t now_ms)
{
	struct outage *o = sign(outages, service, from, now_ms);
	if (o == NULL)
		return;
	size_t left = OUTAGE_SLOTS_MAX - outages->slots_used;
	o->returns = o->returns || session->returns;
	moved_add(&o->moved, session->digest, heir_of(o, to), &left);
	outages->slots_used = OUTAGE_SLOTS_MAX - left;
}

void
outages_count_back(struct outages *outages, struct slice service, struct slice member,
		   const struct session_digest *digest, uint64_t now_ms)
{
	if (outages->count == 0) /* as it mostly is: clients without tags are assigned each time */
		return;
	struct outage *going_on = outages_find(outages, service, member);
	if (going_on != NULL)
		moved_note_back(&going_on->moved, digest);
	struct outage *over = outages->over > 0 ? *link_of(outages, service, member, true) : NULL;
	if (over == NULL)
		return;
	uint32_t before = over->moved.back;
	moved_note_back(&over->moved, digest);
	if (over->moved.back != before)
		over->last_ms = now_ms;
}

void
outages_count_failed(struct outages *outages, struct slice service, struct slice member,
		     bool retried, uint64_t now_ms)
{
	struct outage *o = sign(outages, service, member, now_ms);
	if (o == NULL)
		return;
	if (retried)
		o->requests_retried++;
	else
		o->requests_failed++;
}

uint64_t
outage_sessions(const struct outage *o)
{
	return moved_estimate(&o->moved, o->moved.kept);
}

uint64_t
outage_heir_sessions(const struct outage *o, size_t heir)
{
	return moved_estimate(&o->moved, o->moved.label[heir]);
}

uint64_t
outage_failbacks(const struct outage *o)
{
	return moved_estimate(&o->moved, o->moved.back);
}
