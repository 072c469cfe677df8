/* race_host.c: the answering side of a race; see race_host.h. */
#include "cluster/race_host.h"

#define FULL_PPM 1000000

uint64_t
race_delay_us(uint64_t spread_us, uint32_t load_ppm, uint64_t draw)
{
	return spread_us * load_ppm / FULL_PPM + draw % (spread_us / 16 + 1);
}

static enum race_silence
silence_of(const struct race_host *h, const struct race_condition *condition)
{
	if (!condition->fresh)
		return RACE_SILENT_STALE;
	if (!condition->takes_new)
		return RACE_SILENT_DRAIN;
	if (condition->load_ppm >= FULL_PPM)
		return RACE_SILENT_FULL;
	if (h->count == RACE_PENDING_MAX)
		return RACE_SILENT_QUEUE;
	return RACE_OFFERS;
}

void
race_host_silent(struct race_host *h, enum race_silence why)
{
	h->silent[why]++;
}

enum race_silence
race_host_hear(struct race_host *h, uint64_t now_us, const struct race_condition *condition,
	       size_t init_bytes, size_t offer_bytes, uint64_t draw, struct race_pending *pending)
{
	enum race_silence why = silence_of(h, condition);
	if (init_bytes < offer_bytes)
		why = RACE_SILENT_SHORT;
	else if (!pending->sealed && !race_rates_let(&h->rates, &pending->client, now_us / 1000))
		why = RACE_SILENT_RATE;
	h->silent[why]++;
	if (why != RACE_OFFERS)
		return why;
	pending->due_us = now_us + race_delay_us(condition->spread_us, condition->load_ppm, draw);
	size_t at = h->count++;
	for (; at > 0 && pending->due_us < h->heap[(at - 1) / 2].due_us; at = (at - 1) / 2)
		h->heap[at] = h->heap[(at - 1) / 2];
	h->heap[at] = *pending;
	return RACE_OFFERS;
}

bool
race_host_due(struct race_host *h, uint64_t now_us, struct race_pending *pending)
{
	if (h->count == 0 || h->heap[0].due_us > now_us)
		return false;
	*pending = h->heap[0];
	const struct race_pending last = h->heap[--h->count];
	size_t at = 0;
	for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
		if (child + 1 < h->count && h->heap[child + 1].due_us < h->heap[child].due_us)
			child++;
		if (h->heap[child].due_us >= last.due_us)
			break;
		h->heap[at] = h->heap[child];
	}
	h->heap[at] = last;
	return true;
}

uint64_t
race_host_next(const struct race_host *h)
{
	return h->count > 0 ? h->heap[0].due_us : RACE_NEVER;
}
