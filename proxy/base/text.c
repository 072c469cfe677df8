/* text.c: slices and the bounds-checked writer; see text.h. */
#include "base/text.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

char
ascii_lower(char c)
{
	if (c < 'A' || c > 'Z')
		return c;
	return (char)((unsigned char)c | 0x20U);
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.bytes != b.bytes)
		return false;
	for (size_t i = 0; i < a.bytes; i++) {
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	}
	return true;
}

bool
slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.bytes >= prefix.bytes &&
	       (prefix.bytes == 0 || memcmp(s.at, prefix.at, prefix.bytes) == 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice s)
{
	while (s.bytes > 0 && is_blank(s.at[0])) {
		s.at++;
		s.bytes--;
	}
	while (s.bytes > 0 && is_blank(s.at[s.bytes - 1]))
		s.bytes--;
	return s;
}

size_t
slice_find(struct slice s, char c)
{
	if (s.bytes == 0)
		return 0;
	const char *hit = memchr(s.at, c, s.bytes);
	return hit == NULL ? s.bytes : (size_t)(hit - s.at);
}

bool
slice_next_element(struct slice *rest, struct slice *element)
{
	while (rest->bytes > 0) {
		size_t comma = slice_find(*rest, ',');
		*element = slice_trim((struct slice){rest->at, comma});
		size_t taken = comma < rest->bytes ? comma + 1 : comma;
		rest->at += taken;
		rest->bytes -= taken;
		if (element->bytes > 0)
			return true;
	}
	return false;
}

bool
slice_to_u64(struct slice s, uint64_t *out)
{
	if (s.bytes == 0)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < s.bytes; i++) {
		char c = s.at[i];
		if (c < '0' || c > '9')
			return false;
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

void
write_text(struct writer *w, const char *terminated)
{
	write_bytes(w, terminated, strlen(terminated));
}

struct slice
u64_text(uint64_t value, char digits[U64_DIGITS_MAX])
{
	size_t at = U64_DIGITS_MAX;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	return (struct slice){digits + at, U64_DIGITS_MAX - at};
}

void
write_u64(struct writer *w, uint64_t value)
{
	char digits[U64_DIGITS_MAX];
	write_slice(w, u64_text(value, digits));
}

static const char hex_digits[] = "0123456789abcdef";

void
write_hex_u64(struct writer *w, uint64_t value)
{
	char digits[16];
	size_t at = sizeof(digits);
	do {
		digits[--at] = hex_digits[value & 15];
		value >>= 4;
	} while (value != 0);
	write_bytes(w, digits + at, sizeof(digits) - at);
}

static const char hex_pairs[] = /* of each byte */
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

/* Digits of as many bytes as can be written at a time; returns how many bytes that were. */
static size_t
hex_blocks(const uint8_t *at, size_t bytes, char *to)
{
	size_t done = 0;
#ifdef __SSE2__
	const __m128i low = _mm_set1_epi8(0x0f);
	for (; bytes - done >= 16; done += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(at + done));
		__m128i high_half = _mm_and_si128(_mm_srli_epi16(block, 4), low);
		__m128i low_half = _mm_and_si128(block, low);
		__m128i half[2] = {_mm_unpacklo_epi8(high_half, low_half),
				   _mm_unpackhi_epi8(high_half, low_half)};
		for (size_t i = 0; i < 2; i++) {
			__m128i letter = _mm_cmpgt_epi8(half[i], _mm_set1_epi8(9));
			__m128i shift = _mm_and_si128(letter, _mm_set1_epi8('a' - '0' - 10));
			__m128i digits =
			    _mm_add_epi8(_mm_add_epi8(half[i], shift), _mm_set1_epi8('0'));
			_mm_storeu_si128((__m128i *)(void *)(to + 2 * done + 16 * i), digits);
		}
	}
#else
	(void)at;
	(void)bytes;
	(void)to;
#endif
	return done;
}

void
write_hex_bytes(struct writer *w, const uint8_t *at, size_t bytes)
{
	if (bytes > (w->capacity - w->bytes) / 2) {
		w->overflow = true;
		return;
	}
	char *to = w->at + w->bytes;
	for (size_t i = hex_blocks(at, bytes, to); i < bytes; i++)
		memcpy(to + 2 * i, &hex_pairs[(size_t)2 * at[i]], 2);
	w->bytes += 2 * bytes;
}

void
write_format(struct writer *w, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	size_t room = w->capacity - w->bytes;
	int used = vsnprintf(w->at + w->bytes, room, format, ap);
	va_end(ap);
	if (used < 0 || (size_t)used >= room)
		w->overflow = true;
	else
		w->bytes += (size_t)used;
}

static bool
is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

void
write_json_string(struct writer *w, struct slice s)
{
	write_char(w, '"');
	for (size_t i = 0; i < s.bytes; i++) {
		char c = s.at[i];
		if (c == '"' || c == '\\') {
			write_char(w, '\\');
			write_char(w, c);
		} else if (is_printable(c)) {
			write_char(w, c);
		} else {
			write_literal(w, "\\u00");
			write_hex_bytes(w, &(uint8_t){(uint8_t)c}, 1);
		}
	}
	write_char(w, '"');
}

void
write_escaped(struct writer *w, struct slice s)
{
	for (size_t i = 0; i < s.bytes; i++) {
		char c = s.at[i];
		if (is_printable(c) && c != '"' && c != '\\') {
			write_char(w, c);
		} else {
			write_literal(w, "\\x");
			write_hex_bytes(w, &(uint8_t){(uint8_t)c}, 1);
		}
	}
}

const char *
writer_text(struct writer *w)
{
	assert(w->capacity > 0);
	if (w->bytes == w->capacity) {
		w->overflow = true;
		w->bytes--;
	}
	w->at[w->bytes] = '\0';
	return w->at;
}

static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
write_base64url(struct writer *w, const uint8_t *at, size_t bytes)
{
	size_t i = 0;
	for (; i + 3 <= bytes; i += 3) {
		uint32_t v = (uint32_t)at[i] << 16 | (uint32_t)at[i + 1] << 8 | at[i + 2];
		char four[4] = {base64url_digits[v >> 18], base64url_digits[v >> 12 & 63],
				base64url_digits[v >> 6 & 63], base64url_digits[v & 63]};
		write_bytes(w, four, 4);
	}
	if (bytes - i == 1) {
		char two[2] = {base64url_digits[at[i] >> 2], base64url_digits[(at[i] & 3) << 4]};
		write_bytes(w, two, 2);
	} else if (bytes - i == 2) {
		uint32_t v = (uint32_t)at[i] << 8 | at[i + 1];
		char three[3] = {base64url_digits[v >> 10], base64url_digits[v >> 4 & 63],
				 base64url_digits[(v & 15) << 2]};
		write_bytes(w, three, 3);
	}
}

/*
 * What a digit adds to its group of four, by its place there: six bits of three bytes, the
 * first byte lowest, and a bit from 24 up that says "a digit"; all else is 0. A tag is decoded
 * on every request: one load a character, one store a group, one test for the whole text.
 */
#define DIGIT_FLAGS     UINT32_C(0x0f000000)
#define DIGIT_BITS(v)   ((uint32_t)(v) << (18 - 6 * PLACE))
#define FIRST_LOWEST(x) ((x) >> 16 | ((x)&0xff00U) | ((x)&0xffU) << 16)
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a designator */
#define DIGIT(c, v) [(uint8_t)(c)] = FIRST_LOWEST(DIGIT_BITS(v)) | UINT32_C(1) << (24 + PLACE)
#define DIGITS_8(a, b, c, d, e, f, g, h, v)                                                      \
	DIGIT(a, v), DIGIT(b, (v) + 1), DIGIT(c, (v) + 2), DIGIT(d, (v) + 3), DIGIT(e, (v) + 4), \
	    DIGIT(f, (v) + 5), DIGIT(g, (v) + 6), DIGIT(h, (v) + 7)
#define DIGITS_64                                                 \
	DIGITS_8('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 0),      \
	    DIGITS_8('I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 8),  \
	    DIGITS_8('Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 16), \
	    DIGITS_8('Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f', 24), \
	    DIGITS_8('g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 32), \
	    DIGITS_8('o', 'p', 'q', 'r', 's', 't', 'u', 'v', 40), \
	    DIGITS_8('w', 'x', 'y', 'z', '0', '1', '2', '3', 48), \
	    DIGITS_8('4', '5', '6', '7', '8', '9', '-', '_', 56)
static const uint32_t base64url_place[4][256] = {
#define PLACE 0
    {DIGITS_64},
#undef PLACE
#define PLACE 1
    {DIGITS_64},
#undef PLACE
#define PLACE 2
    {DIGITS_64},
#undef PLACE
#define PLACE 3
    {DIGITS_64},
#undef PLACE
};

static uint32_t
group_of_four(const uint8_t *at)
{
	return base64url_place[0][at[0]] | base64url_place[1][at[1]] | base64url_place[2][at[2]] |
	       base64url_place[3][at[3]];
}

/* The last group, whole or not, is written byte by byte: nothing stands behind it. */
static bool
decode_last(const uint8_t *at, size_t digits, uint8_t *out)
{
	const uint8_t four[4] = {at[0], at[1], digits > 2 ? at[2] : 'A', digits > 3 ? at[3] : 'A'};
	uint32_t group = group_of_four(four);
	uint32_t unused = digits > 3 ? 0 : digits > 2 ? 0xff0000 : 0xffff00;
	if ((group & DIGIT_FLAGS) != DIGIT_FLAGS || (group & unused) != 0)
		return false;
	out[0] = (uint8_t)group;
	if (digits > 2)
		out[1] = (uint8_t)(group >> 8);
	if (digits > 3)
		out[2] = (uint8_t)(group >> 16);
	return true;
}

long
base64url_decode(struct slice text, uint8_t *out, size_t capacity)
{
	size_t digits = text.bytes % 4;
	size_t bytes = text.bytes / 4 * 3;
	if (digits == 1)
		return -1;
	if (digits == 0)
		digits = 4;
	else
		bytes += digits - 1;
	if (bytes > capacity)
		return -1;
	if (bytes == 0)
		return 0;
	const uint8_t *at = (const uint8_t *)text.at;
	const uint8_t *last = at + (text.bytes - digits);
	uint32_t good = DIGIT_FLAGS;
	for (; at != last; at += 4, out += 3) {
		uint32_t group = group_of_four(at);
		good &= group;
		group = htole32(group);
		memcpy(out, &group, 4); /* the fourth is the next group's to overwrite */
	}
	return decode_last(last, digits, out) && good == DIGIT_FLAGS ? (long)bytes : -1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_decode(struct slice text, uint8_t *out, size_t bytes)
{
	if (text.bytes != bytes * 2)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int high = hex_value(text.at[2 * i]);
		int low = hex_value(text.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

struct unit {
	struct slice name;
	uint64_t factor;
};

static enum result
number_with_unit(struct slice text, const struct unit *units, size_t count, uint64_t *out)
{
	size_t digits = 0;
	while (digits < text.bytes && text.at[digits] >= '0' && text.at[digits] <= '9')
		digits++;
	struct slice name = {text.at + digits, text.bytes - digits};
	uint64_t value;
	if (!slice_to_u64((struct slice){text.at, digits}, &value))
		return RESULT_INVALID;
	for (size_t i = 0; i < count; i++) {
		if (slice_equal(name, units[i].name))
			return __builtin_mul_overflow(value, units[i].factor, out) ? RESULT_LIMIT
										   : RESULT_OK;
	}
	return RESULT_INVALID;
}

enum result
duration_parse(struct slice text, uint64_t *ms, struct problem *p)
{
	static const struct unit units[] = {
	    {{"ms", 2}, 1}, {{"s", 1}, 1000}, {{"m", 1}, 60000}, {{"h", 1}, 3600000}};
	enum result r = number_with_unit(text, units, sizeof(units) / sizeof(units[0]), ms);
	if (r != RESULT_OK)
		return problem_set(p, r,
				   "not a duration such as \"500ms\", \"2s\", \"5m\", \"1h\"");
	return RESULT_OK;
}

enum result
size_parse(struct slice text, uint64_t *bytes, struct problem *p)
{
	static const struct unit units[] = {{{"", 0}, 1},
					    {{"KiB", 3}, UINT64_C(1) << 10},
					    {{"MiB", 3}, UINT64_C(1) << 20},
					    {{"GiB", 3}, UINT64_C(1) << 30}};
	enum result r = number_with_unit(text, units, sizeof(units) / sizeof(units[0]), bytes);
	if (r != RESULT_OK)
		return problem_set(p, r, "not a size such as \"512\", \"64KiB\", \"1MiB\"");
	return RESULT_OK;
}
