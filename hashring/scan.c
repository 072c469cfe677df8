/*
 * scan.c: the greatest draw of many members; see order.h. Written twice, because
 * a compiler at -O2 does not vectorise the plain loop: with AVX2 intrinsics where
 * the processor has them, and in plain C for every other one. The answers are
 * the same by test.
 */
#include "order.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

uint32_t
hashring_scan_portable(const uint32_t *seed, const uint32_t *zone, const uint8_t *mask,
		       size_t lanes, uint32_t point, enum ring_group group, uint32_t in_zone)
{
	uint32_t greatest[RING_LANES] = {0};
	uint32_t inside = group == GROUP_INSIDE;
	for (size_t i = 0; i < lanes; i += RING_LANES) {
		unsigned chosen = mask[i / 8];
		if (group != GROUP_ALL)
			for (unsigned j = 0; j < RING_LANES; j++)
				chosen &= ~((uint32_t)((zone[i + j] == in_zone) != inside) << j);
		for (unsigned j = 0; j < RING_LANES; j++) {
			uint32_t u = draw32(seed[i + j] ^ point) & (0 - (chosen >> j & 1));
			greatest[j] = u > greatest[j] ? u : greatest[j];
		}
	}
	for (unsigned j = 1; j < RING_LANES; j++)
		greatest[0] = greatest[j] > greatest[0] ? greatest[j] : greatest[0];
	return greatest[0];
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* Eight draws, 0 in the lanes that the mask byte leaves out. */
AVX2 static inline __m256i
draws(const uint32_t *seed, uint8_t mask, __m256i point)
{
	const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	__m256i x = _mm256_xor_si256(_mm256_loadu_si256((const void *)seed), point);
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x7feb352du));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68bu));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	__m256i held = _mm256_and_si256(_mm256_set1_epi8((char)mask), bit);
	return _mm256_and_si256(x, _mm256_cmpeq_epi32(held, bit));
}

AVX2 static inline uint32_t
greatest_lane(__m256i x)
{
	__m128i m = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
	m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
	m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
	return (uint32_t)_mm_cvtsi128_si32(m);
}

AVX2 static uint32_t
scan_avx2(const uint32_t *seed, const uint32_t *zone, const uint8_t *mask, size_t lanes,
	  uint32_t point, enum ring_group group, uint32_t in_zone)
{
	__m256i points = _mm256_set1_epi32((int)point);
	__m256i greatest = _mm256_setzero_si256();
	if (group == GROUP_ALL) {
		__m256i odd = greatest; /* two chains: one would wait for its own maximum */
		size_t i = 0;
		for (; i + 2 * RING_LANES <= lanes; i += 2 * RING_LANES) {
			greatest = _mm256_max_epu32(greatest, draws(seed + i, mask[i / 8], points));
			odd = _mm256_max_epu32(
			    odd, draws(seed + i + RING_LANES, mask[i / 8 + 1], points));
		}
		if (i < lanes)
			odd = _mm256_max_epu32(odd, draws(seed + i, mask[i / 8], points));
		return greatest_lane(_mm256_max_epu32(greatest, odd));
	}
	__m256i zones = _mm256_set1_epi32((int)in_zone);
	__m256i flip = _mm256_set1_epi32(group == GROUP_OUTSIDE ? -1 : 0);
	for (size_t i = 0; i < lanes; i += RING_LANES) {
		__m256i same =
		    _mm256_cmpeq_epi32(_mm256_loadu_si256((const void *)(zone + i)), zones);
		__m256i chosen = _mm256_xor_si256(same, flip);
		__m256i x = draws(seed + i, mask[i / 8], points);
		greatest = _mm256_max_epu32(greatest, _mm256_and_si256(x, chosen));
	}
	return greatest_lane(greatest);
}

ring_scan_fn *
hashring_scan_best(void)
{
	return __builtin_cpu_supports("avx2") ? scan_avx2 : hashring_scan_portable;
}

#else

ring_scan_fn *
hashring_scan_best(void)
{
	return hashring_scan_portable;
}

#endif
