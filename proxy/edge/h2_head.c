/* h2_head.c: see h2_head.h. */
#include "edge/h2_head.h"

#include "http/octets.h"

static enum h2_verdict
malformed(struct h2_head *h, const char *why)
{
	if (h->verdict < H2_HEAD_MALFORMED) {
		h->verdict = H2_HEAD_MALFORMED;
		h->why = why;
	}
	return h->verdict;
}

static enum h2_verdict
refused(struct h2_head *h, enum cause cause, const char *why)
{
	if (h->verdict == H2_HEAD_GOOD) {
		h->verdict = H2_HEAD_REFUSED;
		h->cause = cause;
		h->why = why;
	}
	return h->verdict;
}

void
h2_head_init(struct h2_head *h, char *at, const struct parse_limits *limits)
{
	*h = (struct h2_head){.text = writer_on(at, limits->head_bytes_max), .limits = limits};
}

/* ---- what came --------------------------------------------------------------------------------
 */

/* Printable ASCII: none of it ends a word of a start line. */
static bool
pseudo_valid(struct slice value)
{
	for (size_t i = 0; i < value.bytes; i++) {
		if (value.at[i] <= ' ' || value.at[i] >= 0x7f)
			return false;
	}
	return true;
}

static enum h2_verdict
add_pseudo(struct h2_head *h, struct slice name, struct slice value)
{
	static const struct slice names[] = {
	    [H2_METHOD] = {":method", 7},        [H2_SCHEME] = {":scheme", 7},
	    [H2_AUTHORITY] = {":authority", 10}, [H2_PATH] = {":path", 5},
	    [H2_PROTOCOL] = {":protocol", 9},
	};
	unsigned i = 0;
	while (i < H2_PSEUDOS && !slice_equal(name, names[i]))
		i++;
	if (i == H2_PSEUDOS)
		return malformed(h, "unknown pseudo-field");
	if (h->begun)
		return malformed(h, "pseudo-field behind a field");
	if (h->pseudo[i].at != NULL)
		return malformed(h, "pseudo-field repeated");
	if (!pseudo_valid(value))
		return malformed(h, "malformed pseudo-field");
	h->pseudo[i] = value.at != NULL ? value : SLICE("");
	return h->verdict;
}

static bool
has(const struct h2_head *h, enum h2_pseudo which)
{
	return h->pseudo[which].at != NULL;
}

/* ---- the start line ---------------------------------------------------------------------------
 */

/* Only one protocol is tunnelled, as an upgrade of HTTP/1.1. */
static bool
check_protocol(struct h2_head *h)
{
	if (!slice_equal(h->pseudo[H2_METHOD], SLICE("CONNECT"))) {
		(void)malformed(h, ":protocol without CONNECT");
		return false;
	}
	if (!slice_equal(h->pseudo[H2_PROTOCOL], SLICE("websocket"))) {
		(void)refused(h, CAUSE_CLIENT_METHOD, ":protocol not implemented");
		return false;
	}
	h->tunnel = true;
	return true;
}

static bool
check_pseudos(struct h2_head *h)
{
	struct slice path = h->pseudo[H2_PATH];
	struct slice scheme = h->pseudo[H2_SCHEME];
	if (!has(h, H2_METHOD)) {
		(void)malformed(h, "no :method");
		return false;
	}
	bool connect = slice_equal(h->pseudo[H2_METHOD], SLICE("CONNECT"));
	if (connect && !has(h, H2_PROTOCOL)) {
		(void)refused(h, CAUSE_CLIENT_METHOD, "CONNECT is not served here");
		return false;
	}
	if (!has(h, H2_SCHEME) || !has(h, H2_PATH) || path.bytes == 0) {
		(void)malformed(h, "no :scheme or no :path");
		return false;
	}
	if (has(h, H2_PROTOCOL) && !check_protocol(h))
		return false;
	if (!slice_equal_nocase(scheme, SLICE("https")) &&
	    !slice_equal_nocase(scheme, SLICE("http"))) {
		(void)refused(h, CAUSE_CLIENT_BAD_REQUEST, ":scheme is neither http nor https");
		return false;
	}
	/* Never another form of target: its authority would count for more than :authority. */
	if (path.at[0] != '/' && !slice_equal(path, SLICE("*"))) {
		(void)malformed(h, ":path is no path");
		return false;
	}
	if (path.bytes > h->limits->target_bytes_max) {
		(void)refused(h, CAUSE_CLIENT_TARGET_TOO_LONG, "request target too long");
		return false;
	}
	return true;
}

static void
begin(struct h2_head *h)
{
	h->begun = true;
	if (!check_pseudos(h))
		return;
	write_together(&h->text, h->tunnel ? SLICE("GET") : h->pseudo[H2_METHOD], SLICE(" "),
		       h->pseudo[H2_PATH], SLICE(" HTTP/1.1\r\n"));
	if (has(h, H2_AUTHORITY))
		write_together(&h->text, SLICE("host: "), h->pseudo[H2_AUTHORITY], SLICE("\r\n"));
}

/* ---- fields -----------------------------------------------------------------------------------
 */

/* One more crumb into the one Cookie line (RFC 9113 section 8.2.3). */
static void
add_crumb(struct h2_head *h, struct slice value)
{
	struct writer *w = &h->text;
	if (h->cookie_end == 0) {
		write_together(w, SLICE("cookie: "), value, SLICE("\r\n"));
		if (!w->overflow)
			h->cookie_end = w->bytes - 2;
		return;
	}
	size_t grows = 2 + value.bytes;
	if (grows > w->capacity - w->bytes) {
		w->overflow = true;
		return;
	}
	char *at = w->at + h->cookie_end;
	memmove(at + grows, at, w->bytes - h->cookie_end);
	at[0] = ';';
	at[1] = ' ';
	if (value.bytes > 0)
		memcpy(at + 2, value.at, value.bytes);
	w->bytes += grows;
	h->cookie_end += grows;
}

/* The host that :authority names, or nobody else's (RFC 9113 section 8.3.1). */
static enum h2_verdict
add_host(struct h2_head *h, struct slice value)
{
	if (!has(h, H2_AUTHORITY)) {
		write_together(&h->text, SLICE("host: "), value, SLICE("\r\n"));
		return h->verdict;
	}
	if (!slice_equal_nocase(value, h->pseudo[H2_AUTHORITY]))
		return refused(h, CAUSE_CLIENT_BAD_REQUEST, "host is not :authority");
	return h->verdict;
}

static enum h2_verdict
add_known(struct h2_head *h, enum field_id id, struct slice name, struct slice value)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_UPGRADE:
	case FIELD_TRANSFER_ENCODING:
		return malformed(h, "connection field");
	case FIELD_TE:
		if (!slice_equal_nocase(value, SLICE("trailers")))
			return malformed(h, "TE other than trailers");
		h->te_trailers = true;
		return h->verdict;
	case FIELD_COOKIE:
		add_crumb(h, value);
		return h->verdict;
	case FIELD_HOST:
		return add_host(h, value);
	case FIELD_CONTENT_LENGTH:
		h->has_length = true;
		break;
	default:
		break;
	}
	write_together(&h->text, name, SLICE(": "), value, SLICE("\r\n"));
	return h->verdict;
}

/* Are the bounds kept? Those of a bomb count what is thrown away, too. */
static bool
count(struct h2_head *h, struct slice name, struct slice value)
{
	h->fields++;
	h->unpacked += name.bytes + value.bytes;
	if (h->unpacked > H2_HEAD_BYTES_MAX || h->fields > H2_HEAD_FIELDS_MAX) {
		h->verdict = H2_HEAD_BOMB;
		h->why = "head unpacks to too much";
		return false;
	}
	if (h->fields > h->limits->fields_max + H2_PSEUDOS || h->text.overflow)
		(void)refused(h, CAUSE_CLIENT_HEAD_TOO_LARGE, "head too large");
	return h->verdict == H2_HEAD_GOOD;
}

enum h2_verdict
h2_head_add(struct h2_head *h, struct slice name, struct slice value)
{
	if (!count(h, name, value))
		return h->verdict;
	if (name.bytes > 0 && name.at[0] == ':')
		return add_pseudo(h, name, value);
	if (!h->begun)
		begin(h);
	if (h->verdict != H2_HEAD_GOOD)
		return h->verdict;
	if (!h2_name_valid(name) || !h2_value_valid(value))
		return malformed(h, "malformed field");
	return add_known(h, field_lookup(name), name, value);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

/* Servers of HTTP/1.1 want a length of what has none (RFC 9110 section 8.6). */
static bool
wants_length(const struct h2_head *h)
{
	struct slice start = {h->text.at, h->text.bytes};
	return slice_has_prefix(start, SLICE("POST ")) || slice_has_prefix(start, SLICE("PUT ")) ||
	       slice_has_prefix(start, SLICE("PATCH "));
}

static void
end_tunnel(struct h2_head *h, const char key[H2_WEBSOCKET_KEY_BYTES])
{
	write_together(&h->text, SLICE("connection: upgrade\r\nupgrade: websocket\r\n"),
		       SLICE("sec-websocket-key: "), ((struct slice){key, H2_WEBSOCKET_KEY_BYTES}),
		       SLICE("\r\n\r\n"));
}

enum h2_verdict
h2_head_end(struct h2_head *h, bool ended, const char key[H2_WEBSOCKET_KEY_BYTES])
{
	if (!h->begun && h->verdict == H2_HEAD_GOOD)
		begin(h);
	if (h->verdict != H2_HEAD_GOOD)
		return h->verdict;
	if (h->tunnel) {
		if (ended || h->has_length)
			return malformed(h, "content where a tunnel is asked for");
		end_tunnel(h, key);
	} else {
		if (h->te_trailers)
			write_literal(&h->text, "te: trailers\r\nconnection: te\r\n");
		if (!ended && !h->has_length)
			write_literal(&h->text, "transfer-encoding: chunked\r\n");
		else if (ended && !h->has_length && wants_length(h))
			write_literal(&h->text, "content-length: 0\r\n");
		write_literal(&h->text, "\r\n");
	}
	if (h->text.overflow)
		return refused(h, CAUSE_CLIENT_HEAD_TOO_LARGE, "head too large");
	return h->verdict;
}
