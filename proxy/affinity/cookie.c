/*
 * cookie.c: Cookie and Set-Cookie as bytes; see cookie.h. A Cookie value is cut at
 * every ';' (RFC 6265 section 5.4 joins with "; "; quotes do not hide one). The
 * odd decision: a name is compared where a pair begins, so that '=' is never
 * looked for and each byte is looked at once.
 */
#include "affinity/cookie.h"

#include "base/text.h"

#include <assert.h>

#define FIRST_UNMASKED 64 /* fields from here on have no bit in cookie_fields */
/* A cookie that expires in an earlier year than this has gone, whatever our clock says. */
#define EXPIRES_YEAR_MIN 2020

/* Next field at or after `at` that is of kind `id`; head->field_count at the end. */
static inline size_t
next_line(const struct http_head *head, enum field_id id, size_t at)
{
	if (at < FIRST_UNMASKED) {
		uint64_t left = head->cookie_fields >> at << at;
		for (; left != 0; left &= left - 1) {
			size_t i = (size_t)__builtin_ctzll(left);
			if (head->field[i].id == id)
				return i;
		}
		at = FIRST_UNMASKED;
	}
	if (head->cookie_more) {
		for (; at < head->field_count; at++) {
			if (head->field[at].id == id)
				return at;
		}
	}
	return head->field_count;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Appends a range; one that touches the last is joined with it. */
static inline void
add_cut(struct http_cut *cuts, size_t *count, size_t from, size_t to)
{
	struct http_cut *last = *count > 0 ? &cuts[*count - 1] : NULL;
	if (last != NULL && last->at + last->bytes == from)
		last->bytes += (uint32_t)(to - from);
	else if (*count < HTTP_CUTS_MAX)
		cuts[(*count)++] = (struct http_cut){(uint32_t)from, (uint32_t)(to - from)};
}

static inline void
found_one(struct cookie_found *f, const char *from, const char *stop)
{
	while (from < stop && is_blank(*from))
		from++;
	while (from < stop && is_blank(stop[-1]))
		stop--;
	struct slice value = {from, (size_t)(stop - from)};
	if (f->count++ == 0)
		f->value = value;
	else if (!slice_equal(f->value, value))
		f->differ = true;
}

static inline bool
is_named(const char *pair, size_t bytes, struct slice name)
{
	return bytes > name.bytes && pair[name.bytes] == '=' &&
	       memcmp(pair, name.at, name.bytes) == 0;
}

/* The pairs of one line are compared with; names[0] is cut out when cuts is not NULL. */
struct search {
	const struct slice *names;
	size_t name_count;
	struct cookie_found *found;
	struct http_cut *cuts;
	size_t *cut_count;
};

/*
 *   a=1; HOLDFAST=x; b=2     the separator before is cut with the pair,
 *      [----------)
 *   HOLDFAST=x; a=1          or, when no pair before it stays, the one behind
 *   [----------)
 */
static inline void
find_in_line(const struct search *s, const char *base, const struct http_field *field)
{
	const char *at = base + field->value_at;
	const char *end = at + field->value_bytes;
	bool kept = false;      /* a pair before this one stays */
	const char *uncut = at; /* where the bytes begin that are not cut yet */
	while (at < end) {
		const char *pair = at;
		while (at < end && is_blank(*at))
			at++;
		const char *stop = memchr(at, ';', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		const char *next = stop < end ? stop + 1 : end;
		size_t bytes = (size_t)(stop - at);
		for (size_t i = 1; i < s->name_count; i++) {
			if (is_named(at, bytes, s->names[i]))
				found_one(&s->found[i], at + s->names[i].bytes + 1, stop);
		}
		bool cut = is_named(at, bytes, s->names[0]);
		if (cut)
			found_one(&s->found[0], at + s->names[0].bytes + 1, stop);
		at = next;
		if (!cut) {
			kept = true;
		} else if (s->cuts != NULL && kept) {
			add_cut(s->cuts, s->cut_count, (size_t)(pair - 1 - base),
				(size_t)(stop - base));
		} else if (s->cuts != NULL) {
			while (next < end && is_blank(*next))
				next++;
			add_cut(s->cuts, s->cut_count, (size_t)(uncut - base),
				(size_t)(next - base));
			uncut = next;
		}
	}
}

void
cookie_find_all(const struct http_head *request, const struct slice *names, size_t name_count,
		struct cookie_found *found, struct http_cut *cuts, size_t *cut_count)
{
	assert(name_count > 0 && names[0].bytes > 0);
	struct search s = {names, name_count, found, cuts, cut_count};
	for (size_t i = 0; i < name_count; i++) {
		found[i].count = 0;
		found[i].differ = false;
	}
	for (size_t i = next_line(request, FIELD_COOKIE, 0); i < request->field_count;
	     i = next_line(request, FIELD_COOKIE, i + 1))
		find_in_line(&s, request->base, &request->field[i]);
}

struct cookie_found
cookie_find(const struct http_head *request, struct slice name, struct http_cut *cuts,
	    size_t *cut_count)
{
	struct cookie_found found = {.value = SLICE_NONE};
	cookie_find_all(request, &name, 1, &found, cuts, cut_count);
	return found;
}

bool
cookie_next(const struct http_head *request, struct slice name, struct cookie_cursor *cursor,
	    struct slice *value)
{
	assert(name.bytes > 0);
	for (;;) {
		size_t i = next_line(request, FIELD_COOKIE, cursor->field);
		if (i != cursor->field)
			*cursor = (struct cookie_cursor){i, 0};
		if (i == request->field_count)
			return false;
		struct slice line = http_field_value(request, &request->field[i]);
		while (cursor->at < line.bytes) {
			struct slice rest = {line.at + cursor->at, line.bytes - cursor->at};
			size_t stop = slice_find(rest, ';');
			struct slice pair = slice_trim((struct slice){rest.at, stop});
			cursor->at += stop < rest.bytes ? stop + 1 : stop;
			if (!is_named(pair.at, pair.bytes, name))
				continue;
			*value = slice_trim(
			    (struct slice){pair.at + name.bytes + 1, pair.bytes - name.bytes - 1});
			return true;
		}
		*cursor = (struct cookie_cursor){i + 1, 0};
	}
}

/* The part before `mark`, trimmed; *rest gets what stands behind it. */
static struct slice
take_until(struct slice *rest, char mark)
{
	size_t at = slice_find(*rest, mark);
	struct slice part = {rest->at, at};
	size_t taken = at < rest->bytes ? at + 1 : at;
	rest->at += taken;
	rest->bytes -= taken;
	return slice_trim(part);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * The year of an Expires by RFC 6265 section 5.1.1, or 0: the first run of digits,
 * with a date's delimiters around it, that is no day of the month (which comes
 * first), no time (which holds ':') and two to four digits long.
 */
static unsigned
expires_year(struct slice date)
{
	bool day_seen = false;
	size_t i = 0;
	while (i < date.bytes) {
		while (i < date.bytes && !is_digit(date.at[i]))
			i++;
		size_t from = i;
		while (i < date.bytes && is_digit(date.at[i]))
			i++;
		size_t digits = i - from;
		if (i < date.bytes && date.at[i] == ':') {
			while (i < date.bytes && (is_digit(date.at[i]) || date.at[i] == ':'))
				i++;
			continue;
		}
		uint64_t number;
		if (digits > 4 || !slice_to_u64((struct slice){date.at + from, digits}, &number))
			continue;
		if (!day_seen && digits <= 2) {
			day_seen = true;
			continue;
		}
		if (digits < 2)
			continue;
		if (number >= 100)
			return (unsigned)number;
		return (unsigned)number + (number >= 70 ? 1900 : 2000);
	}
	return 0;
}

/* Max-Age: "-" or digits; anything else is no Max-Age at all (RFC 6265 section 5.2.2). */
static bool
max_age_read(struct slice value, bool *positive)
{
	bool negative = value.bytes > 0 && value.at[0] == '-';
	bool above_zero = false;
	for (size_t i = negative ? 1 : 0; i < value.bytes; i++) {
		if (!is_digit(value.at[i]))
			return false;
		above_zero |= value.at[i] != '0';
	}
	if (value.bytes == 0)
		return false;
	*positive = above_zero && !negative;
	return true;
}

/* Attributes as a browser reads them: the last of each counts, Max-Age before Expires. */
static bool
attributes_delete(struct slice attributes)
{
	bool has_max_age = false;
	bool lives = true;
	bool expired = false;
	while (attributes.bytes > 0) {
		struct slice value = take_until(&attributes, ';');
		struct slice name = take_until(&value, '=');
		value = slice_trim(value);
		if (slice_equal_nocase(name, SLICE("max-age")))
			has_max_age |= max_age_read(value, &lives);
		else if (slice_equal_nocase(name, SLICE("expires"))) {
			unsigned year = expires_year(value);
			if (year != 0)
				expired = year < EXPIRES_YEAR_MIN;
		}
	}
	return has_max_age ? !lives : expired;
}

bool
set_cookie_next(const struct http_head *response, struct slice name, size_t *line,
		struct set_cookie *cookie)
{
	assert(name.bytes > 0);
	size_t i = *line;
	while ((i = next_line(response, FIELD_SET_COOKIE, i)) < response->field_count) {
		struct slice rest = http_field_value(response, &response->field[i++]);
		size_t stop = slice_find(rest, ';');
		struct slice pair = {rest.at, stop};
		if (slice_find(pair, '=') == pair.bytes)
			continue;
		if (!slice_equal(take_until(&pair, '='), name))
			continue;
		cookie->value = slice_trim(pair);
		cookie->attributes = (struct slice){rest.at + stop, rest.bytes - stop};
		*line = i;
		return true;
	}
	*line = response->field_count;
	return false;
}

bool
set_cookie_find(const struct http_head *response, struct slice name, struct slice *value,
		bool *deleted)
{
	struct set_cookie cookie = {SLICE_NONE, SLICE_NONE};
	bool any = false;
	size_t line = 0;
	while (set_cookie_next(response, name, &line, &cookie))
		any = true;
	if (any) {
		*value = cookie.value;
		*deleted = cookie.value.bytes == 0 || attributes_delete(cookie.attributes);
	}
	return any;
}

bool
cookie_name_valid(struct slice name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < name.bytes; i++) {
		char c = name.at[i];
		char lower = ascii_lower(c);
		if (!is_digit(c) && !(lower >= 'a' && lower <= 'z') &&
		    memchr(marks, c, sizeof(marks) - 1) == NULL)
			return false;
	}
	return name.bytes > 0;
}
