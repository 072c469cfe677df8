/*
 * octets.h: classes of bytes, one at a time and, where the machine has SSE2, sixteen
 * at a time. For the files of this room.
 */
#ifndef HOLDFAST_HTTP_OCTETS_H
#define HOLDFAST_HTTP_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define CASE_BIT 0x20 /* set in every letter of lower case, and in '-' */

extern const bool is_token[256];    /* tchar of RFC 9110 section 5.6.2 */
extern const bool is_target[256];   /* of a request target: printable ASCII without '#' */
extern const bool is_reg_name[256]; /* unreserved, sub-delims of RFC 3986; '%' is looked at apart */

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A control other than HTAB; DEL is one. */
static inline bool
is_control(char c)
{
	return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

#ifdef __SSE2__
#define BLOCK_BYTES 16

static inline __m128i
block_at(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Bit i: at[i] is a control, or HTAB. */
static inline unsigned
block_stops(const char *at)
{
	__m128i block = block_at(at);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
	__m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}

/* Of each byte: is it one from `first` to `last`? */
static inline __m128i
block_range(__m128i block, char first, char last)
{
	__m128i above = _mm_sub_epi8(block, _mm_set1_epi8(first));
	return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}
#endif

/* octets.c: the same as find_control, byte by byte; where there is a HTAB, as nearly nowhere. */
const char *find_control_slowly(const char *at, const char *end);

/* The first control, or `end`. Bytes from `low` on may be looked at. */
static inline const char *
find_control(const char *low, const char *at, const char *end)
{
#ifdef __SSE2__
	if (end - low >= BLOCK_BYTES) {
		const char *last = end - BLOCK_BYTES;
		for (; at <= last; at += BLOCK_BYTES) {
			unsigned stops = block_stops(at);
			if (stops == 0)
				continue;
			at += __builtin_ctz(stops);
			return __builtin_expect(*at == '\t', 0) ? find_control_slowly(at, end) : at;
		}
		/* The last block again, without what of it stands before `at`. */
		unsigned stops = at < end ? block_stops(last) >> (at - last) : 0;
		if (stops == 0)
			return end;
		at += __builtin_ctz(stops);
		if (__builtin_expect(*at != '\t', 1))
			return at;
	}
#else
	(void)low;
#endif
	return find_control_slowly(at, end);
}

/*
 * A shortcut: behind those letters, digits, '-' and '.' that stand at `at`, of which most
 * names are; not all of them where that is not quickly known.
 */
static inline const char *
skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
	if (end - at < BLOCK_BYTES)
		return at;
	__m128i block = block_at(at);
	__m128i letter = block_range(_mm_or_si128(block, _mm_set1_epi8(CASE_BIT)), 'a', 'z');
	__m128i other = _mm_or_si128(block_range(block, '0', '9'), block_range(block, '-', '.'));
	unsigned plain = (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, other));
	return at + __builtin_ctz(~plain);
#else
	(void)end;
	return at;
#endif
}

#endif
