/* conclude.c: what requests and responses have in common behind the scan. */
#include "http/octets.h"
#include "http/parsing.h"

bool
refuse(struct parser *p, enum cause cause, const char *why)
{
	p->cause = cause;
	p->why = why;
	return false;
}

bool
malformed(struct parser *p, const char *why)
{
	return refuse(p, CAUSE_CLIENT_BAD_REQUEST, why);
}

bool
slice_is_token(struct slice s)
{
	for (size_t i = 0; i < s.bytes; i++) {
		if (!is_token[(uint8_t)s.at[i]])
			return false;
	}
	return s.bytes > 0;
}

static unsigned
option_of(struct slice element, enum field_id id)
{
	switch (id) {
	case FIELD_KEEP_ALIVE:
		return OPTION_KEEP_ALIVE;
	case FIELD_UPGRADE:
		return OPTION_UPGRADE;
	case FIELD_TE:
		return OPTION_TE;
	default:
		return slice_equal_nocase(element, SLICE("close")) ? OPTION_CLOSE : 0;
	}
}

/* Names that no client may have taken out of its request on the way (RFC 9110 section 7.6.1). */
static bool
may_not_be_nominated(struct slice name, enum field_id id)
{
	switch (id) {
	case FIELD_HOST:
	case FIELD_COOKIE:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
		return true;
	default:
		return field_is_holdfast(name) ||
		       slice_equal_nocase(name, SLICE("content-encoding"));
	}
}

static void
drop_named(struct http_head *head, struct slice name)
{
	for (size_t i = 0; i < head->field_count; i++) {
		struct http_field *field = &head->field[i];
		if (field->name_bytes == name.bytes &&
		    slice_equal_nocase(http_field_name(head, field), name))
			field->drop = true;
	}
}

bool
read_connection(struct parser *p, struct http_head *head, bool request)
{
	size_t elements = 0;
	size_t at = p->first[FIELD_CONNECTION];
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_CONNECTION, &at)) != NULL) {
		struct slice rest = http_field_value(head, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (++elements > CONNECTION_MAX)
				return malformed(p, "too many elements in Connection");
			enum field_id id = field_lookup(element);
			unsigned option = option_of(element, id);
			p->options |= option;
			if (option != 0)
				continue;
			if (request && !slice_is_token(element))
				return malformed(p, "malformed Connection");
			if (request && may_not_be_nominated(element, id))
				return malformed(p, "Connection names a field that must stay");
			drop_named(head, element);
		}
	}
	return true;
}

bool
read_content_length(struct parser *p, struct http_head *head)
{
	if (saw_twice(p, FIELD_CONTENT_LENGTH))
		return malformed(p, "Content-Length repeated");
	struct slice value = first_value(p, head, FIELD_CONTENT_LENGTH);
	if (!slice_to_u64(value, &head->content_length) ||
	    head->content_length > CONTENT_LENGTH_MAX)
		return malformed(p, "invalid Content-Length");
	head->has_length = true;
	return true;
}

bool
is_chunked_alone(const struct parser *p, const struct http_head *head)
{
	return !saw_twice(p, FIELD_TRANSFER_ENCODING) &&
	       slice_equal_nocase(first_value(p, head, FIELD_TRANSFER_ENCODING), SLICE("chunked"));
}

bool
read_version(const char *at, uint8_t *minor, bool *known)
{
	*minor = (uint8_t)(at[7] - '0');
	*known = *minor <= 1 && memcmp(at, "HTTP/1.", 7) == 0;
	return *known ||
	       (memcmp(at, "HTTP/", 5) == 0 && is_digit(at[5]) && at[6] == '.' && is_digit(at[7]));
}
