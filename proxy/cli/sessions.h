/*
 * sessions.h: the sessions that an access log tells of: each by its point in the ordering, with
 * what its last line says. Lines may come in any sequence, as rotated files do.
 */
#ifndef HOLDFAST_CLI_SESSIONS_H
#define HOLDFAST_CLI_SESSIONS_H

#include "base/text.h"
#include "vocab.h"

#define SESSIONS_MAX        4000000 /* some 320 MiB; further ones are counted as left out */
#define SESSION_STAMP_BYTES 24      /* 2026-01-31T12:00:00.250Z */
#define SESSION_DIGITS      8

struct seen_session {
	uint64_t point;
	uint32_t service;                /* number, as the caller counts them */
	uint32_t primary;                /* member's index; MEMBER_NONE: none that is known */
	uint32_t last;                   /* who served it */
	uint32_t requests;               /* 0: an empty slot */
	bool fresh;                      /* the last request came without a tag */
	char stamp[SESSION_STAMP_BYTES]; /* of the last request */
	char digits[SESSION_DIGITS];     /* as the logs name it */
};

struct sessions {
	struct seen_session *slot; /* owned; open addressing, then by sessions_sort a list */
	size_t slots;              /* a power of 2, or 0 */
	size_t count;
	uint64_t left_out; /* requests of sessions above SESSIONS_MAX */
};

void sessions_init(struct sessions *s);
void sessions_deinit(struct sessions *s);
/* One request. `seen.requests` is not read. False: no memory. */
bool sessions_add(struct sessions *s, const struct seen_session *seen);
/* slot[0 .. count) becomes a list, by service and digits; nothing may be added after it. */
void sessions_sort(struct sessions *s);
/* Its clients send no tag: one that came again was new again. */
bool session_is_untagged(const struct seen_session *s);

#endif
