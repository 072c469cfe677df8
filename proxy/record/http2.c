/* http2.c: see http2.h. */
#include "record/http2.h"

static uint64_t
read_count(const atomic_ullong *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

void
http2_sum_add(struct http2_sum *sum, const struct http2_counts *counts)
{
	/* What ended was opened before: never more of these than of those. */
	for (unsigned i = 0; i < HTTP2_ENDS; i++) {
		uint64_t ended = read_count(&counts->ended[i]);
		sum->ended[i] += ended;
		sum->ended_all += ended;
	}
	sum->connections += read_count(&counts->connections);
	sum->streams += read_count(&counts->streams);
	sum->tunnels += read_count(&counts->tunnels);
	sum->resets_received += read_count(&counts->resets_received);
	sum->resets_sent += read_count(&counts->resets_sent);
	sum->slow += read_count(&counts->slow);
}
