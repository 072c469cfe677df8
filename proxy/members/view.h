/*
 * view.h: an immutable snapshot of one service's members: the membership plus
 * this node's own opinion of who is up. An exchange holds one from start to end.
 *
 * Reference-counted: every holder takes a reference and gives it back; the last
 * one frees. Workers hold one reference for many exchanges (relay/worker).
 */
#ifndef HOLDFAST_MEMBERS_VIEW_H
#define HOLDFAST_MEMBERS_VIEW_H

#include "base/addr.h"
#include "hashring.h"
#include "members/member.h"
#include "result.h"
#include "vocab.h"

#include <stdatomic.h>

/* What never changes while a membership lives; shared by all its views. */
struct membership_member {
	char *id; /* owned, terminated */
	size_t id_bytes;
	char *zone;     /* owned; NULL: a zone of its own */
	uint32_t alias; /* as it stands in tags */
	uint32_t weight;
	uint32_t connections_max; /* 0: no bound */
	uint16_t hop;       /* 1 + place in cluster.nodes of the node that is asked; 0: direct */
	bool own;           /* this node stands beside it */
	struct addr origin; /* what is connected to: the member, or the node before it */
	bool http2;         /* that is spoken there */
	uint8_t proxy;      /* enum proxy_out: how connections there begin */
	struct addr named;  /* the same, as it was configured: perhaps a name */
	struct addr source; /* from where; family 0: any */
	char *origin_text;  /* owned: "127.0.0.1:9001" */
	struct member_live *live; /* one reference; NULL in a membership of no pool */
};

struct membership {
	atomic_uint refs;
	uint64_t epoch;        /* 0: from the configuration file */
	struct hashring *ring; /* owned */
	size_t count;
	struct membership_member *member; /* owned; count of them */
	struct alias_slot {
		uint32_t alias;
		uint32_t member; /* MEMBER_NONE: empty slot */
	} * by_alias;            /* owned; open addressing */
	size_t alias_slots;      /* a power of 2 */
};

struct config_service;
/*
 * From the configuration. RESULT_NO_MEMORY; RESULT_INVALID: two ids with one alias under this pool
 * key, or what hashring_create refuses; the problem names the ids.
 */
enum result membership_create(const struct config_service *service, struct membership **out,
			      struct problem *p);
struct membership *membership_ref(struct membership *m);
void membership_unref(struct membership **m);
/* MEMBER_NONE: no member has this alias (it left). */
uint32_t membership_by_alias(const struct membership *m, uint32_t alias);
/* MEMBER_NONE: no such id. */
uint32_t membership_by_id(const struct membership *m, struct slice id);
/* Where `member` of another membership stands in `m`; MEMBER_NONE: it left, or moved elsewhere. */
uint32_t membership_find(const struct membership *m, const struct membership_member *member);

struct view {
	atomic_uint refs;
	uint64_t generation;           /* grows with every change of opinion of this service */
	struct membership *membership; /* one reference held */
	size_t operational_count;
	size_t up_count;
	size_t backups_count;
	uint8_t *state;             /* enum member_state, by member */
	hashring_word *operational; /* set: up, suspect, drain */
	hashring_word *takes_new;   /* set: up, on trial also suspect; not who asks for none */
	hashring_word *backups;     /* set: up, suspect: where a session may move */
	uint8_t *backup_lanes;      /* the same for hashring_near */
	bool graded; /* some have another share of the new sessions than their weight: view_share */
	uint64_t slow_start_ms;
};

/* What a view is made of. */
struct view_opinion {
	const uint8_t *state; /* enum member_state, by member */
	/* Nobody checks the members actively, so a suspect one is given new sessions too: nothing
	 * else could ever prove it well. */
	bool trial;
	bool graded;
	uint64_t slow_start_ms;
};

/* NULL: no memory. One reference belongs to the caller. */
struct view *view_create(struct membership *m, uint64_t generation,
			 const struct view_opinion *opinion);
struct view *view_ref(struct view *v);
void view_unref(struct view **v);

/* What `member` is given of the new sessions that may go anywhere, in hundredths of a weight
 * (weight.h). It may differ from one call to the next. */
uint32_t view_share(const struct view *v, uint32_t member, uint64_t now_ms);

static inline bool
view_is_operational(const struct view *v, uint32_t member)
{
	return (v->operational[member / 64] >> (member % 64) & 1) != 0;
}

#endif
