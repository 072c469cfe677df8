/*
 * http2.h: counts of HTTP/2, of one worker each, which alone writes them: connections by why they
 * ended, streams, resets. Whoever reads sums the workers.
 */
#ifndef HOLDFAST_RECORD_HTTP2_H
#define HOLDFAST_RECORD_HTTP2_H

#include <stdatomic.h>
#include <stdint.h>

/* Why a connection was ended. */
enum http2_end {
#define HTTP2_END(name, text, code, burst, per_s, help) HTTP2_END_##name,
#include "tbl/http2_ends.h"
#undef HTTP2_END
	HTTP2_ENDS
};

struct http2_counts {
	atomic_ullong connections;     /* opened */
	atomic_ullong streams;         /* requests begun */
	atomic_ullong tunnels;         /* of these, by Extended CONNECT (RFC 8441) */
	atomic_ullong resets_received; /* RST_STREAM frames */
	atomic_ullong resets_sent;     /* the same; of errors, NO_ERROR is none */
	atomic_ullong slow;            /* streams broken off because the client took nothing */
	atomic_ullong ended[HTTP2_ENDS];
};

/* All workers' together. */
struct http2_sum {
	uint64_t connections;
	uint64_t streams;
	uint64_t tunnels;
	uint64_t resets_received;
	uint64_t resets_sent;
	uint64_t slow;
	uint64_t ended[HTTP2_ENDS];
	uint64_t ended_all;
};
/* Adds one worker's; any thread. */
void http2_sum_add(struct http2_sum *sum, const struct http2_counts *counts);

/* No read-modify-write: nobody else writes it. */
static inline void
http2_add(atomic_ullong *count)
{
	unsigned long long before = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(count, before + 1, memory_order_relaxed);
}

static inline const char *
http2_end_text(enum http2_end end)
{
	static const char *const texts[] = {
#define HTTP2_END(name, text, code, burst, per_s, help) text,
#include "tbl/http2_ends.h"
#undef HTTP2_END
	};
	return texts[end];
}

#endif
