/*
 * survey.c: the two greatest draws of many members, and how many reach a bound, in one pass; see
 * order.h. Twice, as in scan.c; the answers are the same by test.
 */
#include "order.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A bit a lane of the step at `i`: in the group. */
static unsigned
step_group(const struct ring_lanes *lanes, size_t i)
{
	if (lanes->group == GROUP_ALL)
		return 0xff;
	unsigned inside = 0;
	for (unsigned j = 0; j < RING_LANES; j++)
		inside |= (unsigned)(lanes->zone[i + j] == lanes->in_zone) << j;
	return lanes->group == GROUP_INSIDE ? inside : ~inside & 0xff;
}

/* Each lane of a step keeps its own two greatest; the two greatest of all are among them. */
static void
survey_join(const uint32_t first[RING_LANES], const uint32_t second[RING_LANES],
	    struct ring_survey *out)
{
	out->first = 0;
	out->second = 0;
	for (unsigned j = 0; j < 2 * RING_LANES; j++) {
		uint32_t u = j < RING_LANES ? first[j] : second[j - RING_LANES];
		uint32_t less = u < out->first ? u : out->first;
		out->first = u > out->first ? u : out->first;
		out->second = less > out->second ? less : out->second;
	}
}

void
hashring_survey_portable(const struct ring_lanes *lanes, uint32_t point, uint32_t bound,
			 struct ring_survey *out)
{
	uint32_t first[RING_LANES] = {0};
	uint32_t second[RING_LANES] = {0};
	out->reach = 0;
	for (size_t i = 0; i < lanes->count; i += RING_LANES) {
		unsigned group = step_group(lanes, i);
		unsigned chosen = group & lanes->mask[i / 8];
		for (unsigned j = 0; j < RING_LANES; j++) {
			uint32_t u = draw32(lanes->seed[i + j] ^ point);
			out->reach += u >= bound && (group >> j & 1) != 0;
			u &= 0 - (chosen >> j & 1);
			uint32_t less = u < first[j] ? u : first[j];
			first[j] = u > first[j] ? u : first[j];
			second[j] = less > second[j] ? less : second[j];
		}
	}
	survey_join(first, second, out);
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* Eight lanes: their two greatest so far, and how many reached the bound, counted below zero. */
struct eight {
	__m256i first;
	__m256i second;
	__m256i reach;
};

AVX2 static inline __m256i
eight_draws(const uint32_t *seed, __m256i point)
{
	__m256i x = _mm256_xor_si256(_mm256_loadu_si256((const void *)seed), point);
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x7feb352du));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68bu));
	return _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
}

/* All bits of each lane whose bit is set. */
AVX2 static inline __m256i
eight_mask(uint8_t mask)
{
	const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi8((char)mask), bit), bit);
}

AVX2 static inline void
eight_keep(struct eight *e, __m256i x)
{
	e->second = _mm256_max_epu32(e->second, _mm256_min_epu32(e->first, x));
	e->first = _mm256_max_epu32(e->first, x);
}

/* GROUP_ALL: nothing is asked of zones. */
AVX2 static inline void
eight_step(struct eight *e, const struct ring_lanes *lanes, size_t i, __m256i point, __m256i bound)
{
	__m256i x = eight_draws(lanes->seed + i, point);
	__m256i reaches = _mm256_cmpeq_epi32(_mm256_max_epu32(x, bound), x);
	e->reach = _mm256_add_epi32(e->reach, reaches);
	eight_keep(e, _mm256_and_si256(x, eight_mask(lanes->mask[i / 8])));
}

AVX2 static inline void
eight_step_group(struct eight *e, const struct ring_lanes *lanes, size_t i, __m256i point,
		 __m256i bound)
{
	__m256i x = eight_draws(lanes->seed + i, point);
	__m256i zone = _mm256_loadu_si256((const void *)(lanes->zone + i));
	__m256i inside = _mm256_cmpeq_epi32(zone, _mm256_set1_epi32((int)lanes->in_zone));
	__m256i flip = _mm256_set1_epi32(lanes->group == GROUP_OUTSIDE ? -1 : 0);
	__m256i group = _mm256_xor_si256(inside, flip);
	__m256i reaches = _mm256_cmpeq_epi32(_mm256_max_epu32(x, bound), x);
	e->reach = _mm256_add_epi32(e->reach, _mm256_and_si256(reaches, group));
	x = _mm256_and_si256(x, eight_mask(lanes->mask[i / 8]));
	eight_keep(e, _mm256_and_si256(x, group));
}

/* The upper half of what is left is folded onto the lower one, until one lane has it all. */
AVX2 static inline void
eight_join(const struct eight *e, struct ring_survey *out)
{
	__m128i high = _mm256_extracti128_si256(e->first, 1);
	__m128i first = _mm256_castsi256_si128(e->first);
	__m128i second = _mm_max_epu32(_mm256_castsi256_si128(e->second),
				       _mm256_extracti128_si256(e->second, 1));
	__m128i reach =
	    _mm_add_epi32(_mm256_castsi256_si128(e->reach), _mm256_extracti128_si256(e->reach, 1));
	second = _mm_max_epu32(second, _mm_min_epu32(first, high));
	first = _mm_max_epu32(first, high);
	high = _mm_shuffle_epi32(first, 0x4e);
	second = _mm_max_epu32(second, _mm_shuffle_epi32(second, 0x4e));
	second = _mm_max_epu32(second, _mm_min_epu32(first, high));
	first = _mm_max_epu32(first, high);
	high = _mm_shuffle_epi32(first, 0xb1);
	second = _mm_max_epu32(second, _mm_shuffle_epi32(second, 0xb1));
	second = _mm_max_epu32(second, _mm_min_epu32(first, high));
	first = _mm_max_epu32(first, high);
	reach = _mm_add_epi32(reach, _mm_shuffle_epi32(reach, 0x4e));
	reach = _mm_add_epi32(reach, _mm_shuffle_epi32(reach, 0xb1));
	out->first = (uint32_t)_mm_cvtsi128_si32(first);
	out->second = (uint32_t)_mm_cvtsi128_si32(second);
	out->reach = 0 - (uint32_t)_mm_cvtsi128_si32(reach);
}

AVX2 static void
survey_avx2(const struct ring_lanes *lanes, uint32_t point, uint32_t bound, struct ring_survey *out)
{
	const __m256i points = _mm256_set1_epi32((int)point);
	const __m256i bounds = _mm256_set1_epi32((int)bound);
	struct eight even = {_mm256_setzero_si256(), _mm256_setzero_si256(),
			     _mm256_setzero_si256()};
	struct eight odd = even; /* two chains: one would wait for its own greatest */
	size_t i = 0;
	if (lanes->group == GROUP_ALL) {
		for (; i + 2 * RING_LANES <= lanes->count; i += 2 * RING_LANES) {
			eight_step(&even, lanes, i, points, bounds);
			eight_step(&odd, lanes, i + RING_LANES, points, bounds);
		}
		if (i < lanes->count)
			eight_step(&even, lanes, i, points, bounds);
	} else {
		for (; i < lanes->count; i += RING_LANES)
			eight_step_group(&even, lanes, i, points, bounds);
	}
	eight_keep(&even, odd.first);
	eight_keep(&even, odd.second);
	even.reach = _mm256_add_epi32(even.reach, odd.reach);
	eight_join(&even, out);
}

ring_survey_fn *
hashring_survey_best(void)
{
	return __builtin_cpu_supports("avx2") ? survey_avx2 : hashring_survey_portable;
}

#else

ring_survey_fn *
hashring_survey_best(void)
{
	return hashring_survey_portable;
}

#endif
