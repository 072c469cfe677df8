/*
 * race.h: where a new session may start: all are asked at once, the first answer wins (US
 * 8,069,251, claim 1). This is the asking side, as a pure machine: a browser's entry node, or a
 * program. The answering side is race_host.h, the ticket ticket.h. The letters U1.. are those of
 * the project's notes on system 004.
 *
 *   IDLE -- race_start: INIT to all, one batch, one tag (U1, U2, U12) --> RACING
 *   RACING -- the first OFFER with the tag (U3, U6) --> CHOSEN; the tag is gone (U7)
 *          -- nothing within the limit: a second attempt with a new tag, then --> FALLBACK
 *   CHOSEN -- the session is opened with the ticket (U9) --> OPEN
 *          -- it is refused, or the node died: another race, not another offer --> RACING
 *   FALLBACK: the ordering decides, as without a race
 *
 * An offer after the tag is gone is late, whoever sent it (U8); one with a tag that was never given
 * out is a stranger's. Times are microseconds: a race on a LAN is over in a few thousand of them.
 */
#ifndef HOLDFAST_CLUSTER_RACE_H
#define HOLDFAST_CLUSTER_RACE_H

#include "cluster/race_wire.h"

#define RACE_SERVERS_MAX 64
#define RACE_NEVER       UINT64_MAX

enum race_state { RACE_IDLE, RACE_RACING, RACE_CHOSEN, RACE_OPEN, RACE_FALLBACK };
enum race_heard { RACE_WON, RACE_LATE, RACE_STRANGER };

struct race_rules {
	size_t servers;      /* 2 <= servers <= RACE_SERVERS_MAX (U13) */
	uint64_t limit_us;   /* of an attempt, from its first INIT on */
	uint64_t stagger_us; /* between two INITs; 0: all at once */
};

/* Zeroed: IDLE. */
struct race {
	enum race_state state;
	size_t servers;
	unsigned attempt; /* 1, 2 */
	uint64_t stagger_us;
	uint64_t ends_us;
	size_t asked;                    /* how many of `order` */
	uint8_t order[RACE_SERVERS_MAX]; /* in which they are asked */
	uint8_t tag[RACE_TAG_BYTES];
	/* That were good once, by attempt: to tell late from strange, and no more than that. */
	uint8_t gone[RACE_ATTEMPTS_MAX][RACE_TAG_BYTES];
	unsigned gone_count;
	size_t winner;
	uint64_t sent_us;                   /* the first INIT */
	uint64_t took_us[RACE_SERVERS_MAX]; /* U5: from its INIT to its OFFER; RACE_NEVER: none */
	uint8_t ticket[TICKET_BYTES];
	char url[RACE_URL_BYTES_MAX + 1]; /* where the winner opens */
	uint64_t late;
};

/*
 * Starts, or starts again. `tag`: 16 random bytes, never used before. The servers are asked in an
 * order shuffled by `draw`, so that who stands first in a list has nothing of it: race_ask says
 * whom, right after this, and whenever race_next is reached.
 */
void race_start(struct race *r, uint64_t now_us, const struct race_rules *rules,
		const uint8_t tag[RACE_TAG_BYTES], uint64_t draw);
/*
 * Who is to be sent an INIT now, into server[]; returns how many. All of them in one batch (U1),
 * or, with a stagger, one after another for as long as nobody offers (as RFC 8305 has it for
 * connections: many are not woken for each session, and those asked later are so much later).
 */
size_t race_ask(struct race *r, uint64_t now_us, size_t server[RACE_SERVERS_MAX]);
/* WON: the offer's ticket and URL are in *r. */
enum race_heard race_offered(struct race *r, uint64_t now_us, size_t server,
			     const struct race_offer *offer);
/* RACING and the limit is over? */
bool race_is_over(const struct race *r, uint64_t now_us);
/* It is: true: race_start once more, with another tag; false: FALLBACK. */
bool race_again(struct race *r, uint64_t now_us);
/* CHOSEN: the session was opened, or it was not: then as race_again. */
void race_opened(struct race *r);
bool race_refused(struct race *r);
/* When somebody is to be asked, or the limit is over. */
uint64_t race_next(const struct race *r);

#endif
