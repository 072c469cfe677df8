/* h2_budget.c: see h2_budget.h. */
#include "relay/h2_budget.h"

struct bucket {
	uint32_t burst;
	uint32_t per_s;
};

static const struct bucket buckets[HTTP2_ENDS] = {
#define HTTP2_END(name, text, code, burst, per_s, help) [HTTP2_END_##name] = {burst, per_s},
#include "tbl/http2_ends.h"
#undef HTTP2_END
};

static void
earn(struct h2_budget *b, enum http2_end kind, uint64_t units)
{
	uint64_t most = (uint64_t)buckets[kind].burst * H2_BUDGET_UNITS;
	uint64_t left = most - b->units[kind];
	b->units[kind] += (uint32_t)(units < left ? units : left);
}

void
h2_budget_init(struct h2_budget *b, uint64_t now_ms)
{
	b->filled_ms = now_ms;
	b->continuations = 0;
	for (unsigned kind = 0; kind < HTTP2_ENDS; kind++)
		b->units[kind] = buckets[kind].burst * H2_BUDGET_UNITS;
}

/* Asked when a bucket is empty: time is of no interest to who stays within the bursts. */
static void
fill(struct h2_budget *b, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms - b->filled_ms;
	b->filled_ms = now_ms;
	for (unsigned kind = 0; kind < HTTP2_ENDS; kind++)
		earn(b, (enum http2_end)kind, passed_ms * buckets[kind].per_s);
}

bool
h2_budget_take(struct h2_budget *b, enum http2_end kind, uint64_t now_ms)
{
	if (b->units[kind] < H2_BUDGET_UNITS)
		fill(b, now_ms);
	if (b->units[kind] < H2_BUDGET_UNITS)
		return false;
	b->units[kind] -= H2_BUDGET_UNITS;
	return true;
}

static bool
spend(struct h2_budget *b, enum http2_end kind, uint64_t now_ms, enum http2_end *why)
{
	*why = kind;
	return h2_budget_take(b, kind, now_ms);
}

static bool
count_continuation(struct h2_budget *b, const nghttp2_frame_hd *hd, uint64_t now_ms,
		   enum http2_end *why)
{
	bool ends = (hd->flags & NGHTTP2_FLAG_END_HEADERS) != 0;
	*why = HTTP2_END_HEAD_FRAMES;
	if (++b->continuations > H2_CONTINUATIONS_MAX)
		return false;
	return hd->length > 0 || ends || spend(b, HTTP2_END_EMPTY_FRAMES, now_ms, why);
}

bool
h2_budget_frame(struct h2_budget *b, const nghttp2_frame_hd *hd, uint64_t now_ms,
		enum http2_end *why)
{
	switch (hd->type) {
	case NGHTTP2_HEADERS:
		b->continuations = 0;
		return (hd->flags & NGHTTP2_FLAG_END_HEADERS) != 0 || hd->length > 0 ||
		       spend(b, HTTP2_END_EMPTY_FRAMES, now_ms, why);
	case NGHTTP2_CONTINUATION:
		return count_continuation(b, hd, now_ms, why);
	case NGHTTP2_SETTINGS:
		return spend(b, HTTP2_END_SETTINGS, now_ms, why);
	case NGHTTP2_PING:
		return spend(b, HTTP2_END_PINGS, now_ms, why);
	case NGHTTP2_PRIORITY:
	case NGHTTP2_GOAWAY: /* one is usual, two are an end in order */
		return spend(b, HTTP2_END_PRIORITIES, now_ms, why);
	case NGHTTP2_WINDOW_UPDATE:
		return spend(b, HTTP2_END_WINDOW_UPDATES, now_ms, why);
	default: /* RST_STREAM, DATA; the unknown ones: h2_budget_passed_over */
		return true;
	}
}

bool
h2_budget_data_frame(struct h2_budget *b, const nghttp2_frame_hd *hd, size_t padding,
		     uint64_t now_ms, enum http2_end *why)
{
	bool ends = (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0;
	return hd->length > padding || ends || spend(b, HTTP2_END_EMPTY_FRAMES, now_ms, why);
}

bool
h2_budget_passed_over(struct h2_budget *b, struct h2_frames *f, uint64_t now_ms,
		      enum http2_end *why)
{
	bool within = true;
	for (; within && f->unknown > 0; f->unknown--)
		within = spend(b, HTTP2_END_UNKNOWN_FRAMES, now_ms, why);
	for (; within && f->priority_updates > 0; f->priority_updates--)
		within = spend(b, HTTP2_END_PRIORITIES, now_ms, why);
	return within;
}

void
h2_budget_stream(struct h2_budget *b)
{
	earn(b, HTTP2_END_RESETS, H2_STREAM_RESETS);
	earn(b, HTTP2_END_PRIORITIES, H2_STREAM_FRAMES * H2_BUDGET_UNITS);
	earn(b, HTTP2_END_WINDOW_UPDATES, H2_STREAM_FRAMES * H2_BUDGET_UNITS);
}

void
h2_budget_data(struct h2_budget *b)
{
	earn(b, HTTP2_END_WINDOW_UPDATES, H2_DATA_UPDATES * H2_BUDGET_UNITS);
}
