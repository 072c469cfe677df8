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
