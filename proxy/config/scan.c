/*
 * scan.c: one look at the bytes before libconfig (1.5) reads them, for what it would
 * take without a word, or worse:
 *
 *   @include     of a directory ends the process; of an endless file never ends
 *   "\x00"       is left out of the text
 *   4294967297   becomes 1, with or without a hexadecimal 0x
 *
 * Only as much of the grammar as tells texts, comments, names and numbers apart.
 */
#include "config/loading.h"

#include "base/text.h"

#include <stdlib.h>

struct scan {
	struct loading *l;
	const char *at;
	const char *end;
	int line;
	bool refused; /* libconfig must not see it */
};

static void
find(struct scan *s, struct slice value, const char *reason)
{
	char text[64];
	struct writer w = writer_on(text, sizeof(text));
	write_escaped(&w, value);
	struct config_finding finding = {
	    .file = (char *)(uintptr_t)s->l->file,
	    .line = s->line,
	    .value = (char *)(uintptr_t)writer_text(&w),
	    .reason = (char *)(uintptr_t)reason,
	};
	if (!findings_add(s->l->findings, &finding))
		s->l->no_memory = true;
}

/* One byte further, counting lines. */
static void
step(struct scan *s)
{
	if (*s->at++ == '\n')
		s->line++;
}

static bool
is_at(const struct scan *s, const char *mark)
{
	size_t bytes = strlen(mark);
	return (size_t)(s->end - s->at) >= bytes && memcmp(s->at, mark, bytes) == 0;
}

static void
skip_past(struct scan *s, const char *mark)
{
	while (s->at < s->end && !is_at(s, mark))
		step(s);
	for (size_t i = strlen(mark); i > 0 && s->at < s->end; i--)
		step(s);
}

static void
scan_quoted(struct scan *s)
{
	step(s);
	while (s->at < s->end && *s->at != '"') {
		if (is_at(s, "\\x00"))
			find(s, SLICE("\\x00"), "a text cannot hold this character");
		if (*s->at == '\\' && s->at + 1 < s->end)
			step(s);
		step(s);
	}
	if (s->at < s->end)
		step(s);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || is_digit(c) || c == '_' ||
	       c == '-' || c == '*';
}

/* Digits, and whatever else libconfig may take into a number: 0x1F, 1.5e+3, 12L. */
static void
scan_number(struct scan *s)
{
	const char *begin = s->at;
	while (s->at < s->end && (is_name(*s->at) || *s->at == '.' || *s->at == '+'))
		step(s);
	struct slice number = {begin, (size_t)(s->at - begin)};
	struct slice digits = number;
	uint64_t value;
	if (slice_has_prefix(number, SLICE("0x")) || slice_has_prefix(number, SLICE("0X")))
		find(s, number, "numbers are written in decimal");
	while (digits.bytes > 0 && digits.at[digits.bytes - 1] == 'L')
		digits.bytes--;
	for (size_t i = 0; i < digits.bytes; i++) {
		if (!is_digit(digits.at[i]))
			return; /* fractions and misspellings are seen later */
	}
	if (!slice_to_u64(digits, &value) ||
	    value > (uint64_t)(digits.bytes == number.bytes ? INT32_MAX : INT64_MAX))
		find(s, number, "the number is too large");
}

bool
scan_text(struct loading *l, const char *text, size_t bytes)
{
	struct scan s = {.l = l, .at = text, .end = text + bytes, .line = 1};
	while (s.at < s.end) {
		if (*s.at == '"') {
			scan_quoted(&s);
		} else if (*s.at == '#' || is_at(&s, "//")) {
			skip_past(&s, "\n");
		} else if (is_at(&s, "/*")) {
			skip_past(&s, "*/");
		} else if (is_digit(*s.at)) {
			scan_number(&s);
		} else if (is_name(*s.at) && *s.at != '-') {
			while (s.at < s.end && is_name(*s.at))
				step(&s);
		} else {
			if (*s.at == '@')
				find(&s, SLICE("@include"), "not supported by this version");
			if (*s.at == '\0')
				find(&s, SLICE_NONE, "holds a NUL byte");
			s.refused |= *s.at == '@' || *s.at == '\0';
			step(&s);
		}
	}
	return !s.refused;
}
