/*
 * outage.h: what one member's outage costs, counted while it lasts. Pure: the time is an
 * argument, no lock, no I/O.
 *
 *   requests fail, sessions move      went down             is up again
 *   brewing -------------------------> going on -----------> summary, forgotten
 *      `-- OUTAGE_BREWING_MS without another: forgotten
 *
 * Requests fail before a member is proved down, so what is counted shortly before belongs to the
 * outage as well.
 */
#ifndef HOLDFAST_RECORD_OUTAGE_H
#define HOLDFAST_RECORD_OUTAGE_H

#include "base/text.h"
#include "vocab.h"

#define OUTAGES_MAX       4096  /* at once, brewing ones included; above it nothing is counted */
#define OUTAGE_HEIRS_MAX  16    /* named; sessions that went elsewhere are counted together */
#define OUTAGE_BREWING_MS 10000 /* without another sign before it is forgotten */
#define OUTAGE_BUCKETS    256   /* a power of 2 */

/* A member that took sessions over. */
struct outage_heir {
	char id[ID_BYTES_MAX];
	uint8_t id_bytes;
	uint64_t count;
};

struct outage {
	struct outage *next; /* in its bucket */
	char service[ID_BYTES_MAX];
	char member[ID_BYTES_MAX];
	uint8_t service_bytes;
	uint8_t member_bytes;
	bool going_on;     /* false: brewing */
	enum reason why;   /* of its going down */
	uint64_t since_ms; /* went down; brewing: the last sign */
	uint64_t detection_ms;
	uint64_t sessions_moved;
	uint64_t elsewhere; /* of these, to heirs that are not named */
	uint64_t requests_failed;
	size_t heir_count;
	struct outage_heir heir[OUTAGE_HEIRS_MAX];
};

/* Zeroed is empty. */
struct outages {
	struct outage *bucket[OUTAGE_BUCKETS]; /* owned */
	size_t count;
};

void outages_deinit(struct outages *outages);
/* NULL: the member has no outage going on. */
struct outage *outages_find(struct outages *outages, struct slice service, struct slice member);
/* The member went down. NULL: no memory or OUTAGES_MAX; then it is not counted. */
struct outage *outages_begin(struct outages *outages, struct slice service, struct slice member,
			     enum reason why, uint64_t detection_ms, uint64_t now_ms);
/* The member is up: takes its outage out for the caller, who frees it; NULL: none was going on. */
struct outage *outages_end(struct outages *outages, struct slice service, struct slice member);
void outages_count_move(struct outages *outages, struct slice service, struct slice from,
			struct slice to, uint64_t now_ms);
void outages_count_failed(struct outages *outages, struct slice service, struct slice member,
			  uint64_t now_ms);
/* Forgets what brewed and did not come to anything. */
void outages_tick(struct outages *outages, uint64_t now_ms);

#endif
