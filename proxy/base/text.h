/*
 * text.h: bytes with a length, and the one bounds-checked way to write them.
 *
 * A slice borrows; it never owns and is not terminated. A writer appends to
 * memory of its caller and remembers in `overflow` that something did not fit:
 * write all, ask once. Nothing here allocates.
 */
#ifndef HOLDFAST_BASE_TEXT_H
#define HOLDFAST_BASE_TEXT_H

#include "result.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at; /* borrowed; may be NULL when bytes is 0 */
	size_t bytes;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})
/* for printf's "%.*s" */
#define SLICE_ARG(s) (int)(s).bytes, (s).at

static inline struct slice
slice_of(const char *terminated)
{
	return (struct slice){terminated, strlen(terminated)};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* ASCII case only, never the locale's. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_has_prefix(struct slice s, struct slice prefix);
/* Without SP and HTAB at both ends. */
struct slice slice_trim(struct slice s);
/* Position of `c` in `s`, or s.bytes. */
size_t slice_find(struct slice s, char c);
/*
 * Takes the next element of a comma-separated list (RFC 9110 section 5.6.1) off
 * `rest`, trimmed; quoted strings are not opened. False at the end.
 */
bool slice_next_element(struct slice *rest, struct slice *element);
/* 1*DIGIT into *out. False: empty, another character, or above UINT64_MAX. */
bool slice_to_u64(struct slice s, uint64_t *out);
char ascii_lower(char c);

struct writer {
	char *at;        /* borrowed from the caller */
	size_t bytes;    /* written so far */
	size_t capacity; /* of `at` */
	bool overflow;   /* something did not fit and was left out whole */
};

static inline struct writer
writer_on(char *at, size_t capacity)
{
	return (struct writer){at, 0, capacity, false};
}

static inline void
write_bytes(struct writer *w, const void *at, size_t bytes)
{
	if (bytes > w->capacity - w->bytes) {
		w->overflow = true;
		return;
	}
	if (bytes != 0)
		memcpy(w->at + w->bytes, at, bytes);
	w->bytes += bytes;
}

static inline void
write_slice(struct writer *w, struct slice s)
{
	write_bytes(w, s.at, s.bytes);
}

#define write_literal(w, literal) write_bytes((w), (literal), sizeof(literal) - 1)

/* memcpy(3) without a call for what is short, as names and numbers are: two halves that overlap. */
static inline void
copy_piece(char *to, const char *from, size_t bytes)
{
	if (bytes > 16 || (__builtin_constant_p(bytes) && bytes > 0)) {
		memcpy(to, from, bytes);
	} else if (bytes >= 8) {
		uint64_t half[2];
		memcpy(&half[0], from, 8);
		memcpy(&half[1], from + bytes - 8, 8);
		memcpy(to, &half[0], 8);
		memcpy(to + bytes - 8, &half[1], 8);
	} else if (bytes >= 4) {
		uint32_t half[2];
		memcpy(&half[0], from, 4);
		memcpy(&half[1], from + bytes - 4, 4);
		memcpy(to, &half[0], 4);
		memcpy(to + bytes - 4, &half[1], 4);
	} else if (bytes > 0) {
		to[0] = from[0];
		to[bytes / 2] = from[bytes / 2];
		to[bytes - 1] = from[bytes - 1];
	}
}

#define WRITE_PIECES_MAX 16
/*
 * All pieces, or none: room is asked for once, for exactly what is copied then. `count` is a
 * constant where it matters, so that the loops go and literals are copied without a call.
 */
static inline void
write_pieces(struct writer *w, const struct slice *piece, size_t count)
{
	assert(count <= WRITE_PIECES_MAX);
	size_t room = w->capacity - w->bytes;
	size_t bytes = 0;
	size_t bits =
	    0; /* of all lengths: none is more than that, and so few do not wrap the sum */
	for (size_t i = 0; i < count; i++) {
		bytes += piece[i].bytes;
		bits |= piece[i].bytes;
	}
	if (bits > room || bytes > room) {
		w->overflow = true;
		return;
	}
	char *to = w->at + w->bytes;
	for (size_t i = 0; i < count; i++) {
		copy_piece(to, piece[i].at, piece[i].bytes);
		to += piece[i].bytes;
	}
	w->bytes += bytes;
}

/* write_together(w, SLICE("Name: "), value, SLICE("\r\n")) */
#define write_together(w, ...)                                 \
	write_pieces((w), (const struct slice[]){__VA_ARGS__}, \
		     sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

static inline void
write_char(struct writer *w, char c)
{
	write_bytes(w, &c, 1);
}

void write_text(struct writer *w, const char *terminated);
void write_u64(struct writer *w, uint64_t value);
/* The same digits at the end of `digits`, for write_together. */
#define U64_DIGITS_MAX 20
struct slice u64_text(uint64_t value, char digits[U64_DIGITS_MAX]);
/* Lower-case hexadecimal without leading zeros ("0" for 0). */
void write_hex_u64(struct writer *w, uint64_t value);
/* Two lower-case digits a byte. */
void write_hex_bytes(struct writer *w, const uint8_t *at, size_t bytes);
/* Needs one byte more than it writes (vsnprintf terminates); an exact fit is an overflow. */
void write_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * A JSON string with its quotes (RFC 8259 section 7). Every byte outside
 * printable ASCII is written as \u00XX, so that no control character and no
 * broken UTF-8 from traffic reaches a log or a terminal.
 */
void write_json_string(struct writer *w, struct slice s);
/* The same escaping for text logs: outside printable ASCII, '"' and '\' as \xHH. */
void write_escaped(struct writer *w, struct slice s);
/* Terminates; returns the text. Needs one spare byte, else overflow is set and the text is cut. */
const char *writer_text(struct writer *w);

/* base64url without padding (RFC 4648 section 5). out has 4 * ceil(bytes / 3) characters at most.
 */
void write_base64url(struct writer *w, const uint8_t *at, size_t bytes);
/*
 * Strict reverse: no padding, no white space, no non-zero trailing bits, so that
 * each byte string has exactly one text. Returns the number of bytes, or -1.
 */
long base64url_decode(struct slice text, uint8_t *out, size_t capacity);

/* Lower- or upper-case pairs. False when odd, too long or not hexadecimal. */
bool hex_decode(struct slice text, uint8_t *out, size_t bytes);

/* "500ms" "2s" "5m" "1h" into milliseconds; a number alone is refused. */
enum result duration_parse(struct slice text, uint64_t *ms, struct problem *p);
/* "512" (bytes) "64KiB" "1MiB" "2GiB" into bytes. */
enum result size_parse(struct slice text, uint64_t *bytes, struct problem *p);

#endif
