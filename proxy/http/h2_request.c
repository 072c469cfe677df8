/* h2_request.c: see h2_request.h. */
#include "http/h2_request.h"

#include "http/parse.h"

static void
note_upgrade(struct h2_request *r, struct slice protocols)
{
	struct slice element;
	while (slice_next_element(&protocols, &element))
		r->websocket |= slice_equal_nocase(element, SLICE("websocket"));
}

/* Of what hop-by-hop fields say some is needed. False: too many fields, or a length that is none.
 */
static bool
take_line(struct h2_request *r, struct slice name, struct slice value)
{
	switch (field_lookup(name)) {
	case FIELD_HOST:
		r->host = value;
		return true;
	case FIELD_CONNECTION:
		return true;
	case FIELD_UPGRADE:
		note_upgrade(r, value);
		return true;
	case FIELD_TRANSFER_ENCODING:
		r->framing = BODY_CHUNKED;
		return true;
	case FIELD_CONTENT_LENGTH:
		r->framing = BODY_LENGTH;
		if (!slice_to_u64(value, &r->content_length))
			return false;
		break;
	default:
		break;
	}
	if (slice_equal(name, SLICE("sec-websocket-key"))) {
		r->key = value;
		return true;
	}
	return h2_fields_add(&r->fields, name, value);
}

bool
h2_request_read(struct h2_request *r, char *at, size_t bytes)
{
	struct slice name;
	struct slice value;
	r->host = SLICE_NONE;
	r->key = SLICE_NONE;
	r->content_length = 0;
	r->framing = BODY_NONE;
	r->websocket = false;
	r->fields.count = H2_PSEUDOS_MAX;
	if (bytes < 2)
		return false;
	const char *end = at + bytes - 2; /* of the empty line */
	if (!h2_next_start(&at, end, &r->method, &r->path))
		return false;
	while (at < end) {
		if (!h2_next_line(&at, end, &name, &value) || !take_line(r, name, value))
			return false;
	}
	r->websocket &= r->key.bytes > 0;
	return true;
}

void
h2_request_begin(struct h2_request *r, bool secure, bool tunnel)
{
	struct h2_fields *f = &r->fields;
	size_t last = f->count;
	r->begin = H2_PSEUDOS_MAX - 3 - (r->host.bytes > 0) - tunnel;
	f->count = r->begin;
	(void)h2_fields_add(f, SLICE(":method"), tunnel ? SLICE("CONNECT") : r->method);
	(void)h2_fields_add(f, SLICE(":scheme"), secure ? SLICE("https") : SLICE("http"));
	(void)h2_fields_add(f, SLICE(":path"), r->path);
	if (r->host.bytes > 0)
		(void)h2_fields_add(f, SLICE(":authority"), r->host);
	if (tunnel)
		(void)h2_fields_add(f, SLICE(":protocol"), SLICE("websocket"));
	f->count = last;
}
