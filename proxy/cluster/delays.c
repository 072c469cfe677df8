/* delays.c: round trips and waiting times; see delays.h. */
#include "cluster/delays.h"

#define SIXTEENTHS        16U
#define ROUND_TRIP_MS_MAX 60000U /* more is no neighbour; keeps all sums in 32 bits */

void
delays_measured(struct delays *d, const struct cluster_nodes *nodes, cluster_node node, uint64_t ms)
{
	/* One more: a clock of milliseconds shows up to one too few. */
	uint32_t sample = ms < ROUND_TRIP_MS_MAX ? (uint32_t)ms + 1 : ROUND_TRIP_MS_MAX;
	sample *= SIXTEENTHS;
	uint32_t *peak = &d->peak[node];
	if (sample > *peak)
		*peak = sample;
	else
		*peak -= (*peak - sample) / SIXTEENTHS;
	d->round_trip_ms[nodes->self][node] = (uint16_t)((*peak + SIXTEENTHS - 1) / SIXTEENTHS);
}

uint32_t
delays_between(const struct delays *d, cluster_node j, cluster_node k)
{
	uint16_t there = d->round_trip_ms[j][k];
	uint16_t back = d->round_trip_ms[k][j];
	return there > back ? there : back;
}

void
delays_put(const struct delays *d, const struct cluster_nodes *nodes, struct outgoing *o)
{
	const uint16_t *row = d->round_trip_ms[nodes->self];
	uint8_t known = 0;
	for (cluster_node n = 0; n < nodes->count; n++)
		known = (uint8_t)(known + (row[n] != 0));
	put_u8(o, known);
	for (cluster_node n = 0; n < nodes->count; n++) {
		if (row[n] == 0)
			continue;
		put_node(o, nodes, n);
		put_u16(o, row[n]);
	}
}

bool
delays_get(struct delays *d, const struct cluster_nodes *nodes, cluster_node from, struct body *b)
{
	uint16_t row[CLUSTER_NODES_MAX] = {0};
	size_t known = get_u8(b);
	for (size_t i = 0; i < known && !b->bad; i++) {
		cluster_node n = get_node(b, nodes);
		uint16_t ms = get_u16(b);
		if (n < nodes->count)
			row[n] = ms < ROUND_TRIP_MS_MAX ? ms : ROUND_TRIP_MS_MAX;
	}
	if (b->bad)
		return false;
	for (cluster_node n = 0; n < nodes->count; n++)
		d->round_trip_ms[from][n] = row[n];
	return true;
}

void
delays_formula(const uint32_t *delta_ms, size_t count, uint32_t t1_ms, uint32_t *wait_ms)
{
	uint32_t sum = t1_ms;
	for (size_t i = 0; i < count; i++) {
		wait_ms[i] = i == 0 ? 0 : sum;
		sum += delta_ms[i];
	}
}

void
delays_deltas(const struct delays *d, const cluster_node *order, size_t count,
	      uint32_t margin_percent, uint32_t *delta_ms)
{
	for (size_t j = 0; j < count; j++) {
		uint32_t farthest = 0;
		for (size_t k = j + 1; j > 0 && k < count; k++) {
			uint32_t c = delays_between(d, order[j], order[k]);
			farthest = c > farthest ? c : farthest;
		}
		delta_ms[j] = (farthest * margin_percent + 99) / 100;
	}
}

/* S_0, then the others as they stand before each other. */
static void
put_in_order(const struct cluster_nodes *nodes, cluster_node lost, struct delays_schedule *s)
{
	s->count = 0;
	s->order[s->count++] = lost;
	for (cluster_node n = 0; n < nodes->count; n++) {
		if (n == lost)
			continue;
		size_t at = s->count++;
		for (; at > 1 && cluster_before(nodes, n, s->order[at - 1]); at--)
			s->order[at] = s->order[at - 1];
		s->order[at] = n;
	}
}

/* From any node over any other to the lost one and back; 0 when nobody was lost. */
static uint32_t
refutation_ms(const struct delays *d, const struct cluster_nodes *nodes, cluster_node lost)
{
	uint32_t longest = 0;
	for (cluster_node i = 0; i < nodes->count && lost != NODE_NONE; i++) {
		for (cluster_node j = 0; j < nodes->count; j++) {
			if (i == lost || j == lost || i == j)
				continue;
			uint32_t way = delays_between(d, i, j) + delays_between(d, j, lost);
			longest = way > longest ? way : longest;
		}
	}
	return (longest * DELAYS_MARGIN_PERCENT + 99) / 100;
}

void
delays_plan(const struct delays *d, const struct cluster_nodes *nodes, cluster_node lost,
	    uint32_t t1_ms, struct delays_schedule *s)
{
	put_in_order(nodes, lost, s);
	delays_deltas(d, s->order, s->count, DELAYS_MARGIN_PERCENT, s->delta_ms);
	for (size_t j = 1; j < s->count; j++) {
		if (s->delta_ms[j] < DELAYS_STEP_MIN_MS)
			s->delta_ms[j] = DELAYS_STEP_MIN_MS;
	}
	uint32_t refuted_ms = refutation_ms(d, nodes, lost);
	delays_formula(s->delta_ms, s->count, t1_ms > refuted_ms ? t1_ms : refuted_ms, s->wait_ms);
}

uint32_t
delays_own_wait(const struct delays_schedule *s, cluster_node self)
{
	for (size_t i = 1; i < s->count; i++) {
		if (s->order[i] == self)
			return s->wait_ms[i];
	}
	return delays_longest_wait(s) + DELAYS_STEP_MIN_MS;
}

uint32_t
delays_longest_wait(const struct delays_schedule *s)
{
	uint32_t longest = 0;
	for (size_t i = 0; i < s->count; i++)
		longest = s->wait_ms[i] > longest ? s->wait_ms[i] : longest;
	return longest;
}
