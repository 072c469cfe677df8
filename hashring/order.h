/*
 * order.h: what the files of hashring/ share; a program includes hashring.h.
 *
 *   hash.c      bytes -> 64 bits             the only file that knows xxHash
 *   logtable.c  the 257 values of the logarithm
 *   scan.c      greatest draw of many        the hot loop, twice: AVX2 and plain C
 *   survey.c    two greatest, how many above the same, for near.c
 *   ring.c      members -> struct hashring   validates, groups by weight, fingerprints
 *   lanes.c     sets of members by lane
 *   order.c     (ring, digest) -> order      the questions of hashring.h
 *   near.c      (set, digest) -> first ones and a member's place, in one pass
 *
 * The formulas below are normative in SPEC.md and frozen with version 1.
 */
#ifndef HASHRING_ORDER_H
#define HASHRING_ORDER_H

#include "hashring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_LANES        ((size_t)8) /* members that one step of the scan takes */

#define LOG_STEP_BITS     8                    /* 256 chords an octave */
#define LOG_FRACTION_BITS 40                   /* fixed point: 2^40 is 1.0 */
#define LOG_REST_BITS     (32 - LOG_STEP_BITS) /* position on a chord */
#define LOG_TABLE_COUNT   ((1 << LOG_STEP_BITS) + 1)

/* hashring_log_table[i] = 2^40 * log2(1 + i / 256), to the nearest integer. */
extern const uint64_t hashring_log_table[LOG_TABLE_COUNT];

uint64_t hashring_hash(const void *bytes, size_t count); /* XXH3, 64 bits, no seed */

/* First draw: lowbias32 (C. Wellons, "Prospecting for Hash Functions", 2018); a bijection. */
static inline uint32_t
draw32(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x7feb352d);
	x ^= x >> 15;
	x *= UINT32_C(0x846ca68b);
	x ^= x >> 16;
	return x;
}

/* The x of draw32(x): tells whose draw it was without a second scan. */
static inline uint32_t
draw32_inverse(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x43021123);
	x ^= (x >> 15) ^ (x >> 30);
	x *= UINT32_C(0x1d69e2a5);
	x ^= x >> 16;
	return x;
}

/* Second draw: fmix64 of MurmurHash3 (A. Appleby). */
static inline uint64_t
draw64(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

/*
 * -log2((u + 1/2) / 2^32) in units of 2^-40, by chords: 1 .. 33 * 2^40, so that
 * its product with a weight fits 62 bits. Strictly decreasing in u: a chord rises
 * at least 2^31 over 2^24 positions, and neighbouring u are 2 positions apart.
 * Hence, within one weight, the greater draw is always the earlier member.
 */
static inline uint64_t
cost_numerator(uint32_t u)
{
	uint64_t odd = 2 * (uint64_t)u + 1; /* (u + 1/2) * 2 */
	unsigned octave = 63u - (unsigned)__builtin_clzll(odd);
	uint64_t scaled = odd << (32 - octave); /* 2^32 .. 2^33 - 1 */
	unsigned i = (unsigned)(scaled >> LOG_REST_BITS) & ((1u << LOG_STEP_BITS) - 1);
	uint64_t rest = scaled & ((UINT64_C(1) << LOG_REST_BITS) - 1);
	uint64_t rise = hashring_log_table[i + 1] - hashring_log_table[i];
	uint64_t log = ((uint64_t)octave << LOG_FRACTION_BITS) + hashring_log_table[i] +
		       ((rise * rest) >> LOG_REST_BITS);
	return (UINT64_C(33) << LOG_FRACTION_BITS) - log;
}

/* Which members a scan looks at, by zone. */
enum ring_group {
	GROUP_ALL,
	GROUP_OUTSIDE, /* not in the given zone */
	GROUP_INSIDE,
};

/*
 * Greatest draw32(seed[i] ^ point) of the lanes whose bit is set in `mask` (bit
 * i % 8 of byte i / 8) and whose zone is in the group; 0 when there is none,
 * which a true draw can be as well. `lanes` is a multiple of RING_LANES.
 */
typedef uint32_t ring_scan_fn(const uint32_t *seed, const uint32_t *zone, const uint8_t *mask,
			      size_t lanes, uint32_t point, enum ring_group group,
			      uint32_t in_zone);

uint32_t hashring_scan_portable(const uint32_t *seed, const uint32_t *zone, const uint8_t *mask,
				size_t lanes, uint32_t point, enum ring_group group,
				uint32_t in_zone);
/* The quickest that this machine can run; all give the same answers. */
ring_scan_fn *hashring_scan_best(void);

/* The lanes of one weight, and who is looked at. */
struct ring_lanes {
	const uint32_t *seed;
	const uint32_t *zone;
	const uint8_t *mask; /* who may be found: bit i % 8 of byte i / 8 */
	size_t count;        /* a multiple of RING_LANES */
	enum ring_group group;
	uint32_t in_zone; /* unless GROUP_ALL */
};

/* What one pass over them finds. */
struct ring_survey {
	uint32_t first;  /* greatest draw of a lane in mask and group; 0: none, or a true draw */
	uint32_t second; /* the next one, which may be equal; 0 likewise */
	uint32_t reach;  /* how many lanes of the group draw `bound` or more, in the mask or not */
};

typedef void ring_survey_fn(const struct ring_lanes *lanes, uint32_t point, uint32_t bound,
			    struct ring_survey *out);
void hashring_survey_portable(const struct ring_lanes *lanes, uint32_t point, uint32_t bound,
			      struct ring_survey *out);
/* The quickest that this machine can run; all give the same answers. */
ring_survey_fn *hashring_survey_best(void);

/* The members of one weight: lanes [lane_from, lane_from + lanes), the last ones perhaps empty. */
struct ring_class {
	uint32_t weight;
	uint32_t members;     /* count; at least 1 */
	uint32_t lane_from;   /* multiple of RING_LANES */
	uint32_t lanes;       /* multiple of RING_LANES */
	uint32_t lookup_from; /* its `members` entries of lookup[] */
};

/*
 * Everything is written once, by create. "Lane" is a member's place in memory:
 * members lie grouped by weight, each group padded to whole steps of the scan.
 */
struct hashring {
	size_t count;
	size_t class_count;
	size_t lane_count;
	uint64_t fingerprint;
	ring_scan_fn *scan;
	ring_survey_fn *survey;
	bool lane_is_member; /* lane i holds member i: one weight, no weight 0 */

	/* by member */
	uint64_t *seed;
	uint32_t *weight;
	uint32_t *id_place; /* place among all ids in byte order: the last tie-break */
	uint32_t *zone;     /* equal numbers: equal zones */
	uint32_t *lane;     /* HASHRING_NONE when the weight is 0 */

	/* by lane */
	uint32_t *lane_seed;   /* lower half of the seed */
	uint32_t *lane_zone;   /* HASHRING_NONE in padding: in no zone */
	uint32_t *lane_member; /* HASHRING_NONE in padding */
	uint8_t *lane_held;    /* a bit a lane: not padding */

	struct ring_class *class; /* heaviest first */
	uint64_t *lookup; /* lower half of the seed << 32 | lane; ascending within a class */
};

/* hashring_first for a session point rather than a digest (tests choose the point). */
uint32_t hashring_first_at(const struct hashring *ring, uint64_t point, uint32_t apart,
			   const hashring_word *live);

#endif
