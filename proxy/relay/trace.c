/* trace.c: spans of an exchange; see trace.h. */
#include "relay/trace.h"

#include "base/clock.h"

#include <stdlib.h>

#define NAME_TRACEPARENT SLICE("traceparent")
#define NAME_TRACESTATE  SLICE("tracestate")

struct trace {
	struct span span;              /* the server's */
	uint8_t client[SPAN_ID_BYTES]; /* id of the present attempt's span */
	bool client_known;
	bool parent_came;   /* traceparent was good: tracestate goes on, too */
	uint32_t ended;     /* attempts that have their span */
	uint64_t offset_us; /* from the monotonic clock to the wall's */
};

/* ---- beginning --------------------------------------------------------------------------------
 */

/* The one traceparent; several, or a malformed one, count as none (W3C: restart the trace). */
static bool
find_parent(const struct http_head *request, struct traceparent *out)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(request, NAME_TRACEPARENT, &at);
	return field != NULL && http_field_find(request, NAME_TRACEPARENT, &at) == NULL &&
	       traceparent_parse(http_field_value(request, field), out);
}

static bool
is_chosen(struct exchange *x, bool came, const struct traceparent *parent)
{
	uint64_t one_in = x->worker->services->config->trace.one_in;
	if (came)
		return (parent->flags & TRACE_SAMPLED) != 0;
	return one_in > 0 && prng_next(&x->worker->prng) % one_in == 0;
}

/* Tracestate in one value, of all its lines (W3C section 3.3.1.1). */
static void
read_state(const struct http_head *request, struct span *span)
{
	size_t at = 0;
	struct writer w = writer_on(span->state, SPAN_STATE_BYTES);
	const struct http_field *field;
	while ((field = http_field_find(request, NAME_TRACESTATE, &at)) != NULL) {
		if (w.bytes > 0)
			write_char(&w, ',');
		write_slice(&w, http_field_value(request, field));
	}
	span->state[w.overflow ? 0 : w.bytes] = '\0';
}

static void
new_span_id(struct exchange *x, uint8_t id[SPAN_ID_BYTES])
{
	uint64_t draw = prng_next(&x->worker->prng) | 1; /* never 0 */
	memcpy(id, &draw, SPAN_ID_BYTES);
}

static void
describe(struct exchange *x, struct span *span)
{
	const struct http_head *request = &x->request;
	char text[ADDR_TEXT_BYTES_MAX];
	struct slice path = {request->target.at, slice_find(request->target, '?')};
	span->kind = SPAN_SERVER;
	span->tls = x->door->tls != NULL;
	span->major = request->minor == HTTP_MINOR_OF_2 ? 2 : 1;
	span->minor = request->minor;
	span->request_id = x->request_id;
	span_text(span->method, sizeof(span->method), request->method_text);
	span_text(span->path, sizeof(span->path), path);
	span_text(span->host, sizeof(span->host), request->host);
	span_text(span->peer, sizeof(span->peer), addr_ip_text(x->client, text));
}

__attribute__((noinline, cold)) void
trace_begin(struct exchange *x)
{
	struct traceparent parent;
	bool came = find_parent(&x->request, &parent);
	if (!is_chosen(x, came, &parent))
		return;
	struct trace *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return;
	t->offset_us = clock_wall_ms() * 1000 - clock_us();
	t->parent_came = came;
	t->span.begun_us = x->begun_us + t->offset_us;
	t->span.has_parent = came;
	t->span.id.flags = TRACE_SAMPLED;
	if (came) {
		memcpy(t->span.id.trace, parent.trace, TRACE_ID_BYTES);
		memcpy(t->span.parent, parent.span, SPAN_ID_BYTES);
		t->span.id.flags |= parent.flags;
		read_state(&x->request, &t->span);
	} else {
		digest_random(t->span.id.trace);
	}
	new_span_id(x, t->span.id.span);
	describe(x, &t->span);
	x->trace = t;
}

/* ---- attempts ---------------------------------------------------------------------------------
 */

static const uint8_t *
client_id(struct exchange *x)
{
	struct trace *t = x->trace;
	if (!t->client_known)
		new_span_id(x, t->client);
	t->client_known = true;
	return t->client;
}

/* A state without its parent says nothing (W3C section 3.3). */
static void
drop_what_came(struct exchange *x)
{
	struct http_head *request = &x->request;
	for (size_t i = 0; i < request->field_count; i++) {
		struct slice name = http_field_name(request, &request->field[i]);
		if (slice_equal_nocase(name, NAME_TRACEPARENT) ||
		    (!x->trace->parent_came && slice_equal_nocase(name, NAME_TRACESTATE)))
			request->field[i].drop = true;
	}
}

__attribute__((noinline, cold)) struct slice
trace_tell(struct exchange *x, struct slice added)
{
	struct worker *w = x->worker;
	struct traceparent told = x->trace->span.id;
	struct writer out = writer_on(w->added, sizeof(w->added));
	memcpy(told.span, client_id(x), SPAN_ID_BYTES);
	if (added.bytes > 0 && added.at != w->added)
		return added;
	out.bytes = added.bytes;
	write_literal(&out, "traceparent: ");
	write_traceparent(&out, &told);
	write_literal(&out, "\r\n");
	if (out.overflow)
		return added;
	drop_what_came(x);
	return (struct slice){out.at, out.bytes};
}

static void
name_member(const struct exchange *x, uint32_t member, char *to, size_t capacity)
{
	to[0] = '\0';
	if (member == MEMBER_NONE || x->lease == NULL)
		return;
	const struct membership_member *m = &exchange_membership(x)->member[member];
	span_text(to, capacity, (struct slice){m->id, m->id_bytes});
}

/* What is known of session and service by now. */
static void
place_span(const struct exchange *x, struct span *span, uint32_t member)
{
	struct writer w = writer_on(span->session, sizeof(span->session));
	span->affinity = x->plan.affinity;
	name_member(x, member, span->member, sizeof(span->member));
	if (x->slot == NULL)
		return;
	span_text(span->service, sizeof(span->service), x->slot->service->name);
	name_member(x, x->whom.primary, span->primary, sizeof(span->primary));
	if (x->whom.primary != MEMBER_NONE) {
		write_hex_bytes(&w, x->session.digest.bytes, 4);
		(void)writer_text(&w);
	}
}

static void
add_client_span(struct exchange *x, uint32_t member, enum reason why, bool over)
{
	struct trace *t = x->trace;
	struct span span = t->span;
	span.kind = SPAN_CLIENT;
	memcpy(span.parent, t->span.id.span, SPAN_ID_BYTES);
	memcpy(span.id.span, client_id(x), SPAN_ID_BYTES);
	span.has_parent = true;
	span.begun_us = x->attempt_us + t->offset_us;
	span.ended_us = x->worker->now_us + t->offset_us;
	span.failed = why;
	span.over = over;
	span.cause = x->cause;
	span.status = over && x->answered_by != MEMBER_NONE ? x->door->status : 0;
	span.attempt = ++t->ended;
	span.rank = UINT32_MAX;
	span.peer[0] = '\0';
	place_span(x, &span, member);
	if (member != MEMBER_NONE) {
		span.rank = told_rank(x, member);
		span_text(span.peer, sizeof(span.peer),
			  slice_of(exchange_membership(x)->member[member].origin_text));
	}
	t->client_known = false;
	exporter_add(x->worker->shared->spans, &span);
}

__attribute__((noinline, cold)) void
trace_failed(struct exchange *x, enum reason why)
{
	if (x->attempts > x->trace->ended)
		add_client_span(x, exchange_member(x), why, false);
}

__attribute__((noinline, cold)) void
trace_over(struct exchange *x)
{
	struct trace *t = x->trace;
	bool asking = x->attempts > t->ended;
	bool placed = x->step < x->plan.step_count;
	uint32_t asked = asking && placed ? exchange_member(x) : MEMBER_NONE;
	uint32_t member = x->answered_by != MEMBER_NONE ? x->answered_by : asked;
	if (asking)
		add_client_span(x, member, REASON_NONE, true);
	t->span.ended_us = x->worker->now_us + t->offset_us;
	t->span.status = x->door->status;
	t->span.cause = x->cause;
	place_span(x, &t->span, x->answered_by);
	exporter_add(x->worker->shared->spans, &t->span);
	free(t);
	x->trace = NULL;
}
