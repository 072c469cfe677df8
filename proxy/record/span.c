/* span.c: OTLP's JSON; see span.h. */
#include "record/span.h"

#include <inttypes.h>

#define TEXT_BYTES (6 * SPAN_STATE_BYTES + 2) /* a JSON text at its longest */

void
span_text(char *to, size_t capacity, struct slice text)
{
	size_t bytes = text.bytes < capacity ? text.bytes : capacity - 1;
	if (bytes > 0)
		memcpy(to, text.at, bytes);
	to[bytes] = '\0';
}

static void
put_text(struct grow *to, const char *text)
{
	char escaped[TEXT_BYTES];
	struct writer w = writer_on(escaped, sizeof(escaped));
	write_json_string(&w, slice_of(text));
	grow_bytes(to, w.at, w.bytes);
}

static void
put_hex(struct grow *to, const char *key, const uint8_t *at, size_t bytes)
{
	char digits[2 * TRACE_ID_BYTES];
	struct writer w = writer_on(digits, sizeof(digits));
	write_hex_bytes(&w, at, bytes);
	grow_format(to, "\"%s\":\"%.*s\",", key, (int)w.bytes, w.at);
}

/* ---- attributes -------------------------------------------------------------------------------
 */

struct attributes {
	struct grow *to;
	bool any;
};

static void
begin(struct attributes *a, const char *key)
{
	grow_format(a->to, "%s{\"key\":\"%s\",\"value\":{", a->any ? "," : "", key);
	a->any = true;
}

static void
text(struct attributes *a, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	begin(a, key);
	grow_text(a->to, "\"stringValue\":");
	put_text(a->to, value);
	grow_text(a->to, "}}");
}

static void
number(struct attributes *a, const char *key, uint64_t value)
{
	begin(a, key);
	grow_format(a->to, "\"intValue\":\"%" PRIu64 "\"}}", value);
}

static void
put_error_type(struct attributes *a, const struct span *s, bool error)
{
	char digits[8];
	struct writer w = writer_on(digits, sizeof(digits));
	if (!error)
		return;
	bool caused = s->kind == SPAN_SERVER || s->over;
	write_u64(&w, s->status);
	if (s->failed != REASON_NONE)
		text(a, "error.type", reason_text(s->failed));
	else if (caused && cause_table[s->cause].is_error)
		text(a, "error.type", cause_table[s->cause].text);
	else
		text(a, "error.type", writer_text(&w));
}

static void
put_server(struct attributes *a, const struct span *s)
{
	char version[8];
	struct writer w = writer_on(version, sizeof(version));
	write_u64(&w, s->major);
	if (s->major == 1) {
		write_char(&w, '.');
		write_u64(&w, s->minor);
	}
	text(a, "url.scheme", s->tls ? "https" : "http");
	text(a, "url.path", s->path);
	text(a, "server.address", s->host);
	text(a, "client.address", s->peer);
	text(a, "network.protocol.version", writer_text(&w));
	text(a, "holdfast.affinity", affinity_text(s->affinity));
	text(a, "holdfast.cause", cause_table[s->cause].text);
	text(a, "holdfast.session", s->session);
}

static void
put_client(struct attributes *a, const struct span *s)
{
	text(a, "server.address", s->peer);
	if (s->attempt > 1)
		number(a, "http.request.resend_count", s->attempt - 1);
	if (s->rank != UINT32_MAX)
		number(a, "holdfast.rank", s->rank);
	if (s->failed != REASON_NONE)
		text(a, "holdfast.reason", reason_text(s->failed));
	if (s->over) {
		text(a, "holdfast.affinity", affinity_text(s->affinity));
		text(a, "holdfast.cause", cause_table[s->cause].text);
	}
}

static void
put_attributes(struct grow *to, const struct span *s, bool error)
{
	struct attributes a = {to, false};
	char id[17];
	struct writer w = writer_on(id, sizeof(id));
	uint8_t bytes[8];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(s->request_id >> (56 - 8 * i));
	write_hex_bytes(&w, bytes, sizeof(bytes));
	text(&a, "http.request.method", s->method);
	if (s->status != 0)
		number(&a, "http.response.status_code", s->status);
	if (s->kind == SPAN_SERVER)
		put_server(&a, s);
	else
		put_client(&a, s);
	put_error_type(&a, s, error);
	text(&a, "holdfast.service", s->service);
	text(&a, "holdfast.member", s->member);
	text(&a, "holdfast.primary", s->primary);
	text(&a, "holdfast.request_id", writer_text(&w));
}

/* ---- spans ------------------------------------------------------------------------------------
 */

/* A server's 4xx is its client's doing, a client's is an error (semantic conventions). */
static bool
is_error(const struct span *s)
{
	if (s->kind == SPAN_CLIENT)
		return s->failed != REASON_NONE || s->status >= 400 ||
		       (s->over && cause_table[s->cause].against_member);
	bool ours = cause_table[s->cause].is_error && cause_table[s->cause].side != SIDE_CLIENT;
	return s->status >= 500 || (ours && s->status < 400);
}

static void
put_span(struct grow *to, const struct span *s)
{
	bool error = is_error(s);
	grow_text(to, "{");
	put_hex(to, "traceId", s->id.trace, sizeof(s->id.trace));
	put_hex(to, "spanId", s->id.span, sizeof(s->id.span));
	if (s->has_parent)
		put_hex(to, "parentSpanId", s->parent, sizeof(s->parent));
	if (s->state[0] != '\0') {
		grow_text(to, "\"traceState\":");
		put_text(to, s->state);
		grow_text(to, ",");
	}
	grow_text(to, "\"name\":");
	put_text(to, s->method[0] != '\0' ? s->method : "HTTP");
	grow_format(to,
		    ",\"kind\":%d,\"flags\":%u,\"startTimeUnixNano\":\"%" PRIu64
		    "000\",\"endTimeUnixNano\":\"%" PRIu64 "000\",\"attributes\":[",
		    (int)s->kind, s->id.flags, s->begun_us, s->ended_us);
	put_attributes(to, s, error);
	grow_format(to, "],\"status\":{%s}}", error ? "\"code\":2" : "");
}

void
write_spans(struct grow *to, const char *node, const struct span *spans, size_t count)
{
	struct attributes resource = {to, false};
	grow_text(to, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	text(&resource, "service.name", "holdfast");
	text(&resource, "service.version", HOLDFAST_VERSION);
	text(&resource, "service.instance.id", node != NULL ? node : "");
	grow_text(
	    to,
	    "]},\"scopeSpans\":[{\"scope\":{\"name\":\"holdfast\",\"version\":\"" HOLDFAST_VERSION
	    "\"},\"spans\":[");
	for (size_t i = 0; i < count; i++) {
		grow_text(to, i > 0 ? "," : "");
		put_span(to, &spans[i]);
	}
	grow_text(to, "]}]}]}");
}
