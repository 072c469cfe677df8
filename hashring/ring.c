/*
 * ring.c: from a list of members to the immutable ring: checks, numbers for
 * zones and for the byte order of ids (so that no id is kept), lanes grouped by
 * weight for the scan, fingerprint. The only file of the library that allocates.
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

struct named {
	const void *at; /* borrowed from the caller during create */
	size_t bytes;
	uint32_t member;
};

static int
bytes_compare(const struct named *a, const struct named *b)
{
	int diff = memcmp(a->at, b->at, a->bytes < b->bytes ? a->bytes : b->bytes);
	if (diff != 0)
		return diff;
	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static int
named_compare(const void *left, const void *right)
{
	const struct named *a = left;
	const struct named *b = right;
	int diff = bytes_compare(a, b);
	return diff != 0 ? diff : (a->member > b->member) - (a->member < b->member);
}

static int
u64_compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

/* The smallest index at fault counts; ids and weights before duplicates. */
static enum hashring_error
members_check(const struct hashring_member *members, size_t count, size_t *culprit)
{
	for (size_t i = 0; i < count; i++) {
		*culprit = i;
		if (members[i].id == NULL || members[i].id_bytes == 0 ||
		    members[i].id_bytes > HASHRING_ID_BYTES_MAX)
			return HASHRING_BAD_ID;
		if (members[i].weight > HASHRING_WEIGHT_MAX)
			return HASHRING_BAD_WEIGHT;
	}
	return HASHRING_OK;
}

static bool
has_zone(const struct hashring_member *m)
{
	return m->zone != NULL && m->zone_bytes > 0;
}

/* Never 0 elements, so that NULL always means no memory. */
static void *
array(size_t count, size_t bytes)
{
	return calloc(count > 0 ? count : 1, bytes);
}

static bool
ring_allocate_members(struct hashring *r)
{
	r->seed = array(r->count, sizeof(*r->seed));
	r->weight = array(r->count, sizeof(*r->weight));
	r->id_place = array(r->count, sizeof(*r->id_place));
	r->zone = array(r->count, sizeof(*r->zone));
	r->lane = array(r->count, sizeof(*r->lane));
	r->lookup = array(r->count, sizeof(*r->lookup));
	return r->seed != NULL && r->weight != NULL && r->id_place != NULL && r->zone != NULL &&
	       r->lane != NULL && r->lookup != NULL;
}

static bool
ring_allocate_lanes(struct hashring *r)
{
	r->class = array(r->class_count, sizeof(*r->class));
	r->lane_seed = array(r->lane_count, sizeof(*r->lane_seed));
	r->lane_zone = array(r->lane_count, sizeof(*r->lane_zone));
	r->lane_member = array(r->lane_count, sizeof(*r->lane_member));
	r->lane_held = array(r->lane_count / RING_LANES, sizeof(*r->lane_held));
	return r->class != NULL && r->lane_seed != NULL && r->lane_zone != NULL &&
	       r->lane_member != NULL && r->lane_held != NULL;
}

/* Places of the ids in byte order, and the fingerprint, which is taken in that order. */
static enum hashring_error
ring_rank_ids(struct hashring *r, const struct hashring_member *members, struct named *sorted,
	      size_t *culprit)
{
	for (size_t i = 0; i < r->count; i++)
		sorted[i] = (struct named){members[i].id, members[i].id_bytes, (uint32_t)i};
	qsort(sorted, r->count, sizeof(*sorted), named_compare);
	size_t again = r->count;
	for (size_t i = 1; i < r->count; i++)
		if (bytes_compare(&sorted[i - 1], &sorted[i]) == 0 && sorted[i].member < again)
			again = sorted[i].member;
	if (again < r->count) {
		*culprit = again;
		return HASHRING_DUPLICATE_ID;
	}
	uint64_t h = HASHRING_VERSION;
	for (size_t i = 0; i < r->count; i++) {
		const struct hashring_member *m = &members[sorted[i].member];
		r->id_place[sorted[i].member] = (uint32_t)i;
		h = draw64(h ^ r->seed[sorted[i].member]);
		h = draw64(h ^ m->weight);
		h = draw64(h ^ (has_zone(m) ? hashring_hash(m->zone, m->zone_bytes) : 0));
	}
	r->fingerprint = h;
	return HASHRING_OK;
}

/* Equal zones get equal numbers; a member without a zone a number of its own. */
static void
ring_number_zones(struct hashring *r, const struct hashring_member *members, struct named *sorted)
{
	size_t zoned = 0;
	for (size_t i = 0; i < r->count; i++) {
		r->zone[i] = (uint32_t)(r->count + i);
		if (has_zone(&members[i]))
			sorted[zoned++] =
			    (struct named){members[i].zone, members[i].zone_bytes, (uint32_t)i};
	}
	qsort(sorted, zoned, sizeof(*sorted), named_compare);
	uint32_t number = 0;
	for (size_t i = 0; i < zoned; i++) {
		if (i > 0 && bytes_compare(&sorted[i - 1], &sorted[i]) != 0)
			number++;
		r->zone[sorted[i].member] = number;
	}
}

static size_t
lanes_for(size_t members)
{
	return (members + RING_LANES - 1) / RING_LANES * RING_LANES;
}

/* Members by weight, heaviest first, then as listed; weight 0 last. Returns how many have weight.
 */
static size_t
sort_by_weight(const struct hashring *r, uint64_t *sorted)
{
	size_t standing = 0;
	for (size_t i = 0; i < r->count; i++) {
		sorted[i] = (uint64_t)(HASHRING_WEIGHT_MAX - r->weight[i]) << 32 | i;
		standing += r->weight[i] > 0;
	}
	qsort(sorted, r->count, sizeof(*sorted), u64_compare);
	return standing;
}

static size_t
class_end(const uint64_t *sorted, size_t from, size_t standing)
{
	size_t to = from + 1;
	while (to < standing && sorted[to] >> 32 == sorted[from] >> 32)
		to++;
	return to;
}

static void
class_fill(struct hashring *r, struct ring_class *c, const uint64_t *sorted)
{
	for (uint32_t i = 0; i < c->lanes; i++) {
		r->lane_member[c->lane_from + i] = HASHRING_NONE;
		r->lane_zone[c->lane_from + i] = HASHRING_NONE;
	}
	for (uint32_t i = 0; i < c->members; i++) {
		uint32_t member = (uint32_t)sorted[i];
		uint32_t lane = c->lane_from + i;
		uint32_t half = (uint32_t)r->seed[member];
		r->lane[member] = lane;
		r->lane_member[lane] = member;
		r->lane_seed[lane] = half;
		r->lane_zone[lane] = r->zone[member];
		r->lane_held[lane / 8] = (uint8_t)(r->lane_held[lane / 8] | 1u << lane % 8);
		r->lookup[c->lookup_from + i] = (uint64_t)half << 32 | lane;
	}
	qsort(r->lookup + c->lookup_from, c->members, sizeof(*r->lookup), u64_compare);
}

static enum hashring_error
ring_lay_lanes(struct hashring *r, uint64_t *sorted)
{
	size_t standing = sort_by_weight(r, sorted);
	for (size_t from = 0, to; from < standing; from = to) {
		to = class_end(sorted, from, standing);
		r->class_count++;
		r->lane_count += lanes_for(to - from);
	}
	if (!ring_allocate_lanes(r))
		return HASHRING_NO_MEMORY;
	for (size_t i = 0; i < r->count; i++)
		r->lane[i] = HASHRING_NONE;
	struct ring_class *c = r->class;
	uint32_t lane = 0;
	for (size_t from = 0, to; from < standing; from = to) {
		to = class_end(sorted, from, standing);
		c->weight = r->weight[(uint32_t)sorted[from]];
		c->members = (uint32_t)(to - from);
		c->lane_from = lane;
		c->lanes = (uint32_t)lanes_for(to - from);
		c->lookup_from = (uint32_t)from;
		class_fill(r, c, sorted + from);
		lane += c->lanes;
		c++;
	}
	r->lane_is_member = r->class_count == 1 && standing == r->count;
	return HASHRING_OK;
}

static enum hashring_error
ring_build(struct hashring *r, const struct hashring_member *members, size_t *culprit)
{
	if (!ring_allocate_members(r))
		return HASHRING_NO_MEMORY;
	for (size_t i = 0; i < r->count; i++) {
		r->seed[i] = hashring_hash(members[i].id, members[i].id_bytes);
		r->weight[i] = members[i].weight;
	}
	struct named *names = array(r->count, sizeof(*names));
	uint64_t *numbers = array(r->count, sizeof(*numbers));
	enum hashring_error error = HASHRING_NO_MEMORY;
	if (names != NULL && numbers != NULL)
		error = ring_rank_ids(r, members, names, culprit);
	if (error == HASHRING_OK) {
		ring_number_zones(r, members, names);
		error = ring_lay_lanes(r, numbers);
	}
	free(numbers);
	free(names);
	return error;
}

enum hashring_error
hashring_create(const struct hashring_member *members, size_t count, struct hashring **out,
		size_t *culprit)
{
	size_t fault;
	*out = NULL;
	if (count > HASHRING_MEMBERS_MAX)
		return HASHRING_TOO_MANY;
	enum hashring_error error = members_check(members, count, &fault);
	if (error == HASHRING_OK) {
		struct hashring *r = calloc(1, sizeof(*r));
		if (r == NULL)
			return HASHRING_NO_MEMORY;
		r->count = count;
		r->scan = hashring_scan_best();
		r->survey = hashring_survey_best();
		error = ring_build(r, members, &fault);
		if (error == HASHRING_OK)
			*out = r;
		else
			hashring_free(&r);
	}
	if (culprit != NULL && error != HASHRING_OK && error != HASHRING_NO_MEMORY)
		*culprit = fault;
	return error;
}

void
hashring_free(struct hashring **ring)
{
	struct hashring *r = *ring;
	*ring = NULL;
	if (r == NULL)
		return;
	free(r->lane_held);
	free(r->lane_member);
	free(r->lane_zone);
	free(r->lane_seed);
	free(r->class);
	free(r->lookup);
	free(r->lane);
	free(r->zone);
	free(r->id_place);
	free(r->weight);
	free(r->seed);
	free(r);
}

size_t
hashring_count(const struct hashring *ring)
{
	return ring->count;
}

uint64_t
hashring_fingerprint(const struct hashring *ring)
{
	return ring->fingerprint;
}

const char *
hashring_error_text(enum hashring_error error)
{
	switch (error) {
	case HASHRING_OK:
		return "no error";
	case HASHRING_NO_MEMORY:
		return "out of memory";
	case HASHRING_TOO_MANY:
		return "too many members";
	case HASHRING_BAD_ID:
		return "member id is empty or longer than 255 bytes";
	case HASHRING_DUPLICATE_ID:
		return "two members have the same id";
	case HASHRING_BAD_WEIGHT:
		return "member weight is above 65535";
	}
	return "unknown error";
}
