/* suffix.c: the tag behind the application's own session id; see suffix.h. */
#include "affinity/suffix.h"

static bool
is_tag_letter(char c)
{
	char lower = ascii_lower(c);
	return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_';
}

static bool
ends_with_suffix(struct slice value)
{
	if (value.bytes < SUFFIX_BYTES)
		return false;
	const char *at = value.at + value.bytes - SUFFIX_BYTES;
	if (*at != SUFFIX_MARK)
		return false;
	for (size_t i = 1; i < SUFFIX_BYTES; i++) {
		if (!is_tag_letter(at[i]))
			return false;
	}
	return true;
}

static bool
is_quoted(struct slice value)
{
	return value.bytes >= 2 && value.at[0] == '"' && value.at[value.bytes - 1] == '"';
}

struct suffix_split
suffix_split(struct slice value)
{
	struct suffix_split split = {.id = value, .quoted = is_quoted(value), .tag = SLICE_NONE};
	split.id.bytes -= split.quoted;
	if (ends_with_suffix(split.id)) {
		split.id.bytes -= SUFFIX_BYTES;
		split.tag = (struct slice){split.id.at + split.id.bytes + 1, TAG_TEXT_BYTES};
	}
	return split;
}

/* The next field of the name that is forwarded. */
static const struct http_field *
next_field(const struct http_head *head, struct slice name, size_t *at)
{
	const struct http_field *field;
	do {
		field = http_field_find(head, name, at);
	} while (field != NULL && field->drop);
	return field;
}

bool
suffix_next(const struct suffix_carrier *carrier, const struct http_head *request,
	    struct suffix_cursor *cursor, struct slice *value)
{
	if (carrier->cookie)
		return cookie_next(request, carrier->name, &cursor->cookie, value);
	const struct http_field *field = next_field(request, carrier->name, &cursor->field);
	if (field == NULL)
		return false;
	*value = http_field_value(request, field);
	return true;
}

bool
suffix_fits(const struct suffix_carrier *carrier, struct slice id)
{
	return id.bytes > 0 &&
	       carrier->name.bytes + id.bytes + SUFFIX_BYTES + 1 <= SUFFIXED_BYTES_MAX;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Keeps the last ones. */
static void
add_place(struct suffix_places *places, size_t at)
{
	if (places->count == HTTP_INSERTS_MAX) {
		memmove(places->at, places->at + 1, sizeof(places->at) - sizeof(places->at[0]));
		places->count--;
	}
	places->at[places->count++] = (uint32_t)at;
}

static size_t
place_behind(const struct http_head *response, struct slice value)
{
	return (size_t)(value.at - response->base) + value.bytes - is_quoted(value);
}

static enum suffix_answer
find_in_cookies(const struct suffix_carrier *carrier, const struct http_head *response,
		struct suffix_places *places)
{
	struct slice id;
	bool deleted;
	if (!set_cookie_find(response, carrier->name, &id, &deleted))
		return SUFFIX_SILENT;
	if (deleted)
		return SUFFIX_ENDED;
	size_t line = 0;
	struct set_cookie cookie;
	while (suffix_fits(carrier, id) &&
	       set_cookie_next(response, carrier->name, &line, &cookie)) {
		if (slice_equal(cookie.value, id))
			add_place(places, place_behind(response, cookie.value));
	}
	return SUFFIX_ISSUED;
}

static enum suffix_answer
find_in_fields(const struct suffix_carrier *carrier, const struct http_head *response,
	       struct suffix_places *places)
{
	size_t at = 0;
	const struct http_field *field = next_field(response, carrier->name, &at);
	if (field == NULL)
		return SUFFIX_SILENT;
	struct slice id = http_field_value(response, field);
	if (id.bytes == 0)
		return SUFFIX_ENDED;
	for (; field != NULL; field = next_field(response, carrier->name, &at)) {
		struct slice value = http_field_value(response, field);
		if (suffix_fits(carrier, id) && slice_equal(value, id))
			add_place(places, place_behind(response, value));
	}
	return SUFFIX_ISSUED;
}

enum suffix_answer
suffix_find_places(const struct suffix_carrier *carrier, const struct http_head *response,
		   struct suffix_places *places)
{
	places->count = 0;
	return carrier->cookie ? find_in_cookies(carrier, response, places)
			       : find_in_fields(carrier, response, places);
}
