/*
 * outage.h: what one member's outage costs, counted while it lasts. Pure: the time is an
 * argument, no lock, no I/O.
 *
 *   requests fail, sessions move      went down             is up again     settled
 *   brewing -------------------------> going on -----------> over ----------> summary, forgotten
 *      `-- OUTAGE_BREWING_MS without another: forgotten
 *
 * Requests fail before a member is proved down, so what is counted shortly before belongs to the
 * outage as well. When it is over, sessions that go home are waited for: it is settled when all are
 * back, when none came for OUTAGE_SETTLE_MS, or after OUTAGE_SETTLE_MS_MAX; at once when no session
 * that moved would go home by itself.
 */
#ifndef HOLDFAST_RECORD_OUTAGE_H
#define HOLDFAST_RECORD_OUTAGE_H

#include "base/text.h"
#include "record/moved.h"
#include "vocab.h"

#define OUTAGES_MAX          4096  /* at once, whatever their phase; above it nothing is counted */
#define OUTAGE_HEIRS_MAX     16    /* named; sessions that went elsewhere are counted together */
#define OUTAGE_BREWING_MS    10000 /* without another sign before it is forgotten */
#define OUTAGE_SETTLE_MS     5000
#define OUTAGE_SETTLE_MS_MAX 60000
#define OUTAGE_SLOTS_MAX     ((size_t)1 << 20) /* of sessions told apart, of all outages: 8 MiB */
#define OUTAGE_BUCKETS       256               /* a power of 2 */

/* A member that took sessions over; how many: outage_heir_sessions. */
struct outage_heir {
	char id[ID_BYTES_MAX];
	uint8_t id_bytes;
};

enum outage_phase { OUTAGE_BREWING, OUTAGE_GOING_ON, OUTAGE_OVER };

struct outage {
	struct outage *next; /* in its bucket */
	char service[ID_BYTES_MAX];
	char member[ID_BYTES_MAX];
	uint8_t service_bytes;
	uint8_t member_bytes;
	enum outage_phase phase;
	enum reason why;   /* of its going down */
	uint64_t since_ms; /* went down; brewing: the last sign */
	uint64_t until_ms; /* over: was up again */
	uint64_t last_ms;  /* over: that, or the last session that came back */
	uint64_t detection_ms;
	uint64_t epoch; /* of the membership, and its fingerprint, when it went down */
	uint64_t pool;
	uint64_t requests_failed;
	uint64_t requests_retried;
	bool returns; /* there are sessions that would go home by themselves */
	struct moved_sessions moved;
	size_t heir_count;
	struct outage_heir heir[OUTAGE_HEIRS_MAX];
};

/* Zeroed is empty. */
struct outages {
	struct outage *bucket[OUTAGE_BUCKETS]; /* owned */
	size_t count;
	size_t over;       /* of these, in that phase */
	size_t slots_used; /* of OUTAGE_SLOTS_MAX */
};

/* A session that moves, or is back. */
struct outage_session {
	const struct session_digest *digest;
	bool returns; /* it goes home by itself when its member is up */
};

void outages_deinit(struct outages *outages);
/* NULL: the member has no outage going on. */
struct outage *outages_find(struct outages *outages, struct slice service, struct slice member);
/* The member went down. NULL: no memory or OUTAGES_MAX; then it is not counted. */
struct outage *outages_begin(struct outages *outages, struct slice service, struct slice member,
			     enum reason why, uint64_t detection_ms, uint64_t now_ms);
/* The member is up. True: its outage was going on and is over. */
bool outages_end(struct outages *outages, struct slice service, struct slice member,
		 uint64_t now_ms);
/*
 * Takes an outage out for the caller, who frees it with outage_free: one that is over and settled,
 * or with `all` any that went on or is over, of `member` (empty: of everybody). NULL: there is
 * none.
 */
struct outage *outages_take(struct outages *outages, struct slice service, struct slice member,
			    bool all, uint64_t now_ms);
void outage_free(struct outage **outage);
void outages_count_move(struct outages *outages, struct slice service, struct slice from,
			struct slice to, const struct outage_session *session, uint64_t now_ms);
/* A session is at `member`: if it is one that moved from there, it is back. */
void outages_count_back(struct outages *outages, struct slice service, struct slice member,
			const struct session_digest *digest, uint64_t now_ms);
/* `retried`: the request went on to another member; otherwise it ended with an error. */
void outages_count_failed(struct outages *outages, struct slice service, struct slice member,
			  bool retried, uint64_t now_ms);
/* Forgets what brewed and did not come to anything. */
void outages_tick(struct outages *outages, uint64_t now_ms);

uint64_t outage_sessions(const struct outage *o);
/* Of these, at the heir; OUTAGE_HEIRS_MAX: at heirs that are not named. */
uint64_t outage_heir_sessions(const struct outage *o, size_t heir);
/* Of these, back where they came from. */
uint64_t outage_failbacks(const struct outage *o);

#endif
