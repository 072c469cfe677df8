/*
 * vocab.h: the nouns that several rooms share, and the bounds on each list.
 * The words are those of conf/README.md, "Words".
 */
#ifndef HOLDFAST_VOCAB_H
#define HOLDFAST_VOCAB_H

#include <stdbool.h>
#include <stdint.h>

#define HOLDFAST_VERSION      "0.1.0"

#define DIGEST_BYTES          16 /* session digest */
#define POOL_KEY_BYTES        16
#define MEMBERS_MAX           16384 /* members of one service */
#define SERVICES_MAX          256
#define RESOLVERS_MAX         8
#define LISTENERS_MAX         64
#define CERTIFICATES_MAX      256 /* of one listener */
#define NETWORKS_MAX          256 /* in one list of them */
#define SECRETS_MAX           16
#define NODES_MAX             64 /* of one cluster */
#define DISK_FILES_MAX        9  /* of the engine `disk` */
#define HOPS_MAX              16 /* bound of cluster.hops_max */
#define KEY_RULES_MAX         16 /* key rules of one service */
#define HOSTS_MAX             256
#define PATHS_MAX             256
#define WORKERS_MAX           256
#define ID_BYTES_MAX          64 /* member id, node id, service name, zone, secret id */
#define SESSION_KEY_BYTES_MAX 4096
#define PLAN_STEPS_MAX        16 /* attempts of one exchange */
#define PLAN_SKIPPED_MAX      16 /* members named in a line's `skipped` */
#define BACKUPS_TOLD          2  /* ids in Holdfast-Backups */
#define MEMBER_WEIGHT_MAX     65535
#define MEMBER_NONE           UINT32_MAX /* no member: index of none */

/* 16 bytes; all that the ordering, the tag and the logs ever see of a session key. */
struct session_digest {
	uint8_t bytes[DIGEST_BYTES];
};

enum member_state {
#define MEMBER_STATE(name, text, operational, takes_new, help) MEMBER_##name,
#include "tbl/member_states.h"
#undef MEMBER_STATE
	MEMBER_STATES
};

enum event_kind {
#define EVENT(name, text, help) EVENT_##name,
#include "tbl/events.h"
#undef EVENT
	EVENTS
};

enum reason {
#define REASON(name, text, help) REASON_##name,
#include "tbl/reasons.h"
#undef REASON
	REASONS
};

enum cause_side { SIDE_CLIENT, SIDE_PROXY, SIDE_MEMBER };

enum cause_phase {
	PHASE_HEAD,
	PHASE_ROUTE,
	PHASE_CONNECT,
	PHASE_BODY,
	PHASE_ANSWER,
	PHASE_TUNNEL,
	PHASE_DONE
};

enum cause {
#define CAUSE(name, text, side, phase, is_error, against_member, status, help) CAUSE_##name,
#include "tbl/causes.h"
#undef CAUSE
	CAUSES
};

enum tag_rejection {
#define TAG_REJECTION(name, text, help) TAG_##name,
#include "tbl/tag_rejections.h"
#undef TAG_REJECTION
	TAG_REJECTIONS
};

enum ticket_rejection {
#define TICKET_REJECTION(name, text, help) TICKET_##name,
#include "tbl/ticket_rejections.h"
#undef TICKET_REJECTION
	TICKET_REJECTIONS
};

enum race_count {
#define RACE_COUNT(name, text, help) RACE_COUNT_##name,
#include "tbl/race_counts.h"
#undef RACE_COUNT
	RACE_COUNTS
};

enum mirror_count {
#define MIRROR_COUNT(name, text, help) MIRROR_##name,
#include "tbl/mirror_counts.h"
#undef MIRROR_COUNT
	MIRRORS
};

enum placement_count {
#define PLACEMENT_COUNT(name, text, help) PLACEMENT_##name,
#include "tbl/placement_counts.h"
#undef PLACEMENT_COUNT
	PLACEMENTS
};

enum race_silence {
#define RACE_SILENCE(name, text, help) RACE_SILENT_##name,
#include "tbl/race_silences.h"
#undef RACE_SILENCE
	RACE_SILENCES,
	RACE_OFFERS = RACE_SILENCES /* not silent */
};

/* How the primary of a session without one is chosen (DESIGN section 6, step 2). */
enum assign_method {
	ASSIGN_DEFAULT, /* ordering for keys from the request, least_requests for issued ones */
	ASSIGN_ORDERING,
	ASSIGN_LEAST_REQUESTS,
	ASSIGN_ROUND_ROBIN,
	ASSIGN_RACE,   /* the nodes race for it; ordering when nobody offers */
	ASSIGN_MASTER, /* the cluster's master says; ordering when nobody is */
};

/* What a new session needs at a member that is busy (services[].session.admission). */
enum admission { ADMISSION_OPEN, ADMISSION_TICKET };

enum failback { FAILBACK_STAY, FAILBACK_RETURN, FAILBACK_STAY_UNTIL_IDLE };

enum spread { SPREAD_ANY, SPREAD_ZONE };

/* Who gets copies of a session's requests (services[].mirror). */
enum mirror { MIRROR_OFF, MIRROR_FIRST_BACKUP };

/* What is spoken with the members (services[].protocol). */
enum member_protocol { MEMBER_HTTP1, MEMBER_HTTP2 };

/* What becomes of a request whose member is full (members[].connections_max). */
enum overflow { OVERFLOW_QUEUE, OVERFLOW_NEXT };

/* What became of the session's affinity in one exchange: the access log's `affinity`. */
enum affinity {
	AFFINITY_NONE,     /* no session was involved (no service, answered here) */
	AFFINITY_NEW,      /* a session without a primary got one */
	AFFINITY_HIT,      /* served where it was last served */
	AFFINITY_FAILOVER, /* moved to a backup */
	AFFINITY_FAILBACK, /* moved back to its primary */
	AFFINITY_PASS,     /* moved on by a member that does not hold it (421, Holdfast-Pass) */
	AFFINITY_SPILL, /* served elsewhere because its member was full; it stays where it lives */
	AFFINITIES
};

struct cause_row {
	const char *text;
	const char *help;
	enum cause_side side;
	enum cause_phase phase;
	bool is_error;
	bool against_member;
	uint16_t status; /* what Holdfast answers; 0: nothing of its own */
};

extern const struct cause_row cause_table[CAUSES];

const char *member_state_text(enum member_state state);
bool member_state_operational(enum member_state state);
bool member_state_takes_new(enum member_state state);
const char *event_text(enum event_kind event);
const char *reason_text(enum reason reason);
const char *tag_rejection_text(enum tag_rejection rejection);
const char *ticket_rejection_text(enum ticket_rejection rejection);
const char *race_count_text(enum race_count count);
const char *mirror_text(enum mirror_count count);
const char *placement_text(enum placement_count count);
const char *race_silence_text(enum race_silence silence);
const char *affinity_text(enum affinity affinity);

#endif
