/* limiter.c: counting lines by event and member; see limiter.h. */
#include "record/limiter.h"

static uint64_t
fnv1a(uint64_t hash, struct slice s)
{
	for (size_t i = 0; i < s.bytes; i++)
		hash = (hash ^ (uint8_t)s.at[i]) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3); /* so that "ab","c" is not "a","bc" */
}

static struct limiter_cell *
bucket_of(struct limiter *limiter, const struct limiter_subject *subject)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) + (uint64_t)subject->event;
	hash = fnv1a(fnv1a(hash, subject->service), subject->member);
	return limiter->cell[(hash ^ hash >> 32) & (LIMITER_BUCKETS - 1)];
}

static struct limiter_subject
cell_subject(const struct limiter_cell *cell)
{
	return (struct limiter_subject){
	    .event = (enum event_kind)cell->event,
	    .service = {cell->service, cell->service_bytes},
	    .member = {cell->member, cell->member_bytes},
	};
}

static bool
cell_is(const struct limiter_cell *cell, const struct limiter_subject *subject)
{
	struct limiter_subject of = cell_subject(cell);
	return cell->used && of.event == subject->event &&
	       slice_equal(of.service, subject->service) && slice_equal(of.member, subject->member);
}

static bool
window_over(const struct limiter_cell *cell, uint64_t now_ms)
{
	return now_ms >= cell->window_ms + LIMITER_WINDOW_MS;
}

/* Nothing would be forgotten if another subject took it. */
static bool
cell_is_free(const struct limiter_cell *cell, uint64_t now_ms)
{
	return !cell->used || (cell->held == 0 && window_over(cell, now_ms));
}

static void
cell_take(struct limiter_cell *cell, const struct limiter_subject *subject, uint64_t now_ms)
{
	*cell = (struct limiter_cell){.window_ms = now_ms,
				      .event = (uint8_t)subject->event,
				      .used = true,
				      .service_bytes = (uint8_t)subject->service.bytes,
				      .member_bytes = (uint8_t)subject->member.bytes};
	struct writer service = writer_on(cell->service, sizeof(cell->service));
	struct writer member = writer_on(cell->member, sizeof(cell->member));
	write_slice(&service, subject->service);
	write_slice(&member, subject->member);
}

static struct limiter_cell *
cell_of(struct limiter *limiter, const struct limiter_subject *subject, uint64_t now_ms)
{
	struct limiter_cell *bucket = bucket_of(limiter, subject);
	struct limiter_cell *empty = NULL;
	for (size_t i = 0; i < LIMITER_WAYS; i++) {
		if (cell_is(&bucket[i], subject))
			return &bucket[i];
		if (empty == NULL && cell_is_free(&bucket[i], now_ms))
			empty = &bucket[i];
	}
	if (empty != NULL) {
		cell_take(empty, subject, now_ms);
		return empty;
	}
	struct limiter_cell *shared = &limiter->shared[subject->event];
	shared->event = (uint8_t)subject->event;
	shared->used = true;
	return shared;
}

static struct slice
id_cut(struct slice id)
{
	return id.bytes <= ID_BYTES_MAX ? id : (struct slice){id.at, ID_BYTES_MAX};
}

/* One line more of this event, whatever it is about. */
static bool
together_pass(struct limiter *limiter, enum event_kind event, uint32_t max, uint64_t now_ms)
{
	if (now_ms >= limiter->together[event].window_ms + LIMITER_WINDOW_MS) {
		limiter->together[event].window_ms = now_ms;
		limiter->together[event].passed = 0;
	}
	if (limiter->together[event].passed >= max)
		return false;
	limiter->together[event].passed++;
	return true;
}

bool
limiter_pass(struct limiter *limiter, struct limiter_subject subject, struct limiter_bounds bounds,
	     uint64_t now_ms, uint64_t *suppressed)
{
	subject.service = id_cut(subject.service);
	subject.member = id_cut(subject.member);
	struct limiter_cell *cell = cell_of(limiter, &subject, now_ms);
	if (window_over(cell, now_ms)) {
		cell->window_ms = now_ms;
		cell->passed = 0;
	}
	if (cell->passed >= bounds.subject_max ||
	    !together_pass(limiter, subject.event, bounds.together_max, now_ms)) {
		cell->held++;
		return false;
	}
	cell->passed++;
	*suppressed = cell->held;
	cell->held = 0;
	return true;
}

static void
cell_tick(struct limiter_cell *cell, uint64_t now_ms, bool all, limiter_told_fn *told,
	  void *context)
{
	if (cell->held == 0 || !(all || window_over(cell, now_ms)))
		return;
	told(context, cell_subject(cell), cell->held);
	cell->held = 0;
}

void
limiter_tick(struct limiter *limiter, uint64_t now_ms, bool all, limiter_told_fn *told,
	     void *context)
{
	for (size_t b = 0; b < LIMITER_BUCKETS; b++) {
		for (size_t i = 0; i < LIMITER_WAYS; i++)
			cell_tick(&limiter->cell[b][i], now_ms, all, told, context);
	}
	for (size_t e = 0; e < EVENTS; e++)
		cell_tick(&limiter->shared[e], now_ms, all, told, context);
}
