/*
 * arrivals.h: counts of what happens to connections before their first request: PROXY headers and
 * TLS handshakes. One for all workers: a handshake costs a thousand times what adding to it does.
 */
#ifndef HOLDFAST_RECORD_ARRIVALS_H
#define HOLDFAST_RECORD_ARRIVALS_H

#include <stdatomic.h>

/* Why one ended there. */
enum arrival_end {
#define ARRIVAL_END(name, text, help) ARRIVAL_##name,
#include "tbl/arrival_ends.h"
#undef ARRIVAL_END
	ARRIVAL_ENDS
};

struct arrivals {
	atomic_ullong handshakes; /* of TLS, that succeeded */
	atomic_ullong resumed;    /* of these, by a ticket */
	atomic_ullong tls_1_3;    /* of these, in TLS 1.3; the others in 1.2 */
	atomic_ullong proxied;    /* PROXY headers that were taken */
	atomic_ullong ended[ARRIVAL_ENDS];
};

static inline const char *
arrival_end_text(enum arrival_end end)
{
	static const char *const texts[] = {
#define ARRIVAL_END(name, text, help) text,
#include "tbl/arrival_ends.h"
#undef ARRIVAL_END
	};
	return texts[end];
}

static inline void
arrivals_add(atomic_ullong *count)
{
	(void)atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

#endif
