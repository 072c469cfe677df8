/*
 * race_host.h: the answering side of a race (race.h): who offers, and when. A node that cannot take
 * a session is silent. One that can waits first, the longer the more it has to do: the raw first
 * answer measures only who is near, and one node of ten got 99.7 % of all sessions; with answers
 * delayed in proportion to the load the fullest had 1.1 times the mean.
 *
 * Between INIT and OFFER an answer stands in a queue that is bounded and never grows; after the
 * OFFER nothing is left of it (U10). A full queue is silence, too.
 */
#ifndef HOLDFAST_CLUSTER_RACE_HOST_H
#define HOLDFAST_CLUSTER_RACE_HOST_H

#include "cluster/race.h"
#include "cluster/race_rates.h"

#define RACE_PENDING_MAX 1024

/* How the member beside this node is, right now. */
struct race_condition {
	bool fresh; /* its probe passed, and not long ago */
	bool takes_new;
	uint32_t load_ppm;  /* of what it can take; 10^6: full */
	uint64_t spread_us; /* between idle and full: at least what round trips differ by */
};

struct race_pending {
	uint64_t due_us;
	uint8_t tag[RACE_TAG_BYTES];
	struct ticket_bind bind;
	struct addr client; /* who is answered */
	uint32_t service;   /* ticket_service */
	bool sealed;        /* as it asked, it is answered */
};

/*
 * Zeroed: nothing waits. Who is of the cluster, and proves it by a seal, is not counted against
 * the rates of its addresses.
 */
struct race_host {
	size_t count;
	uint64_t silent[RACE_SILENCES + 1];         /* [RACE_OFFERS]: how often not */
	struct race_pending heap[RACE_PENDING_MAX]; /* soonest first */
	struct race_rates rates;
};

/* load x spread, and up to a sixteenth of the spread by `draw`, so that crowds do not see one idle
 * node. */
uint64_t race_delay_us(uint64_t spread_us, uint32_t load_ppm, uint64_t draw);

/*
 * An INIT of `init_bytes` was heard; `offer_bytes` is what the answer would have. Queued, or why
 * not; either is counted. pending->due_us is set here, the rest by the caller.
 */
enum race_silence race_host_hear(struct race_host *h, uint64_t now_us,
				 const struct race_condition *condition, size_t init_bytes,
				 size_t offer_bytes, uint64_t draw, struct race_pending *pending);
/* Counts what the caller was silent for. */
void race_host_silent(struct race_host *h, enum race_silence why);
/* Takes the next that is due. Whether the member is still fit is asked anew by the caller. */
bool race_host_due(struct race_host *h, uint64_t now_us, struct race_pending *pending);
uint64_t race_host_next(const struct race_host *h);

#endif
