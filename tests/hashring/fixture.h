/*
 * fixture.h: rings and digests for the tests of hashring/, the same in every
 * run: chance is SplitMix64 from a seed that the test names.
 */
#ifndef HASHRING_TEST_FIXTURE_H
#define HASHRING_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../hashring/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chance {
	uint64_t state;
};

static inline uint64_t
chance_next(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint32_t
chance_below(struct chance *c, uint32_t bound)
{
	return bound == 0 ? 0 : (uint32_t)(chance_next(c) >> 32) % bound;
}

static inline void
chance_digest(struct chance *c, uint8_t digest[HASHRING_DIGEST_BYTES])
{
	uint64_t halves[2] = {chance_next(c), chance_next(c)};
	memcpy(digest, halves, sizeof(halves));
}

/* Members as a caller has them; ids and zones point into the struct itself. */
struct cast {
	size_t count;
	struct hashring_member *member; /* owned */
	char (*name)[32];               /* owned */
};

static const char *const cast_zones[] = {"north", "south", "east"};

/* Weight 1 and no zone: a test changes what it is about. */
static inline struct cast
cast_of(size_t count)
{
	struct cast cast = {count, calloc(count + 1, sizeof(*cast.member)),
			    calloc(count + 1, sizeof(*cast.name))};
	if (cast.member == NULL || cast.name == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		snprintf(cast.name[i], sizeof(cast.name[i]), "member-%zu", i);
		cast.member[i] = (struct hashring_member){
		    .id = cast.name[i], .id_bytes = strlen(cast.name[i]), .weight = 1};
	}
	return cast;
}

static inline void
cast_zone(struct cast *cast, size_t i, const char *zone)
{
	cast->member[i].zone = zone;
	cast->member[i].zone_bytes = zone == NULL ? 0 : strlen(zone);
}

/* Weights 0 to `weight_max`, a zone of three or none. */
static inline void
cast_shuffle_traits(struct cast *cast, struct chance *c, uint32_t weight_max)
{
	for (size_t i = 0; i < cast->count; i++) {
		uint32_t zone = chance_below(c, 4);
		cast->member[i].weight = chance_below(c, weight_max + 1);
		cast_zone(cast, i, zone < 3 ? cast_zones[zone] : NULL);
	}
}

static inline void
cast_free(struct cast *cast)
{
	free(cast->member);
	free(cast->name);
}

static inline struct hashring *
ring_of(const struct cast *cast)
{
	struct hashring *ring = NULL;
	size_t culprit = 0;
	assert_int_equal(hashring_create(cast->member, cast->count, &ring, &culprit), HASHRING_OK);
	assert_non_null(ring);
	return ring;
}

static inline bool
set_has(const hashring_word *set, uint32_t member)
{
	return set == NULL || (set[member / 64] >> (member % 64) & 1) != 0;
}

#endif
