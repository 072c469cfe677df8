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

/* The link that points to the member's outage, or the one where it would stand. */
static struct outage **
link_of(struct outages *outages, struct slice service, struct slice member)
{
	struct outage **link = &outages->bucket[bucket_of(service, member)];
	for (; *link != NULL; link = &(*link)->next) {
		struct outage *o = *link;
		if (slice_equal(member, (struct slice){o->member, o->member_bytes}) &&
		    slice_equal(service, (struct slice){o->service, o->service_bytes}))
			break;
	}
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
	struct outage **link = link_of(outages, service, member);
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
	return o;
}

void
outages_deinit(struct outages *outages)
{
	for (size_t b = 0; b < OUTAGE_BUCKETS; b++) {
		while (outages->bucket[b] != NULL)
			free(take_out(outages, &outages->bucket[b]));
	}
}

struct outage *
outages_find(struct outages *outages, struct slice service, struct slice member)
{
	struct outage *o = *link_of(outages, service, member);
	return o != NULL && o->going_on ? o : NULL;
}

struct outage *
outages_begin(struct outages *outages, struct slice service, struct slice member, enum reason why,
	      uint64_t detection_ms, uint64_t now_ms)
{
	struct outage *o = find_or_add(outages, service, member);
	if (o == NULL || o->going_on)
		return o;
	o->going_on = true;
	o->why = why;
	o->since_ms = now_ms;
	o->detection_ms = detection_ms;
	return o;
}

struct outage *
outages_end(struct outages *outages, struct slice service, struct slice member)
{
	struct outage **link = link_of(outages, service, member);
	if (*link == NULL)
		return NULL;
	struct outage *o = take_out(outages, link);
	if (o->going_on)
		return o;
	free(o); /* it brewed, and the member was well after all */
	return NULL;
}

static struct outage *
sign(struct outages *outages, struct slice service, struct slice member, uint64_t now_ms)
{
	struct outage *o = find_or_add(outages, service, member);
	if (o != NULL && !o->going_on)
		o->since_ms = now_ms;
	return o;
}

/* NULL: all names are taken. */
static struct outage_heir *
heir_of(struct outage *o, struct slice id)
{
	for (size_t i = 0; i < o->heir_count; i++) {
		if (slice_equal(id, (struct slice){o->heir[i].id, o->heir[i].id_bytes}))
			return &o->heir[i];
	}
	if (o->heir_count == OUTAGE_HEIRS_MAX || id.bytes > ID_BYTES_MAX)
		return NULL;
	struct outage_heir *heir = &o->heir[o->heir_count++];
	heir->id_bytes = copy_id(heir->id, id);
	return heir;
}

void
outages_count_move(struct outages *outages, struct slice service, struct slice from,
		   struct slice to, uint64_t now_ms)
{
	struct outage *o = sign(outages, service, from, now_ms);
	if (o == NULL)
		return;
	o->sessions_moved++;
	struct outage_heir *heir = heir_of(o, to);
	if (heir != NULL)
		heir->count++;
	else
		o->elsewhere++;
}

void
outages_count_failed(struct outages *outages, struct slice service, struct slice member,
		     uint64_t now_ms)
{
	struct outage *o = sign(outages, service, member, now_ms);
	if (o != NULL)
		o->requests_failed++;
}

void
outages_tick(struct outages *outages, uint64_t now_ms)
{
	for (size_t b = 0; b < OUTAGE_BUCKETS; b++) {
		struct outage **link = &outages->bucket[b];
		while (*link != NULL) {
			struct outage *o = *link;
			if (!o->going_on && now_ms >= o->since_ms + OUTAGE_BREWING_MS)
				free(take_out(outages, link));
			else
				link = &o->next;
		}
	}
}
