/*
 * json.c: one member of a JSON object; see json.h. The whole text is checked, so
 * that what is malformed anywhere gives no value. Containers are counted, and a bit
 * for each says whether it is an object: nothing recurses.
 */
#include "affinity/json.h"

#include <assert.h>

struct json {
	const char *at;
	const char *end;
};

/* The next byte, or 0 at the end (which is no token of JSON). */
static char
peek(const struct json *j)
{
	if (j->at == j->end)
		return '\0';
	return *j->at;
}

static bool
take(struct json *j, char c)
{
	if (peek(j) != c)
		return false;
	j->at++;
	return true;
}

static void
skip_blanks(struct json *j)
{
	while (j->at < j->end &&
	       (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

static bool
take_token(struct json *j, char c)
{
	skip_blanks(j);
	return take(j, c);
}

/* ---- strings -------------------------------------------------------------------------------- */

/* Bytes of the well-formed UTF-8 sequence at `at` (RFC 3629 section 4); 0: there is none. */
static size_t
utf8_bytes(const char *at, const char *end)
{
	uint8_t first = (uint8_t)*at;
	size_t bytes = first < 0x80                     ? 1
		       : first >= 0xc2 && first <= 0xdf ? 2
		       : first >= 0xe0 && first <= 0xef ? 3
		       : first >= 0xf0 && first <= 0xf4 ? 4
							: 0;
	if (bytes == 0 || (size_t)(end - at) < bytes)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if (((uint8_t)at[i] & 0xc0) != 0x80)
			return 0;
	}
	if (bytes < 3)
		return bytes;
	/* Longer than need be, a surrogate, or above U+10FFFF. */
	uint8_t second = (uint8_t)at[1];
	bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
		   (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
	return bad ? 0 : bytes;
}

static void
write_utf8(struct writer *w, uint32_t c)
{
	char text[4];
	size_t bytes = 0;
	if (c < 0x80) {
		text[bytes++] = (char)c;
	} else if (c < 0x800) {
		text[bytes++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		text[bytes++] = (char)(0xe0 | c >> 12);
		text[bytes++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		text[bytes++] = (char)(0xf0 | c >> 18);
		text[bytes++] = (char)(0x80 | (c >> 12 & 0x3f));
		text[bytes++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		text[bytes++] = (char)(0x80 | (c & 0x3f));
	write_bytes(w, text, bytes);
}

static bool
take_hex4(struct json *j, uint32_t *value)
{
	uint8_t two[2];
	if (j->end - j->at < 4 || !hex_decode((struct slice){j->at, 4}, two, sizeof(two)))
		return false;
	j->at += 4;
	*value = (uint32_t)two[0] << 8 | two[1];
	return true;
}

/* Behind "\u": one character, or a pair of surrogates. */
static bool
take_unicode(struct json *j, struct writer *out)
{
	uint32_t c;
	if (!take_hex4(j, &c))
		return false;
	if (c >= 0xd800 && c <= 0xdfff) {
		uint32_t low;
		if (c > 0xdbff || !take(j, '\\') || !take(j, 'u') || !take_hex4(j, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
	}
	write_utf8(out, c);
	return true;
}

/* Behind the backslash. */
static bool
take_escape(struct json *j, struct writer *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	char c = peek(j);
	if (take(j, 'u'))
		return take_unicode(j, out);
	const char *name = c == '\0' ? NULL : strchr(names, c);
	if (name == NULL)
		return false;
	j->at++;
	write_char(out, meant[name - names]);
	return true;
}

/* A string with its quotes; its characters are appended to `out`, or overflow it. */
static bool
take_string(struct json *j, struct writer *out)
{
	if (!take(j, '"'))
		return false;
	while (j->at < j->end) {
		if (take(j, '"'))
			return true;
		if (take(j, '\\')) {
			if (!take_escape(j, out))
				return false;
			continue;
		}
		size_t bytes = utf8_bytes(j->at, j->end);
		if (bytes == 0 || (uint8_t)*j->at < 0x20)
			return false;
		write_bytes(out, j->at, bytes);
		j->at += bytes;
	}
	return false;
}

static bool
skip_string(struct json *j)
{
	struct writer nowhere = writer_on(NULL, 0);
	return take_string(j, &nowhere);
}

/* ---- numbers and values --------------------------------------------------------------------- */

static bool
skip_digits(struct json *j)
{
	const char *from = j->at;
	while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
		j->at++;
	return j->at > from;
}

/* *whole: neither fraction nor exponent. */
static bool
skip_number(struct json *j, bool *whole)
{
	(void)take(j, '-');
	if (!take(j, '0') && !skip_digits(j))
		return false;
	*whole = true;
	if (take(j, '.')) {
		*whole = false;
		if (!skip_digits(j))
			return false;
	}
	if (take(j, 'e') || take(j, 'E')) {
		*whole = false;
		if (!take(j, '+'))
			(void)take(j, '-');
		if (!skip_digits(j))
			return false;
	}
	return true;
}

static bool
skip_word(struct json *j, struct slice word)
{
	if (!slice_has_prefix((struct slice){j->at, (size_t)(j->end - j->at)}, word))
		return false;
	j->at += word.bytes;
	return true;
}

/* Neither array nor object. */
static bool
skip_scalar(struct json *j)
{
	bool whole;
	switch (peek(j)) {
	case '"':
		return skip_string(j);
	case 't':
		return skip_word(j, SLICE("true"));
	case 'f':
		return skip_word(j, SLICE("false"));
	case 'n':
		return skip_word(j, SLICE("null"));
	default:
		return skip_number(j, &whole);
	}
}

static bool
skip_name(struct json *j)
{
	skip_blanks(j);
	return skip_string(j) && take_token(j, ':');
}

/* The arrays and objects that are open. */
struct open {
	uint64_t objects; /* bit 0: the innermost is an object */
	unsigned depth;
};

static_assert(JSON_DEPTH_MAX <= 64, "a bit for each container");

static void
pop(struct open *open)
{
	open->objects >>= 1;
	open->depth--;
}

/* Behind a value: closes what ends there; stands at the next value, or nothing is open any more. */
static bool
skip_ends(struct json *j, struct open *open)
{
	while (open->depth > 0) {
		bool object = (open->objects & 1) != 0;
		if (take_token(j, ','))
			return !object || skip_name(j);
		if (!take(j, object ? '}' : ']'))
			return false;
		pop(open);
	}
	return true;
}

static bool
skip_value(struct json *j)
{
	struct open open = {0, 0};
	do {
		skip_blanks(j);
		bool object = peek(j) == '{';
		if (!object && peek(j) != '[') {
			if (!skip_scalar(j) || !skip_ends(j, &open))
				return false;
			continue;
		}
		if (open.depth == JSON_DEPTH_MAX)
			return false;
		j->at++;
		open.objects = open.objects << 1 | object;
		open.depth++;
		if (take_token(j, object ? '}' : ']')) {
			pop(&open);
			if (!skip_ends(j, &open))
				return false;
		} else if (object && !skip_name(j)) {
			return false;
		}
	} while (open.depth > 0);
	return true;
}

/* ---- the member ----------------------------------------------------------------------------- */

static bool
take_claim(struct json *j, struct writer *out)
{
	if (peek(j) == '"')
		return take_string(j, out) && !out->overflow;
	const char *from = j->at;
	bool whole;
	if (!skip_number(j, &whole) || !whole)
		return false;
	write_bytes(out, from, (size_t)(j->at - from));
	return !out->overflow;
}

/* "name": value. *seen: it is the one that was asked for, and its value was taken. */
static bool
take_member(struct json *j, struct slice name, struct writer *out, bool *seen)
{
	char space[JSON_NAME_BYTES_MAX];
	struct writer found = writer_on(space, sizeof(space));
	skip_blanks(j);
	if (!take_string(j, &found) || !take_token(j, ':'))
		return false;
	skip_blanks(j);
	if (found.overflow || !slice_equal((struct slice){found.at, found.bytes}, name))
		return skip_value(j);
	bool first = !*seen;
	*seen = true;
	return first && take_claim(j, out);
}

bool
json_member(struct slice text, struct slice name, struct writer *out)
{
	struct json j = {text.at, text.at + text.bytes};
	bool seen = false;
	if (text.bytes == 0 || !take_token(&j, '{'))
		return false;
	if (!take_token(&j, '}')) {
		do {
			if (!take_member(&j, name, out, &seen))
				return false;
		} while (take_token(&j, ','));
		if (!take(&j, '}'))
			return false;
	}
	skip_blanks(&j);
	return seen && j.at == j.end;
}
