/* cache.c: Cache-Control of an answer that sets a tag; see cache.h. */
#include "http/cache.h"

#include "http/octets.h"

#include <assert.h>

struct directive {
	struct slice name;
	struct slice argument; /* without its quotes; empty: none */
	bool has_argument;
	bool quoted;
};

enum reading { READ_DIRECTIVE, READ_END, READ_BAD };

/* What is said by one directive, however often it stands there. */
struct said {
	size_t times;
	bool plainly;          /* without an argument: of the whole answer */
	bool of_list;          /* with one */
	struct directive last; /* borrowed from the head */
};

/* What all Cache-Control lines say together. */
struct findings {
	bool any;
	uint32_t first_at; /* any: where the first one's value begins; offset in the head */
	bool bad;
	bool no_store;
	struct said no_cache;
	struct said private;
};

static struct slice
take_token(const char **at, const char *end)
{
	const char *from = *at;
	while (*at < end && is_token[(uint8_t) * *at])
		++*at;
	return (struct slice){from, (size_t)(*at - from)};
}

/* At the opening quote; false: it is never closed. */
static bool
take_quoted(const char **at, const char *end, struct slice *inside)
{
	const char *from = ++*at;
	while (*at < end && **at != '"')
		*at += **at == '\\' && *at + 1 < end ? 2 : 1;
	if (*at >= end)
		return false;
	*inside = (struct slice){from, (size_t)(*at - from)};
	++*at;
	return true;
}

/* cache-directive = token [ "=" ( token / quoted-string ) ], in a list whose elements may be empty.
 */
static enum reading
next_directive(const char **at, const char *end, struct directive *d)
{
	while (*at < end && (is_blank(**at) || **at == ','))
		++*at;
	if (*at == end)
		return READ_END;
	*d = (struct directive){.name = take_token(at, end)};
	if (d->name.bytes == 0)
		return READ_BAD;
	if (*at < end && **at == '=') {
		++*at;
		d->has_argument = true;
		d->quoted = *at < end && **at == '"';
		if (!d->quoted)
			d->argument = take_token(at, end);
		else if (!take_quoted(at, end, &d->argument))
			return READ_BAD;
		if (!d->quoted && d->argument.bytes == 0)
			return READ_BAD;
	}
	while (*at < end && is_blank(**at))
		++*at;
	return *at == end || **at == ',' ? READ_DIRECTIVE : READ_BAD;
}

static bool
lists(struct slice argument, struct slice name)
{
	struct slice element;
	while (slice_next_element(&argument, &element)) {
		if (slice_equal_nocase(element, name))
			return true;
	}
	return false;
}

static void
say(struct said *s, const struct directive *d)
{
	s->times++;
	s->plainly |= !d->has_argument;
	s->of_list |= d->has_argument;
	s->last = *d;
}

static void
note(struct findings *f, const struct directive *d)
{
	if (slice_equal_nocase(d->name, SLICE("no-store")))
		f->no_store = true;
	else if (slice_equal_nocase(d->name, SLICE("no-cache")))
		say(&f->no_cache, d);
	else if (slice_equal_nocase(d->name, SLICE("private")))
		say(&f->private, d);
}

/* The first Cache-Control line that is forwarded, at or after *at. */
static const struct http_field *
next_line(const struct http_head *response, size_t *at)
{
	const struct http_field *field;
	do {
		field = http_field_find_id(response, FIELD_CACHE_CONTROL, at);
	} while (field != NULL && field->drop);
	return field;
}

static struct findings
read_lines(const struct http_head *response)
{
	struct findings f = {.any = false};
	size_t line = 0;
	const struct http_field *field;
	while ((field = next_line(response, &line)) != NULL) {
		const char *at = response->base + field->value_at;
		const char *end = at + field->value_bytes;
		if (!f.any)
			f.first_at = field->value_at;
		f.any = true;
		struct directive d;
		enum reading reading;
		while ((reading = next_directive(&at, end, &d)) == READ_DIRECTIVE)
			note(&f, &d);
		f.bad |= reading == READ_BAD;
	}
	/* Which one counts is anybody's guess. */
	f.bad |= f.no_cache.of_list && f.no_cache.times > 1;
	f.bad |= f.private.of_list && f.private.times > 1;
	return f;
}

static bool
covers(const struct said *s, struct slice name)
{
	return s->plainly || (s->of_list && lists(s->last.argument, name));
}

static void
add(struct cache_edit *edit, const struct http_head *response, const char *at, struct slice text)
{
	assert(edit->insert_count < CACHE_INSERTS_MAX);
	edit->insert[edit->insert_count++] =
	    (struct http_insert){(uint32_t)(at - response->base), text};
}

/* no-cache=a or no-cache="a" becomes no-cache="a, name". */
static void
join_list(struct cache_edit *edit, const struct http_head *response, const struct directive *d,
	  struct slice name)
{
	const char *end = d->argument.at + d->argument.bytes;
	if (!d->quoted)
		add(edit, response, d->argument.at, SLICE("\""));
	if (slice_trim(d->argument).bytes > 0)
		add(edit, response, end, SLICE(", "));
	add(edit, response, end, name);
	if (!d->quoted)
		add(edit, response, end, SLICE("\""));
}

void
cache_protect(const struct http_head *response, struct slice name, struct cache_edit *edit)
{
	edit->insert_count = 0;
	edit->line = false;
	if (!http_head_has(response, FIELD_CACHE_CONTROL)) {
		edit->line = true;
		return;
	}
	struct findings f = read_lines(response);
	if (f.bad)
		add(edit, response, response->base + f.first_at, SLICE("no-store, "));
	else if (f.no_store || covers(&f.no_cache, name) || covers(&f.private, name))
		return;
	else if (f.no_cache.of_list)
		join_list(edit, response, &f.no_cache.last, name);
	else
		edit->line = true;
}
